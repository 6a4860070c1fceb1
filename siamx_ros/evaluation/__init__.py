"""Running trackers over sequences and judging them."""
