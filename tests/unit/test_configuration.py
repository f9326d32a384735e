"""One model gives the schema, the documentation and the defaults; files keep to it."""

import re
import typing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from spectrotranslator.cli.run_origin import record_config_path
from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Configuration, Source
from spectrotranslator.config.documentation import (
    PAGE,
    README,
    SCHEMA,
    readme,
    schema,
    sections,
    unknowns,
)
from spectrotranslator.config.loading import dump, find, load, require_tables, text
from spectrotranslator.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
RUNS = sorted(path.stem for path in (ROOT / "config/runs").glob("*.yaml"))


@pytest.mark.parametrize(("path", "made"), [(SCHEMA, schema), (README, readme), (PAGE, readme)])
def test_schema_and_documentation_are_those_of_the_model(path, made):
    assert (ROOT / path).read_text() == made(), (
        "run: python -m spectrotranslator.config.documentation"
    )


@pytest.mark.parametrize("run", RUNS)
def test_every_run_resolves_and_reads_back(run, tmp_path):
    configuration = resolve(run, ROOT)
    path = tmp_path / "config.yaml"
    path.write_text(text(configuration))
    assert load(path) == configuration
    assert configuration.run == run


def own_table(folder, unit: str = "K", **changes) -> Path:
    """A run of one's own in a folder, its table beside it."""
    one = {"title": "a", "path": "stars.csv", "key": [], "features": {"t": {"unit": unit}}}
    direction = {"from": "a", "to": "b", "networks": {}}
    direction["networks"]["k"] = {"inputs": ["t"], "outputs": ["t"], "correct": "first"}
    given = {"surveys": {"a": one, "b": one}, "match": "key", "directions": {"d": direction}}
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(given | changes))
    return path


def test_a_path_is_seen_from_its_configuration_then_the_repository(tmp_path, monkeypatch):
    (tmp_path / "repository").mkdir()
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    path = own_table(tmp_path / "mine")
    assert resolve(str(path)).surveys["a"].path == "stars.csv"
    with pytest.raises(InputError, match=r"stars\.csv: no such file \(surveys\.a\.path of run own"):
        require_tables(resolve(str(path)))
    (tmp_path / "mine/stars.csv").touch()
    assert resolve(str(path)).surveys["a"].path == str(tmp_path / "mine/stars.csv")
    require_tables(resolve(str(path)))
    (tmp_path / "repository/runs").mkdir()
    (tmp_path / "repository/runs/stars.csv").touch()
    below = tmp_path / "repository/runs/own.yaml"
    below.write_text(f"extends: {path}\nsurveys: {{b: {{path: ./stars.csv}}}}\n")
    run = resolve(str(below))
    assert [s.path for s in run.surveys.values()] == [str(tmp_path / "mine/stars.csv"),
                                                      "runs/stars.csv"]  # fmt: skip


def test_a_unit_that_nobody_knows_is_refused_when_read(tmp_path):
    with pytest.raises(InputError, match="'Kelvinn' is no unit that astropy knows"):
        resolve(str(own_table(tmp_path, "Kelvinn")))
    assert resolve(str(own_table(tmp_path, "kK"))).surveys["a"].features["t"].unit == "kK"


@pytest.mark.parametrize("match", ["source_id", "position"])
def test_a_match_without_its_columns_is_refused_when_read(tmp_path, match):
    with pytest.raises(InputError, match=f"add surveys.a.{match}"):
        resolve(str(own_table(tmp_path, match=match)))


def test_every_number_of_the_method_says_where_it_comes_from():
    places = ("methods.NAME.", "split", "importance")
    for place, model in sections(Configuration, ""):
        if not place.startswith(places):
            continue
        for name, field in model.model_fields.items():
            if typing.get_origin(field.annotation) is None and field.annotation in (int, float):
                source = (field.json_schema_extra or {}).get("source")
                assert source in typing.get_args(Source), f"{place}.{name}"


def test_a_value_other_than_the_source_s_is_ours_among_the_unknown():
    found = {(line["method"], line["setting"]): line for line in unknowns(resolve("mini", ROOT))}
    told = {place: (line["value"], line["source"]) for place, line in found.items()}
    assert told["as-published", "montecarlo.missing"] == ("not finite", "authors' code")
    assert told["robust", "montecarlo.missing"] == ("sentinels too", "ours")
    assert told["as-published", "montecarlo.intervals"] == ("realisations", "readme")
    assert told["robust", "montecarlo.intervals"] == ("calibrated", "ours")
    assert told["every", "crossmatch.repeats"] == ("highest S/N", "ours")


def test_every_setting_that_is_marked_unknown_is_listed():
    marked = {
        f"{place}.{field.alias or name}"
        for place, model in sections(Configuration, "")
        for name, field in model.model_fields.items()
        if (field.json_schema_extra or {}).get("unknown")
    }
    listed = {
        line["setting"] if line["method"] == "every" else f"methods.NAME.{line['setting']}"
        for line in unknowns(resolve("mini", ROOT))
    }
    assert listed == marked


def test_every_cut_of_the_paper_says_where_it_comes_from():
    configuration = resolve("full", ROOT)
    cuts = [
        cut
        for selection in configuration.selections.values()
        for group in selection.cuts.values()
        for cut in group
    ]
    assert len(cuts) > 10
    assert {cut.source for cut in cuts} <= set(typing.get_args(Source))


@pytest.mark.parametrize("wrong", ["directions.g2a.fron", "compute.thread", "splitt"])
def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path, wrong):
    *above, key = wrong.split(".")
    value: object = 3
    for part in [key, *reversed(above)]:
        value = {part: value}
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump({"extends": str(ROOT / "config/runs/mini.yaml"), **value}))
    near = {"fron": "from", "thread": "threads", "splitt": "split"}[key]
    with pytest.raises(InputError, match=rf"odd.yaml, line \d+: .*{key}.*'{near}'"):
        resolve(str(path))


def test_more_inputs_than_a_column_of_flags_holds_are_refused():
    plain = resolve("mini").model_dump(mode="json", by_alias=True)
    names = [f"x{n}" for n in range(6)]
    plain["surveys"]["galah"]["features"] |= {name: {} for name in names}
    plain["directions"]["g2a"]["networks"]["intrinsic"]["inputs"] += names
    with pytest.raises(ValidationError, match="12 inputs, at most 11"):
        Configuration.model_validate(plain)


def laid_over_mini(tmp_path, change: str) -> str:
    path = tmp_path / "odd.yaml"
    path.write_text(f"extends: {ROOT / 'config/runs/mini.yaml'}\n{change}\n")
    return str(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("split: {validation: 0.6, test: 0.6}", "line 2: split: .* no star to train on"),
        ("methods: {robust: {network: {widths: []}}}", "robust.network.widths: .*at least 1"),
        ("methods: {robust: {network: {widths: [0]}}}", "widths.0: .*greater than or equal to 1"),
        ("methods: {robust: {training: {learning_rates: []}}}", "learning_rates: .*at least 1"),
        ("methods: {robust: {training: {learning_rates: [-1]}}}", "rates.0: .*greater than 0"),
        (
            "methods: {robust: {montecarlo: {percentiles: [5, 16, 50, 84, 95, 200]}}}",
            "percentiles.5: .*less than or equal to 100",
        ),
        (
            "methods: {robust: {montecarlo: {percentiles: [5, 16, 50, 84, 95, 50]}}}",
            "percentiles name one twice",
        ),
        (
            "directions: {g2a: {networks: {intrinsic: {outputs: [TEFF, LOGG, TEFF]}}}}",
            "directions.g2a: outputs name 'TEFF' twice",
        ),
        (
            "directions: {g2a: {networks: {extrinsic: {outputs: [TEFF]}}}}",
            "directions.g2a: outputs name 'TEFF' twice",
        ),
        (
            "directions: {g2a: {networks: {intrinsic: {inputs: [teff, teff, logg, fe_h]}}}}",
            "intrinsic: inputs name 'teff' twice",
        ),
        ("directions: {g2a: {networks: {intrinsic: {inputs: []}}}}", "inputs: .*at least 1"),
        ("selections: {advice: {cuts: {lamost: []}}}", "cuts: survey 'lamost' is not defined"),
        ("row_candidates: {lamost: {}}", "row_candidates: survey 'lamost' is not defined"),
        (
            "methods: {as-published: {montecarlo: {masked: {Mg_fe: no_flag}}}}",
            "masked.Mg_fe: 'no_flag' is not in surveys.galah.keep; .* flag_Mg_fe",
        ),
        (
            "methods: {as-published: {montecarlo: {masked: {Mg: flag_Mg_fe}}}}",
            "masked: input 'Mg' is not defined",
        ),
        ("methods: {'my method/../x': {}}", "line 2: methods.*x: .*is no plain name: letters"),
        ("methods: {'.hidden': {}}", "is no plain name"),
        ("directions: {'../x': {from: galah, to: apogee}}", "is no plain name"),
        ("surveys: {'a b': {title: A, key: [a], identifier: a, features: {}}}", "no plain name"),
    ],
)
def test_what_could_only_fail_later_is_refused_with_its_place(tmp_path, change, says):
    with pytest.raises(InputError, match=f"odd.yaml.*{says}"):
        resolve(laid_over_mini(tmp_path, change))


def test_a_flag_that_the_survey_keeps_may_mask_an_input(tmp_path):
    change = "methods: {as-published: {montecarlo: {masked: {Mg_fe: flag_Mg_fe}}}}"
    found = resolve(laid_over_mini(tmp_path, change)).methods["as-published"]
    assert found.montecarlo.masked == {"Mg_fe": "flag_Mg_fe"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: 1\ndescription: \xe9toiles\n", "odd.yaml, line 2: not UTF-8 text"),
        (b"extends: odd.yaml\n", r"extends itself \(odd.yaml -> odd.yaml\)"),
        (b"extends: [other.yaml]\n", r"extends itself \(odd.yaml -> other.yaml -> odd.yaml\)"),
        (b"extends: 5\n", "odd.yaml, line 1: extends: the path of a file or a list"),
        (b"extends: [5]\n", "odd.yaml, line 1: extends: the path of a file or a list"),
        (b"extends:\n", "odd.yaml, line 1: extends: the path of a file or a list"),
        (b"extends: .\n", "not a regular file"),
    ],
)
def test_a_file_that_cannot_be_read_or_laid_over_is_named(tmp_path, content, says):
    (tmp_path / "other.yaml").write_text("extends: odd.yaml\n")
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        resolve(str(path))


@pytest.mark.parametrize("broken", [b"{", b"\xff", b"[]"])
def test_a_broken_configuration_in_a_run_s_folder_is_named(tmp_path, monkeypatch, broken):
    configuration = resolve("mini", ROOT)
    monkeypatch.chdir(tmp_path)
    record_config_path(configuration, Path("mini.yaml"))
    kept = Path("results/mini/config.yaml")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(broken)
    with pytest.raises(InputError, match=r"results/mini/config\.yaml.*delete that file"):
        record_config_path(configuration, Path("mini.yaml"))
    dump(configuration, kept)
    record_config_path(configuration, Path("mini.yaml"))


def test_null_takes_a_key_away(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text(f"extends: {ROOT / 'config/runs/mini.yaml'}\ndirections: {{a2g: null}}\n")
    assert list(resolve(str(path)).directions) == ["g2a"]


def test_a_run_is_found_by_name_or_path(tmp_path):
    assert find("mini", ROOT).name == "mini.yaml"
    with pytest.raises(InputError, match="give one of"):
        find("nano", ROOT)


def test_the_default_profile_sets_nothing_that_another_profile_sets():
    profiles = {
        path.parent.name: set(yaml.safe_load(path.read_text()))
        for path in (ROOT / "profiles").glob("*/profile.yaml")
    }
    default = profiles.pop("default")
    assert "cores" not in default
    for name, keys in profiles.items():
        assert not default & keys, name


def test_conda_and_lock_name_the_same_versions():
    lock = (ROOT / "envs/run.lock").read_text()
    locked = dict(reversed(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock, re.MULTILINE)))
    torch = re.search(r"^torch==(\S+)$", (ROOT / "envs/torch.txt").read_text(), re.MULTILINE)[1]
    conda = {"matplotlib-base": "matplotlib"}
    listed = yaml.safe_load((ROOT / "envs/workflow.yaml").read_text())["dependencies"]
    assert len(listed) > 10
    for entry in listed:
        name, version = entry.split("=")
        if name == "pytorch":
            assert version == torch
        elif name != "python":
            assert locked[conda.get(name, name)] == version, name


def test_the_apptainer_recipe_installs_the_locks_of_the_environment():
    spec = spec_from_file_location("make", ROOT / "envs/make.py")
    make = module_from_spec(spec)
    spec.loader.exec_module(make)
    recipe = (ROOT / "envs/environment.def").read_text()
    for arguments in make.PARTS["run"][:-1]:
        line = " ".join(arguments[:-1])
        assert f"envs/{arguments[-1]} /opt/envs/{arguments[-1]}" in recipe
        assert f"{line} /opt/envs/{arguments[-1]}" in recipe, arguments


def test_torch_is_pinned_without_suffix_or_hash():
    lines = (ROOT / "envs/torch.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["torch==2.13.0"]
    assert not re.search(r"^torch==", (ROOT / "envs/run.lock").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("settings", "new"),
    [
        ("sources: {patience: {attempts: 2}}", "retry"),
        ("methods: {robust: {training: {hide: 0.1}}}", "input_dropout"),
        ("methods: {robust: {montecarlo: {colours: apart}}}", "colour_noise"),
        ("comparison: {executions: 9}", "replicates"),
    ],
)
def test_keys_of_earlier_releases_are_refused_with_their_new_name(tmp_path, settings, new):
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {ROOT}/config/runs/tiny.yaml\n{settings}\n")
    with pytest.raises(InputError, match=f"line 2: .*is now called '{new}'"):
        resolve(str(path), ROOT)


ACTING = (
    "teff > @pd.io.common.os.system('touch mark')",
    "teff.to_csv('mark') == 0",
    "__import__('os').system('touch mark') == 0",
    "teff == (lambda: 0)()",
    "[x for x in teff] == 0",
)


@pytest.mark.parametrize("cut", ACTING)
def test_a_cut_that_would_act_is_refused_when_the_configuration_is_read(cut, tmp_path):
    path = tmp_path / "x.yaml"
    value = {"selections": {"bad": {"cuts": {"galah": [{"cut": cut, "source": "ours"}]}}}}
    path.write_text(
        yaml.safe_dump({"extends": str(ROOT / "config/paper.yaml"), **value}, width=1000)
    )
    with pytest.raises(InputError, match=r"x\.yaml, line \d+: selections.*at character"):
        resolve(str(path))
    assert not Path("mark").exists()


@pytest.mark.parametrize("cut", ["ASPCAPFLAG.STAR_BAAD", "STARFLAG.STAR_BAD", "flag_sp.STAR_BAD"])
def test_a_bit_that_the_survey_does_not_name_is_refused_with_its_line(cut, tmp_path):
    path = tmp_path / "x.yaml"
    value = {"selections": {"bad": {"cuts": {"apogee": [{"cut": f"not {cut}", "source": "ours"}]}}}}
    path.write_text(
        yaml.safe_dump({"extends": str(ROOT / "config/paper.yaml"), **value}, width=1000)
    )
    with pytest.raises(InputError, match=r"line \d+: selections\.bad\.cuts\.apogee\.0: cut"):
        resolve(str(path))
