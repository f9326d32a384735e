"""Survey files and users' tables as one table of stars."""
