"""The crate of a run under roc-validator with the network off, and under our own profile."""

import copy
import io
import json
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
import requests_cache
import urllib3
from rocrate.rocrate import ROCrate
from rocrate_validator import models, services

PROFILES = Path(__file__).parents[2] / "workflow/spectrotranslator/provenance/profiles"
OWN = "spectrotranslator-run-crate-1.0"
# Asks for a web address as the main workflow's name, where another check demands a local file.
CONTRADICTED = {"process-run-crate-0.5_5.1"}
SCHEMA, BIOSCHEMAS = "http://schema.org/", "https://bioschemas.org/"
WORKFLOW_RUN = "https://w3id.org/ro/terms/workflow-run#"
SCHEMA_TERMS = [
    "CreativeWork",
    "Dataset",
    "Organization",
    "WebSite",
    "ComputerLanguage",
    "SoftwareApplication",
    "SoftwareSourceCode",
    "HowTo",
    "HowToStep",
    "CreateAction",
    "ControlAction",
    "OrganizeAction",
    "PropertyValue",
    "name",
    "description",
    "license",
    "datePublished",
    "keywords",
    "author",
    "publisher",
    "creator",
    "version",
    "url",
    "mainEntity",
    "hasPart",
    "mentions",
    "about",
    "identifier",
    "softwareVersion",
    "position",
    "workExample",
    "step",
    "programmingLanguage",
    "dateCreated",
    "sdPublisher",
    "sdDatePublished",
    "contentSize",
    "encodingFormat",
    "exampleOfWork",
    "conditionsOfAccess",
    "isBasedOn",
    "abstract",
    "instrument",
    "agent",
    "startTime",
    "endTime",
    "actionStatus",
    "object",
    "result",
    "additionalProperty",
    "propertyID",
    "value",
    "unitCode",
    "additionalType",
    "valueRequired",
]


def contexts() -> dict[str, dict]:
    """The two contexts a crate names, with just the terms ours uses."""
    terms = {name: SCHEMA + name for name in SCHEMA_TERMS}
    terms |= {
        "File": f"{SCHEMA}MediaObject",
        "ComputationalWorkflow": f"{BIOSCHEMAS}ComputationalWorkflow",
        "FormalParameter": f"{BIOSCHEMAS}FormalParameter",
        "input": f"{BIOSCHEMAS}ComputationalWorkflow#input",
        "output": f"{BIOSCHEMAS}ComputationalWorkflow#output",
        "conformsTo": "http://purl.org/dc/terms/conformsTo",
    }
    run = {name: WORKFLOW_RUN + name for name in ("sha256", "resourceUsage", "environment")}
    return {
        "https://w3id.org/ro/crate/1.1/context": {"@context": terms},
        "https://w3id.org/ro/terms/workflow-run/context": {"@context": run},
    }


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """A cache of roc-validator's that holds the two contexts and nothing else."""
    path = tmp_path_factory.mktemp("roc") / "cache"
    session = requests_cache.CachedSession(str(path))
    for url, context in contexts().items():
        body, headers = json.dumps(context).encode(), {"Content-Type": "application/ld+json"}
        response = requests.Response()
        response.status_code, response.url, response._content = 200, url, body
        response.headers.update(headers)
        response.request = requests.Request("GET", url).prepare()
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), headers, 200, preload_content=False)
        session.cache.save_response(response)
    session.close()
    return path


@pytest.fixture(scope="module")
def provenance(finished, tmp_path_factory) -> Path:
    """The run's provenance in a path without a space, which roc-validator does not quote."""
    clone = finished.copy(tmp_path_factory.mktemp("crate") / "clone")
    return clone.root / "results" / "tiny" / "provenance"


def issues(cache: Path, profile: str, **settings) -> set[str]:
    """Checks of at least recommended severity that fail."""
    given = services.ValidationSettings(
        rocrate_uri=settings.pop("rocrate_uri", None),
        profile_identifier=profile,
        extra_profiles_path=PROFILES,
        requirement_severity=models.Severity.RECOMMENDED,
        cache_path=cache,
        offline=True,
        **{name: value for name, value in settings.items() if name != "crate"},
    )
    if "crate" in settings:
        result = services.validate_metadata_as_dict(settings["crate"], given)
    else:
        result = services.validate(given)
    return {f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()}


def checks(found: set[str]) -> set[str]:
    return {issue.partition(":")[0] for issue in found}


@pytest.mark.parametrize("profile", ["provenance-run-crate-0.5", OWN])
def test_the_crate_passes_but_for_one_check_that_contradicts_another(cache, provenance, profile):
    found = issues(cache, profile, rocrate_uri=str(provenance.parent))
    assert checks(found) <= CONTRADICTED, found


# What our profile demands of every file and of every action, and its words for it.
OF_FILES = {"sha256": "SHA-256", "contentSize": "size in bytes"}
OF_ACTIONS = {name: name for name in ("startTime", "endTime", "actionStatus", "result")}
FACTS = ["commit", "environment", "seeds", "hardware", "code", "parameters"]


@pytest.fixture(scope="module")
def crate(provenance) -> dict:
    return json.loads((provenance.parent / "ro-crate-metadata.json").read_text())


def only_own(cache, crate) -> set[str]:
    """What our profile alone says; the profiles below it are held to elsewhere."""
    found = issues(cache, OWN, crate=crate, metadata_only=True)
    return {issue for issue in found if issue.startswith(OWN)}


def test_nothing_that_our_profile_demands_can_be_left_out(cache, crate):
    spoilt = copy.deepcopy(crate)
    files = (e for e in spoilt["@graph"] if "File" in e["@type"] and OF_FILES.keys() <= e.keys())
    actions = (e for e in spoilt["@graph"] if e["@id"].startswith("#job-"))
    for field, entity in [*zip(OF_FILES, files), *zip(OF_ACTIONS, actions)]:  # noqa: B905
        del entity[field]
    for fact, action in zip(FACTS, actions):  # noqa: B905
        told = action["additionalProperty"]
        assert len(told) == len(FACTS)
        told[:] = [entry for entry in told if not entry["@id"].startswith(f"#{fact}-")]
    found = only_own(cache, spoilt)
    for words in [*OF_FILES.values(), *OF_ACTIONS.values(), *(f"its {fact} " for fact in FACTS)]:
        assert any(words in issue for issue in found), words


def test_every_fetched_file_says_its_terms_and_whether_it_may_be_passed_on(crate):
    fetched = [e for e in crate["@graph"] if "isBasedOn" in e]
    assert len(fetched) == 6
    for entity in fetched:
        assert entity["license"]["@id"].startswith("#licence-")
        assert entity["conditionsOfAccess"].startswith("May be passed on: ")
        assert entity["sdDatePublished"]


def test_the_crate_stands_alone(finished, provenance, tmp_path):
    import tarfile

    with tarfile.open(provenance / "code.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    for name in ("workflow/Snakefile", "config/paper.yaml", "envs/run.lock"):
        assert (tmp_path / name).read_bytes() == (finished.root / name).read_bytes()
    records = [json.loads(path.read_text()) for path in (provenance / "jobs").glob("*.json")]
    ran = {name for record in records for name in record["code"]["files"]}
    for name in ran:
        assert (tmp_path / "workflow" / name).is_file(), name


def test_the_crate_encloses_what_it_names(provenance, crate):
    names = [e["@id"] for e in crate["@graph"] if "File" in e["@type"]]
    assert len(names) > 100
    for name in names:
        path = provenance.parent / unquote(name)
        assert path.resolve().is_relative_to(provenance.parent.resolve()), name
        assert path.is_file(), name


def test_ro_crate_py_writes_the_crate_inside_of_the_folder_it_is_given(provenance, tmp_path):
    there = tmp_path / "outer" / "copy"
    ROCrate(str(provenance.parent)).write(str(there))
    assert [path.name for path in there.parent.iterdir()] == ["copy"]
    assert (there / "catalogues/as-published/g2a.dat").is_file()
    packed = tmp_path / "run.zip"
    ROCrate(str(provenance.parent)).write_zip(str(packed))
    with zipfile.ZipFile(packed) as archive:
        assert all(not name.startswith(("/", "..")) for name in archive.namelist())


def test_the_copy_beside_the_records_is_the_crate(provenance):
    copy = provenance / "ro-crate-metadata.json"
    assert copy.read_bytes() == (provenance.parent / "ro-crate-metadata.json").read_bytes()
