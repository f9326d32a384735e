"""One stage of the workflow as a command: its arguments, its one-line errors, its record.

Every stage module ends with::

    stage = Stage(__doc__)
    stage.input("stars", "stars to translate")
    stage.output("catalogue", "translated stars")
    if __name__ == "__main__":
        stage.run(main)

``main(arguments)`` receives the parsed arguments. Outputs are whole or absent (``files.atomic``).
"""

import argparse
import atexit
import gc
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .errors import InputError


class Stage:
    """Arguments, error handling and provenance record of one workflow command."""

    def __init__(self, description: str | None):
        self.parser = argparse.ArgumentParser(description=(description or "").split("\n\n")[0])
        self.parser.add_argument("--record", type=Path, help="where the job's record goes")
        self._inputs: list[str] = []
        self._outputs: list[str] = []

    def input(self, name: str, help: str, many: bool = False, required: bool = True) -> None:
        """Declare ``--name``, a file (or several) that the stage reads."""
        self._declare(self._inputs, name, help, many, required)

    def output(self, name: str, help: str, many: bool = False, required: bool = True) -> None:
        """Declare ``--name``, a file (or several) that the stage writes."""
        self._declare(self._outputs, name, help, many, required)

    def option(self, name: str, help: str, **settings) -> None:
        """Declare ``--name``, a plain option."""
        self.parser.add_argument(f"--{name}", help=help, **settings)

    def _declare(self, group: list[str], name: str, help: str, many: bool, required: bool) -> None:
        group.append(name.replace("-", "_"))
        self.parser.add_argument(
            f"--{name}",
            type=Path,
            nargs=("+" if required else "*") if many else None,
            default=[] if many else None,
            required=required,
            help=help,
        )

    def run(self, main: Callable[[argparse.Namespace], None]) -> None:
        """Parse the command line, run ``main``, write the record, exit with the right status."""
        atexit.register(gc.freeze)  # an ending process collects no garbage: torch's takes 0.5 s
        arguments = self.parser.parse_args()
        started = datetime.now(UTC)
        before = self._signatures(arguments) if arguments.record else {}
        try:
            main(arguments)
            if arguments.record:
                self._write_record(arguments, started, before)
        except InputError as error:
            sys.exit(_refuse(error))
        except OSError as error:
            traceback.print_exc()
            name = error.filename or self.parser.prog
            sys.exit(_refuse(f"{name}: {error.strerror or error}"))

    def _signatures(self, arguments: argparse.Namespace) -> dict:
        from .provenance.record import signatures

        return signatures(_paths(arguments, self._inputs))

    def _write_record(self, arguments: argparse.Namespace, started: datetime, before: dict) -> None:
        from .provenance.record import write_record

        write_record(
            arguments.record,
            inputs=_paths(arguments, self._inputs),
            outputs=_paths(arguments, self._outputs),
            started=started,
            parameters=self.parameters(arguments),
            before=before,
        )

    def parameters(self, arguments: argparse.Namespace) -> dict:
        """The plain options as given; what is not a number or a truth value, as text."""
        files = {"record", *self._inputs, *self._outputs}
        return {
            name: value if isinstance(value, bool | int | float | None) else str(value)
            for name, value in vars(arguments).items()
            if name not in files
        }


def _paths(arguments: argparse.Namespace, names: list[str]) -> dict[str, list[Path]]:
    values = {name: getattr(arguments, name) for name in names}
    return {
        name: value if isinstance(value, list) else [value]
        for name, value in values.items()
        if value
    }


def _refuse(message: object) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2
