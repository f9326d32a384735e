"""The one error that a user is meant to see."""

from cdstables.errors import InputError

__all__ = ["InputError"]
