"""Training the network: pairs, labels, losses, schedule, loop."""
