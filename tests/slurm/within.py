"""Keep the daemons of a private Slurm up until standard input ends.

``unshare ... python within.py FOLDER < PIPE``, where FOLDER/daemons.json lists their commands. It
wants mount, process and /proc namespaces of its own: job steps look for Slurm's configuration in
/etc/slurm and nowhere else, and whatever a job leaves behind dies with this process. A daemon that
ends, or that started before what it needs was up, is started again, as a service manager does.
"""

import json
import select
import subprocess
import sys
from pathlib import Path

PERIOD_S = 0.5


def main() -> int:
    """Mount, start, and start again."""
    folder = Path(sys.argv[1])
    subprocess.run(["mount", "--bind", folder, "/etc/slurm"], check=True)
    commands = json.loads((folder / "daemons.json").read_text())
    running = [_start(command, folder) for command in commands]
    while not select.select([sys.stdin], [], [], PERIOD_S)[0]:
        for place, daemon in enumerate(running):
            if daemon.poll() is not None:
                running[place] = _start(commands[place], folder)
    return 0


def _start(command: list[str], folder: Path) -> subprocess.Popen:
    log = (folder / f"{Path(command[0]).name}.out").open("a")
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
