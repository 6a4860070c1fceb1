"""Turning predictions into a track: decode, motion, re-localisation, states."""
