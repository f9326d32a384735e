"""What a plan predicts follows from the run, the machine's speed and the table of costs."""

import json
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from spectrotranslator.cli import plan
from spectrotranslator.config import resolve
from spectrotranslator.download.registry import read_registry
from spectrotranslator.errors import InputError
from spectrotranslator.resources import cost_table
from spectrotranslator.resources import machine_speed as speed_of
from spectrotranslator.resources.machine_speed import Speed, here
from spectrotranslator.resources.resource_requests import ResourceRequests

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def full(monkeypatch):
    """The full run with so many realisations as `plan` takes where the fingerprint is to tell."""
    monkeypatch.chdir(ROOT)
    found = resolve("full")
    method = found.methods["as-published"]
    number = method.montecarlo.realisations_fallback
    montecarlo = method.montecarlo.model_copy(update={"realisations": number})
    known = method.model_copy(update={"montecarlo": montecarlo})
    return found.model_copy(update={"methods": {**found.methods, "as-published": known}})


@pytest.fixture
def speed(full):
    networks = [f"{method}/{name}" for method in full.methods for name in full.directions]
    kinds = {f"{name}/{kind}": 1e-3 for name in networks for kind in ("intrinsic", "extrinsic")}
    return Speed("cpu", 0.5, kinds, dict.fromkeys(networks, 0.01))


LAYERS = [
    ["fetch_file"], ["read_survey"], ["train_members"],
    ["assess_ensemble", "cross_validate", "translate_shard"], ["write_table"],
]  # fmt: skip
TABLE = cost_table.Costs(
    0.5,
    {
        "assess_ensemble": {"seconds": [3.0, 0.0], "memory_mb": [300, 0], "bytes": [0, 0]},
        "translate_shard": {"seconds": [9.0, 0.0], "memory_mb": [600, 0], "bytes": [0, 100]},
        "write_table": {"seconds": [1.0, 1e-5], "memory_mb": [200, 0], "bytes": [0, 450]},
    },
    400_000,
)


def test_the_paper_s_network_has_1213056_weights_in_its_matrices():
    assert cost_table.weights([64, 128, 256, 512], 6, 4) == 1_213_056


def test_the_published_size_is_known_without_a_download(full):
    rows = cost_table.survey_rows(full, {"galah_main": 588_571, "apogee_lite": 733_901})
    assert rows == {"galah": 588_571, "apogee": 733_901}


def test_a_cost_has_a_fixed_part_and_one_that_grows_with_rows(full, speed):
    small, large = (TABLE.of("write_table", rows, speed).seconds for rows in (0, 100_000))
    assert (small, large) == (1.0, 2.0)
    slow = Speed("cpu", 1.0, {}, {})
    assert TABLE.of("write_table", 100_000, slow).seconds == 4.0


def test_shards_share_the_rows_of_their_catalogue(full, speed):
    jobs = {"translate_shard": len(full.methods) * 2 * full.compute.shards}
    (line,) = plan.predict(full, jobs, speed, TABLE, LAYERS)
    translated = sum(line.seconds) - 3.0 * line.jobs
    assert translated == pytest.approx(len(full.methods) * (588_571 + 733_901) * 0.01)


def test_importance_costs_all_coalitions_at_the_speed_of_a_translation(full, speed):
    (line,) = plan.predict(full, {"assess_ensemble": len(full.methods) * 4}, speed, TABLE, LAYERS)
    method = full.methods["as-published"]
    passes = 2**6 * full.importance.stars * full.importance.background * method.ensemble.trained
    kinds = full.directions["g2a"].networks
    work = {k: cost_table.network_flops(full, "as-published", "g2a", k) for k in kinds}
    a_row = 0.01 / (method.ensemble.expected * method.montecarlo.realisations * sum(work.values()))
    assert len(kinds["intrinsic"].inputs) == 6
    expected = passes * a_row * work["intrinsic"]
    assert any(s - 3.0 == pytest.approx(expected) for s in line.seconds)


def test_a_method_judged_apart_is_trained_once_more_without_the_judged_stars(full, speed):
    (line,) = plan.predict(full, {"cross_validate": len(full.methods) * 2}, speed, TABLE, LAYERS)
    whole = sum(
        method.ensemble.expected
        * cost_table.training_seconds(full, speed, f"{name}/{direction}/{kind}")
        for name, method in full.methods.items()
        for direction, chosen in full.directions.items()
        for kind in chosen.networks
    )
    judged = 4 * cost_table.training_stars(full) / 5 * 0.01
    assert sum(line.seconds) - 12.0 == pytest.approx(whole * 0.8 + judged)


def seconds_of(full, speed, rule: str, jobs: int) -> list[float]:
    """Seconds of every job of a rule that the table of costs does not know."""
    return plan.predict(full, {rule: jobs}, speed, TABLE, LAYERS)[0].seconds


def test_tolerances_of_the_run_cost_a_pool_and_pairs_of_replicates(full, speed):
    loading = 3.0
    pool = seconds_of(full, speed, "train_pool", 4 * 4)
    one = cost_table.training_seconds(full, speed, "as-published/g2a/intrinsic")
    assert pool == pytest.approx([loading + 5 * one] * 16)
    pairs = seconds_of(full, speed, "compare_replicates", 2 * 4)
    assert pairs == pytest.approx([loading + 5 * 2 * 50_000 * 0.01] * 8)


def test_an_alternative_costs_training_only_where_it_trains(full, speed):
    choices = full.comparison.choices
    found = seconds_of(full, speed, "apply_choice", 2 * len(choices))
    bare = 3.0 + 50_000 * 0.01
    trained = [seconds for seconds in found if seconds > bare + 1]
    assert len(trained) == 2 * sum("training.epochs" in changes for changes in choices.values())
    assert max(trained) > 2 * min(trained)


FETCH = {"seconds": [1.0, 1e-6], "memory_mb": [60, 0], "bytes": [0, 110], "rows": [2_000_000]}
DRY = [
    "rule fetch_file:",
    "    output: results/full/sources/GALAH_DR3_main_allstar_v2.fits",
    "    wildcards: file=GALAH_DR3_main_allstar_v2.fits",
    "rule fetch_file:",
    "    wildcards: file=allStarLite-dr17-synspec_rev1.fits",
    "rule fetch_file:",
    "    wildcards: file=ReadMe",
    "rule other:",
    "    wildcards: file=GALAH_DR3_VAC_GaiaEDR3_v2.fits",
]


def test_the_size_of_what_is_fetched_is_registered_and_its_time_not_known(full, speed):
    files = plan.files_to_fetch(DRY)
    assert files == [
        "GALAH_DR3_main_allstar_v2.fits", "allStarLite-dr17-synspec_rev1.fits", "ReadMe",
    ]  # fmt: skip
    table = cost_table.Costs(0.5, TABLE.rules | {"fetch_file": FETCH}, 400_000)
    jobs = {"fetch_file": 3, "write_table": 4}
    line, other = plan.predict(full, jobs, speed, table, LAYERS, files)
    assert line.disk_bytes * line.jobs == pytest.approx(873_518_400 + 1_834_963_200)
    assert (line.timed, line.unsized, sum(line.seconds)) == (False, 1, 0.0)
    assert other.timed
    assert sum(other.seconds) > 0
    told = {
        "run": "full", "cores": 2, "device": "cpu", "machine": {"seconds": 0}, "disk_bytes": 0,
        "slurm": plan._slurm([line, other], LAYERS, set(), full, {}), "shards": 1, "rows": 5,
        "rows_measured": 5,
    }  # fmt: skip
    text = plan._text(told, [line, other], full)
    assert re.search(r"fetch_file +3 +- +- +60 MB +2708 MB  time not known: the network; 1 f", text)
    assert "Not counted above: the time of what is fetched, 1 file of unknown size" in text
    assert "Not counted" not in plan._text(told, [other], full)


def test_what_is_fetched_from_a_simulated_archive_is_predicted_as_measured(full, speed):
    table = cost_table.Costs(0.5, TABLE.rules | {"fetch_file": FETCH}, 400_000)
    mini = resolve("mini")
    (line,) = plan.predict(
        mini, {"fetch_file": 2}, speed, table, LAYERS, ["ReadMe", "no such file"]
    )
    assert line.timed
    assert not line.unsized
    assert line.seconds == [pytest.approx(1.013)] * 2
    assert line.disk_bytes == 110 * 13_000


def test_the_exact_size_of_a_file_goes_before_the_rounded_one(full):
    named = read_registry(full.sources.registry)
    exact = replace(named["galah_main"], bytes=832_999_680)
    found = cost_table.file_bytes([exact.file, "unheard of"], [exact, named["readme"]])
    assert found == {exact.file: 832_999_680, "unheard of": None}


def test_a_rule_that_was_never_measured_is_said_to_be_so(full, speed):
    (line,) = plan.predict(full, {"read_survey": 2}, speed, TABLE, LAYERS)
    assert not line.measured
    text = plan._text(
        {
            "run": "full", "cores": 2, "device": "cpu", "machine": {"seconds": 0}, "disk_bytes": 0,
            "slurm": plan._slurm([line], LAYERS, set(), full, {"read_survey": 2}),
            "shards": 1, "rows": 5, "rows_measured": 1,
        },
        [line], full,
    )  # fmt: skip
    assert "never measured" in text
    assert "extrapolated" in text


@pytest.mark.parametrize(
    ("seconds", "at_once", "end"),
    [([4, 3, 2], 1, 9), ([4, 3, 2], 2, 5), ([4, 3, 2], 10, 4), ([], 2, 0)],
)
def test_the_last_job_ends_when_the_longest_were_given_out_first(seconds, at_once, end):
    assert plan._makespan(seconds, at_once) == end


def test_layers_and_local_rules_come_from_snakemake(monkeypatch):
    monkeypatch.chdir(ROOT)
    layers = plan.rule_layers("tiny")
    place = {rule: number for number, layer in enumerate(layers) for rule in layer}
    assert place["simulate_sky"] < place["read_survey"] < place["crossmatch"]
    assert place["train_members"] < place["translate_shard"] < place["compare_catalogue"]
    assert not {"all", "reproduce"} & set(place)
    dry = ["rule train_members:", "localrule write_page:", "    jobid: 3"]
    assert plan.local_rules(dry) == {"write_page"}


def test_jobs_of_a_group_wait_in_the_queue_together():
    dry = [
        "train_members    6",
        "total           9",
        "[Wed Nov 25 23:03:44 2026] Group job trainings (jobs in lexicogr. order):",
        "    rule train_members:",
        "    rule train_members:",
        "[Wed Nov 25 23:03:44 2026] Group job trainings (jobs in lexicogr. order):",
        "rule crossmatch:",
        "localrule build_ledger:",
        "rule crossmatch:",
    ]
    assert plan.remaining_jobs(dry) == {"train_members": 6}
    assert plan.queue_waits(dry) == {"trainings": 2, "crossmatch": 2}


def test_this_machine_s_speed_is_measured_for_every_network_of_the_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    tiny = resolve("tiny")
    found = here(tiny)
    assert set(found.row) == {f"{m}/{d}" for m in tiny.methods for d in tiny.directions}
    assert min(found.row.values()) > 0
    assert min(found.epoch_star.values()) > 0


def test_translation_with_masked_inputs_is_timed(monkeypatch):
    monkeypatch.chdir(ROOT)
    tiny = resolve("tiny")
    method = tiny.methods["as-published"]
    masked = method.montecarlo.model_copy(update={"masked": {"Mg_fe": "flag_Mg_fe"}})
    method = method.model_copy(update={"montecarlo": masked})
    direction = tiny.directions["g2a"]
    assert speed_of._translation(method, direction, "cpu", 32) > 0


@pytest.mark.parametrize("given", [["--members", "7"], ["--realisations", "3"]])
def test_jobs_and_times_are_those_of_the_changed_run(monkeypatch, capsys, given):
    monkeypatch.chdir(ROOT)
    asked = []

    def dry_run(run):
        changed = resolve(run)
        asked.append(changed)
        members = Counter(method.ensemble.members for method in changed.methods.values())
        return 2 * [f"train_members_0_to_{n - 1} {4 * methods}" for n, methods in members.items()]

    monkeypatch.setattr(plan, "dry_run", dry_run)
    monkeypatch.setattr(plan, "rule_layers", lambda run: LAYERS)
    monkeypatch.setattr(plan, "measure", lambda config, copies: in_an_instant(resolve("mini")))
    assert plan.main(["mini", "--json", "--cores", "1", *given]) == 0
    ((changed,), told) = asked, json.loads(capsys.readouterr().out)
    assert changed.run == told["run"] == "mini"
    for method in changed.methods.values():
        setting = {"--members": method.ensemble.members}
        setting["--realisations"] = method.montecarlo.realisations
        assert setting[given[0]] == int(given[1])
    (line,) = told["rules"]
    assert line["jobs"] == 4 * len(changed.methods)


def in_an_instant(run) -> Speed:
    kinds = {f"{m}/{d}/{k}": 1e-9 for m in run.methods for d, s in run.directions.items()
             for k in s.networks}  # fmt: skip
    return Speed("cpu", 0.5, kinds, {f"{m}/{d}": 1e-9 for m in run.methods for d in run.directions})


def test_an_unchanged_run_is_asked_for_by_its_own_file(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    asked = []
    monkeypatch.setattr(plan, "dry_run", lambda run: asked.append(run) or [])
    monkeypatch.setattr(plan, "rule_layers", lambda run: LAYERS)
    monkeypatch.setattr(plan, "measure", lambda config, copies: in_an_instant(resolve("mini")))
    assert plan.main(["mini", "--json"]) == 0
    assert asked == ["mini"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--members", "2"], "as-published.ensemble: 2 members trimmed by 1"),
        (["--members", "0"], "members.*greater than or equal to 1"),
        (["--realisations", "0"], "realisations.*greater than or equal to 1"),
        (["--realisations", "1"], "robust: .*needs realisations of 2 or more"),
    ],
)
def test_what_a_method_cannot_have_is_refused_in_a_line(monkeypatch, given, says):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match=f"^--members or --realisations: methods.*{says}"):
        plan.main(["mini", *given])


def test_a_table_of_costs_that_is_none_is_refused(tmp_path):
    path = tmp_path / "costs.json"
    path.write_text("[]")
    with pytest.raises(InputError, match=r"benchmarks/costs\.py"):
        cost_table.Costs.read(path)


def test_a_job_asks_for_what_was_measured_and_half_as_much_again(full):
    asks = ResourceRequests(full, 1_000_000, TABLE)
    assert asks.memory("write_table") == 600
    assert asks.memory("translate_shard") == 1200
    assert asks.memory("read_survey") == full.compute.memory_mb
    assert asks.memory("write_table", processes=8) == 600
    one, further = asks.memory("cross_validate"), asks.memory("train_members")
    assert asks.memory("cross_validate", processes=3) == one + 2 * further
    assert asks.minutes("write_table") == 5
    assert asks.minutes("translate_shard") == full.compute.runtime_min
    assert asks.disk("write_table") == 900


def test_far_beyond_what_was_measured_the_configuration_s_memory_is_asked_for(full):
    asks = ResourceRequests(full, 1_300_000, TABLE)
    assert asks.memory("write_table") == full.compute.memory_mb


def test_how_far_a_rule_was_measured_is_its_own(full):
    rules = {name: figures | {"rows": [1_000_000]} for name, figures in TABLE.rules.items()}
    asks = ResourceRequests(full, 1_300_000, cost_table.Costs(0.5, rules, 400_000))
    assert asks.memory("write_table") == 600


@pytest.mark.parametrize("cores", ["1", "999"])
def test_speed_is_measured_on_no_more_cores_than_are_here(monkeypatch, capsys, cores):
    monkeypatch.chdir(ROOT)
    copies = []

    def measured(config, number):
        copies.append(number)
        return in_an_instant(resolve("mini"))

    monkeypatch.setattr(plan, "dry_run", lambda run: ["train_members 4"])
    monkeypatch.setattr(plan, "rule_layers", lambda run: LAYERS)
    monkeypatch.setattr(plan, "measure", measured)
    assert plan.main(["mini", "--json", "--cores", cores]) == 0
    assert copies == [min(int(cores), len(os.sched_getaffinity(0)))]
    assert json.loads(capsys.readouterr().out)["cores"] == int(cores)
