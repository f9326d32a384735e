"""One step of the workflow as a command: its arguments and what it reads and writes.

Every step is a module that ends with its declarations::

    step = Step(__doc__)
    step.input("stars", "stars to translate")
    step.output("catalogue", "translated stars")

and has ``main(arguments)``, which receives the parsed arguments. `spectrotranslator.run_step` runs
it. Outputs are whole or absent (`spectrotranslator.files.atomic`).
"""

import argparse
from pathlib import Path


class Step:
    """Arguments of one workflow step.

    Parameters
    ----------
    description : str or None
        Docstring of the step's module; its first paragraph is shown by ``--help``.
    """

    def __init__(self, description: str | None):
        self.parser = argparse.ArgumentParser(description=(description or "").split("\n\n")[0])
        self.parser.add_argument("--record", type=Path, help="the job's provenance record")
        self._inputs: list[str] = []
        self._outputs: list[str] = []

    def input(self, name: str, help: str, many: bool = False, required: bool = True) -> None:
        """Declare ``--name``, a file (or several) that the step reads."""
        self._declare(self._inputs, name, help, many, required)

    def output(self, name: str, help: str, many: bool = False, required: bool = True) -> None:
        """Declare ``--name``, a file (or several) that the step writes."""
        self._declare(self._outputs, name, help, many, required)

    def option(self, name: str, help: str, **settings) -> None:
        """Declare ``--name``, a plain option; ``settings`` are those of ``argparse``."""
        self.parser.add_argument(f"--{name}", help=help, **settings)

    def setting(self, place: str) -> None:
        """Declare a place in the configuration that the step reads.

        The rule that runs the step runs again when a value below ``place`` changes. Names in
        braces are options of the step, ``*`` is any key, and ``everything`` the whole
        configuration; titles and descriptions count only where ``place`` names them.
        """

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

    def inputs(self, arguments: argparse.Namespace) -> dict[str, list[Path]]:
        """Files that the step reads, by the name of their argument."""
        return _paths(arguments, self._inputs)

    def outputs(self, arguments: argparse.Namespace) -> dict[str, list[Path]]:
        """Files that the step writes, by the name of their argument."""
        return _paths(arguments, self._outputs)

    def parameters(self, arguments: argparse.Namespace) -> dict:
        """Plain options as given; what is neither a number nor a truth value, as text."""
        files = {"record", *self._inputs, *self._outputs}
        return {
            name: _recorded(value) for name, value in vars(arguments).items() if name not in files
        }


def _recorded(value: object) -> bool | int | float | str | None:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value if isinstance(value, bool | int | float | None) else str(value)


def _paths(arguments: argparse.Namespace, names: list[str]) -> dict[str, list[Path]]:
    values = {name: getattr(arguments, name) for name in names}
    return {
        name: value if isinstance(value, list) else [value]
        for name, value in values.items()
        if value
    }
