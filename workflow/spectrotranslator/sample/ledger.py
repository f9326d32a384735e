"""One ledger: rows in and out of every cut, beside the published counts."""

from ..configuration import load
from ..files import read_json, write_json
from ..stage import Stage


def main(arguments) -> None:
    parts = {path.stem: read_json(path) for path in arguments.parts}
    directions = {
        name: {
            "published": direction.published_counts,
            "networks": {kind: parts[f"{name}-{kind}"] for kind in direction.networks},
        }
        for name, direction in load(arguments.config).directions.items()
    }
    write_json(arguments.ledger, {"schema_version": 1, "directions": directions})


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.input("parts", "ledger of every network, named DIRECTION-KIND.json", many=True)
stage.output("ledger", "the ledger")

if __name__ == "__main__":
    stage.run(main)
