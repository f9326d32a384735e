"""A real Slurm: the bytes of the local run, through every fault a cluster knows."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from slurm.cluster import Cluster, absent, wait_for
from workflow.conftest import Clone, finished, fresh

__all__ = ["finished"]

LACKING = absent()
pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"Slurm lacks {', '.join(LACKING)} here")

TINY = Path("results/tiny")
PATIENCE = ("--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "3")
PATIENCE += ("--seconds-between-status-checks", "3")
# Jobs of which a call has seen the end when a translation starts.
SEEN = (
    "simulate_sky", "fetch_", "list_sources", "read_survey", "prepare_stars", "crossmatch",
    "train_",
)  # fmt: skip
LONG = "partitions: {long: {max_runtime: 600, max_gpu: 1, available_gpu_models: [a100]}}\n"
# What runs where the call is made: compute nodes have no internet.
LOCAL = {
    "simulate_sky", "fetch_file", "fetch_photometry", "list_sources", "build_ledger",
    "grade_catalogues", "describe_catalogues", "write_page", "write_crate",
}  # fmt: skip
ASKS = ("--set-resources", "crossmatch:mem_mb=150*attempt**3", "cross_validate:runtime=attempt")
ASKS += ("train_members:gres='gpu:a100:1'",)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("slurm") / "cluster") as started:
        yield started


class Call:
    """``./reproduce tiny`` on the cluster, at work in a process group of its own."""

    def __init__(self, clone: Clone, cluster: Cluster, *extra: str):
        self.clone = clone
        self._said = (clone.root / "said.txt").open("w+")
        self.process = subprocess.Popen(
            ["./reproduce", "tiny", "--", "--profile", "profiles/slurm", *PATIENCE, *extra],
            cwd=clone.root,
            env=cluster.environment,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Call":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Ask Slurm nothing meanwhile: Snakemake's plugin forgets its jobs if nobody answers."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to happen while the call is at work."""

        def happened() -> bool:
            assert self.process.poll() is None, "the call ended before"
            return bool(condition())

        wait_for(happened)

    def end(self, by: signal.Signals) -> int:
        """Send a signal to the call and all it started here; the exit status."""
        os.killpg(self.process.pid, by)
        return self.process.wait(120)

    def status(self) -> int:
        """The exit status, once it is through; with what it said where that is not 0."""
        status = self.process.wait(1500)
        self._said.seek(0)
        said = self._said.read()
        if status:
            print(said[-3000:], log_of(self.clone)[-5000:])
        return status


def log_of(clone: Clone) -> str:
    return (clone.root / TINY / "logs/snakemake.log").read_text()


def records(clone: Clone) -> dict[str, dict]:
    """Job's name to its record."""
    found = (clone.root / TINY / "provenance/jobs").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def stop(stage: str, clone: Clone) -> None:
    """Make the process of a stage hang."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if f"spectrotranslator.{stage}" in words and process.info["cwd"] == str(clone.root):
            process.send_signal(signal.SIGSTOP)


def test_a_run_through_every_fault_ends_in_the_bytes_of_the_local_run(finished, cluster, tmp_path):
    clone = fresh(tmp_path / "clone")  # Snakemake's Slurm plugin takes no path with a space
    (clone.root / "profiles/slurm/partitions.yaml").write_text(LONG)
    states = cancelled_drained_and_interrupted(clone, cluster)
    states += starved_overdue_and_killed(clone, cluster)
    assert {"CANCELLED", "TIMEOUT"} <= set(states), states
    assert states.count("OUT_OF_MEMORY") + states.count("FAILED") >= 2, states

    before = {name: then for name, then in times(clone).items() if name.startswith(SEEN)}
    assert len(before) >= 14
    finished_by_a_head_job(clone, cluster)
    assert clone.digests() == finished.digests()
    now = times(clone)
    assert all(now[name] == then for name, then in before.items()), "only what was lost is redone"
    assert not list((clone.root / TINY).rglob(".*.part")), "killed jobs leave nothing half-written"

    told_where_they_ran(records(clone), cluster)


def cancelled_drained_and_interrupted(clone: Clone, cluster: Cluster) -> list[str]:
    """The states in which the jobs of a call failed that ends with Ctrl-C."""
    with Call(clone, cluster, *ASKS) as call:
        call.until(lambda: len(cluster.jobs("read_survey")) == 2)
        cluster.set_node("drain")
        first, _ = cluster.jobs("read_survey")
        cluster.command("scancel", first.number)
        call.until(lambda: cluster.node_state() == "drained" and cluster.jobs("", "PENDING"))
        cluster.set_node("resume")
        call.until(lambda: cluster.jobs("crossmatch"))
        assert call.end(signal.SIGINT) == 2
    assert cluster.queue() == [], "Ctrl-C leaves no job behind"
    return failed_states(clone)


def starved_overdue_and_killed(clone: Clone, cluster: Cluster) -> list[str]:
    """The same of a call that is killed, its node drained; slurmctld is killed as well."""
    with Call(clone, cluster, *ASKS) as call:
        call.until(lambda: cluster.jobs("cross_validate"))
        call.until(
            lambda: (clone.root / TINY / "logs/cross_validate-as-published-g2a.log").is_file()
        )
        stop("evaluation.cross_validate", clone)
        with call.held():
            cluster.kill_controller()
        call.until(lambda: cluster.jobs("train_members"))
        cluster.command("scancel", cluster.jobs("train_members")[0].number)
        call.until(lambda: "TIMEOUT" in failed_states(clone))
        call.until(lambda: "rule translate_shard:" in log_of(clone))
        cluster.set_node("drain")
        call.until(lambda: cluster.jobs("", "PENDING"))
        call.end(signal.SIGKILL)
    assert cluster.jobs("", "PENDING"), "jobs outlive a killed controller"
    assert "runtime=2" in log_of(clone), "what was overdue asks for more time"
    return failed_states(clone)


def finished_by_a_head_job(clone: Clone, cluster: Cluster) -> None:
    """What is left is made by ``profiles/slurm/head.sh``, itself a job."""
    head = ["sbatch", "--wait", "--time=60", "--nice=-10000", f"--chdir={clone.root}"]
    head += [str(clone.root / "profiles/slurm/head.sh"), "tiny", *PATIENCE]
    # Held, so that they cannot end by themselves before the head job looks for them.
    for pending in cluster.jobs("", "PENDING"):
        cluster.command("scontrol", "hold", pending.number)
    left = len(cluster.queue())
    job = subprocess.Popen(head, env=cluster.environment)
    wait_for(lambda: len(cluster.queue()) > left)
    cluster.set_node("resume")
    assert job.wait(1500) == 0
    (said,) = clone.root.glob("head-*.log")
    assert "Cancelling the jobs that an earlier call left in the queue" in said.read_text()
    assert "Verdict: " in said.read_text()
    assert cluster.queue() == []


def failed_states(clone: Clone) -> list[str]:
    """How the jobs of the last call failed, in order."""
    return re.findall(r"SLURM-job '\d+' failed, SLURM status is: '(\w+)'", log_of(clone))


def told_where_they_ran(jobs: dict[str, dict], cluster: Cluster) -> None:
    """Every record tells its allocation, and those of jobs made again that they asked for more."""
    given = {name: record["scheduler"] for name, record in jobs.items()}
    for name, record in jobs.items():
        assert bool(given[name]) == (record["rule"] not in LOCAL), name
        gpu = "gres:gpu:a100:1" if record["rule"] == "train_members" else None
        assert given[name].get("gres") == gpu, name
        assert given[name].get("cuda_visible_devices") == (gpu and "0"), name
    submitted = {name: told for name, told in given.items() if told}
    assert {told["node"] for told in submitted.values()} == {cluster.node}
    assert {told["partition"] for told in submitted.values()} == {"long"}
    assert all(told["job"] and told["resources"]["cpu"] for told in submitted.values())
    once, twice = sorted(memory(given[f"read_survey-{survey}"]) for survey in ("apogee", "galah"))
    assert twice == 2 * once, "the cancelled job asked for as much again"
    assert memory(given["crossmatch-g2a-intrinsic"]) == 1200
    trainings = [told for name, told in given.items() if name.startswith("train_members-")]
    assert len({told["job"] for told in trainings}) == len(trainings) == 2
    once, twice = sorted(memory(told) for told in trainings)
    assert twice == 2 * once, "one was cancelled"


def memory(scheduler: dict) -> int:
    """Megabytes that a job was given."""
    return int(scheduler["resources"]["mem"].removesuffix("M"))


def test_three_nodes_with_one_folder_in_common_one_of_which_dies(finished, tmp_path_factory):
    shared = tmp_path_factory.mktemp("shared")
    clone = fresh(shared / "clone")
    with Cluster(shared / "cluster", nodes=3) as cluster, Call(clone, cluster) as call:
        call.until(lambda: cluster.jobs("cross_validate"))
        lost = cluster.where(cluster.jobs("cross_validate")[0])
        before = set(records(clone))
        cluster.set_node("down", lost)
        assert call.status() == 0
    assert clone.digests() == finished.digests()
    made = {
        name: one["scheduler"]["node"] for name, one in records(clone).items() if one["scheduler"]
    }
    assert set(cluster.nodes) - {lost} <= set(made.values()), "the others had their share"
    assert lost not in {node for name, node in made.items() if name not in before}


NO_ACCOUNTS = absent(accounting=True)


@pytest.mark.skipif(bool(NO_ACCOUNTS), reason=f"accounting lacks {', '.join(NO_ACCOUNTS)} here")
def test_jobs_are_followed_by_slurm_s_accounts_where_it_keeps_them(tmp_path):
    clone = fresh(tmp_path / "clone")
    with Cluster(tmp_path / "cluster", accounting=True) as cluster:
        with Call(clone, cluster, "--until", "read_survey", "--verbose") as call:
            assert call.status() == 0
        asked = ("sacct", "--allocations", "--noheader", "--parsable2", "--format=State")
        assert cluster.command(*asked).split() == ["COMPLETED", "COMPLETED"]
    log = log_of(clone)
    assert "command=sacct" in log and "command=squeue" not in log
    assert {"read_survey-apogee", "read_survey-galah"} <= set(records(clone))


def times(clone: Clone) -> dict[str, int]:
    """Record to when it was written."""
    found = (clone.root / TINY / "provenance/jobs").glob("*.json")
    return {path.name: path.stat().st_mtime_ns for path in found}
