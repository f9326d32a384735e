"""A miniature sky: a simulated Galaxy as two surveys see it, and the archive that serves it."""
