"""Draw every figure of a run, with the data behind it and the numbers that the page quotes."""

import re
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from spectrotranslator.comparison.agreement import SHARES
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.documentation import unknowns
from spectrotranslator.evaluation.asymmetry import BAND, CLAIM, DRAWS, asymmetry
from spectrotranslator.evaluation.galactic_positions import Places, frame
from spectrotranslator.evaluation.homogenised_stars import compared as across_the_plane
from spectrotranslator.evaluation.homogenised_stars import usable, values
from spectrotranslator.evaluation.residual_statistics import LEVEL
from spectrotranslator.files import read_json, write_json
from spectrotranslator.step import Step
from spectrotranslator.translation.homogenise import flags, good_rows
from spectrotranslator.translation.shards import read_parts

from . import (
    plot_applicability,
    plot_asymmetry,
    plot_calibration,
    plot_clusters,
    plot_differences,
    plot_galaxy,
    plot_ledger,
    plot_networks,
    plot_residuals,
    plot_sky,
)
from .figure_names import compared, mapped, on_the_sky, section, with_clusters
from .held_out_stars import WHOSE, columns_of, figures_of, held_out
from .style import BAND as SHOWN
from .style import Drawn


def main(arguments: Namespace) -> None:
    """Run the step with its parsed ``arguments``."""
    room = FigureBuilder(load(arguments.config), arguments)
    facts = room.stated()
    with ProcessPoolExecutor(arguments.processes) as processes:
        for found in processes.map(room.draw, room.parts()):
            for name, values in found.items():
                facts[name] = facts.get(name, {}) | values
    write_json(arguments.facts, facts)


class FigureBuilder:
    """All figures of one run, from the files that the stage was given."""

    def __init__(self, configuration: Configuration, files: Namespace):
        self.configuration = configuration
        self.files = files

    def stated(self) -> dict:
        """What the page quotes whatever the figures show."""
        return {
            "schema_version": 1,
            "shown": {
                "percentiles": [5, SHOWN[0], 50, SHOWN[1], 95],
                "interval_percent": LEVEL[1] - LEVEL[0],
                "agreement_percent": SHARES,
                "joint_percent": 100 * BAND,
                "claim_percent": 100 * CLAIM,
            },
            "unknowns": unknowns(self.configuration),
        }

    def parts(self) -> list[tuple[str, ...]]:
        """What can be drawn side by side: a method of this class and what it is given."""
        return [
            *(("_of_direction", direction) for direction in self.configuration.directions),
            *(("_of_clusters", *one) for one in with_clusters(self.configuration)),
            *(("_of_galaxy", *one) for one in mapped(self.configuration)),
            *(("_of_comparison", direction) for direction in compared(self.configuration)),
            ("_of_ledger",),
        ]

    def draw(self, part: tuple[str, ...]) -> dict[str, dict]:
        """Draw one part; captions and the numbers that the page quotes.

        Every figure is given away before the next is drawn.
        """
        self.facts: dict[str, dict] = {"quality": {}, "asymmetry": {}}
        captions = {}
        kind, *given = part
        for drawn in getattr(self, kind)(*given):
            drawn.save(self.files.facts.parent)
            captions[drawn.name] = {
                "section": section(drawn.name),
                "title": drawn.title,
                "caption": drawn.caption,
            }
        return self.facts | {"figures": captions}

    def _of_comparison(self, direction: str) -> Iterator[Drawn]:
        diff = read_json(_of(self.files.diffs, direction))
        rows = _of(self.files.diff_rows, direction)
        path = _named(self.files.regenerated, f"{direction}.parquet")
        yield plot_differences.draw_grades(direction, diff)
        yield plot_differences.draw(
            direction, diff, rows, plot_differences.of_catalogue(rows, path)
        )
        yield plot_differences.draw_flags(direction, diff)
        if direction in on_the_sky(self.configuration):
            yield self._sky(direction, diff, rows)

    def _sky(self, name: str, diff: dict, rows: Path) -> Drawn:
        direction = self.configuration.directions[name]
        method = self.configuration.comparison.method
        translated = self._translated(method, name, flags(direction.networks))
        stars = pd.read_parquet(
            _named(self.files.stars, f"{direction.origin}.parquet"), columns=["row", "ra", "dec"]
        ).set_index("row")
        places = stars.loc[translated["row"]]
        return plot_sky.draw(
            name,
            diff,
            rows,
            (places["ra"].to_numpy(), places["dec"].to_numpy()),
            good_rows(translated, list(direction.networks)),
        )

    def _of_ledger(self) -> Iterator[Drawn]:
        yield plot_ledger.draw(read_json(self.files.ledger))

    def _of_direction(self, name: str) -> Iterator[Drawn]:
        direction = self.configuration.directions[name]
        features = self.configuration.surveys[direction.target].features
        stars = self._held_out(name)
        for method, table in stars.items():
            self.facts["quality"][f"{method}-{name}"] = {
                "stars": WHOSE,
                "figures": figures_of(table, features),
            }
            yield plot_residuals.draw(method, name, table, features)
        evaluation = read_json(_named(self.files.evaluations, f"{name}.json"))
        yield plot_calibration.draw_calibration(name, evaluation, stars)
        yield plot_calibration.draw_spread(name, stars, features)
        yield plot_networks.draw_histories(name, self._histories(name))
        yield plot_networks.draw_importance(name, self._importance(name))
        yield from self._trust(name)

    def _held_out(self, name: str) -> dict[str, pd.DataFrame]:
        direction = self.configuration.directions[name]
        samples = {
            kind: pd.read_parquet(_named(self.files.samples, f"{name}-{kind}.parquet"))
            for kind in direction.networks
        }
        labels = [label for kind in direction.networks.values() for label in kind.outputs]
        target = pd.read_parquet(
            _named(self.files.stars, f"{direction.target}.parquet"),
            columns=["key", *(f"{label}_error" for label in labels)],
        )
        return {
            method: held_out(
                direction,
                samples,
                pd.read_parquet(
                    _in(self.files.judged, method, f"{name}.parquet"), columns=columns_of(direction)
                ),
                target,
            )
            for method in self.configuration.methods
        }

    def _histories(self, name: str) -> pd.DataFrame:
        tables = []
        for path in self.files.histories:
            method, direction, kind, member = path.parts[-5:-1]
            if direction == name:
                about = {"method": method, "network": kind, "member": member}
                tables.append(pd.read_csv(path).assign(**about))
        return pd.concat(tables, ignore_index=True)

    def _importance(self, name: str) -> pd.DataFrame:
        kinds = self.configuration.directions[name].networks
        tables = [
            plot_networks.importance_table(
                method,
                {
                    kind: read_json(_in(self.files.importance, method, f"{name}-{kind}.json"))
                    for kind in kinds
                },
            )
            for method in self.configuration.methods
        ]
        return pd.concat(tables, ignore_index=True)

    def _trust(self, name: str) -> Iterator[Drawn]:
        direction = self.configuration.directions[name]
        features = self.configuration.surveys[direction.origin].features
        planes = plot_applicability.planes(direction, features)
        if not planes:
            return
        wanted = list(dict.fromkeys(chain.from_iterable((p.x, p.y) for p in planes)))
        kind = next(iter(direction.networks))
        path = _named(self.files.samples, f"{name}-{kind}.parquet")
        training = pd.read_parquet(path, columns=[f"from:{feature}" for feature in wanted])
        training.columns = wanted
        origin = pd.read_parquet(
            _named(self.files.stars, f"{direction.origin}.parquet"), columns=["row", *wanted]
        ).set_index("row")
        for method in self.configuration.methods:
            translated = self._translated(method, name, flags(direction.networks))
            good = good_rows(translated, list(direction.networks))
            catalogue = origin.loc[translated["row"]]
            tables = [
                (plane, plot_applicability.cells(plane, training, catalogue, good))
                for plane in planes
            ]
            yield plot_applicability.draw(method, name, tables, features)

    def _translated(self, method: str, name: str, columns: list[str]) -> pd.DataFrame:
        """Columns of all translated rows, of those that the method has."""
        parts = [p for p in self.files.parts if p.parent.parent.name == method]
        mine = [p for p in parts if re.fullmatch(rf"{re.escape(name)}-\d+-of-\d+\.parquet", p.name)]
        there = pq.read_schema(mine[0]).names
        chosen = [column for column in ["row", *columns] if column in there]
        return pd.concat(read_parts(mine, chosen), ignore_index=True)

    def _of_clusters(self, method: str, direction: str) -> Iterator[Drawn]:
        told = read_json(self.files.validation)["translations"][f"{method}-{direction}"]
        yield plot_clusters.draw(method, direction, told)

    def _of_galaxy(self, method: str, base: str) -> Iterator[Drawn]:
        features = self.configuration.surveys[base].features
        name = next(n for n, d in self.configuration.directions.items() if d.target == base)
        direction = self.configuration.directions[name]
        outputs = [label for kind in direction.networks.values() for label in kind.outputs]
        labels = [label for label in outputs if features[label].unit == "dex"]
        gravity = [label for label in outputs if features[label].unit == "dex(cm/s2)"]
        stars = self._homogenised(method, base, [*labels, *gravity], direction.origin)
        about = frame() | {"distances": self._distances(direction)}
        self.facts["frame"] = about
        yield self._maps(method, base, stars, labels, about)
        if gravity:
            yield self._asymmetry(method, base, name, stars, labels, gravity[0])

    def _homogenised(self, method: str, base: str, labels, origin: str) -> pd.DataFrame:
        path = _in(self.files.homogenised, method, f"homogenised_{base}.parquet")
        wanted = ["measured", "recommended", f"{origin}_row", "ra", "dec", "distance"]
        wanted += ["distance_low", "distance_high"]
        wanted += [n for label in labels for n in (label, f"{label}_own")]
        there = set(pq.read_schema(path).names)
        stars = pd.read_parquet(
            path,
            columns=[n for n in wanted if n in there],
            filters=[("recommended", "==", True)],
        )
        return stars[usable(stars, labels)].reset_index(drop=True)

    def _distances(self, direction) -> str:
        sides = (self.configuration.surveys[s] for s in (direction.target, direction.origin))
        return " and ".join(f"{side.distance} of {side.title}" for side in sides)

    def _maps(self, method: str, base: str, stars: pd.DataFrame, labels, about) -> Drawn:
        radius, height, _ = Places.of(stars).cylindrical()
        sides = [
            dict(zip(labels, values(stars, labels, when), strict=True))
            for when in ("before", "after")
        ]
        table = plot_galaxy.maps(radius, height, *sides, stars["measured"].to_numpy(bool))
        title = self.configuration.surveys[base].title
        return plot_galaxy.draw(method, base, title, table, labels, about)

    def _asymmetry(self, method, base, name: str, stars, labels, gravity: str) -> Drawn:
        direction = self.configuration.directions[name]
        members = self.configuration.methods[method].ensemble.trained
        columns = [f"{label}_member_{m}" for label in labels for m in range(members)]
        columns += flags(direction.networks)
        translated = self._translated(method, name, columns)
        given, _ = across_the_plane(stars, translated, direction, labels, gravity)
        found = asymmetry(given)
        about = {"draws": DRAWS, "joint_band": BAND, "claimed_beyond": CLAIM, "stars": len(stars)}
        self.facts["asymmetry"][f"{method}-{base}"] = about | found.facts()
        return plot_asymmetry.draw(method, base, found, labels)


def _named(paths: list[Path], name: str) -> Path:
    return next(path for path in paths if path.name == name)


def _of(paths: list[Path], folder: str) -> Path:
    return next(path for path in paths if path.parent.name == folder)


def _in(paths: list[Path], folder: str, name: str) -> Path:
    return next(path for path in paths if path.parts[-2:] == (folder, name))


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("samples", "training samples", many=True)
step.input("stars", "stars of every survey", many=True)
step.input("judged", "judged stars of every method", many=True)
step.input("evaluations", "methods judged, JSON", many=True)
step.input("histories", "histories of all members", many=True)
step.input("importance", "importance of the inputs", many=True)
step.input("parts", "translated rows, Parquet", many=True)
step.input("homogenised", "homogenised catalogues", many=True)
step.input("ledger", "rows in and out of every cut, JSON")
step.input("diffs", "comparisons, JSON", many=True, required=False)
step.input("diff-rows", "comparisons, a line a star", many=True, required=False)
step.input("regenerated", "the catalogues compared, Parquet", many=True, required=False)
step.input("validation", "repeats, clusters and benchmark stars, JSON", required=False)
step.option("processes", "how many parts are drawn at once", type=int, default=1)
step.output("facts", "captions and the numbers the page quotes, JSON")
step.output("figures", "every figure as SVG, PDF and CSV", many=True)
step.setting("methods")
step.setting("directions")
step.setting("surveys")
step.setting("surveys.*.title")
