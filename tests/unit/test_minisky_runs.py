"""The runs of the repository and the skies stored for them must speak of the same thing."""

import json
from pathlib import Path

import numpy as np
import pytest

from minisky.publish_sky import settings_digest
from minisky.settings import parse_sky
from spectrotranslator.config.loading import resolve

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["mini", "tiny"])
def test_run_is_compared_with_published_files_of_its_own_sky(name):
    configuration = resolve(name, ROOT)
    stored = ROOT / parse_sky(configuration.sky).published.stored
    made = json.loads((stored / "digest.json").read_text())
    assert made["settings"] == settings_digest(parse_sky(configuration.sky)), (
        f"config/runs/{name}.yaml and {stored.name}/sky.yaml differ: see "
        "docs/explanation/minisky.md"
    )


@pytest.mark.parametrize("name", ["mini", "tiny"])
def test_run_trains_as_its_published_side_did(name):
    configuration = resolve(name, ROOT)
    published = parse_sky(configuration.sky).published
    method = configuration.methods["as-published"]
    for key in ("learning_rates", "batch", "epochs", "patience"):
        ours, theirs = getattr(method.training, key), getattr(published, key)
        assert np.array_equal(ours, theirs), key
    assert tuple(method.network.widths) == published.widths
    assert method.ensemble.members == published.members
