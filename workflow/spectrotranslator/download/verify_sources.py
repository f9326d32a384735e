"""Whether what was fetched is still what it was: a changed byte is noticed, whatever its time."""

from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json, sha256


def changed_sources(run_folder: str | Path) -> list[str]:
    """Names of fetched files of a run that are not what ``sources/manifest.json`` says.

    Every file is hashed anew. A file that is not there, or a run without a manifest, counts for
    nothing: the workflow sees that itself.
    """
    sources = Path(run_folder) / "sources"
    return [
        entry["file"]
        for entry in _entries(sources)
        if (sources / entry["file"]).is_file() and _changed(sources / entry["file"], entry)
    ]


def remove_changed(run_folder: str | Path) -> list[str]:
    """Remove changed fetched files with their receipts, so that they are fetched anew.

    A file in a shared download folder is removed there. Returns their names.
    """
    sources = Path(run_folder) / "sources"
    names = changed_sources(run_folder)
    for name in names:
        for path in (sources / name, sources / "receipts" / f"{name}.json"):
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        (Path(run_folder) / "provenance" / "jobs" / f"{_job_of(name)}.json").unlink(missing_ok=True)
    return names


def _entries(sources: Path) -> list[dict]:
    manifest = sources / "manifest.json"
    if not manifest.is_file():
        return []
    try:
        entries = read_json(manifest)["sources"]
        return [{key: entry[key] for key in ("file", "bytes", "sha256")} for entry in entries]
    except (InputError, KeyError, TypeError):
        manifest.unlink()
        return []


def _changed(path: Path, entry: dict) -> bool:
    return path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]


def _job_of(name: str) -> str:
    """Name of the job that fetched a file."""
    if name == "gaia.parquet":
        return "fetch_photometry"
    survey, copied, _ = name.partition(".vizier.parquet")
    return f"fetch_vizier-{survey}" if copied else f"fetch_file-{name}"
