"""A real Slurm on one machine: munged, slurmctld and slurmds on loopback, in one folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue")
ACCOUNTANTS = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacctmgr")
# The checkout, whose environment every node has on the shared disk.
ROOT = Path(__file__).resolve().parents[2]
WITHIN = Path(__file__).with_name("within.py")
APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=2
KillWait=5
MpiDefault=none
ReturnToService={returns}
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
PartitionName=main Nodes=ALL Default=YES MaxTime=120 State=UP
PartitionName=long Nodes=ALL MaxTime=INFINITE State=UP
"""
NODE = """NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cores} \
RealMemory={memory} Gres=gpu:a100:1 State=UNKNOWN
"""
# A node ($0) sees its own /tmp, and in it nothing of the machine's but the shared folders.
APART_NODE = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
n=0
for shared; do n=$((n + 1)); mkdir "/mnt/$n"; mount --bind "$shared" "/mnt/$n"; done
mount -t tmpfs tmpfs /tmp
n=0
for shared; do n=$((n + 1)); mkdir -p "$shared"; mount --bind "/mnt/$n" "$shared"; done
umount --lazy /mnt
exec slurmd -D -N "$0"
"""
# Where accounts are kept; slurmctld then also tells a job's GPU among its resources.
ACCOUNTING = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
"""
DATABASE = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""
# A statement a line, as MariaDB reads such a file.
GRANT = """CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'slurm';
GRANT ALL ON slurm.* TO slurm@'127.0.0.1';
"""
# Allocation is what is tested: the device computes nothing.
GPU = "Name=gpu Type=a100 File={folder}/gpu0\n"


def absent(accounting: bool = False) -> list[str]:
    """What a Slurm here would lack."""
    needed = NEEDED + (ACCOUNTANTS if accounting else ())
    lacking = [name for name in needed if shutil.which(name) is None]
    return lacking + ([] if _may_unshare() else ["the rights of root"])


def _may_unshare() -> bool:
    tried = subprocess.run([*APART, "true"], capture_output=True)
    return os.geteuid() == 0 and tried.returncode == 0


@dataclass(frozen=True)
class Job:
    """A line of the queue; ``rule`` is what Snakemake calls it."""

    number: str
    state: str
    rule: str


class Cluster:
    """Started on entry, ended on exit; ``environment`` makes Slurm's commands find it.

    With ``accounting`` a MariaDB and a slurmdbd stand behind it. Of several ``nodes`` each has a
    /tmp of its own, in which nothing but the folder that holds ``folder`` is shared.
    """

    def __init__(self, folder: Path, accounting: bool = False, nodes: int = 1):
        self.folder = folder
        self.accounting = accounting
        self.host = socket.gethostname().split(".")[0]
        self.nodes = [self.host] if nodes == 1 else [f"node{n}" for n in range(1, nodes + 1)]
        self.node = self.nodes[0]
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}

    def __enter__(self) -> "Cluster":
        for name in ("state", *(f"spool-{node}" for node in self.nodes)):
            (self.folder / name).mkdir(parents=True)
        self._configure()
        daemons = [self._munged(), ["slurmctld", "-D"], *map(self._slurmd, self.nodes)]
        if self.accounting:
            daemons += [self._mariadbd(), ["slurmdbd", "-D"]]
        (self.folder / "daemons.json").write_text(json.dumps(daemons))
        self._process = subprocess.Popen(
            [*APART, sys.executable, str(WITHIN), str(self.folder)],
            env=self.environment,
            stdin=subprocess.PIPE,
        )
        wait_for(self._ready)
        return self

    def __exit__(self, *_) -> None:
        self._process.communicate(timeout=30)

    def command(self, *words: str, patience: int = 60) -> str:
        """Standard output of one of Slurm's commands."""
        return subprocess.run(
            words,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=patience,
        ).stdout

    def queue(self) -> list[Job]:
        """Jobs that wait or run."""
        lines = self.command("squeue", "--noheader", "--format=%i|%T|%k").splitlines()
        return [Job(*line.split("|")) for line in lines]

    def jobs(self, rule: str, state: str = "RUNNING") -> list[Job]:
        """Jobs of a rule in one state."""
        return [j for j in self.queue() if rule in j.rule and j.state == state]

    def set_node(self, state: str, node: str | None = None) -> None:
        """Drain, resume or take down a node, by default the first."""
        words = ["scontrol", "update", f"nodename={node or self.node}", f"state={state}"]
        self.command(*words, *(["reason=test"] if state in ("drain", "down") else []))

    def node_state(self) -> str:
        """What Slurm says of the first node: idle, mixed, draining, drained ..."""
        words = ("sinfo", "--noheader", f"--nodes={self.node}", "--format=%T")
        return self.command(*words).split()[0]

    def where(self, job: Job) -> str:
        """The node on which a job runs."""
        return self.command("squeue", "--noheader", f"--jobs={job.number}", "--format=%N").strip()

    def kill_controller(self) -> None:
        """Kill slurmctld as a crash does; it is started again and reads what it saved."""
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "slurmctld" and self._ours(process):
                process.kill()
        wait_for(lambda: "UP" in self.command("scontrol", "ping") and self._known())

    def _known(self) -> bool:
        """Whether a controller that was started again has heard of the node."""
        return "UNKNOWN" not in self.command("scontrol", "show", "node", self.node)

    def _ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]
        except psutil.Error:
            return False

    def _configure(self) -> None:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        ports = {name: _free_port() for name in ("port", "dbd_port", "sql_port")}
        facts = ports | {
            "folder": self.folder,
            "host": self.host,
            # A head job mostly waits, and must not wait for others.
            "cores": os.cpu_count() + 2 if len(self.nodes) == 1 else 2,
            "memory": (memory - 500) // len(self.nodes),
            # One of several that was taken down stays down.
            "returns": 2 if len(self.nodes) == 1 else 1,
        }
        self._sql_port = ports["sql_port"]
        text = CONFIGURATION + (ACCOUNTING if self.accounting else "")
        nodes = [facts | {"name": name, "port": _free_port()} for name in self.nodes]
        written = "".join(NODE.format(**node) for node in nodes) + text.format(**facts)
        (self.folder / "slurm.conf").write_text(written)
        (self.folder / "gres.conf").write_text(GPU.format(**facts))
        os.mknod(self.folder / "gpu0", 0o20666, os.makedev(1, 3))
        for name, content in (
            ("munge.key", os.urandom(128)),
            ("slurmdbd.conf", DATABASE.format(**facts).encode()),
            ("grant.sql", GRANT.encode()),
        ):
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)

    def _slurmd(self, node: str) -> list[str]:
        if len(self.nodes) == 1:
            return ["slurmd", "-D", "-N", node]
        own = ["unshare", "--mount", "sh", "-c", APART_NODE]
        return [*own, node, str(self.folder.parent), str(ROOT)]

    def _munged(self) -> list[str]:
        files = [f"--key-file={self.folder}/munge.key"]
        for name in ("socket", "pid-file", "log-file", "seed-file"):
            files.append(f"--{name}={self.folder}/munge.{name}")
        return ["munged", "--foreground", "--force", *files]

    def _mariadbd(self) -> list[str]:
        where = ["--no-defaults", f"--datadir={self.folder}/sql", "--user=root"]
        made = ["mariadb-install-db", *where, "--skip-test-db"]
        subprocess.run(made, check=True, capture_output=True, timeout=300)
        network = ["--bind-address=127.0.0.1", f"--port={self._sql_port}", "--skip-name-resolve"]
        files = [f"--{name}={self.folder}/sql.{name}" for name in ("socket", "pid-file")]
        return ["mariadbd", *where, *network, *files, f"--init-file={self.folder}/grant.sql"]

    def _ready(self) -> bool:
        try:
            if self.accounting and "test" not in self.command("sacctmgr", "-n", "show", "cluster"):
                return False
            states = self.command("sinfo", "--noheader", "--Node", "--format=%N %T").splitlines()
            return {state.split()[1] for state in states} == {"idle"}
        except (subprocess.SubprocessError, OSError, IndexError):
            return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(condition: Callable[[], object], seconds: float = 600) -> None:
    """Until a condition holds; its own errors of Slurm count as not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except subprocess.SubprocessError:
            pass
        if time.monotonic() > end:
            raise TimeoutError("waited too long")
        time.sleep(0.3)
