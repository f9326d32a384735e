"""Translate one spectroscopic survey onto another's base, and prove the catalogue that results."""

import gc
import sys

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"]:
    # A command starts: what its modules load stays, and looking for garbage there at every turn
    # takes a tenth of the start.
    gc.set_threshold(100_000)
