"""Members do not depend on how their ensemble was cut into jobs."""

from pathlib import Path

import pytest

from spectrotranslator.run_step import main as run_step

NETWORK = Path("results/tiny/networks/as-published/g2a/extrinsic")
FILES = {name: f"--{option}" for name, option in (
    ("weights.safetensors", "weights"), ("training.json", "description"), ("history.csv", "history")
)}  # fmt: skip


@pytest.mark.parametrize("batch", [(0,), (3, 4), (4, 2)])
def test_any_batch_gives_the_bytes_of_the_whole_ensemble(finished, tmp_path, monkeypatch, batch):
    monkeypatch.chdir(finished.root)
    words = ["--config", "results/tiny/config.yaml", "--method", "as-published"]
    words += ["--direction", "g2a", "--kind", "extrinsic"]
    words += ["--sample", "results/tiny/sample/g2a-extrinsic.parquet"]
    words += ["--members", *map(str, batch)]
    for name, option in FILES.items():
        words += [option, *(str(tmp_path / f"member-{member}" / name) for member in batch)]
    for member in batch:
        (tmp_path / f"member-{member}").mkdir()
    assert run_step("spectrotranslator.network.train_members", words) == 0
    for member in batch:
        for name in FILES:
            made, whole = (at / f"member-{member}" / name for at in (tmp_path, NETWORK))
            assert made.read_bytes() == whole.read_bytes(), made
        assert sorted(p.name for p in (tmp_path / f"member-{member}").iterdir()) == sorted(FILES)
