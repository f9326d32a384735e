"""Our reader beside astropy's, on astropy's own corpus and on our catalogues."""

import warnings
from pathlib import Path

import astropy
import numpy as np
import pytest
from astropy.io import ascii as astropy_ascii

from cdstables.layout import ReadMe
from cdstables.reading import described, read, read_described, to_astropy
from cdstables.readme import load_readme, parse_readme
from cdstables.readme_text import format_readme
from cdstables.writing import write
from spectrotranslator.errors import InputError
from unit.test_cds_layout import layout, sample

CORPUS = Path(astropy.__file__).parent / "io" / "ascii" / "tests" / "data"
PAIRS = [
    ("vizier/ReadMe", "vizier/table1.dat"),
    ("vizier/ReadMe", "vizier/table5.dat"),
    ("cds/glob/ReadMe", "cds/glob/lmxbrefs.dat"),
    ("cds/multi/ReadMe", "cds/multi/lhs2065.dat"),
    ("cds/multi/ReadMe", "cds/multi/lp944-20.dat"),
    ("cds/null/ReadMe", "cds/null/table.dat"),
    ("cds/null/ReadMe1", "cds/null/table1.dat"),
    ("cds/description/ReadMe", "cds/description/table.dat"),
    ("cds/datasplitcomplete/ReadMe", "cds/datasplitcomplete/table1.dat"),
    ("cds/datasplitcompletegz/ReadMe", "cds/datasplitcompletegz/table1.dat"),
]
WHOLE = [
    "cds.dat",
    "cds2.dat",
    "cdsFunctional.dat",
    "cdsFunctional2.dat",
    "no_data_cds.dat",
    "cds_mrt_dashes.txt",
]

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="this astropy was installed without its test corpus"
)


def theirs(path: Path, readme: Path | None = None):
    if not path.exists() and path.with_name(path.name + ".gz").exists():
        path = path.with_name(path.name + ".gz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = astropy_ascii.get_reader(astropy_ascii.Cds, readme=readme and str(readme))
        return reader.read(str(path))


def assert_same(ours, expected, table):
    """Values, masks and units are equal, with one exception.

    Astropy masks every blank text. By the standard a blank text is a text, and a null only where
    the explanation has a question mark; so is ours. Everything else is the same.
    """
    assert ours.colnames == expected.colnames
    for name in ours.colnames:
        one, other = ours[name], expected[name]
        mask = np.ma.getmaskarray(other)
        if table.column(name).kind == "A" and table.column(name).null is None:
            blank = np.array([text == "" for text in np.ma.getdata(one).tolist()], dtype=bool)
            assert not np.ma.getmaskarray(one).any()
            assert (mask <= blank).all()
        else:
            assert np.array_equal(np.ma.getmaskarray(one), mask), name
        assert np.ma.getdata(one)[~mask].tolist() == np.ma.getdata(other)[~mask].tolist(), name
        assert one.unit == other.unit, name


@pytest.mark.parametrize(("readme", "data"), PAIRS)
def test_values_masks_and_units_equal_those_of_astropy(readme, data):
    table = load_readme(CORPUS / readme).table(data)
    ours = to_astropy(read(CORPUS / data, table), table)
    assert_same(ours, theirs(CORPUS / data, CORPUS / readme), table)


@pytest.mark.parametrize("name", WHOLE)
def test_files_that_describe_themselves_equal_those_of_astropy(name):
    data, table = read_described(CORPUS / name)
    if name == "no_data_cds.dat":
        assert data.num_rows == 0
        assert len(data.column_names) == 12
        return
    assert_same(to_astropy(data, table), theirs(CORPUS / name), table)


@pytest.mark.parametrize("readme", sorted({readme for readme, _ in PAIRS}))
def test_a_readme_of_the_corpus_survives_being_written_again(readme):
    read_once = load_readme(CORPUS / readme)
    assert parse_readme(format_readme(read_once)).tables == read_once.tables


def test_every_description_of_a_long_readme_is_found():
    tables = load_readme(CORPUS / "cds" / "glob" / "ReadMe").tables
    assert [table.name for table in tables][:4] == [
        "cbdata.dat",
        "lmxbdata.dat",
        "pcbdata.dat",
        "*refs.dat",
    ]
    by_name = {table.name: table for table in tables}
    assert by_name["pcbdata.dat"].column("epos").allowed == frozenset(b"0123456789P")
    assert len(by_name["lmxbdata.dat"].columns) == 60


def test_notes_without_an_end_are_refused_with_their_line():
    path = CORPUS / "cds_malformed.dat"
    with pytest.raises(InputError, match=r"cds_malformed\.dat, line 29: the notes that begin"):
        described(path)
    with pytest.raises(InputError, match=r"line 29: the notes that begin"):
        load_readme(path)


def test_parts_with_a_gap_are_refused():
    directory = CORPUS / "cds" / "datasplitincomplete"
    table = load_readme(directory / "ReadMe").table("table1.dat")
    with pytest.raises(InputError, match="part 01 is missing"):
        read(directory / "table1.dat", table)


@pytest.mark.parametrize("name", ["g2a", "a2g"])
def test_astropy_reads_our_catalogue_with_our_readme_to_the_last_bit(tmp_path, name):
    table = layout(name)
    data = sample(table, 40)
    write(tmp_path / table.name, table, data)
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Ours", (table,))))
    other = theirs(tmp_path / table.name, tmp_path / "ReadMe")
    ours = to_astropy(read(tmp_path / table.name, table), table)
    assert_same(ours, other, table)
    for column in table.columns:
        if column.kind in "FE":
            assert ours[column.label].tobytes() == np.asarray(other[column.label]).tobytes()
        assert other[column.label].description == column.marked_explanation
