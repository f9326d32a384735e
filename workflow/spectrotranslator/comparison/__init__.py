"""A regenerated catalogue beside the published one: rows matched, differences graded."""
