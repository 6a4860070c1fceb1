"""The client of the tracker node: publishes images, calls its services, keeps its answers."""
