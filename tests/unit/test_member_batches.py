"""Ensembles are cut into batches."""

from spectrotranslator.config import resolve
from spectrotranslator.graph.member_batches import batch_sizes, batches, step_of_rule


def mini(**compute):
    found = resolve("mini")
    return found.model_copy(update={"compute": found.compute.model_copy(update=compute)})


def test_an_ensemble_is_one_batch_unless_configured():
    assert [(b.members, b.methods) for b in batches(mini())] == [
        (range(5), ("as-published",)),
        (range(3), ("robust",)),
    ]
    cut = mini(members_per_job=2)
    assert batch_sizes(cut, "as-published") == [2, 2, 1]
    assert [b.label for b in batches(cut)] == ["0_to_1", "2_to_3", "4_to_4", "2_to_2"]
    assert batches(cut)[0].methods == ("as-published", "robust")
    assert batch_sizes(mini(members_per_job=2, device="cuda"), "as-published") == [5]


def test_rules_of_all_batches_run_one_step():
    assert {step_of_rule(f"train_members_{b.label}") for b in batches(mini())} == {"train_members"}
    assert step_of_rule("fetch_file") == "fetch_file"
