"""Write the resolved configuration of a run beside its results."""

from ..stage import Stage
from .load import dump, resolve


def main(arguments) -> None:
    dump(resolve(arguments.run), arguments.config)


stage = Stage(__doc__)
stage.option("run", "name or path of the run configuration", required=True)
stage.output("config", "the resolved configuration")

if __name__ == "__main__":
    stage.run(main)
