"""A FITS header damaged in any way is named; it never ends in a traceback."""

import numpy as np
import pytest
from astropy.table import Table

from spectrotranslator.download.content_check import content_fault
from spectrotranslator.download.fits_layout import table_layout
from spectrotranslator.errors import InputError

DAMAGES = {
    "a number is text": (b"TFIELDS =                    2", b"TFIELDS =                  'x'"),
    "rows are text": (b"NAXIS2  =                    3", b"NAXIS2  =                  'x'"),
    "rows are negative": (b"NAXIS2  =                    3", b"NAXIS2  =                   -3"),
    "width cannot be read": (b"NAXIS1  =                   16", b"NAXIS1  =              ?  1 ?6"),
    "axis is not there": (b"NAXIS1  ", b"NAXIZ1  "),
    "form is not there": (b"TFORM1  ", b"TFORN1  "),
    "form is a number": (b"TFORM1  = 'K       '", b"TFORM1  =          7"),
    "null is text": (b"TNULL1  =                   -1", b"TNULL1  =                  'x'"),
    "bits are not there": (b"BITPIX  ", b"BITPIZ  "),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "stars.fits"
    table = Table({"id": np.ma.array([1, 2, 3], mask=[0, 0, 1]), "teff": np.ones(3)})
    table["id"].fill_value = -1
    table.write(path)
    return path


def test_null_of_an_integer_column_is_known(path):
    with path.open("rb") as stream:
        columns = table_layout(stream, "stars.fits").columns
    assert (columns["id"].null, columns["teff"].null) == (-1, None)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_header_is_a_fault_of_the_content(path, damage):
    before, after = DAMAGES[damage]
    content = path.read_bytes()
    extension = content.index(b"XTENSION")
    damaged = content[:extension] + content[extension:].replace(before, after, 1)
    assert damaged != content
    path.write_bytes(damaged)
    with path.open("rb") as stream, pytest.raises(InputError, match=r"stars\.fits.*damaged"):
        table_layout(stream, "stars.fits")
    assert "damaged" in content_fault(path, "stars.fits")
