"""What a step declares of itself, read from its source without importing it."""

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shlex import quote

#: Folder of the packages.
SOURCE = Path(__file__).resolve().parents[1]
#: Names of the declarations of `spectrotranslator.step.Step`.
DECLARATIONS = ("input", "output", "option", "setting")


@dataclass(frozen=True)
class StepInterface:
    """Declarations of one step: names of its arguments, and the settings it reads.

    ``settings`` are places in the configuration, such as ``methods.{method}.training``; a wildcard
    in braces stands for the option of that name, ``*`` for any key.
    """

    module: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: tuple[str, ...]
    settings: tuple[str, ...]

    @classmethod
    @cache
    def of(cls, module: str) -> "StepInterface":
        """Declarations of ``module``, a dotted name.

        Raises
        ------
        ValueError
            The module declares no step.
        """
        path = SOURCE.joinpath(*module.split(".")).with_suffix(".py")
        found: dict[str, list[str]] = {kind: [] for kind in DECLARATIONS}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if kind := _declaration(node):
                found[kind].append(node.value.args[0].value)
        if not found["input"] and not found["output"]:
            raise ValueError(f"{module} declares no step")
        return cls(module, *(tuple(found[kind]) for kind in DECLARATIONS))

    def reads(self, setting: str) -> bool:
        """Whether the step reads ``setting``, a place such as ``methods.robust.training.batch``."""
        return any(_covers(place, setting) for place in self.settings)

    def command(
        self,
        options: dict[str, str | Callable],
        config: str,
        wildcards: object,
        input: object,
        output: object,
    ) -> str:
        """Shell command of one job, every word quoted; empty inputs are left out.

        Parameters
        ----------
        options : dict
            Options that are no wildcards: a text, or a function of the wildcards.
        config : str
            Path of the resolved configuration.
        wildcards, input, output
            Snakemake's objects of the job.
        """
        words = ["python", "-m", "spectrotranslator.run_step", self.module]
        for name in self.inputs:
            given = config if name == "config" else getattr(input, _python(name), None)
            words += _flag(name, given)
        for name in self.options:
            given = options.get(name, getattr(wildcards, _python(name), None))
            words += _flag(name, given(wildcards) if callable(given) else given)
        for name in self.outputs:
            words += _flag(name, getattr(output, _python(name), None))
        words += _flag("record", getattr(output, "record", None))
        return " ".join(map(quote, words))


def _declaration(node: ast.stmt) -> str | None:
    """Kind of a declaration such as ``step.input("stars", ...)``; none of any other statement."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return None
    owner, kind = call.func.value, call.func.attr
    ours = isinstance(owner, ast.Name) and owner.id == "step" and kind in DECLARATIONS
    return kind if ours else None


def _covers(place: str, setting: str) -> bool:
    if place == "everything":
        return True
    keys = [r"[^.]+" if k == "*" or k.startswith("{") else re.escape(k) for k in place.split(".")]
    return re.match(r"\.".join(keys) + r"(\.|$)", setting) is not None


def _python(name: str) -> str:
    return name.replace("-", "_")


def _flag(name: str, given: str | Iterable[str] | None) -> list[str]:
    if not given:
        return []
    values = [given] if isinstance(given, str) else [str(value) for value in given]
    return [f"--{name}", *values]
