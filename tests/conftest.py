"""Interrupts are heard, also where a shell that started the suite in the background muted them."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
