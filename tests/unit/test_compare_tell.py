"""What `compare` says of two equal runs."""

from pathlib import Path

from spectrotranslator.provenance.finished_run import Run
from spectrotranslator.provenance.run_comparison import Comparison, tell


def test_two_equal_runs_are_said_to_have_no_difference():
    first, second = (Run(Path(name), Path(), {}, {}) for name in "AB")
    found = Comparison(None, [], [], [], [], ["one.dat", "two.dat"])
    assert tell(first, second, found) == (
        "A and B: no difference, all 2 compared files are the same"
    )
