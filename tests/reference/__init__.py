"""The plain, obvious implementation that the engine is held against."""
