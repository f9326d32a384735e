"""What the caller's shell, pipe, terminal and Snakemake arguments may do to ours: nothing."""

import os
import signal
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from spectrotranslator import repository as git
from spectrotranslator.cli import main as front_door
from spectrotranslator.cli import snakemake_process
from spectrotranslator.cli.snakemake_arguments import understand
from spectrotranslator.errors import InputError
from spectrotranslator.surroundings import clean

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "words",
    ["-n", "-np", "-nq", "-pn", "--dry-run", "--dryrun", "--dag", "--summary", "-S", "-D", "--lint",
     "--rulegraph", "--list-rules", "--unlock", "--report r.html", "--touch", "--version", "--help",
     "-n --quiet rules", "--cores 1 -n", "--delete-all-output"],
)  # fmt: skip
def test_what_makes_no_results_is_understood_as_such(words):
    assert not understand(words.split()).makes_results


@pytest.mark.parametrize(
    "words", ["", "-p", "--cores 2", "-j 3", "--until train_members", "-q", "--keep-going", "all"]
)
def test_what_makes_results_is_understood_as_such(words):
    assert understand(words.split()).makes_results


@pytest.mark.parametrize(
    "words",
    ["--config a=1", "-C a=1", "--config=run=mini", "--configfile x.yaml",
     "--directory /tmp", "-d /tmp", "--snakefile x", "-s x", "-nC a=1"],
)  # fmt: skip
def test_what_undoes_ours_is_refused_with_the_way_to_do_it(words):
    with pytest.raises(InputError, match=r"would make another run: (write|call)"):
        understand(words.split())


@pytest.mark.parametrize("words", ["--no-such", "--until"])
def test_what_snakemake_does_not_take_is_said_in_one_line(words):
    with pytest.raises(InputError, match="Snakemake does not take") as caught:
        understand(words.split())
    assert str(caught.value).isprintable()


def test_cores_are_ours_to_choose_unless_they_were_given():
    assert understand(["--cores", "2"]).chooses_cores
    assert understand(["-j4"]).chooses_cores
    assert not understand(["-p"]).chooses_cores


def door(*words: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess:
    """The front door in a process of its own, as ``reproduce`` starts it, within ``shell``."""
    command = f'"{sys.executable}" -I -m spectrotranslator {" ".join(words)} {shell}'
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=os.environ | environment,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_help_into_a_pipe_that_closes_or_a_full_disk():
    done = door("--help", shell="| head -1; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")
    done = door("--help", shell="> /dev/full")
    assert done.returncode == 2
    assert done.stderr == "error: standard output: No space left on device\n"
    assert door("--help", shell=">&-").returncode == 0


ENDS = """
from spectrotranslator.cli import main
from types import SimpleNamespace
def verb(rest):
    for number in range(100_000):
        print("DAMAGED", number)
    return 1
main.import_module = lambda name: SimpleNamespace(main=verb)
main.sys.argv = ["x", "audit"]
main.run()
"""


def test_the_status_is_kept_though_the_reader_leaves(tmp_path):
    (tmp_path / "ends.py").write_text(ENDS)
    command = f'"{sys.executable}" "{tmp_path}/ends.py" | head -1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "DAMAGED 0\n", "")


@pytest.mark.parametrize(
    "error", [TypeError("odd"), RecursionError(), MemoryError(), KeyError("x")]
)
def test_an_unexpected_error_is_one_line_and_status_2(error, monkeypatch, capsys):
    def verb(rest):
        raise error

    module = type("Module", (), {"main": staticmethod(verb)})
    monkeypatch.setattr(front_door, "import_module", lambda name: module)
    assert front_door.main(["audit", "x"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: audit: {type(error).__name__}")
    assert told.count("\n") == 1


def test_names_with_escape_codes_do_not_reach_the_terminal(capsys):
    assert front_door.main(["audit", "x/\x1b[2Kwhole\n"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_output_that_is_ascii_takes_any_text():
    code = "from spectrotranslator import surroundings as s; s.settle(); print('\u00b1 x')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"? x\n")


@pytest.mark.parametrize(
    "name", ["PIP_TARGET", "GIT_DIR", "GIT_WORK_TREE", "PYTHONHOME", "PYTHONPATH", "BASH_ENV"]
)
def test_what_would_change_our_tools_is_cleared(name):
    assert name not in clean({name: "/elsewhere", "HOME": "/root"})
    assert clean({"HOME": "/root"})["HOME"] == "/root"


def test_the_backend_of_figures_is_ours():
    code = (
        "from spectrotranslator import surroundings as s; s.settle();"
        "import matplotlib; print(matplotlib.get_backend(), matplotlib.rcParams['font.size'])"
    )
    home = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | home, capture_output=True)
    assert done.stdout.lower().split() == [b"agg", b"10.0"]


def told(monkeypatch, script: str, tmp_path: Path) -> dict:
    """What is recorded where git does what ``script`` says."""
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return git.repository.__wrapped__()


def test_a_refusal_of_git_is_told_and_the_commit_read_without_it(monkeypatch, tmp_path, capsys):
    root = tmp_path / "clone"
    (root / ".git" / "refs" / "heads").mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
    monkeypatch.setattr(git, "ROOT", root)
    script = 'echo "fatal: detected dubious ownership in repository" >&2; exit 128'
    assert told(monkeypatch, script, tmp_path)["commit"] == "a" * 40
    assert "dubious ownership" in capsys.readouterr().err
    (root / ".git" / "HEAD").write_text("ref: ../../../etc/passwd\n")
    assert "dubious" in told(monkeypatch, script, tmp_path)["commit"]


def test_the_foreign_repository_of_the_caller_is_not_recorded(monkeypatch):
    before = git.repository.__wrapped__()
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert git.repository.__wrapped__() == before


def test_a_terminal_that_goes_away_ends_the_run(monkeypatch):
    taken = {}
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_DFL)
    monkeypatch.setattr(signal, "signal", lambda number, act: taken.update({number: act}))
    snakemake_process._end_on_signals()
    assert {signal.SIGHUP, signal.SIGTERM} <= taken.keys()
    taken.clear()
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
    snakemake_process._end_on_signals()
    assert signal.SIGHUP not in taken, "nohup"


@pytest.fixture
def make():
    spec = spec_from_file_location("make", ROOT / "envs" / "make.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pip_s_settings_that_send_packages_elsewhere_are_withdrawn(make, monkeypatch):
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_DRY_RUN", "PIP_USER", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "x")
    kept = {name for name in make.own() if name.startswith("PIP_")} - make.KEPT_OF_PIP
    assert kept == set()
    assert make.own()["PIP_INDEX_URL"] == "x"


def test_what_is_complete_is_looked_at(make, monkeypatch, tmp_path):
    lock = tmp_path / "run.lock"
    lock.write_text("numpy==0.0.1 \\\n    --hash=sha256:0\nodd==1 ; sys_platform == 'x' \\\n")
    monkeypatch.setattr(make, "HERE", tmp_path)
    monkeypatch.setattr(make, "VENV", Path(sys.prefix))
    monkeypatch.setattr(make, "PARTS", {"run": [["-r", "run.lock"]]})
    assert make.lacking("run") == ["numpy==0.0.1"]
    monkeypatch.setattr(make, "PARTS", {"run": [["-r", str(ROOT / "envs" / "run.lock")]]})
    assert make.lacking("run") == []


def test_a_clone_keeps_its_line_ends_where_git_is_told_to_change_them(tmp_path):
    bare = tmp_path / "project"
    bare.mkdir()
    for name in (".gitattributes", "reproduce", "Snakefile"):
        (bare / name).write_bytes((ROOT / name).read_bytes())
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-c", "core.autocrlf=true", "-C"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, str(bare), *words], check=True)
    clone = ["git", "clone", "-q", "-c", "core.autocrlf=true", str(bare), str(tmp_path / "clone")]
    subprocess.run(clone, check=True)
    assert (tmp_path / "clone/reproduce").read_bytes() == (ROOT / "reproduce").read_bytes()
    assert b"\r" not in (tmp_path / "clone/Snakefile").read_bytes()
