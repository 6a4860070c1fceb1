"""What a person runs beside the tracker node: choosing a target, following it, measuring."""
