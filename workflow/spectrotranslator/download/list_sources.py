"""One manifest of everything fetched, from the receipts of each file."""

from spectrotranslator.files import read_json, write_json
from spectrotranslator.step import Step


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    receipts = sorted(map(read_json, arguments.receipts), key=lambda receipt: receipt["name"])
    write_json(arguments.manifest, {"schema_version": 1, "sources": receipts})


step = Step(__doc__)
step.input("receipts", "receipts of the fetched files", many=True)
step.output("manifest", "the manifest")
