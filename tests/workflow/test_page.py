"""The report's page: numbers that stand in files, hostile text, accessibility, a real browser."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spectrotranslator.report.html_template import written_label

NUMBER = re.compile(r"(?<![\w.])(?<![A-Za-z]-)\d+(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)")
VOID = {"meta", "link", "img", "br", "hr", "input"}
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
CSS = "workflow/spectrotranslator/report/templates/style.css"


class Page(HTMLParser):
    """What a page holds: every tag with its attributes, and text by the files it comes from."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.numbers: dict[str, list[str]] = {}
        self.text: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self.feed(text)
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self._open.append((tag, attributes.get("data-numbers")))

    def handle_endtag(self, tag):
        assert self._open[-1][0] == tag, f"</{tag}> closes {self._open[-1]}"
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1][0] in ("style", "script"):
            return
        self.text.append(data)
        for _, files in reversed(self._open):
            if files is not None:
                self.numbers.setdefault(files, []).append(data)
                return

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def known_numbers(path: Path) -> set[float]:
    """All numbers of a file; of JSON also those within text, the figures' captions left out."""
    if path.suffix == ".parquet":
        table = pd.read_parquet(path).select_dtypes("number")
        return set(np.abs(table.to_numpy(np.float64).ravel()))
    found: set[float] = set()

    def walk(value, key=None):
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(name)
                walk(inner, name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, key)
        elif isinstance(value, str) and key not in ("caption", "title"):
            found.update(map(float, NUMBER.findall(value)))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.add(abs(float(value)))

    walk(json.loads(path.read_text()))
    return found


def unknown_numbers(page: str, folder: Path) -> list[str]:
    """Numbers of the page that are in none of the files that their section names, rounded."""
    missing = []
    for files, texts in Page(page).numbers.items():
        known = np.sort(list(set().union(*(known_numbers(folder / f) for f in files.split()))))
        for token in NUMBER.findall(" ".join(texts)):
            mantissa, _, exponent = token.partition("e")
            half = 0.5000001 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
            place = np.searchsorted(known, float(token) - half)
            if place == len(known) or known[place] > float(token) + half:
                missing.append(f"{token} ({files})")
    return missing


@pytest.fixture(scope="module")
def run(finished) -> Path:
    return finished.root / "results/tiny"


@pytest.fixture(scope="module")
def page(run) -> str:
    return (run / "report/index.html").read_text()


def test_every_number_of_the_page_stands_in_a_file_of_the_run(page, run):
    parsed = Page(page)
    held = sum(len(NUMBER.findall(" ".join(texts))) for texts in parsed.numbers.values())
    assert held > 500
    assert held == len(NUMBER.findall(" ".join(" ".join(t) for t in parsed.numbers.values())))
    assert unknown_numbers(page, run) == []


def test_a_number_that_no_file_holds_is_found(page, run):
    value = json.loads((run / "figures/facts.json").read_text())
    shown = f"{value['quality']['as-published-g2a']['figures'][0]['std_after']:.4g}"
    assert page.count(f">{shown}<") >= 1
    assert unknown_numbers(page.replace(f">{shown}<", ">987.6<", 1), run)


def test_no_number_stands_outside_of_a_part_that_names_its_files(page):
    parsed = Page(page)
    outside = " ".join(parsed.text)
    inside = " ".join(text for texts in parsed.numbers.values() for text in texts)
    assert len(NUMBER.findall(outside)) == len(NUMBER.findall(inside))


def test_every_figure_has_a_caption_its_files_and_its_data(page, run):
    captions = json.loads((run / "figures/facts.json").read_text())["figures"]
    drawn = {path.stem for path in (run / "figures").glob("*.svg")}
    assert drawn == set(captions) | {"rules"}
    for name in drawn:
        assert f'<figure id="{name}">' in page
        for suffix in ("pdf", "csv"):
            assert (run / f"figures/{name}.{suffix}").stat().st_size > 0
    assert all(len(one["caption"]) > 80 for one in captions.values())
    assert len(page) < 15e6


def test_planted_clusters_stand_in_the_section_of_the_validation(page, run):
    told = json.loads((run / "evaluation/validation.json").read_text())["translations"]
    clusters = pd.read_csv(run / "sky/truth/clusters.csv")["cluster"].unique().tolist()
    assert list(told["as-published-g2a"]["clusters"]) == clusters
    section = page[page.index('<h2 id="validation">') : page.index('<h2 id="galaxy">')]
    assert all(f'<th scope="row">{name}</th>' in section for name in clusters)


def test_the_ledger_parts_the_catalogue_s_rows_from_the_training_sample(page, run):
    ledger = page.partition('id="ledger"')[2].partition("</section>")[0]
    rows, training = ledger.split("<h4>")[1:3]
    assert rows.startswith("Rows of the catalogue")
    assert training.startswith("Training sample")
    assert "<td>galah</td><td><code>source_id &gt; 0</code>" in rows
    for survey in ("galah", "apogee"):
        assert f"<td>{survey}</td><td><code>one row a star</code>" in training
    assert "<td></td>" not in ledger


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "x" * 3000,
    "O'Brien; rm -rf ~ &amp; </table>",
)


def test_hostile_identifiers_and_reasons_show_as_text(clone):
    folder = clone.root / "results/tiny"
    before = Page((folder / "report/index.html").read_text())
    diff = json.loads((folder / "diff/g2a/diff.json").read_text())
    for star, name in zip(diff["columns"]["Teff50"]["worst"], HOSTILE, strict=False):
        star["identifier"] = name
    (folder / "diff/g2a/diff.json").write_text(json.dumps(diff))
    verdict = json.loads((folder / "verdict.json").read_text())
    verdict["catalogues"]["g2a.dat"]["columns"]["Teff50"]["reason"] = " ".join(HOSTILE)
    verdict["notes"] = list(HOSTILE)
    (folder / "verdict.json").write_text(json.dumps(verdict))
    record = json.loads((folder / "provenance/jobs/write_page.json").read_text())
    command = [str(clone.root / ".venv/bin/python"), *record["command"][1:]]
    subprocess.run(command, cwd=clone.root, check=True)
    after = Page((folder / "report/index.html").read_text())
    text = " ".join(after.text)
    for name in HOSTILE:
        assert name in text
    kinds = ("script", "img", "table")
    added = [len(after.named(kind)) - len(before.named(kind)) for kind in kinds]
    assert added == [0, 0, 0]


# What of axe's rules can be checked without it; axe itself is not among the project's packages.


def test_the_page_has_language_title_landmarks_and_headings_in_order(page):
    parsed = Page(page)
    assert parsed.named("html") == [{"lang": "en"}]
    assert len(parsed.named("title")) == len(parsed.named("main")) == len(parsed.named("h1")) == 1
    assert all("aria-label" in nav for nav in parsed.named("nav"))
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    names = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(names) == len(set(names))
    for section in parsed.named("section"):
        assert section["aria-labelledby"] in names
    for link in parsed.named("a"):
        inside = link["href"].startswith("#")
        assert link["href"].removeprefix("#") in names if inside else link["href"][:3] == "../"


def test_pictures_have_words_and_tables_have_headings(page):
    parsed = Page(page)
    assert all(picture["alt"].strip() for picture in parsed.named("img"))
    assert all(head.get("scope") in ("col", "row") for head in parsed.named("th"))
    assert len(parsed.named("table")) == len(parsed.named("caption"))
    scrolled = [a for a in parsed.named("div") if a.get("class") in ("wide", "card")]
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in scrolled)
    assert not [a for _, a in parsed.tags if int(a.get("tabindex", 0)) > 0]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_words_stand_out_in_light_and_dark(finished):
    style = (finished.root / CSS).read_text()
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part))
        for part in (style.partition("@media")[0], style.partition("@media")[2].partition("* {")[0])
    )
    for scheme in (light, light | dark):
        for name in ("text", "faint", "link", "good", "bad"):
            assert contrast(scheme[name], scheme["page"]) >= 4.5, name
            assert contrast(scheme[name], scheme["shade"]) >= 4.5, name


browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
FRAME = """<!DOCTYPE html><title>wide</title><body style="margin:0">
<iframe src="{page}" style="border:0;width:{width}px;height:2000px"></iframe>
<script>addEventListener("load", () => {{
  const inner = document.querySelector("iframe").contentDocument;
  inner.querySelectorAll("details").forEach((e) => {{ e.open = true; }});
  const own = (e) => !e.closest(".card, .skip");
  const over = [...inner.body.querySelectorAll("*")].filter(
    (e) => own(e) && e.getBoundingClientRect().right > {width} + 1);
  document.title = "width " + inner.documentElement.scrollWidth + " over "
    + over.map((e) => e.tagName + "." + e.className).join(",");
}});</script>"""


def opened(page: Path, folder: Path, *options: str) -> subprocess.CompletedProcess:
    """The page's document as Chromium leaves it, and what it said."""
    quiet = (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
        "--enable-logging=stderr",
    )
    return subprocess.run(
        [BROWSER, *quiet, f"--user-data-dir={folder}", *options, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=180,
    )


@browser
def test_a_browser_opens_the_page_without_a_word_or_a_request(run, tmp_path):
    log = tmp_path / "net.json"
    done = opened(run / "report/index.html", tmp_path / "user", f"--log-net-log={log}")
    assert done.returncode == 0
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count('<th scope="col"><button type="button">') > 20
    asked = re.findall(r'"(?:url|original_url)":\s*"(https?://[^"]+)"', log.read_text())
    assert not [url for url in asked if "index.html" in url]


@browser
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_reaches_over_the_edge_of_a_window(run, tmp_path, width):
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(page=(run / "report/index.html").as_uri(), width=width))
    done = opened(
        frame, tmp_path / "user", "--allow-file-access-from-files", "--window-size=1400,2100"
    )
    found = re.search(r"<title>width (\d+) over ([^<]*)</title>", done.stdout)
    assert found, done.stderr[-2000:]
    assert int(found[1]) <= width
    assert found[2] == ""


SEARCH = """<!DOCTYPE html><title>search</title><iframe src="{page}"></iframe>
<script>addEventListener("load", () => {{
  const inner = document.querySelector("iframe").contentDocument;
  const find = inner.querySelector("section[data-run]");
  const typed = (input, text) => {{ input.value = text; input.dispatchEvent(new Event("input")); }};
  const said = (text) => {{
    typed(find.querySelector("input"), text);
    return find.querySelector("[role=status]");
  }};
  const stars = inner.querySelector("table.stars");
  const star = stars.tBodies[0].rows[0].cells[1].textContent;
  const shown = () => [...stars.tBodies[0].rows].filter((row) => !row.hidden);
  const carried = said(star).textContent.includes("published");
  const hostile = said("<img src=x> it's").querySelectorAll("img").length;
  const command = said("it's").textContent;
  typed(stars.closest("details").querySelector("input"), star);
  const filtered = shown().length && shown().every((row) => row.textContent.includes(star));
  document.title = [carried, hostile, Boolean(filtered), command].join(" | ");
}});</script>"""


@browser
def test_a_star_is_found_by_id_and_tables_are_filtered(run, tmp_path):
    frame = tmp_path / "frame.html"
    frame.write_text(SEARCH.format(page=(run / "report/index.html").as_uri()))
    done = opened(frame, tmp_path / "user", "--allow-file-access-from-files")
    (found,) = re.findall(r"<title>(true|false) \| (\d+) \| (\w+) \| ([^<]*)</title>", done.stdout)
    assert found[:3] == ("true", "0", "true")
    assert found[3] == r"./reproduce why tiny g2a 'it'\''s'"


@pytest.mark.parametrize(
    ("name", "written"),
    [("TEFF", "Teff"), ("logg", "log g"), ("M_H", "[M/H]"), ("fe_h", "[Fe/H]"),
     ("Mg_fe", "[Mg/Fe]"), ("VHELIO_AVG", "radial velocity"), ("rv_galah", "radial velocity"),
     ("teff_a", "Teff"), ("<b>", "<b>"), ("C_FE", "C_FE")],
)  # fmt: skip
def test_labels_are_written_as_people_write_them(name, written):
    assert written_label(name) == written


def test_the_page_writes_labels_and_units_for_people(page):
    answer = page.partition('id="answer"')[2].partition("</ul>")[0]
    for text in ("Teff", "log g", "[M/H]", "[Mg/Fe]", "km/s"):
        assert text in answer
    assert "dex(" not in answer
    assert "TEFF" not in answer


def test_snakemake_makes_its_own_report_of_the_figures_offline(clone):
    place = clone.root / "results/tiny/report/snakemake.html"
    command = ["-m", "snakemake", "--config", "run=tiny", "--report", str(place)]
    done = subprocess.run(
        [str(clone.root / ".venv/bin/python"), *command],
        cwd=clone.root,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(clone.root), "https_proxy": "http://127.0.0.1:9"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = place.read_text()
    for name in ("Translation quality", "The Galaxy", "Ledger", "Provenance"):
        assert name in text
    for path in (clone.root / "results/tiny/figures").glob("*.svg"):
        assert path.name in text
    assert "Residuals, survey translated minus survey aimed at" in text
    audit = clone.verb("audit", "tiny")
    assert audit.returncode == 0, audit.stdout
