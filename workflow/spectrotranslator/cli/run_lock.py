"""One call at a time on a run, and nothing left over from a killed one."""

import errno
import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from spectrotranslator.errors import InputError
from spectrotranslator.shared_files import lock_file

RESULTS = Path("results")
MARK = "SPECTROTRANSLATOR_RUN"
NOTE_BYTES = 10_000
LOCKS = Path(".snakemake/locks")
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def held(run: str) -> Iterator[dict[str, str]]:
    """Hold the run's lock, end what a killed call left behind, and yield the environment.

    The environment marks every process of this call, so that the next one can find them. On a disk
    without file locks only a call on this machine is noticed, and a line says so.

    Raises
    ------
    InputError
        Another call on the run is at work; its process id is named. Or the lock cannot be had.
    """
    with _open(RESULTS / ".locks" / f"{run}.lock") as lock:
        lock.seek(0)
        note = _parse(lock.read(NOTE_BYTES)) if _own(lock) else {}
        if not _take(lock, note):
            who = f" by process {note['pid']}" if "pid" in note else ""
            raise InputError(f"run {run} is being made{who}; wait for it or stop it")
        file = _identity(lock)
        # In a copy of the folder lies the note of a call that may still be at work in the first.
        # A note with another run's token names no process of this one.
        mine = re.fullmatch(rf"{re.escape(run)}-\d+-\d+", note.get("token", ""))
        if note.get("file") == file and mine:
            end_survivors(note)
        token = f"{run}-{os.getpid()}-{time.time_ns()}"
        mine = {"pid": os.getpid(), "token": token, "since": time.time(), "file": file}
        lock.seek(0)
        lock.truncate()
        lock.write(json.dumps(mine))
        lock.flush()
        yield os.environ | {MARK: token}


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return lock_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def _take(lock: TextIO, note: dict) -> bool:
    """Take the lock; False where the call that wrote ``note`` is at work."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise InputError(f"{lock.name}: cannot be locked ({error.strerror})") from None
        print(
            "note: no file locks on this disk; call a run from one machine at a time",
            file=sys.stderr,
        )
        return not _at_work(note)
    return True


def _at_work(note: dict) -> bool:
    """Whether the process that wrote ``note`` lives on this machine, and is another than this."""
    if "pid" not in note or note["pid"] == os.getpid():
        return False
    try:
        process = psutil.Process(note["pid"])
        # Where another machine wrote the note, the number may be anybody's here.
        return process.create_time() <= note["since"] and Path(process.cwd()) == Path.cwd()
    except (psutil.Error, OSError):
        return False


def unlock(run: str) -> None:
    """Take away the locks that a killed Snakemake left on the run's files; other runs' stay.

    Raises
    ------
    InputError
        A Snakemake that was called by hand is at work here, and the locks may be its own.
    """
    place = f"{RESULTS / run}/"
    locks = [path for path in LOCKS.glob("*.lock") if place in path.read_text(errors="replace")]
    if locks and (at_work := _called_by_hand()):
        raise InputError(f"Snakemake is at work here, process {at_work}; wait for it or stop it")
    for path in locks:
        path.unlink(missing_ok=True)


def _called_by_hand() -> int | None:
    """A Snakemake in this folder that no call of ours has begun, by its process id."""
    for process in psutil.process_iter():
        try:
            named = any(Path(word).name == "snakemake" for word in process.cmdline()[:3])
            if named and Path(process.cwd()) == Path.cwd() and MARK not in process.environ():
                return process.pid
        except (psutil.Error, OSError):
            continue
    return None


def _own(lock: TextIO) -> bool:
    """Whether this user wrote the note; what another one wrote ends no process of ours."""
    return os.fstat(lock.fileno()).st_uid == os.geteuid()


def _identity(file: TextIO) -> list[int]:
    """What a file has as its own and a copy of it has not."""
    found = os.fstat(file.fileno())
    return [found.st_dev, found.st_ino]


def _parse(text: str) -> dict:
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    kinds = {"pid": int, "token": str, "since": int | float, "file": list}
    if not isinstance(note, dict) or not all(
        isinstance(note[k], kinds.get(k, object)) for k in note
    ):
        return {}
    return note if 0 < note.get("pid", 1) < 1 << 31 else {}


def end_survivors(note: dict) -> int:
    """End the processes of the call that wrote ``note``; how many there were.

    A process is one of them if its environment holds the call's mark and it started after it.
    """
    survivors = [process for process in psutil.process_iter() if _survives(process, note)]
    for process in survivors:
        process.kill()
    psutil.wait_procs(survivors, timeout=10)
    return len(survivors)


def _survives(process: psutil.Process, note: dict) -> bool:
    if "token" not in note:
        return False
    try:
        return (
            process.uids().effective == os.geteuid()
            and process.environ().get(MARK) == note["token"]
            and process.create_time() >= note["since"] - 1
        )
    except (psutil.Error, OSError):
        return False
