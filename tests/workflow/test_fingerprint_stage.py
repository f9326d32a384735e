"""What the simulated published catalogue of the tiny sky says about how it was made."""

import json


def answers(clone):
    return json.loads((clone.root / "results/tiny/fingerprint/g2a.json").read_text())["answers"]


def test_the_fingerprint_finds_the_hidden_settings_of_the_sky(finished):
    found = answers(finished)
    low, high = found["realisations"]["interval"]
    assert low <= 10 <= high
    assert found["members"]["estimate"] == 5
    assert found["selection"]["estimate"] == "advice"
    assert found["masks"]["estimate"] == ["no Gaia photometry", "value not finite"]
    assert found["training_length"]["undetermined"]
    assert found["release"]["undetermined"]


def test_what_agrees_with_the_fingerprint_is_not_explained_by_it(finished):
    verdict = json.loads((finished.root / "results/tiny/verdict.json").read_text())
    assert verdict["catalogues"]["g2a.dat"]["explain"] == []


def test_the_command_prints_what_the_stage_found(finished):
    command = ("fingerprint", "results/tiny/sources/g2a.dat.gz", "--run", "tiny")
    done = finished.reproduce(*command)
    assert done.returncode == 0, done.stderr
    assert "contradicted by 0 of 697 stars" in done.stdout
    told = json.loads(finished.reproduce(*command, "--json").stdout)
    assert told[0]["answers"] == answers(finished)


def test_a_missing_or_strange_file_is_refused_in_a_line(finished):
    for name, words in (("g2a.dat", "no such file"), ("other.dat", "name must be one of g2a")):
        done = finished.reproduce("fingerprint", name, "--run", "tiny")
        assert done.returncode == 2
        assert words in done.stderr.splitlines()[-1]


def test_a_run_takes_its_realisations_from_the_fingerprint_and_is_told_what_else_differs(clone):
    (clone.root / "config/runs/other.yaml").write_text(
        "extends: tiny.yaml\nmethods:\n  as-published:\n    ensemble: {members: 9}\n"
        "    montecarlo: {realisations: fingerprint}\n"
    )
    done = clone.reproduce("other")
    assert done.returncode in (0, 1), done.stderr
    folder = clone.root / "results/other"
    for path in (folder / "provenance/jobs").glob("translate-*.json"):
        roles = {file["role"] for file in json.loads(path.read_text())["inputs"]}
        assert "fingerprint" in roles
    told = json.loads((folder / "verdict.json").read_text())["catalogues"]["g2a.dat"]["explain"]
    assert [(s["setting"], s["used"], s["published"]) for s in told] == [("ensemble.members", 9, 5)]
    assert "ensemble.members: 5 (here 9)" in done.stdout
    why = clone.reproduce("why", "other", "g2a", "17", "Teff50")
    assert why.returncode == 0, why.stderr
    assert "the same bytes in all" in why.stdout
