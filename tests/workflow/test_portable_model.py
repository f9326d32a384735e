"""A trained direction as one file: exported, loaded, refused when tampered with."""

import io
import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import chdir

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.table import Table

from spectrotranslator import Translation
from spectrotranslator.errors import InputError
from workflow.test_translate import MODEL, columns, survey_stars


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    """The finished clone, its exported model, and stars as a Parquet file beside it."""
    folder = tmp_path_factory.mktemp("exported")
    done = finished.verb("export", MODEL, str(folder / "g2a.zip"))
    assert done.returncode == 0, done.stderr
    stars = survey_stars(finished)
    stars[columns(stars)].to_parquet(folder / "stars.parquet")
    return finished, folder / "g2a.zip", folder / "stars.parquet"


def test_an_exported_model_translates_to_the_bytes_of_the_run(exported, tmp_path):
    clone, model, stars = exported
    for name, given in (("run", MODEL), ("file", str(model))):
        done = clone.verb("translate", given, str(stars), str(tmp_path / f"{name}.parquet"))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run.parquet").read_bytes() == (tmp_path / "file.parquet").read_bytes()


def test_the_same_model_exports_to_the_same_bytes(exported, tmp_path):
    clone, model, _ = exported
    again = tmp_path / "again.zip"
    assert clone.verb("export", MODEL, str(again)).returncode == 0
    assert again.read_bytes() == model.read_bytes()


def test_the_card_says_what_the_model_is_and_no_path_is_in_the_file(exported):
    clone, model, _ = exported
    with zipfile.ZipFile(model) as archive:
        card = archive.read("README.md").decode()
        texts = [archive.read(n).decode() for n in archive.namelist() if n.endswith(("ml", "md"))]
        assert "LICENSE" in archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    for heading in ("Trained on", "Inputs", "Outputs", "Residuals", "Limits", "Origin"):
        assert f"\n## {heading}\n" in card
    assert "Trained on simulated stars" in card and "SIMULATED: T" in card
    assert "| intrinsic | teff | K | " in card
    assert not [text for text in texts if str(clone.root) in text]


@pytest.fixture(scope="module")
def translation(exported) -> Translation:
    return Translation.load(exported[1])


def test_every_kind_of_table_comes_out_as_the_command_writes_it(exported, translation, tmp_path):
    clone, model, stars = exported
    out = tmp_path / "out.parquet"
    assert clone.verb("translate", str(model), str(stars), str(out)).returncode == 0
    expected = pd.read_parquet(out)
    frame = pd.read_parquet(stars)
    before = frame.copy()
    from_pandas = translation.translate(frame)
    pd.testing.assert_frame_equal(from_pandas, expected)
    pd.testing.assert_frame_equal(frame, before)
    from_arrow = translation.translate(pa.Table.from_pandas(frame))
    assert isinstance(from_arrow, pa.Table)
    pd.testing.assert_frame_equal(from_arrow.to_pandas(), expected)
    from_astropy = translation.translate(Table.from_pandas(frame))
    assert isinstance(from_astropy, Table)
    assert from_astropy["TEFF_p50"].unit == "K"
    np.testing.assert_array_equal(from_astropy["TEFF_p50"], expected["TEFF_p50"])


def test_a_folder_of_a_run_loads_as_well(exported, translation):
    clone, _, stars = exported
    frame = pd.read_parquet(stars).head(20)
    with chdir(clone.root):
        loaded = Translation.load(MODEL)
    assert (loaded.method, loaded.direction) == ("as-published", "g2a")
    assert loaded.units["teff"] == "K"
    pd.testing.assert_frame_equal(loaded.translate(frame), translation.translate(frame))


def test_other_names_of_columns_and_of_stars_are_taken(exported, translation):
    frame = pd.read_parquet(exported[2]).head(20)
    expected = translation.translate(frame)
    other = frame.rename(columns={"teff": "T", "sobject_id": "name"})
    found = translation.translate(other, id="name", columns={"teff": "T"})
    added = [name for name in expected if name not in frame]
    pd.testing.assert_frame_equal(found[added], expected[added])
    assert list(found) == [*other, *added]


def test_what_cannot_be_translated_is_said_in_one_line(exported, translation):
    frame = pd.read_parquet(exported[2]).head(5)
    with pytest.raises(InputError, match="no column 'logg'"):
        translation.translate(frame.drop(columns="logg"))
    with pytest.raises(InputError, match="holds no row"):
        translation.translate(frame.head(0))
    with pytest.raises(InputError, match="list: no table"):
        translation.translate([1, 2])
    table = Table.from_pandas(frame)
    table["rv_galah"].unit = "K"
    with pytest.raises(InputError, match="'rv_galah' is in K"):
        translation.translate(table)


def test_the_package_imports_without_torch_or_pandas():
    code = "import sys, spectrotranslator, cdstables; print({'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_the_lines_of_the_readme_run(finished, capsys):
    page = (finished.root / "README.md").read_text()
    lines = re.search(r"```python\n(.*?)```", page, re.S)[1]
    assert len([line for line in lines.splitlines() if line]) == 5
    lines = lines.replace("results/mini", "results/tiny").replace("/robust/", "/as-published/")
    with chdir(finished.root):
        exec(lines, {})
    assert re.search(r"TEFF_p50 +TEFF_p16 +TEFF_p84", capsys.readouterr().out)


# Tampering ------------------------------------------------------------------------------------


def tampered_bytes(content: bytes) -> list[bytes]:
    """40 files that differ from ``content`` in single bytes, at their ends, or in their length."""
    chance = random.Random(25)
    # The manifest's and central directory's bytes are few: half of the places are among the last.
    places = [chance.randrange(len(content)) for _ in range(18)]
    places += [len(content) - 1 - chance.randrange(4000) for _ in range(12)]
    places += [0, 4, 10, 30, len(content) - 1, len(content) - 22]
    flipped = [content[:p] + bytes([content[p] ^ 1 << p % 8]) + content[p + 1 :] for p in places]
    return [*flipped, content[:-1], content + b"\0", b"\0" + content, b""]


def repacked(content: bytes, change, kind: int = zipfile.ZIP_STORED) -> bytes:
    """The archive written anew after ``change`` of its members."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members = change(members) or members
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as archive:
        for name, value in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = kind
            archive.writestr(entry, value)
    return stream.getvalue()


def rewritten_manifest(members: dict) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["method"] = "robust"
    members["manifest.json"] = (json.dumps(manifest, indent=1) + "\n").encode()


WEIGHTS = "networks/as-published/g2a/intrinsic/member-0/weights.safetensors"
CHANGES = [
    lambda m: m.update({"extra.txt": b"more"}),
    lambda m: m.update({"../escaped": b"out"}),
    lambda m: m.update({"/tmp/escaped": b"out"}),
    lambda m: m.pop("LICENSE") and None,
    lambda m: m.pop(WEIGHTS) and None,
    lambda m: m.pop("manifest.json") and None,
    lambda m: m.update({"renamed.md": m.pop("README.md")}),
    lambda m: m.update({WEIGHTS: m[WEIGHTS.replace("member-0", "member-1")]}),
    lambda m: m.update({"config.yaml": m["config.yaml"] + b"# more\n"}),
    rewritten_manifest,
    lambda m: dict(reversed(m.items())),
]


def test_every_tampering_is_refused_in_one_line(exported, tmp_path):
    _, model, _ = exported
    content = model.read_bytes()
    assert repacked(content, lambda members: None) == content
    files = [*tampered_bytes(content), *(repacked(content, change) for change in CHANGES)]
    bomb = {"config.yaml": b"\0" * 50_000_000}
    files.append(repacked(content, lambda m: m.update(bomb), zipfile.ZIP_DEFLATED))
    files.append(repacked(content, lambda m: None, zipfile.ZIP_DEFLATED))
    assert len(set(files)) == len(files) >= 50
    for number, changed in enumerate(files):
        path = tmp_path / "tampered.zip"
        path.write_bytes(changed)
        with pytest.raises(InputError) as refused:
            Translation.load(path)
        assert str(path) in str(refused.value) and "\n" not in str(refused.value), number
    assert not (tmp_path / "escaped").exists()


def test_the_command_refuses_a_tampered_model_and_writes_nothing(exported, tmp_path):
    clone, model, stars = exported
    path = tmp_path / "tampered.zip"
    shutil.copy(model, path)
    path.write_bytes(path.read_bytes()[:-5])
    done = clone.verb("translate", str(path), str(stars), str(tmp_path / "out.csv"))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"error: {path}: ")
    assert not (tmp_path / "out.csv").exists()


def test_export_refuses_what_is_no_model_and_a_name_without_zip(exported, tmp_path):
    clone, _, _ = exported
    for arguments in ((MODEL, tmp_path / "a.tar"), ("results/tiny", tmp_path / "a.zip")):
        done = clone.verb("export", *map(str, arguments))
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
        assert not arguments[1].exists()
