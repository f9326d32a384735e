"""``python -m spectrotranslator``: the verbs of ``./reproduce``."""

import sys

from .cli import main

sys.exit(main(sys.argv[1:]))
