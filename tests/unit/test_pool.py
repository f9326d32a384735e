"""Pairs drawn from a pool of members lie as far apart as replicates trained apart."""

from itertools import combinations

import numpy as np
import pytest

from spectrotranslator.comparison.tolerances import _spread
from spectrotranslator.config import resolve
from spectrotranslator.tolerance import member_pool
from spectrotranslator.tolerance.member_pool import chosen_members, progress

MEMBERS, POOL, PAIRS, TRIALS = 5, 20, 8, 400


def prediction(members: np.ndarray, noise: float, chance: np.random.Generator) -> float:
    """Mean of an ensemble with the noise of its realisations."""
    return members.mean() + noise * chance.normal()


@pytest.mark.parametrize("noise", [0.0, 0.4, 3.0])
def test_pairs_of_a_pool_scatter_as_executions_trained_apart(noise):
    chance = np.random.default_rng(6)
    drawn, apart = [], []
    for _ in range(TRIALS):
        pool = chance.normal(size=POOL)
        sides = [
            prediction(pool[chosen_members("g2a", "intrinsic", n, POOL, MEMBERS)], noise, chance)
            for n in range(2 * PAIRS)
        ]
        drawn.append(_spread("bias", np.subtract(sides[1::2], sides[::2]))["std"] ** 2)
        sides = [prediction(chance.normal(size=MEMBERS), noise, chance) for _ in range(PAIRS)]
        differences = [one - other for one, other in combinations(sides, 2)]
        apart.append(_spread("bias", np.array(differences))["std"] ** 2)
    assert np.mean(drawn) == pytest.approx(np.mean(apart), rel=0.1)


def test_the_two_of_a_pair_share_no_member_and_other_pairs_are_drawn_anew():
    pairs = [
        [chosen_members("g2a", "intrinsic", 2 * n + side, 10, 5) for side in (0, 1)]
        for n in range(8)
    ]
    assert all(sorted(first + second) == list(range(10)) for first, second in pairs)
    assert len({tuple(first) for first, _ in pairs}) > 5


def test_a_member_that_is_whole_is_not_trained_again(tmp_path, monkeypatch):
    monkeypatch.setattr(member_pool, "train_member", None)
    monkeypatch.setattr(member_pool, "with_replicate_seeds", lambda configuration, _: configuration)
    place = tmp_path / "g2a" / "intrinsic" / "member-3"
    place.mkdir(parents=True)
    (place / "weights.safetensors").touch()
    configuration = resolve("tiny")
    task = (configuration, tmp_path, tmp_path, "g2a", "intrinsic", 3)
    with pytest.raises(FileNotFoundError):  # of the sample: it would be trained
        member_pool._train(task)
    (place / "training.json").touch()
    member_pool._train(task)


def test_progress_is_told_as_it_is_made(capsys):
    assert list(progress(iter("ab"), 2, "members")) == ["a", "b"]
    assert capsys.readouterr().err == "1 of 2 members\n2 of 2 members\n"
