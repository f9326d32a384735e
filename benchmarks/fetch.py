"""Throughput of a download on loopback beside curl's: same server, same file, in turn.

    python benchmarks/fetch.py [--megabytes 1000] [--rounds 3]

Exits with 1 where ours is under 80% of curl's.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minisky.mock_archive import VIZIER
from spectrotranslator.download.download import download
from spectrotranslator.download.registry import Source
from spectrotranslator.files import sha256

SHARE = 0.8
SERVER = """
import sys, time
from pathlib import Path
from minisky.mock_archive import Archive
with Archive(extra={"/vizier/big.bin": Path(sys.argv[1])}) as archive:
    print(archive.url, flush=True)
    sys.stdin.read()
"""


def main() -> int:
    """Fetch the file in turn with curl and with ours; print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        big = place / "big.bin"
        with big.open("wb") as stream:
            for _ in range(given.megabytes):
                stream.write(os.urandom(1_000_000))
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(big)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            url = server.stdout.readline().strip()
            os.environ["SPECTROTRANSLATOR_URL_MAP"] = json.dumps({VIZIER: f"{url}/vizier/"})
            os.environ["NO_PROXY"] = "127.0.0.1"
            rates = {"curl": [], "ours": []}
            for _ in range(given.rounds):
                rates["curl"].append(_curl(f"{url}/vizier/big.bin", place / "curl.bin"))
                rates["ours"].append(_ours(place / "fetched" / "big.bin", big))
        finally:
            server.stdin.close()
            server.wait()
    best = {name: max(found) for name, found in rates.items()}
    print({name: [round(rate) for rate in found] for name, found in rates.items()}, "MB/s")
    print(f"ours / curl: {best['ours'] / best['curl']:.2f}")
    return 0 if best["ours"] >= SHARE * best["curl"] else 1


def _curl(url: str, place: Path) -> float:
    started = time.monotonic()
    subprocess.run(["curl", "-sS", "--fail", "-o", str(place), url], check=True)
    os.sync()
    return place.stat().st_size / 1e6 / (time.monotonic() - started)


def _ours(place: Path, big: Path) -> float:
    source = Source("big", "big.bin", "", "", (VIZIER + "big.bin",), None, None, None, *[""] * 4)
    started = time.monotonic()
    receipt = download(source, place)
    os.sync()
    rate = receipt.bytes / 1e6 / (time.monotonic() - started)
    assert receipt.sha256 == sha256(big)
    place.unlink()
    return rate


if __name__ == "__main__":
    sys.exit(main())
