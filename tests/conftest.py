"""The suite's process: interrupts are heard, and paths are seen from where a test stands."""

import os
import signal

from spectrotranslator.user_paths import CALLED_FROM

# A shell that starts the suite in the background mutes them.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The front door that started the suite told it where it was called.
os.environ.pop(CALLED_FROM, None)
