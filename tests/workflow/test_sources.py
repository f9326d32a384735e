"""What was fetched is held against its digest at every call."""

import json
import os


def flip(path) -> None:
    """Change one byte of a file and keep its time."""
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_changed_byte_of_a_fetched_file_is_noticed_and_the_file_fetched_anew(clone):
    sources = clone.root / "results" / "tiny" / "sources"
    path = sources / "GALAH_DR3_main_allstar_v2.fits"
    before = path.read_bytes()
    flip(path)
    done = clone.reproduce("tiny", "--", "--until", "fetch_file")
    assert done.returncode == 0, done.stderr
    assert f"sources/{path.name} is not what was fetched: it is fetched anew." in done.stderr
    assert path.read_bytes() == before


def test_dry_run_removes_nothing(clone):
    path = clone.root / "results" / "tiny" / "sources" / "ReadMe"
    flip(path)
    changed = path.read_bytes()
    clone.reproduce("tiny", "--", "-n")
    assert path.read_bytes() == changed


def test_ledger_holds_candidates_rows_and_the_audit_of_the_match(finished):
    ledger = json.loads((finished.root / "results/tiny/sample/ledger.json").read_text())
    (audit,) = ledger["match"].values()
    assert audit["done"]
    assert audit["same"] > 0
    assert audit["apart"]["count"] == audit["other_id"]["count"] == 0
    (direction,) = ledger["directions"].values()
    assert direction["rows"]["configured"]["rows"] == 697
    assert set(direction["networks"]["intrinsic"]["off"]) >= {"advice", "no_snr", "bright"}
