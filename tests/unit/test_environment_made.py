"""The environment: what makes it anew, what keeps it, and disks without locks."""

import errno
import fcntl
import shutil
import sys
import venv
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """``envs/make.py`` in a folder of its own, without downloads; ``made`` are the parts made."""
    shutil.copytree(ROOT / "envs", tmp_path / "envs", ignore=shutil.ignore_patterns("__pycache__"))
    spec = spec_from_file_location("make", tmp_path / "envs" / "make.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.made = []

    def create(place, with_pip, clear=False):
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "python").symlink_to(sys.executable)

    def install(part):
        module.made.append(part)
        module.note(part).write_text(module.stamp(part, module.version()))

    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(module, "install", install)
    monkeypatch.setattr(module, "lacking", lambda part: [])
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 0, 4e9))
    monkeypatch.setattr(sys, "argv", ["make.py", "run"])
    return module


def refusal(make, capsys) -> str:
    with pytest.raises(SystemExit) as ended:
        make.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err.splitlines()
    return next(line for line in told if line.startswith("error: "))


def change_the_locks(make) -> None:
    with (make.HERE / "torch.txt").open("a") as file:
        file.write("# another\n")


def test_another_python_that_calls_keeps_the_environment(make, monkeypatch):
    make.main()
    monkeypatch.setattr(sys, "version", "3.12.1 (built elsewhere) [another compiler]")
    make.main()
    assert make.made == ["run"]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("3.11.2 (main, May 1)", "3.11.9 (main, June 2)", True),
        ("3.11.2 (main)", "3.12.2 (main)", False),
        ("3.11.2 (main)", "", False),
    ],
)
def test_of_its_own_python_the_minor_version_counts(make, monkeypatch, before, after, same):
    monkeypatch.setattr(make, "version", lambda: before)
    make.main()
    monkeypatch.setattr(make, "version", lambda: after)
    assert make.complete("run") is same


def test_other_locks_make_it_anew_and_leave_nothing_aside(make):
    make.main()
    (make.VENV / "mine").touch()
    change_the_locks(make)
    make.main()
    assert make.made == ["run", "run"]
    assert not (make.VENV / "mine").exists()
    assert not make.OLD.exists()


def test_what_cannot_be_made_anew_is_put_back(make, monkeypatch, capsys):
    make.main()
    (make.VENV / "mine").touch()
    change_the_locks(make)
    monkeypatch.setattr(make, "install", lambda part: make.fail("no network"))
    assert "no network" in refusal(make, capsys)
    assert (make.VENV / "mine").exists()
    assert not make.OLD.exists()


def test_after_a_kill_the_whole_one_is_still_put_back(make, monkeypatch, capsys):
    make.main()
    (make.VENV / "mine").touch()
    make.VENV.rename(make.OLD)
    make.VENV.mkdir()
    monkeypatch.setattr(make, "install", lambda part: make.fail("no network"))
    refusal(make, capsys)
    assert (make.VENV / "mine").exists()


def test_of_a_linked_environment_the_target_is_left_alone(make, tmp_path):
    make.main()
    shared = tmp_path / "shared"
    make.VENV.rename(shared)
    make.VENV.symlink_to(shared)
    change_the_locks(make)
    make.main()
    assert not make.VENV.is_symlink()
    assert (shared / "bin" / "python").exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_file_locks_it_goes_on_and_says_so(make, monkeypatch, capsys, number):
    def flock(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    make.main()
    assert make.made == ["run"]
    assert capsys.readouterr().err.count("note: no file locks") == 1


def test_a_lock_that_cannot_be_written_is_said_in_one_line(make, capsys):
    make.LOCK.mkdir()
    assert ".venv.lock: cannot be written" in refusal(make, capsys)


def test_a_lock_that_fails_otherwise_is_said_in_one_line(make, monkeypatch, capsys):
    def flock(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert "Input/output error" in refusal(make, capsys)


def test_what_was_noted_complete_and_is_empty_is_made_anew(make, monkeypatch):
    make.main()
    assert make.complete("run")
    monkeypatch.setattr(make, "lacking", lambda part: ["six==1.0"])
    assert not make.complete("run")


def test_what_pip_is_told_to_put_elsewhere_comes_to_the_environment(make, monkeypatch):
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://index.example/simple")
    given = make.own()
    assert "PIP_TARGET" not in given
    assert given["PIP_EXTRA_INDEX_URL"] == "https://index.example/simple"
