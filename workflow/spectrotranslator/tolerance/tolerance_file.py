"""The file of tolerances: how far two replicates lie apart, and what unknown choices can do."""

from collections.abc import Iterable, Mapping

from spectrotranslator.comparison.tolerances import spread_of_pairs
from spectrotranslator.config import Configuration
from spectrotranslator.files import digest
from spectrotranslator.source_code import code_digest


def tolerance_file(
    configuration: Configuration, command: str, module: str, catalogues: Mapping[str, dict]
) -> dict:
    """What a file of tolerances holds.

    Parameters
    ----------
    configuration : Configuration
        That of the run.
    command : str
        What makes the file again.
    module : str
        The module that makes it, whose code is stated.
    catalogues : mapping
        Direction to what ``catalogue_tolerances`` gives.
    """
    method = configuration.methods[configuration.comparison.method]
    return {
        "schema_version": 1,
        "origin": {
            "command": command,
            "method": digest(method.model_dump(mode="json")),
            "code": code_digest(module),
        },
        "catalogues": dict(catalogues),
    }


def catalogue_tolerances(
    pairs: Iterable[Mapping], choices: Mapping[str, Mapping], replicates: int, rows: int
) -> dict:
    """The tolerances of one catalogue.

    Parameters
    ----------
    pairs : iterable of mapping
        The statistics of every pair of replicates (``pair_statistics``).
    choices : mapping
        Column to the ends of each statistic over the stated unknown choices.
    replicates : int
        Degrees of freedom of the spread plus one.
    rows : int
        Rows of a replicate.
    """
    return {
        "replicates": replicates,
        "rows": rows,
        "choices": choices,
        "columns": spread_of_pairs(pairs),
    }
