"""A real Slurm on one machine: munged, slurmctld and slurmd on loopback, in one folder."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue")

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=2
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=1
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=120 State=UP
"""


def absent() -> list[str]:
    """What a Slurm here would lack."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    return lacking + ([] if _may_mount() else ["the right to mount"])


def _may_mount() -> bool:
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    return os.geteuid() == 0 and tried.returncode == 0


class Cluster:
    """Started on entry, ended on exit; ``environment`` makes Slurm's commands find it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        self._configure()
        self._munge()
        self._start("slurmctld", "-D")
        self._start("slurmd", "-D")
        self._wait()
        return self

    def __exit__(self, *_) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def command(self, *words: str) -> str:
        """Standard output of one of Slurm's commands."""
        return subprocess.run(
            words, env=self.environment, capture_output=True, text=True, check=True, timeout=30
        ).stdout

    def _configure(self) -> None:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        text = CONFIGURATION.format(
            folder=self.folder,
            host=socket.gethostname().split(".")[0],
            port=_free_port(),
            node_port=_free_port(),
            cores=os.cpu_count(),
            memory=memory - 500,
        )
        (self.folder / "slurm.conf").write_text(text)

    def _munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._start(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        _wait_for(lambda: (self.folder / "munge.socket").exists())

    def _start(self, *words: str) -> None:
        log = (self.folder / f"{words[0]}.out").open("w")
        self._daemons.append(
            subprocess.Popen(words, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        )

    def _wait(self) -> None:
        def ready() -> bool:
            try:
                return "idle" in self.command("sinfo", "--noheader", "--format=%T")
            except (subprocess.SubprocessError, OSError):
                return False

        _wait_for(ready)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("Slurm did not come up")
        time.sleep(0.3)
