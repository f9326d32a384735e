"""Trained networks applied to catalogues: percentiles, flags, homogenised tables."""
