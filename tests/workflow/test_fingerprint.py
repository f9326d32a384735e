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


def test_other_settings_than_the_published_ones_are_named_with_the_columns_they_touch(clone):
    path = clone.root / "config/runs/tiny.yaml"
    text = path.read_text().replace("block_rows: 128", "block_rows: 128, realisations: 40")
    path.write_text(text.replace("as-published:\n", "as-published:\n    ensemble: {members: 6}\n"))
    done = clone.reproduce("tiny")
    assert done.returncode in (0, 1), done.stderr
    told = json.loads((clone.root / "results/tiny/verdict.json").read_text())
    settings = {s["setting"]: s for s in told["catalogues"]["g2a.dat"]["explain"]}
    assert settings["montecarlo.realisations"]["used"] == 40
    assert settings["ensemble.members"]["published"] == 5
    assert "made with other settings" in done.stdout


def test_a_run_can_take_its_realisations_from_the_fingerprint(clone):
    path = clone.root / "config/runs/tiny.yaml"
    given = "block_rows: 128, realisations: fingerprint"
    path.write_text(path.read_text().replace("block_rows: 128", given))
    again = clone.would_run()
    assert {"translate_shard", "judge"} <= again
    assert not again & {"train_member", "crossmatch", "read_fingerprint"}
    before = (clone.root / "results/tiny/catalogues/as-published/g2a.dat").read_bytes()
    done = clone.reproduce("tiny")
    assert done.returncode == 0, done.stderr
    assert (clone.root / "results/tiny/catalogues/as-published/g2a.dat").read_bytes() == before
