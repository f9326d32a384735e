"""``python -m spectrotranslator``: the verbs of ``./reproduce``."""

from spectrotranslator.cli.main import run

run()
