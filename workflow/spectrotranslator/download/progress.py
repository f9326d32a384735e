"""How far a transfer is: one line that moves on a terminal, a line now and then in a log."""

import sys
import time

EVERY_S = {True: 0.2, False: 10.0}


class Progress:
    """Bytes so far of ``name``; ``total`` None: not known."""

    def __init__(self, name: str, done: int, total: int | None):
        self.name, self.done, self.total = name, done, total
        self.first = done
        self.started = self.shown = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def add(self, count: int) -> None:
        """``count`` more bytes are there."""
        self.done += count
        now = time.monotonic()
        if now - self.shown >= EVERY_S[self.terminal]:
            self.shown = now
            self._say(now)

    def end(self) -> None:
        """The transfer is over."""
        self._say(time.monotonic())
        if self.terminal:
            print(file=sys.stderr)

    def _say(self, now: float) -> None:
        rate = (self.done - self.first) / max(now - self.started, 1e-3)
        text = f"{self.name}: {self.done / 1e6:.1f} MB"
        if self.total:
            left = (self.total - self.done) / max(rate, 1)
            text += f" of {self.total / 1e6:.1f} ({self.done / self.total:.0%}), {left:.0f} s left"
        start, end = ("\r\033[K", "") if self.terminal else ("", "\n")
        print(f"{start}{text}, {rate / 1e6:.1f} MB/s", end=end, file=sys.stderr, flush=True)
