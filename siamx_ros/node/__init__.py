"""The tracker node: what runs in its process."""
