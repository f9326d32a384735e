"""Whether what was fetched is still what it was: a changed byte is noticed, whatever its time."""

from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import sha256
from spectrotranslator.untrusted import inside, read_json_object, regular_inside

from .registry import is_file_name

MANIFEST_BYTES = 10_000_000


def changed_sources(run_folder: str | Path, shared: str | Path | None = None) -> list[str]:
    """Names of fetched files of a run that are not what ``sources/manifest.json`` says.

    Every file is hashed anew. A file that is not there, or a run without a manifest, counts for
    nothing: the workflow sees that itself.

    Parameters
    ----------
    run_folder : str or Path
        Folder of the run.
    shared : str or Path, optional
        Shared download folder, into which links of ``sources/`` may lead.

    Returns
    -------
    list of str
        The names.

    Raises
    ------
    InputError
        The manifest names something that is no file of the run, or of the shared folder.
    """
    folder = Path(run_folder)
    return [
        entry["file"]
        for entry in _entries(folder)
        if (folder / "sources" / entry["file"]).is_file()
        and _changed(_place(folder, entry["file"], shared), entry)
    ]


def remove_changed(run_folder: str | Path, shared: str | Path | None = None) -> list[str]:
    """Remove changed fetched files with their receipts, so that they are fetched anew.

    A file in a shared download folder is removed there; nothing else outside of the run is touched.

    Parameters
    ----------
    run_folder : str or Path
        Folder of the run.
    shared : str or Path, optional
        Shared download folder, into which links of ``sources/`` may lead.

    Returns
    -------
    list of str
        Their names.

    Raises
    ------
    InputError
        The manifest names something that is no file of the run, or of the shared folder.
    """
    folder = Path(run_folder)
    names = changed_sources(folder, shared)
    for name in names:
        for path in (f"sources/{name}", f"sources/receipts/{name}.json"):
            _linked(folder, path, shared).unlink(missing_ok=True)
            (folder / path).unlink(missing_ok=True)
        (folder / "provenance" / "jobs" / f"{_job_of(name)}.json").unlink(missing_ok=True)
    return names


def _entries(folder: Path) -> list[dict]:
    """What the manifest says of each file; one that is damaged is removed and made anew."""
    place = inside(folder, "sources/manifest.json")
    if not place.exists():
        return []
    try:
        entries = [
            {key: entry[key] for key in ("file", "bytes", "sha256")}
            for entry in read_json_object(place, MANIFEST_BYTES)["sources"]
        ]
    except (InputError, KeyError, TypeError):
        if not place.is_file():
            raise
        place.unlink()
        return []
    for entry in entries:
        if not is_file_name(entry["file"]):
            raise InputError(
                f"{place}: {entry['file']!r} is no file of this folder; delete the manifest, it "
                "will be written again"
            )
    return entries


def _place(folder: Path, name: str, shared: str | Path | None) -> Path:
    """Where a fetched file really lies: in the run, or in the shared folder."""
    return regular_inside(folder, f"sources/{name}", linked=[shared] if shared else [])


def _linked(folder: Path, path: str, shared: str | Path | None) -> Path:
    return inside(folder, path, linked=[shared] if shared else [])


def _changed(path: Path, entry: dict) -> bool:
    return path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]


def _job_of(name: str) -> str:
    """Name of the job that fetched a file."""
    if name == "gaia.parquet":
        return "fetch_photometry"
    survey, copied, _ = name.partition(".vizier.parquet")
    return f"fetch_vizier-{survey}" if copied else f"fetch_file-{name}"
