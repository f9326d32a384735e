"""North less south of the Galactic plane against radius, star matched to star.

One survey is southern and metallicity falls with height, so stars are compared only within cells
of radius, height, azimuth and gravity that hold both sides.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from spectrotranslator.evaluation.residual_statistics import robust_scatter
from spectrotranslator.seeds import seed

from .galactic_positions import Places

R_EDGES = np.arange(4.0, 17.01, 1.0)
Z_EDGES = np.array([0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.25, 3.25, 5.0])
AZIMUTH_EDGES = np.array([-90.0, -45.0, -15.0, 15.0, 45.0, 90.0])
LOGG_EDGES = np.array([-0.5, 1.5, 2.25, 3.25, 4.0, 5.0])
TUNING = 1.345
HUBER_STEPS = 5
FEWEST = 100.0
MOST = 10_000
FIELD_SIDE = 3.0
DRAWS = 200
SIMULATED = 20_000
BAND, CLAIM = 0.95, 0.99
WHEN = ("before", "after")
COLUMNS = ["when", "label", "R", "Z", "north", "south", "difference", "error", "low", "high"]


@dataclass(frozen=True)
class Compared:
    """Stars to be compared across the plane.

    ``before`` and ``after`` are abundances without and with translation, shape (labels, stars);
    ``members`` what each member of the ensemble translates, shape (members, labels, stars), NaN
    where a star has no good translation; ``measured`` says where the base's own survey measured a
    star and ``logg`` is in dex, both shape (stars,).
    """

    labels: list[str]
    places: Places
    logg: np.ndarray
    before: np.ndarray
    after: np.ndarray
    members: np.ndarray
    measured: np.ndarray

    def drawn(self, chance: np.random.Generator) -> np.ndarray:
        """Abundances before, and after as one member has them, shape (2 labels, stars).

        In every other draw stars that were measured have that member's translation too: what the
        translation does wrong on stars that both surveys saw then shows in the scatter of draws.
        """
        member = self.members[chance.integers(len(self.members))]
        instead = np.isfinite(member) & (~self.measured | (chance.random() < 0.5))
        return np.concatenate([self.before, np.where(instead, member, self.after)])

    def rows(self, chosen: np.ndarray) -> "Compared":
        """Only the ``chosen`` stars."""
        stars = (self.logg, self.before, self.after, self.members, self.measured)
        chosen_stars = (array[..., chosen] for array in stars)
        return Compared(self.labels, self.places.rows(chosen), *chosen_stars)

    def without(self, before: np.ndarray, after: np.ndarray) -> "Compared":
        """With a trend taken off the abundances, shape (labels, stars)."""
        return replace(
            self,
            before=self.before - before,
            after=self.after - after,
            members=self.members - after.astype(self.members.dtype),
        )


@dataclass(frozen=True)
class Asymmetry:
    """The asymmetry before and after translation.

    ``table``: a line for before or after translation, a label and a group of radii: mean R and
    |Z| (kpc), stars on both sides, matched difference, its standard error, joint band.
    ``probability``: by when and label, of as large a difference anywhere if there were none; none
    where there are too few stars. ``groups``: see `grouped`.
    """

    table: pd.DataFrame
    probability: dict[tuple[str, str], float | None]
    groups: np.ndarray

    def claimed(self, when: str, label: str) -> bool:
        """Whether an asymmetry is claimed: its probability is below 1%."""
        probability = self.probability[when, label]
        return probability is not None and probability < 1 - CLAIM

    def facts(self) -> dict[str, dict]:
        """By when and label, for JSON: whether claimed, the probability, and the table's lines."""
        found: dict[str, dict] = {when: {} for when in WHEN}
        for (when, label), probability in self.probability.items():
            mine = (self.table["when"] == when) & (self.table["label"] == label)
            found[when][label] = {
                "claimed": self.claimed(when, label),
                "probability": probability,
                "radii": self.table[mine].drop(columns=["when", "label"]).to_dict("records"),
            }
        return found


def asymmetry(stars: Compared, draws: int = DRAWS) -> Asymmetry:
    """North less south in bins of radius, with a band that holds all that is shown at once.

    Within a cell the two sides may still lie at somewhat other places: the trend that both have
    with radius, height and gravity is taken off first (`trend`). Every draw weights the stars
    anew (Poisson bootstrap, field by field: stars of one field lie at like places), puts them at
    distances drawn from their errors and takes the values of one member (`Compared.drawn`); the
    covariance of the draws gives the band and the probabilities. Where a bin of radius holds more
    than MOST stars on a side, the draws take evenly many of them: their scatter is then more than
    that of all, and the band wider.
    """
    chance = np.random.default_rng(seed("asymmetry"))
    gravity = np.digitize(stars.logg, LOGG_EDGES) - 1
    here = stars.places.cylindrical()
    slopes = [trend(here, stars.logg, side) for side in (stars.before, stars.after)]
    stars = stars.without(*slopes)
    values = np.concatenate([stars.before, stars.after])
    usual = Usual.of(here[0], values)
    first = difference(here, gravity, values, np.ones(len(gravity)), usual)
    groups = grouped(first.matched)
    few = thinned(*here[:2])
    stars, gravity = stars.rows(few), gravity[few]
    field = stars.places.fields(FIELD_SIDE)
    drawn = np.full((draws, len(values), groups.shape[1]), np.nan)
    for number in range(draws):
        place = stars.places.cylindrical(stars.places.drawn(chance))
        weight = chance.poisson(1.0, field.max(initial=-1) + 1).astype(np.float64)[field]
        found = difference(place, gravity, stars.drawn(chance), weight, usual)
        drawn[number] = found.over(groups).difference
    names = [(when, label) for when in WHEN for label in stars.labels]
    return _joined(names, first.over(groups), groups, drawn)


def trend(place: tuple[np.ndarray, ...], logg: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What ``values``, shape (labels, stars), change with R, |Z| and logg in each bin of radius.

    Robust least squares (Huber's pseudo-values) with a step across the plane, which is left in.
    """
    radius, height, _ = place
    found = np.zeros_like(values)
    near = (np.abs(height) < Z_EDGES[-1]) & (logg > LOGG_EDGES[0]) & (logg < LOGG_EDGES[-1])
    bins = np.where(near, np.digitize(radius, R_EDGES), 0)
    for number in range(1, len(R_EDGES)):
        rows = np.flatnonzero(bins == number)
        if len(rows) < FEWEST:
            continue
        r, z, g = radius[rows], np.abs(height[rows]), logg[rows]
        slopes = np.stack([r, z, z**2, g], axis=1)
        slopes -= slopes.mean(axis=0)
        design = np.column_stack([slopes, np.sign(height[rows]), np.ones(len(rows))])
        for i, label in enumerate(values[:, rows]):
            fit = np.full(len(rows), np.median(label))
            for _ in range(HUBER_STEPS):
                left = label - fit
                reach = TUNING * (robust_scatter(left) or 1.0)
                answer = np.linalg.lstsq(design, fit + np.clip(left, -reach, reach), rcond=None)[0]
                fit = design @ answer
            found[i, rows] = slopes @ answer[: slopes.shape[1]]
    return found


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


def _joined(
    names: list[tuple[str, str]], first: Difference, groups: np.ndarray, drawn: np.ndarray
) -> Asymmetry:
    flat = drawn.reshape(len(drawn), -1)
    flat = flat[np.isfinite(flat).all(axis=1)]
    value = first.difference
    if not value.size or len(flat) < 2:
        nothing = pd.DataFrame(columns=COLUMNS, dtype=np.float64)
        return Asymmetry(nothing, dict.fromkeys(names), groups)
    error = flat.std(axis=0, ddof=1).reshape(value.shape)
    freedom = np.broadcast_to(np.minimum(first.matched, len(flat)) - 1, value.shape)
    largest = _largest(np.corrcoef(flat, rowvar=False), freedom.ravel())
    reach = float(np.quantile(largest, BAND))
    pull = np.abs(value / error).max(axis=1)
    probability = {
        name: float((largest >= one).mean()) for name, one in zip(names, pull, strict=True)
    }
    radius, height = first.mean("radius"), first.mean("height")
    lines = [
        {
            "when": when,
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
        for i, (when, label) in enumerate(names)
        for j in range(value.shape[1])
    ]
    return Asymmetry(pd.DataFrame(lines, columns=COLUMNS), probability, groups)


def _largest(correlation: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Largest |pull| of all, drawn from Student's t of ``correlation``.

    The error of a bin of few stars is itself uncertain: ``freedom`` are its degrees of freedom.
    """
    chance = np.random.default_rng(seed("asymmetry", "joint"))
    values, vectors = np.linalg.eigh(np.atleast_2d(correlation))
    root = vectors * np.sqrt(np.maximum(values, 0))
    pulls = chance.standard_normal((SIMULATED, len(values))) @ root.T
    errors = np.sqrt(chance.chisquare(freedom, pulls.shape) / freedom)
    return np.abs(pulls / errors).max(axis=1)
