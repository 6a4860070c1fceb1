"""The SiamX network: backbone, neck, cross-level correlation, heads, weights."""
