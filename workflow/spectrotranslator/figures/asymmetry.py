"""North less south of the Galactic plane against radius, star matched to star.

One survey is southern and metallicity falls with height, so stars are compared only within cells
of radius, height, azimuth and gravity that hold both sides.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..compare.statistics import robust_scatter
from ..seeds import seed
from .places import Places

R_EDGES = np.arange(4.0, 17.01, 1.0)
Z_EDGES = np.array([0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.25, 3.25, 5.0])
AZIMUTH_EDGES = np.array([-90.0, -45.0, -15.0, 15.0, 45.0, 90.0])
LOGG_EDGES = np.array([-0.5, 1.5, 2.25, 3.25, 4.0, 5.0])
TUNING = 1.345
FEWEST = 100.0
MOST = 10_000
DRAWS = 200
SIMULATED = 20_000
BAND, CLAIM = 0.95, 0.99


@dataclass(frozen=True)
class Compared:
    """Stars to be compared across the plane.

    ``abundances`` have the labels first, shape (labels, stars); ``members`` are what each member
    of the ensemble translates, shape (members, labels, stars), NaN where a star has no good
    translation, or none at all; ``measured`` says where the base's own survey measured a star,
    shape (stars,); ``logg`` is in dex.
    """

    labels: list[str]
    places: Places
    logg: np.ndarray
    abundances: np.ndarray
    members: np.ndarray | None = None
    measured: np.ndarray | None = None

    def drawn(self, chance: np.random.Generator) -> np.ndarray:
        """Abundances as one member has them, shape (labels, stars).

        In every other draw stars that were measured have that member's translation too: what the
        translation does wrong on stars that both surveys saw then shows in the scatter of draws.
        """
        if self.members is None:
            return self.abundances
        member = self.members[chance.integers(len(self.members))]
        instead = np.isfinite(member) & (~self.measured | (chance.random() < 0.5))
        return np.where(instead, member, self.abundances)

    def rows(self, chosen: np.ndarray) -> "Compared":
        """Only the ``chosen`` stars."""
        return Compared(
            self.labels,
            self.places.rows(chosen),
            self.logg[chosen],
            self.abundances[:, chosen],
            None if self.members is None else self.members[:, :, chosen],
            None if self.measured is None else self.measured[chosen],
        )


@dataclass(frozen=True)
class Asymmetry:
    """``table``: a line a label and group of radii: mean R and |Z| (kpc), stars on both sides,
    matched difference, its standard error, joint band. ``probability``: by label, of as large a
    difference in any of all groups and labels if there were none; none where there are too few
    stars. ``claimed``: by label, whether that is below 1%. ``groups``: see `grouped`.
    """

    table: pd.DataFrame
    groups: np.ndarray
    probability: dict[str, float]
    claimed: dict[str, bool]

    def facts(self) -> dict[str, dict]:
        """By label, for JSON: whether claimed, the probability, and the table's lines."""
        return {
            label: {
                "claimed": self.claimed[label],
                "probability": self.probability[label],
                "radii": self.table[self.table["label"] == label]
                .drop(columns="label")
                .to_dict(orient="records"),
            }
            for label in self.claimed
        }


def asymmetry(stars: Compared, draws: int = DRAWS) -> Asymmetry:
    """North less south in bins of radius, with a band that holds all bins and labels at once.

    Every draw weights the stars anew (Poisson bootstrap), puts them at distances drawn from
    their errors and takes the values of one member (`Compared.drawn`); the covariance of the
    draws, taken for normal, gives the band and the probabilities. Where a bin of radius holds more
    than MOST stars on a side, the draws take evenly many of them: their scatter is then more than
    that of all, and the band wider.
    """
    chance = np.random.default_rng(seed("asymmetry"))
    gravity = np.digitize(stars.logg, LOGG_EDGES) - 1
    here = stars.places.cylindrical()
    usual = Usual.of(here[0], stars.abundances)
    first = difference(here, gravity, stars.abundances, np.ones(len(gravity)), usual)
    groups = grouped(first.matched)
    few = thinned(*here[:2])
    stars, gravity = stars.rows(few), gravity[few]
    drawn = np.full((draws, len(stars.labels), groups.shape[1]), np.nan)
    for number in range(draws):
        place = stars.places.cylindrical(stars.places.drawn(chance))
        weight = chance.poisson(1.0, len(gravity)).astype(np.float64)
        found = difference(place, gravity, stars.drawn(chance), weight, usual)
        drawn[number] = found.over(groups).difference
    return _joined(stars.labels, first.over(groups), groups, drawn)


@dataclass(frozen=True)
class Usual:
    """Median and robust scatter of each label in each bin of radius, both shape (labels, bins)."""

    centre: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, radius: np.ndarray, values: np.ndarray) -> "Usual":
        """Of stars at ``radius`` (kpc), with ``values`` of shape (labels, stars)."""
        bins = np.digitize(radius, R_EDGES) - 1
        shape = (len(values), len(R_EDGES) - 1)
        centre, scatter = np.zeros(shape), np.ones(shape)
        for place in range(shape[1]):
            for i, label in enumerate(values[:, bins == place]):
                if len(label):
                    centre[i, place] = np.median(label)
                    scatter[i, place] = robust_scatter(label) or 1.0
        return cls(centre, scatter)


def thinned(radius: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Which stars the draws take: evenly spread, at most MOST a bin of radius and side."""
    place = 2 * np.digitize(radius, R_EDGES) + (height > 0)
    order = np.argsort(place, kind="stable")
    count = np.bincount(place)
    number = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    step = -(-count // MOST)[place[order]]
    few = np.zeros(len(place), bool)
    few[order] = number % np.maximum(step, 1) == 0
    return few


def grouped(matched: np.ndarray) -> np.ndarray:
    """Bins of radius joined, from outside in, until each group holds FEWEST matched stars.

    Shape (bins, groups), 1 where a bin is in a group; a rest on the inside stays out.
    """
    groups, waiting, held = [], [], 0.0
    for place in reversed(range(len(matched))):
        waiting.append(place)
        held += matched[place]
        if held >= FEWEST:
            groups.append(waiting)
            waiting, held = [], 0.0
    found = np.zeros((len(matched), len(groups)))
    for number, places in enumerate(reversed(groups)):
        found[places, number] = 1.0
    return found


@dataclass(frozen=True)
class Difference:
    """Sums over matched cells in bins of radius.

    ``matched`` is twice the sum of n_N n_S / (n_N + n_S): as many stars as an even number on
    both sides would be. ``cut``, shape (labels, bins), is the difference of the cut values times
    ``matched`` and ``uncut`` the share not cut times ``matched``; ``radius`` and ``height`` are R
    and |Z| (kpc) times ``matched``; ``north`` and ``south`` are stars.
    """

    cut: np.ndarray
    uncut: np.ndarray
    matched: np.ndarray
    north: np.ndarray
    south: np.ndarray
    radius: np.ndarray
    height: np.ndarray

    def over(self, groups: np.ndarray) -> "Difference":
        """Joined over groups of bins."""
        return Difference(*(getattr(self, name) @ groups for name in self.__dataclass_fields__))

    @property
    def difference(self) -> np.ndarray:
        """North less south, shape (labels, bins); NaN where nothing matched."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.uncut > 0, self.cut / self.uncut, np.nan)

    def mean(self, name: str) -> np.ndarray:
        """Mean ``radius`` or ``height`` (kpc) of the matched stars; NaN where nothing matched."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.matched > 0, getattr(self, name) / self.matched, np.nan)


def difference(
    place: tuple[np.ndarray, ...],
    gravity: np.ndarray,
    values: np.ndarray,
    weight: np.ndarray,
    usual: Usual,
) -> Difference:
    """Matched north less south: robust means within cells, cells joined by n_N n_S / (n_N + n_S).

    The robust mean is one step of Huber's (1964, Ann. Math. Stat. 35, 73) from the median of the
    bin: values are cut at TUNING scatters, and the difference is divided by the share not cut.

    Parameters
    ----------
    place
        R, Z (kpc) and azimuth (deg), each (stars,).
    gravity
        Bin of each star's surface gravity.
    values, weight
        Shape (labels, stars) and (stars,).
    """
    radius, height, azimuth = place
    shape = (len(R_EDGES) - 1, len(Z_EDGES) - 1, len(AZIMUTH_EDGES) - 1, len(LOGG_EDGES) - 1)
    index = [
        np.digitize(radius, R_EDGES) - 1,
        np.digitize(np.abs(height), Z_EDGES) - 1,
        np.digitize(azimuth, AZIMUTH_EDGES) - 1,
        gravity,
    ]
    inside = weight > 0
    for number, size in zip(index, shape, strict=True):
        inside &= (number >= 0) & (number < size)
    bins = index[0][inside]
    cell = np.ravel_multi_index([number[inside] for number in index], shape)
    cell = cell + np.prod(shape) * (height[inside] > 0)
    weight, total = weight[inside], 2 * int(np.prod(shape))

    def summed(quantity: np.ndarray) -> np.ndarray:
        """Over the stars of each cell: shape (south and north, bins, cells of a bin)."""
        return np.bincount(cell, quantity, minlength=total).reshape(2, shape[0], -1)

    stars = summed(weight)
    count = np.maximum(stars, 1e-300)
    matched = 2 * stars.prod(axis=0) / count.sum(axis=0)

    def joined(quantity: np.ndarray) -> np.ndarray:
        """Mean on each side of the plane times matched stars: shape (south and north, bins)."""
        return (matched * summed(weight * quantity) / count).sum(axis=2)

    cut, uncut = np.empty((2, len(values), shape[0]))
    for i, label in enumerate(values):
        pull = (label[inside] - usual.centre[i, bins]) / usual.scatter[i, bins]
        south, north = joined(np.clip(pull, -TUNING, TUNING) * usual.scatter[i, bins])
        cut[i] = north - south
        uncut[i] = joined((np.abs(pull) < TUNING).astype(np.float64)).mean(axis=0)
    both = (stars * (matched > 0)).sum(axis=2)
    return Difference(
        cut,
        uncut,
        matched.sum(axis=1),
        both[1],
        both[0],
        joined(radius[inside]).mean(axis=0),
        joined(np.abs(height[inside])).mean(axis=0),
    )


def _joined(labels: list[str], first: Difference, groups: np.ndarray, drawn) -> Asymmetry:
    flat = drawn.reshape(len(drawn), -1)
    flat = flat[np.isfinite(flat).all(axis=1)]
    value = first.difference
    if not value.size or len(flat) < 2:
        none = dict.fromkeys(labels)
        return Asymmetry(pd.DataFrame(columns=COLUMNS), groups, none, dict.fromkeys(labels, False))
    error = flat.std(axis=0, ddof=1).reshape(value.shape)
    largest = _largest(np.corrcoef(flat, rowvar=False))
    reach = float(np.quantile(largest, BAND))
    pull = np.abs(value / error).max(axis=1)
    probability = {
        label: float((largest >= one).mean()) for label, one in zip(labels, pull, strict=True)
    }
    radius, height = first.mean("radius"), first.mean("height")
    lines = [
        {
            "label": label,
            "R": float(radius[j]),
            "Z": float(height[j]),
            "north": int(first.north[j]),
            "south": int(first.south[j]),
            "difference": float(value[i, j]),
            "error": float(error[i, j]),
            "low": float(value[i, j] - reach * error[i, j]),
            "high": float(value[i, j] + reach * error[i, j]),
        }
        for i, label in enumerate(labels)
        for j in range(value.shape[1])
    ]
    claimed = {label: one < 1 - CLAIM for label, one in probability.items()}
    return Asymmetry(pd.DataFrame(lines, columns=COLUMNS), groups, probability, claimed)


COLUMNS = ["label", "R", "Z", "north", "south", "difference", "error", "low", "high"]


def _largest(correlation: np.ndarray) -> np.ndarray:
    """Largest |pull| of all, drawn from a normal of ``correlation``."""
    chance = np.random.default_rng(seed("asymmetry", "joint"))
    values, vectors = np.linalg.eigh(np.atleast_2d(correlation))
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.abs(chance.standard_normal((SIMULATED, len(values))) @ root.T).max(axis=1)
