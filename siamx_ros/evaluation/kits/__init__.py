"""Figures as the benchmarks' own kits compute them, and result files that they read."""
