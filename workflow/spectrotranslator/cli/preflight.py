"""Look before a run: is every source there and as known, is there disk, memory, a working GPU."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdstables.layout import layout_from_yaml
from minisky.publish_sky import copy_stored
from minisky.settings import parse_sky
from minisky.simulate_sky import simulate
from spectrotranslator import user_paths
from spectrotranslator.config import Configuration, resolve
from spectrotranslator.download.fits_layout import table_layout
from spectrotranslator.download.http import RetryPolicy
from spectrotranslator.download.registry import URL_MAP, Source, read_registry
from spectrotranslator.download.require_columns import nearest
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.read_survey import catalogue_rows, measured, require_ids_that_fit
from spectrotranslator.surveys.readers import columns_of, read_table

from .check_machine import check_machine
from .check_result import CheckResult, as_json, table
from .check_sources import SourceState, check_sources, needed_files
from .run_lock import RESULTS

PATIENCE = RetryPolicy(connect_s=8, stall_s=12, attempts=1, per_host=4)
PROJECT_PAGE = "https://research.iac.es/proyecto/spectrotranslator/"
SKY = (
    "GALAH_DR3_main_allstar_v2.fits",
    "GALAH_DR3_VAC_GaiaEDR3_v2.fits",
    "allStarLite-dr17-synspec_rev1.fits",
    "gaia.parquet",
)


def main(arguments: list[str]) -> int:
    """``./reproduce preflight RUN [--json]``."""
    parser = argparse.ArgumentParser(
        "./reproduce preflight",
        description=__doc__,
        epilog="example: ./reproduce preflight full",
    )
    parser.add_argument(
        "run", type=user_paths.resolve_run, help="name of a run in config/runs, or its file"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    given = parser.parse_args(arguments)
    run = resolve(given.run)
    if run.sky and URL_MAP not in os.environ:
        return _beside_archive(run, arguments)
    started = time.monotonic()
    seen = check_sources(run, PATIENCE, _not_yet_published(run))
    findings = _findings(run, seen)
    faults = sum(finding.state == "fault" for finding in findings)
    seconds = time.monotonic() - started
    if given.json:
        told = {"run": run.run, "ready": not faults, "faults": faults, "seconds": round(seconds, 1)}
        print(json.dumps(told | {"findings": as_json(findings)}, indent=1))
    else:
        print(table(findings))
        verdict = "ready" if not faults else f"not ready: {faults} fault{'s' * (faults > 1)}"
        print(f"\nVerdict: {run.run} is {verdict} (looked for {seconds:.0f} s)")
    return 1 if faults else 0


def _beside_archive(run: Configuration, arguments: list[str]) -> int:
    """Do the same beside the simulated sky's archive, started as the rules start it."""
    with _sky(run) as (sky, published):
        command = [sys.executable, "-m", "minisky.serve", "--sky", str(sky)]
        command += ["--published", str(published), "--"] if published else ["--"]
        command += [sys.executable, "-m", "spectrotranslator", "preflight", *arguments]
        return subprocess.run(command).returncode


@contextmanager
def _sky(run: Configuration) -> Iterator[tuple[Path, Path | None]]:
    """The run's simulated sky and its published files, made for the look if not there yet."""
    made = RESULTS / run.run / "sky"
    sky_settings = parse_sky(run.sky)
    published = sky_settings.published
    if all((made / name).is_file() for name in SKY):
        stored = Path(published.stored) if published and published.stored else made / "published"
        yield made, stored if stored.is_dir() else None
        return
    with tempfile.TemporaryDirectory() as folder:
        sky = Path(folder)
        apart = (sky / "truth" / name for name in ("truth.parquet", "clusters.csv"))
        simulate(sky_settings, *(sky / name for name in SKY), *apart)
        if not (published and published.stored):
            yield sky, None
            return
        place = sky / "published"
        names = {"readme": "ReadMe", "g2a": "g2a.dat.gz", "a2g": "a2g.dat.gz"}
        outputs = {key: place / name for key, name in names.items()}
        copy_stored(sky_settings, outputs | {"digest": place / "digest.json"})
        yield sky, place


def _not_yet_published(run: Configuration) -> set[str]:
    """The published files of a simulated sky that the run itself will make first."""
    if not run.sky or (run.sky.get("published") or {}).get("stored"):
        return set()
    if (RESULTS / run.run / "sky" / "published").is_dir():
        return set()
    return set(needed_files(run)) - {
        name for names in run.sources.surveys.values() for name in names
    }


def _findings(run: Configuration, seen: list[SourceState]) -> list[CheckResult]:
    findings = [finding for one in seen for finding in one.findings]
    findings += [_users_table(run, name) for name, one in run.surveys.items() if one.path]
    findings += _authors(run)
    findings += [
        CheckResult(name, "download", "note", "made by the run itself, not looked at")
        for name in sorted(_not_yet_published(run))
    ]
    colours = any(one.difference for s in run.surveys.values() for one in s.features.values())
    if colours and not run.sources.photometry:
        words = "none by TAP: colours come without errors unless the survey's files hold them"
        findings.append(CheckResult("gaia", "photometry", "note", words))
    to_fetch = sum(one.bytes or 0 for one in seen)
    findings += [_download_time(seen, to_fetch)] if seen else []
    rows = sum(
        max(direction.published_counts.get("rows", (100_000,)))
        for direction in run.directions.values()
    )
    return findings + check_machine(run, to_fetch, 2 * rows)


def _authors(run: Configuration) -> list[CheckResult]:
    """Whether the authors' own training samples are at hand, and how they can be."""
    authors = run.sources.authors
    if authors is None:
        return []
    registry = read_registry(run.sources.registry)
    findings = []
    for kind, name in authors.files.items():
        if name not in registry:
            raise InputError(f"sources.authors.files: no source {name!r} is registered")
        findings.append(_sample_at_hand(run, kind, registry[name]))
    return findings


def _sample_at_hand(run: Configuration, kind: str, source: Source) -> CheckResult:
    needed = run.training_sample == "authors"
    folder, advice = (
        run.sources.authors.folder,
        (
            f"{source.file} is offered at {PROJECT_PAGE}: lay it in a folder and name that in "
            f"sources.authors.folder, or give its url in {run.sources.registry}"
        ),
    )
    if folder is None:
        if source.urls:
            return CheckResult(
                source.name, "sample", "ok", f"{kind}: fetched from {source.urls[0]}"
            )
        words = f"{kind}: not at hand, {'but trained on' if needed else 'not compared with ours'}"
        return CheckResult(source.name, "sample", "fault" if needed else "note", words, advice)
    path = Path(folder) / source.file
    if not path.is_file():
        return CheckResult(source.name, "sample", "fault", f"{path}: no such file", advice)
    wanted = [column for named in run.sources.authors.columns.values() for column in named.values()]
    with path.open("rb") as stream:
        layout = table_layout(stream, str(path))
    lacking = [name for name in dict.fromkeys(wanted) if name not in layout.columns]
    if lacking:
        near = ", ".join(nearest(lacking[0], layout.columns)) or "none"
        found = f"{path}: no column {lacking[0]!r}; nearest: {near}"
        return CheckResult(source.name, "sample", "fault", found, "set sources.authors.columns")
    return CheckResult(source.name, "sample", "ok", f"{path}: {layout.rows} stars")


def _users_table(run: Configuration, name: str) -> CheckResult:
    """Whether the first job that reads the user's own table would read it."""
    survey = run.surveys[name]
    try:
        rows = measured(survey, read_table([Path(survey.path)], columns_of(survey)))
        for direction in run.directions.values():
            if direction.origin == name and direction.catalogue:
                layout = layout_from_yaml(direction.catalogue)
                held = catalogue_rows(run, name, rows)
                require_ids_that_fit(held, survey.title, layout)
    except InputError as error:
        advice = f"mend the table, or what surveys.{name} says of it"
        return CheckResult(name, "file", "fault", str(error), advice)
    return CheckResult(name, "file", "ok", f"{survey.path}: {len(rows)} rows")


def _download_time(seen: list[SourceState], to_fetch: int) -> CheckResult:
    measured = [one for one in seen if one.bytes and one.rate]
    seconds = sum(one.bytes / one.rate for one in measured)
    found = f"{to_fetch / 1e6:.0f} MB to fetch"
    if measured:
        fetched = sum(one.bytes for one in measured)
        found += f"; {fetched / 1e6:.0f} MB of it in about {_duration(seconds)} at measured rates"
    unknown = sum(one.bytes is None and bool(one.rate) for one in seen)
    if unknown:
        found += f", and {unknown} files of unknown size"
    return CheckResult("all", "download", "ok", found)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
