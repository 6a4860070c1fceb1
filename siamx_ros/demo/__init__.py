"""The demonstration: a clip, the real tracker node, a video, a plot and a table."""
