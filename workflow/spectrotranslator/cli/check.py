"""``./reproduce check``: is a file what its ReadMe says, line by line."""

import cdstables.check
from spectrotranslator.user_paths import resolve_input


def main(arguments: list[str]) -> int:
    """Check files; see `cdstables.check.main`."""
    return cdstables.check.main(arguments, read_path=resolve_input)
