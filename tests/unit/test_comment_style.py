"""A cut comment is known by the layout's way of writing it, in the comparison too."""

from dataclasses import replace
from pathlib import Path

import pytest

from cdstables.layout import layout_from_yaml
from spectrotranslator.comparison.flag_agreement import (
    Style,
    comment_figures,
    parse_comment,
    reasons_apart,
)

LAYOUT = layout_from_yaml(Path(__file__).resolve().parents[2] / "config/catalogues/g2a.yaml")
A, B = "| Input a_b outside training range", "| Output c_d outside training range"


def style(quote: str, cut: int, ellipsis: str) -> Style:
    return Style.of(replace(LAYOUT, comment={"quote": quote, "cut": cut, "ellipsis": ellipsis}))


def test_the_shipped_style_is_the_usual_one_within_its_column():
    assert Style.of(LAYOUT) == replace(Style(), longest=160)
    assert Style.of(replace(LAYOUT, comment=None)) == Style()


@pytest.mark.parametrize(
    ("written", "text", "cut"),
    [
        (style('"', 155, "..."), f'"{A}{B}|"', False),
        (style('"', 155, "..."), f'"{A}{B}', True),
        (style('"', 155, "..."), '""', False),
        (style('"', 155, "..."), '"', True),
        (style('"', 40, ""), f'"{(A + B)[:40]}"', True),
        (style("", 155, "[+]"), f"{A}{B[:9]}[+]", True),
        (style("", 155, "[+]"), f"{A}{B[:9]}...", False),
        (style("", 500, ""), (A + B).ljust(160, "x"), True),
        (style("", 500, ""), "", False),
    ],
)
def test_a_cut_comment_is_told_from_a_whole_one(written, text, cut):
    assert parse_comment(text, written)[1] is cut


def test_what_a_cut_comment_could_not_show_is_no_difference():
    chosen = style("", 155, "[+]")
    published, regenerated = [f"{A}| Output c_[+]"], [f"{A}{B}|"]
    assert comment_figures(published, regenerated, chosen)["other_reasons"] == 0
    assert reasons_apart(published, regenerated, chosen).to_pylist() == [""]
    assert comment_figures(published, regenerated)["other_reasons"] == 1
