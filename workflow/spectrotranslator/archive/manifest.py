"""One manifest of everything fetched, from the receipts of each file."""

from ..files import read_json, write_json
from ..stage import Stage


def main(arguments) -> None:
    receipts = sorted(map(read_json, arguments.receipts), key=lambda receipt: receipt["name"])
    write_json(arguments.manifest, {"schema_version": 1, "sources": receipts})


stage = Stage(__doc__)
stage.input("receipts", "receipts of the fetched files", many=True)
stage.output("manifest", "the manifest")

if __name__ == "__main__":
    stage.run(main)
