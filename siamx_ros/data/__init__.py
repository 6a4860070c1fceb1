"""Sequences of images with boxes, read from the layouts of the field."""
