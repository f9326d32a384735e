"""``./reproduce convert``: CDS table to FITS, Parquet, VOTable or ECSV, and back."""

import cdstables.convert
from spectrotranslator.user_paths import resolve_input, resolve_output


def main(arguments: list[str]) -> int:
    """Convert a table; see `cdstables.convert.main`."""
    return cdstables.convert.main(arguments, resolve_input, resolve_output)
