"""``./reproduce check``: is a file what its ReadMe says, line by line."""

import cdstables.checking
from spectrotranslator.user_paths import resolve_input


def main(arguments: list[str]) -> int:
    """Check files; see `cdstables.checking.main`."""
    return cdstables.checking.main(arguments, read_path=resolve_input)
