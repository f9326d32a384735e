"""What the simulated published catalogue of the tiny sky says about how it was made."""

import json
from pathlib import Path

import yaml

from spectrotranslator.comparison import compare_catalogue
from workflow.conftest import call, translated_again


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
    told = json.loads(finished.verb(*command, "--json").stdout)
    assert told[0]["answers"] == answers(finished)


def test_a_missing_or_strange_file_is_refused_in_a_line(finished):
    for name, words in (("g2a.dat", "no such file"), ("other.dat", "name must be one of g2a")):
        done = finished.verb("fingerprint", name, "--run", "tiny")
        assert done.returncode == 2
        assert words in done.stderr.splitlines()[-1]


def test_a_setting_that_differs_from_the_published_one_is_told(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(finished.root)
    run, config = Path("results/tiny"), tmp_path / "config.yaml"
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["methods"]["as-published"]["montecarlo"]["realisations"] = 3
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
    translated_again(config, 1, tmp_path)
    call(
        compare_catalogue, "--config", config, "--direction", "g2a",
        "--readme", run / "sources/ReadMe", "--published", run / "sources/g2a.dat.gz",
        "--own-readme", run / "catalogues/as-published/ReadMe",
        "--regenerated", tmp_path / "g2a.dat", "--fingerprint", run / "fingerprint/g2a.json",
        "--diff", tmp_path / "diff.json", "--rows", tmp_path / "rows.parquet",
        "--unmatched", tmp_path / "unmatched.parquet",
    )  # fmt: skip
    (told,) = json.loads((tmp_path / "diff.json").read_text())["explain"]["settings"]
    assert told["setting"] == "montecarlo.realisations"
    assert (told["used"], told["published"]) == (3, answers(finished)["realisations"]["estimate"])
