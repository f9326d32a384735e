"""Conversion to FITS, Parquet, VOTable and ECSV, and back."""

import shutil
import subprocess
import warnings
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.table import Table as AstropyTable

import cdstables
from cdstables.convert import main
from cdstables.fits_file import quietly
from cdstables.layout import Column, ReadMe, Table
from cdstables.reading import read, to_pandas
from cdstables.readme_text import format_readme
from cdstables.writing import write
from spectrotranslator.errors import InputError
from unit.test_cds_layout import layout, sample

SUFFIXES = ["fits", "parquet", "vot", "xml", "ecsv"]
STARS = Table(
    "stars.dat",
    46,
    None,
    "Stars & more",
    (
        Column(1, 19, "I19", "---", "id", "identifier [ucd=meta.id]", null=""),
        Column(21, 30, "F10.6", "[cm/s2]", "logg", 'a "log" < 9 [ucd=phys.gravity]', null="-9"),
        Column(32, 36, "A5", "---", "var", "", characters="false/true "),
        Column(38, 46, "A9", "---", "name", "name, & more", null=""),
    ),
)


@pytest.fixture
def stars(tmp_path):
    data = pa.table(
        {
            "id": [2**62 + 1, None, -5],
            "logg": [4.4375, None, -1.25],
            "var": [True, False, True],
            "name": ['a "b", c', None, "<&>"],
        }
    )
    write(tmp_path / "stars.dat", STARS, data)
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Stars", (STARS,))))
    return tmp_path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_there_and_back_gives_the_same_bytes(stars, suffix):
    out = stars / f"stars.{suffix}"
    assert main([str(stars / "ReadMe"), str(stars / "stars.dat"), str(out)]) == 0
    back = stars / "back" / "stars.dat"
    assert main([str(stars / "ReadMe"), str(out), str(back)]) == 0
    assert back.read_bytes() == (stars / "stars.dat").read_bytes()


@pytest.mark.parametrize("suffix", ["fits", "vot", "ecsv"])
def test_astropy_finds_values_units_words_and_nulls(stars, suffix):
    out = stars / f"stars.{suffix}"
    main([str(stars / "ReadMe"), str(stars / "stars.dat"), str(out)])
    table = AstropyTable.read(
        out, format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(suffix, suffix)
    )
    assert table.colnames == ["id", "logg", "var", "name"]
    assert table["id"].tolist() == [2**62 + 1, None, -5]
    assert table["logg"].tolist() == [4.4375, None, -1.25]
    assert table["var"].tolist() == [True, False, True]
    assert [text or None for text in table["name"].tolist()] == ['a "b", c', None, "<&>"]
    logarithm = "log(cm s-2)" if suffix == "fits" else units.dex(units.cm / units.s**2)
    assert table["logg"].unit == units.Unit(logarithm, parse_strict="silent")
    content = out.read_bytes()
    assert b"identifier" in content
    assert b"phys.gravity" in content
    assert b"meta.id" in content


def test_parquet_keeps_units_words_descriptors_and_nulls(stars):
    out = stars / "stars.parquet"
    main([str(stars / "ReadMe"), str(stars / "stars.dat"), str(out)])
    data = pq.read_table(out)
    assert data["id"].to_pylist() == [2**62 + 1, None, -5]
    assert data.schema.field("var").type == pa.bool_()
    about = data.schema.field("logg").metadata
    assert about[b"unit"] == b"[cm/s2]"
    assert about[b"ucd"] == b"phys.gravity"
    assert about[b"description"].startswith(b'a "log" < 9')


@pytest.mark.parametrize("name", ["g2a", "a2g"])
def test_our_catalogues_go_to_every_format_and_back(tmp_path, name):
    table = layout(name)
    write(tmp_path / table.name, table, sample(table, 30))
    readme = tmp_path / "ReadMe"
    readme.write_text(format_readme(ReadMe("Ours", (table,))))
    for suffix in SUFFIXES:
        out, back = tmp_path / f"x.{suffix}", tmp_path / suffix / table.name
        main([str(readme), str(tmp_path / table.name), str(out)])
        main([str(readme), str(out), str(back)])
        assert back.read_bytes() == (tmp_path / table.name).read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_without_rows_converts(tmp_path, suffix):
    (tmp_path / "stars.dat").write_bytes(b"")
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Stars", (STARS,))))
    out, back = tmp_path / f"stars.{suffix}", tmp_path / "back" / "stars.dat"
    main([str(tmp_path / "ReadMe"), str(tmp_path / "stars.dat"), str(out)])
    main([str(tmp_path / "ReadMe"), str(out), str(back)])
    assert back.read_bytes() == b""


def test_a_file_that_describes_itself_converts(stars):
    text = format_readme(ReadMe("Stars", (STARS,))) + "-" * 80 + "\n"
    path = stars / "mrt.txt"
    path.write_bytes(text.encode() + (stars / "stars.dat").read_bytes())
    main([str(path), str(path), str(stars / "mrt.parquet")])
    assert pq.read_table(stars / "mrt.parquet")["id"].to_pylist() == [2**62 + 1, None, -5]


@pytest.mark.parametrize(
    ("file", "out", "message"),
    [
        ("stars.dat", "stars.csv", "the suffix is none of .fits"),
        ("stars.dat", "new.dat", "the suffix is none of .fits"),
        ("stars.dat", "stars.dat", "written over itself"),
        ("none.dat", "stars.fits", "none.dat: no such file"),
        ("none.fits", "new/stars.dat", "none.fits: no such file"),
        ("bad.fits", "new/stars.dat", "no FITS file"),
        ("bad.parquet", "new/stars.dat", "no Parquet file"),
        ("bad.vot", "new/stars.dat", "no VOTable"),
        ("bad.ecsv", "new/stars.dat", "no ECSV file"),
        ("bad.dat", "stars.fits", "line 1, bytes 1-19, column id"),
    ],
)
def test_what_cannot_be_converted_is_refused_and_leaves_nothing(stars, file, out, message):
    if file.startswith("bad"):
        (stars / file).write_text("this is none of it, neither this nor that\n")
    with pytest.raises(InputError, match=message):
        main([str(stars / "ReadMe"), str(stars / file), str(stars / out)])
    assert file != "bad.dat" or not (stars / out).exists()
    assert not list(stars.rglob("*.part"))


@pytest.mark.filterwarnings("error")
def test_labels_and_units_of_the_cds_are_read_from_fits_without_a_warning(tmp_path):
    table = layout("g2a")
    write(tmp_path / table.name, table, sample(table, 3))
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Ours", (table,))))
    main([str(tmp_path / name) for name in ("ReadMe", table.name, "x.fits")])
    main([str(tmp_path / name) for name in ("ReadMe", "x.fits", "back.dat")])


def test_other_warnings_about_fits_are_heard():
    with pytest.warns(UserWarning, match="another"), quietly():
        warnings.warn("another", UserWarning, stacklevel=1)


def test_a_column_that_is_missing_is_named(stars):
    AstropyTable({"id": np.array([1])}).write(stars / "x.fits")
    with pytest.raises(InputError, match="no column 'logg'"):
        main([str(stars / "ReadMe"), str(stars / "x.fits"), str(stars / "new" / "stars.dat")])


@pytest.mark.skipif(shutil.which("stilts") is None, reason="STILTS is not installed")
@pytest.mark.parametrize("suffix", ["fits", "vot"])
def test_stilts_reads_our_files(tmp_path, suffix):
    table = layout("g2a")
    write(tmp_path / "g2a.dat", table, sample(table, 20))
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Ours", (table,))))
    out = tmp_path / f"g2a.{suffix}"
    main([str(tmp_path / "ReadMe"), str(tmp_path / "g2a.dat"), str(out)])
    if suffix == "vot":
        lint = subprocess.run(
            ["stilts", "votlint", f"votable={out}"], capture_output=True, text=True, timeout=120
        )
        assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")
    csv = tmp_path / "g2a.csv"
    command = ["stilts", "tpipe", f"in={out}", f"out={csv}", "ofmt=csv"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    theirs = AstropyTable.read(csv, format="ascii.csv")
    ours = read(tmp_path / "g2a.dat", table)
    for column in table.columns:
        expected = ours[column.label].to_pylist()
        found = [str(v) if column.kind == "A" else v for v in theirs[column.label].tolist()]
        if column.boolean:
            found = [text.lower() for text in found]
        assert found == expected, column.label


def test_a_text_column_with_a_null_code_keeps_it(tmp_path):
    table = replace(STARS, columns=(Column(1, 4, "A4", "---", "t", null="none"),), lrecl=4)
    data = pa.table({"t": ["a", None, ""]})
    write(tmp_path / "x.dat", table, data.slice(0, 2))
    assert (tmp_path / "x.dat").read_bytes() == b"a   \nnone\n"
    assert read(tmp_path / "x.dat", table)["t"].to_pylist() == ["a", None]


def test_the_package_s_own_names_read_write_and_check(stars):
    readme, path = stars / "ReadMe", stars / "stars.dat"
    table = cdstables.read(readme, path)
    assert str(table["logg"].unit) == "dex(cm / s2)"
    assert table["id"].mask.tolist() == [False, True, False]
    assert cdstables.check(readme, path).fine
    arrow = read(path, STARS)
    for given in (table, arrow, to_pandas(arrow)):
        back = stars / type(given).__module__ / "stars.dat"
        cdstables.write(readme, given, back)
        assert back.read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes()[:-3])
    assert not cdstables.check(readme, path).fine
