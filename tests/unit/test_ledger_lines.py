"""Lines of the ledger name their survey, in the file, on the report's page and in the figure."""

import re
from pathlib import Path

import pandas as pd
import pytest

from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Selection
from spectrotranslator.report.html_template import environment
from spectrotranslator.report.plot_ledger import labels, steps
from spectrotranslator.sample.crossmatch import matched

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "workflow/spectrotranslator/report/templates"
ROW = re.compile(r"<tr><td>(.*?)</td><td><code>(.*?)</code>")


def line(what: str, **survey: str) -> dict:
    return survey | {"what": what, "source": "ours", "in": 6, "out": 5}


NETWORK = {
    "catalogue_rows": [line("source_id > 0", survey="galah")],
    "training": [
        line("flag == 0", survey="galah"),
        line("one row a star", survey="galah"),
        line("one row a star", survey="apogee"),
        line("matched on source_id"),
    ],
}


def shown(network: dict) -> str:
    macros = environment(TEMPLATES).get_template("macros.html").module
    return str(macros.both_cuts("g2a, intrinsic", network, "galah"))


def test_the_page_tells_the_catalogue_s_rows_from_the_training_sample():
    before, rows, training = shown(NETWORK).split("<h4>")
    assert not ROW.findall(before)
    assert rows.startswith("Rows of the catalogue</h4>")
    assert ROW.findall(rows) == [("galah", "source_id &gt; 0")]
    assert training.startswith("Training sample</h4>")
    assert [survey for survey, _ in ROW.findall(training)] == ["galah", "galah", "apogee", "both"]


def test_a_catalogue_without_a_cut_holds_every_row():
    rows = shown(NETWORK | {"catalogue_rows": []}).split("<h4>")[1]
    assert "Every row of galah." in rows
    assert "<table" not in rows


@pytest.mark.parametrize("name", ["g2a", "a2g"])
def test_one_row_a_star_names_its_survey_in_either_direction(name):
    run = resolve("mini", ROOT)
    tables = {
        "galah": pd.DataFrame({"row": [0, 1, 2], "key": list("abc"), "source_id": [7, 7, 8]}),
        "apogee": pd.DataFrame({"row": [0, 1], "key": list("AB"), "source_id": [8, 9]}),
    }
    entries: list[dict] = []
    pairs = matched(run, run.directions[name], tables, Selection(cuts={}), entries)
    assert len(pairs) == 1
    assert entries[:2] == [
        {"survey": "galah", "what": "one row a star", "source": "ours", "in": 3, "out": 2},
        {"survey": "apogee", "what": "one row a star", "source": "ours", "in": 2, "out": 2},
    ]


def test_the_flow_of_rows_keeps_a_step_of_either_survey_apart():
    table = steps({"networks": {"intrinsic": NETWORK}})
    assert table["branch"].tolist() == ["galah", "galah", "apogee", "both"]
    assert labels(table)[1:3] == ["one row a star, galah", "one row a star, apogee"]
    assert labels(table)[0] == "flag == 0"
