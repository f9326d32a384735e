"""Run one step of the workflow: ``python -m spectrotranslator.run_step MODULE ARGUMENTS``.

Errors of the user's input become one line and exit status 2; the last act of a step that succeeds
is its provenance record.
"""

import sys
import traceback
from argparse import Namespace
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType

from spectrotranslator import surroundings
from spectrotranslator.errors import InputError
from spectrotranslator.provenance.job_record import signatures, write_record
from spectrotranslator.source_code import is_step


def main(module_name: str, words: list[str]) -> int:
    """Run the step ``module_name`` with the arguments ``words``.

    Returns
    -------
    int
        Exit status: 0, or 2 where the step could not run.
    """
    surroundings.settle()
    if not is_step(module_name):
        return _refuse(f"{module_name}: no step of the workflow")
    module = import_module(module_name)
    arguments = _parser(module).parse_args(words)
    try:
        _run(module, module_name, arguments, words)
    except InputError as error:
        return _refuse(error)
    except OSError as error:
        traceback.print_exc()
        return _refuse(f"{error.filename or module_name}: {error.strerror or error}")
    return 0


def _parser(module: ModuleType):
    module.step.parser.prog = module.__name__
    return module.step.parser


def _run(module: ModuleType, name: str, arguments: Namespace, words: list[str]) -> None:
    started = datetime.now(UTC)
    inputs = module.step.inputs(arguments)
    before = signatures(inputs) if arguments.record else {}
    module.main(arguments)
    if arguments.record:
        write_record(
            arguments.record,
            module=name,
            words=words,
            inputs=inputs,
            outputs=module.step.outputs(arguments),
            started=started,
            parameters=module.step.parameters(arguments),
            before=before,
        )


def _refuse(message: object) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(_refuse("a step is expected, such as spectrotranslator.sample.crossmatch"))
    sys.exit(main(sys.argv[1], sys.argv[2:]))
