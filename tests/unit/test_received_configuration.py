"""A configuration from somebody else is data: bounded, and refused by its place."""

import os
import time
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from spectrotranslator.config.configuration import Configuration
from spectrotranslator.config.loading import layers, load, resolve, text
from spectrotranslator.config.setting import label, place, plain
from spectrotranslator.errors import InputError

ROOT = Path(__file__).parents[2]


def refused(path) -> str:
    """The one line with which the file is refused, within a second."""
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        resolve(str(path))
    assert time.monotonic() - started < 2
    assert "\n" not in str(caught.value)
    assert str(path.parent) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("depth", [15, 40])
def test_layers_that_double_are_read_once(tmp_path, depth):
    for level in range(depth):
        below = f"{level + 1}.yaml"
        text = f"extends: [{below}, {below}]\n" if level < depth - 1 else "surveys: 3\n"
        (tmp_path / f"{level}.yaml").write_text(text)
    (tmp_path / "x.yaml").write_text("extends: 0.yaml\n")
    assert ("levels" if depth > 20 else "surveys") in refused(tmp_path / "x.yaml")


def test_more_layers_than_anyone_writes_are_refused(tmp_path):
    for number in range(150):
        (tmp_path / f"{number}.yaml").write_text("description: x\n")
    path = tmp_path / "x.yaml"
    path.write_text(f"extends: {[f'{number}.yaml' for number in range(150)]}\n")
    assert "more than" in refused(path)


def test_layers_are_named_once_in_order(tmp_path):
    (tmp_path / "b.yaml").write_text("description: b\n")
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "x.yaml").write_text("extends: [a.yaml, b.yaml]\n")
    assert [path.name for path in layers(tmp_path / "x.yaml")] == ["x.yaml", "a.yaml", "b.yaml"]


HOSTILE = {
    "an alias bomb": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in ["ab", "bc", "cd", "de", "ef"]
    ),
    "an alias of itself": "a: &a [*a]\n",
    "a key twice": "description: a\ndescription: b\n",
    "a key that is no text": "1: a\n",
    "a mapping as a key": "{a: b}: c\n",
    "a tag that makes objects": "a: !!python/object/apply:os.system [touch mark]\n",
    "an integer of 5,000 digits": f"a: {'9' * 5000}\n",
    "brackets without end": "a: " + "[" * 100_000,
    "half a file": "a: [1, 2",
    "no mapping": "- 1\n",
    "nothing": "",
    "two documents": "a: 1\n---\nb: 2\n",
    "bytes": "a: \x00\n",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_yaml_is_refused_in_one_line(tmp_path, what):
    path = tmp_path / "x.yaml"
    path.write_text(HOSTILE[what])
    refused(path)
    (tmp_path / "y.yaml").write_text("extends: x.yaml\n")
    refused(tmp_path / "y.yaml")


@pytest.mark.parametrize("special", ["fifo", "/dev/zero", "folder", "loop", "large"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, special):
    path = tmp_path / "layer.yaml"
    if special == "fifo":
        os.mkfifo(path)
    elif special == "folder":
        path.mkdir()
    elif special == "large":
        path.write_bytes(b"#" * 2_000_000)
    else:
        path.symlink_to(path if special == "loop" else special)
    (tmp_path / "x.yaml").write_text("extends: layer.yaml\n")
    refused(tmp_path / "x.yaml")


def test_a_resolved_configuration_extends_nothing(tmp_path):
    (tmp_path / "secret.yaml").write_text("description: secret\n")
    whole = text(resolve("tiny", ROOT))
    (tmp_path / "config.yaml").write_text(f"{whole}extends: secret.yaml\n")
    with pytest.raises(InputError, match="unknown key 'extends'"):
        load(tmp_path / "config.yaml")


NAMES = ["123", "1e5", "0x10", "nan", "inf", "true", "null", "yes", "-rf", ".hidden", "a b", "a/b",
         "..", "{a}", "$(touch x)", "a'b", 'a"b', "a\nb", "", "a:b", "x" * 200, "1_000",
         "a\x1b[2K"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_none_are_refused(name):
    with pytest.raises(ValueError, match=r"name|number"):
        plain(name)
    with pytest.raises(ValidationError):
        Configuration.model_validate({"run": name, "surveys": {}, "directions": {}})


@pytest.mark.parametrize("name", ["mini", "2mass", "v1.2", "as-published", "e5", "x123"])
def test_names_that_are_names_are_kept(name):
    assert plain(name) == name


@pytest.mark.parametrize("name", ["{x}", "$(x)", "`x`", 'a"b', "a\nb", "-x", "", "a\x1b[2K", "<b>"])
def test_labels_that_act_elsewhere_are_refused(name):
    with pytest.raises(ValueError, match=r"label|dash"):
        label(name)


@pytest.mark.parametrize("name", ["[Fe/H]", "BP-G", "teff_GALAH", "v (km/s)"])
def test_labels_that_are_labels_are_kept(name):
    assert label(name) == name


@pytest.mark.parametrize("path", ["a{x}b.csv", "-rf", "a\nb", "", "x" * 2000])
def test_paths_that_are_arguments_or_patterns_are_refused(path):
    with pytest.raises(ValueError, match=r"path|dash"):
        place(path)


def test_widths_without_bound_are_refused(tmp_path):
    path = tmp_path / "x.yaml"
    value = {"methods": {"as-published": {"network": {"widths": [10**9]}}}}
    path.write_text(yaml.safe_dump(value))
    assert "widths" in refused(path)
