"""The entities of a run's crate: files, tools, steps, actions, and what they ran with."""

import json
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity
from rocrate.model.data_entity import DataEntity
from rocrate.rocrate import ROCrate

from spectrotranslator.config import Configuration
from spectrotranslator.files import digest

from .finished_run import RESULTS

SCHEMA = "http://schema.org"
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
#: Names of things that have no page: a domain reserved for never being one (RFC 2606).
NAMES = "https://spectrotranslator.invalid"
#: Followed by the path of a file that is read from outside of the run's folder, the crate's root.
OUTSIDE = "#file/"
OWN_PROFILE = f"{NAMES}/profile/1.0"
BIOSCHEMAS = "https://bioschemas.org/profiles"
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
PAPER = "https://doi.org/10.1051/0004-6361/202451427"
SNAKEMAKE = "https://snakemake.readthedocs.io/"
FORMATS = {
    ".json": "application/json", ".parquet": "application/vnd.apache.parquet",
    ".fits": "application/fits", ".dat": "text/plain", ".gz": "application/gzip",
    ".csv": "text/csv", ".png": "image/png", ".pdf": "application/pdf",
    ".html": "text/html", ".yaml": "application/yaml", ".py": "text/x-python",
    ".tar": "application/x-tar", ".safetensors": "application/octet-stream",
}  # fmt: skip


def reference(*names: str) -> Any:
    """JSON-LD reference to one entity, or a list of references to several."""
    found = [{"@id": name} for name in names]
    return found[0] if len(found) == 1 else found


class Entities:
    """Builds the crate of one run, entity by entity."""

    def __init__(self, configuration: Configuration, records: dict[str, dict]):
        self.configuration = configuration
        self.records = records
        self.prefix = f"{RESULTS}/{configuration.run}/"
        self.receipts = {
            f"{self.prefix}sources/{receipt['file']}": receipt
            for record in records.values()
            for receipt in record["fetched"]
        }
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_contexts.append(CONTEXT)
        self.crate.metadata["conformsTo"] = reference(
            "https://w3id.org/ro/crate/1.1", "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
        )
        self.known: set[str] = set()
        self.actions: list[str] = []
        self.rules = list(dict.fromkeys(record["rule"] for record in records.values()))
        self._root()

    def _add(self, name: str, kind: str | list[str], /, **properties) -> str:
        if name not in self.known:
            self.known.add(name)
            made = ContextEntity if _is_context(kind) else DataEntity
            entity = made(self.crate, name, properties={"@type": kind, **properties})
            self.crate.add(entity)
        return name

    def _root(self) -> None:
        run = self.configuration.run
        evidence = self.configuration.evidence
        root = self.crate.root_dataset
        root["name"] = f"Run {run} of the SpectroTranslator reproduction ({evidence} data)"
        root["description"] = self.configuration.description or f"The run {run}, {evidence} data."
        root["datePublished"] = max(record["ended"] for record in self.records.values())
        root["license"] = reference(self._licence(LICENCE, "BSD 3-Clause, code and own results"))
        root["keywords"] = f"evidence: {evidence}"
        profiles = PROFILES | {
            OWN_PROFILE: (
                "SpectroTranslator provenance: every file with digest and size, every action with "
                "commit, environment, seeds and hardware",
                "1.0",
            )
        }
        for name, (title, version) in profiles.items():
            self._add(name, "CreativeWork", name=title, version=version)
        root["conformsTo"] = reference(*profiles)
        self._add(
            "#operator",
            "Organization",
            name="Whoever made this run (not named here)",
            url=PAPER,
            description="Fill in the person or group that answers for the run.",
        )
        root["author"] = root["publisher"] = reference("#operator")

    def _licence(self, name: str, title: str) -> str:
        return self._add(name, "CreativeWork", name=title, description=f"Terms: {title}.", url=name)

    def add_workflow(self, file: dict) -> None:
        """The main entity, its language, its steps and its tools."""
        self._add(
            "https://w3id.org/workflowhub/workflow-ro-crate#snakemake",
            "ComputerLanguage",
            name="Snakemake",
            identifier=reference("https://snakemake.github.io"),
            url=reference("https://snakemake.github.io"),
            version=self._version("snakemake"),
        )
        self._add("https://snakemake.github.io", "WebSite", name="Snakemake")
        steps = list(dict.fromkeys(record["step"] for record in self.records.values()))
        for step in steps:
            self._add(
                self._tool(step),
                "SoftwareApplication",
                name=step,
                description=f"The command python -m spectrotranslator.run_step {step}.",
                url=PAPER,
                softwareVersion=self._code_of(step),
            )
        for position, rule in enumerate(self.rules, start=1):
            step = next(r["step"] for r in self.records.values() if r["rule"] == rule)
            self._add(
                f"#step-{rule}",
                "HowToStep",
                name=rule,
                description=f"The rule {rule} of the workflow.",
                position=str(position),
                workExample=reference(self._tool(step)),
            )
        bioschemas = f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"
        self._add(bioschemas, "CreativeWork", name="ComputationalWorkflow", version="1.0-RELEASE")
        self.add_file(
            file,
            ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            name="The workflow's Snakefile",
            conformsTo=reference(bioschemas),
            programmingLanguage=reference(
                "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
            ),
            version=self._version("", commit=True),
            license=reference(LICENCE),
            creator=reference("#operator"),
            dateCreated=min(record["started"] for record in self.records.values()),
            sdPublisher=reference("#operator"),
            url=PAPER,
            hasPart=reference(*map(self._tool, steps)),
            step=reference(*(f"#step-{rule}" for rule in self.rules)),
            input=reference(self._parameter("configuration", "config", "config.yaml", "input")),
            output=reference(self._parameter("verdict", "verdict", "verdict.json", "output")),
        )
        self.workflow = self._name(file["path"])
        self.crate.root_dataset["mainEntity"] = reference(self.workflow)

    def _parameter(self, name: str, role: str, file: str, side: str) -> str:
        profile = f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"
        self._add(profile, "CreativeWork", name="FormalParameter", version="1.0-RELEASE")
        return self._add(
            f"#parameter-{name}",
            "FormalParameter",
            name=name,
            description=f"The run's {file}, {side} of the workflow ({role}).",
            additionalType="File",
            valueRequired="True",
            conformsTo=reference(profile),
        )

    def _tool(self, step: str) -> str:
        return f"{NAMES}/tool/{step}"

    def _code_of(self, step: str) -> str:
        found = {r["code"]["digest"] for r in self.records.values() if r["step"] == step}
        return " ".join(sorted(found))

    def _version(self, distribution: str, commit: bool = False) -> str:
        last = max(self.records.values(), key=lambda record: record["ended"])
        if commit:
            return last["code"]["repository"]["commit"]
        pairs = dict(line.split("==", 1) for line in last["environment"]["distributions"])
        return pairs.get(distribution, "unknown")

    def _name(self, path: str) -> str:
        """A file by its place in the run's folder, or by a name of the crate's if outside."""
        if path.startswith(self.prefix):
            return quote(path.removeprefix(self.prefix))
        return f"{OUTSIDE}{quote(path)}"

    def add_file(self, file: dict, kind: str | list[str] = "File", **properties) -> str:
        """A file with digest and size, and, if it was fetched, where from and on what terms."""
        path = file["path"]
        inside = path.removeprefix(self.prefix)
        suffix = f".{path.rpartition('.')[2]}"
        given = {
            "name": inside,
            "description": f"{inside}, as recorded.",
            "encodingFormat": FORMATS.get(suffix, "text/plain"),
            "contentSize": str(file["bytes"]),
            "sha256": file["sha256"],
        }
        examples = {"config.yaml": "configuration", "verdict.json": "verdict"}
        if inside in examples:
            given["exampleOfWork"] = reference(f"#parameter-{examples[inside]}")
        if receipt := self.receipts.get(path):
            given |= self._terms(receipt)
        if inside == "README.md":
            given |= {"about": reference("./"), "encodingFormat": "text/markdown"}
        name = self._name(path)
        kind = "CreativeWork" if name.startswith(OUTSIDE) else kind
        return self._add(name, kind, **(given | properties))

    def _terms(self, receipt: dict) -> dict:
        name = f"#licence-{digest(receipt['licence'])[:12]}"
        self._add(
            name,
            "CreativeWork",
            name=receipt["licence"] or "not stated",
            description="Terms of the archive the file was fetched from.",
        )
        terms = {
            "license": reference(name),
            "conditionsOfAccess": f"May be passed on: {receipt['redistribution'] or 'not stated'}",
            "isBasedOn": receipt["url"],
            "sdDatePublished": receipt["retrieved"],
            "description": f"{receipt['dataset']} {receipt['release']}, fetched; "
            f"cite {receipt['citation']}",
        }
        if "query" in receipt:
            terms["abstract"] = receipt["query"]
        return terms

    def add_job(self, job: str, record: dict) -> None:
        """Inputs, outputs, the action and the control action of one job."""
        sides = {
            side: sorted({self.add_file(file) for file in record[side]})
            for side in ("inputs", "outputs")
        }
        action = f"#job-{job}"
        self._add(
            action,
            "CreateAction",
            name=f"{record['rule']}: {job}",
            description=" ".join(record["command"][1:3]),
            instrument=reference(self._tool(record["step"])),
            agent=reference("#operator"),
            startTime=record["started"],
            endTime=record["ended"],
            actionStatus=f"{SCHEMA}/CompletedActionStatus",
            **({"object": reference(*sides["inputs"])} if sides["inputs"] else {}),
            result=reference(*sides["outputs"]),
            additionalProperty=reference(*self._facts(record)),
            resourceUsage=reference(*self._usage(job, record)),
        )
        self._add(
            f"#control-{job}",
            "ControlAction",
            name=f"start of {job}",
            description=f"Snakemake starts {job}.",
            instrument=reference(f"#step-{record['rule']}"),
            object=reference(action),
        )
        self.actions.append(action)

    def _facts(self, record: dict) -> list[str]:
        facts = {
            "commit": record["code"]["repository"],
            "environment": record["environment"],
            "seeds": record["seeds"],
            "hardware": {"machine": record["machine"], "compute": record["compute"]},
            "code": record["code"]["files"],
            "parameters": record["parameters"],
        }
        if record["scheduler"]:
            facts["scheduler"] = record["scheduler"]
        return [self._value(name, value) for name, value in facts.items()]

    def _value(self, name: str, value: Any) -> str:
        shown = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        return self._add(
            f"#{name}-{digest(value)[:16]}",
            "PropertyValue",
            name=name,
            propertyID=f"{NAMES}/property/{name}",
            description=f"The {name} of the jobs that refer to it.",
            value=shown,
        )

    def _usage(self, job: str, record: dict) -> list[str]:
        units = {"peak_memory_mb": "4L", "cpu_seconds": "SEC"}
        return [
            self._add(
                f"#{name}-{job}",
                "PropertyValue",
                name=name,
                propertyID=f"{NAMES}/property/{name}",
                description=f"{name} of {job}.",
                value=str(round(record[name], 3)),
                unitCode=unit,
            )
            for name, unit in units.items()
        ]

    def finish(self) -> dict:
        """The action of the whole workflow, the engine's, and the JSON-LD."""
        records = self.records.values()
        started = min(record["started"] for record in records)
        ended = max(record["ended"] for record in records)
        made = [file for record in records for file in record["outputs"]]
        made = [file for file in made if file["path"].endswith("/verdict.json")] or made[-1:]
        read = {
            file["path"]: file for r in records for file in r["inputs"] if file["role"] == "config"
        }
        last = max(records, key=lambda record: record["ended"])
        self._add(
            "#workflow-run",
            "CreateAction",
            name=f"The run {self.configuration.run}",
            description="All jobs of the workflow.",
            instrument=reference(self.workflow),
            agent=reference("#operator"),
            startTime=started,
            endTime=ended,
            actionStatus=f"{SCHEMA}/CompletedActionStatus",
            object=reference(*map(self.add_file, read.values())),
            result=reference(*map(self.add_file, made)),
            additionalProperty=reference(*self._facts(last)),
        )
        self._add(
            SNAKEMAKE,
            "SoftwareApplication",
            name="Snakemake",
            description="The workflow engine.",
            url=SNAKEMAKE,
            softwareVersion=self._version("snakemake"),
        )
        self._add(
            "#engine",
            "OrganizeAction",
            name="Snakemake's work on the run",
            description="Snakemake orders and starts the jobs.",
            instrument=reference(SNAKEMAKE),
            agent=reference("#operator"),
            object=reference(*(f"#control-{job}" for job in self.records)),
            result=reference("#workflow-run"),
            startTime=started,
            endTime=ended,
        )
        root = self.crate.root_dataset
        root["mentions"] = reference("#workflow-run", "#engine", *self.actions)
        return self.crate.metadata.generate()


def _is_context(kind: str | list[str]) -> bool:
    return "File" not in ([kind] if isinstance(kind, str) else kind)
