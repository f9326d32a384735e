"""A catalogue does not depend on how it was cut up."""

import hashlib
import os
import subprocess
import sys

import pytest

RUN = "results/tiny"
FILES = ("g2a.parquet", "g2a.fits", "g2a.dat")


def stage(module: str, *arguments: str, cwd) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"spectrotranslator.{module}", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": "workflow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def catalogue(root, shards: int, out) -> dict[str, str]:
    """Digests of the catalogue that ``shards`` shards, made last first, give."""
    networks = root / RUN / "networks/as-published/g2a"
    weights = [str(path) for path in sorted(networks.glob("*/member-*/weights.safetensors"))]
    samples = [f"{RUN}/sample/g2a-{kind}.parquet" for kind in ("intrinsic", "extrinsic")]
    parts = [str(out / f"g2a-{i}-of-{shards}.parquet") for i in range(1, shards + 1)]
    config = ("--config", f"{RUN}/config.yaml")
    for number in range(shards, 0, -1):
        stage(
            "catalogue.translate", *config, "--method", "as-published", "--direction", "g2a",
            "--shard", f"{number}-of-{shards}", "--stars", f"{RUN}/sample/galah.parquet",
            "--samples", *samples, "--weights", *weights, "--part", parts[number - 1], cwd=root,
        )  # fmt: skip
    layout = ("--layout", "config/catalogues/g2a.yaml")
    stage(
        "catalogue.assemble", *config, "--direction", "g2a", *layout, "--parts", *parts,
        "--parquet", str(out / "g2a.parquet"), "--fits", str(out / "g2a.fits"), cwd=root,
    )  # fmt: skip
    stage(
        "catalogue.table", *layout, "--parquet", str(out / "g2a.parquet"),
        "--dat", str(out / "g2a.dat"), cwd=root,
    )  # fmt: skip
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in FILES}


@pytest.mark.parametrize("shards", [1, 4, 16])
def test_any_number_of_shards_gives_the_bytes_of_the_run(finished, tmp_path, shards):
    folder = finished.root / RUN / "catalogues/as-published"
    run = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    assert catalogue(finished.root, shards, tmp_path) == run
