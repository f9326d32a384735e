"""What a job asks a scheduler for: from the table of costs and the rows of the run."""

from dataclasses import dataclass
from math import ceil

from spectrotranslator.config import Configuration
from spectrotranslator.download.registry import read_registry

from .cost_table import Costs, survey_rows

MORE_MEMORY = 1.5
MORE_TIME = 4
LEAST_MIN = 5
# A job of Slurm holds a Snakemake of its own around the command.
SNAKEMAKE_MB = 300
# Their time hangs on epochs, members and realisations: it is what the configuration says.
TIMED_BY_CONFIGURATION = {
    "train_members",
    "translate_shard",
    "assess_ensemble",
    "calibrate_intervals",
    "cross_validate",
    "train_pool",
    "apply_choice",
    "compare_replicates",
}
FARTHEST = 3
# What each further process of a rule needs: as much as a job of this rule.
FURTHER_PROCESS = {"cross_validate": "train_members", "apply_choice": "train_pool"}


@dataclass(frozen=True)
class ResourceRequests:
    """Memory, minutes and disk of a job of each rule; a resubmission asks for as much again."""

    configuration: Configuration
    rows: int
    costs: Costs

    @classmethod
    def of(cls, configuration: Configuration) -> "ResourceRequests":
        """For a run whose sources are registered."""
        registry = read_registry(configuration.sources.registry)
        rows = survey_rows(configuration, {name: one.rows for name, one in registry.items()})
        return cls(configuration, sum(rows.values()), Costs.read())

    def memory(self, rule: str, processes: int = 1) -> int:
        """Megabytes: half as much again as was measured for so many rows, and Snakemake's own.

        For a run of more than three times the rows it was measured with, what the configuration
        says: a slope drawn that far is mostly noise.
        """
        if rule in FURTHER_PROCESS and processes > 1:
            return self.memory(rule) + (processes - 1) * self.memory(FURTHER_PROCESS[rule])
        found = self.costs.measured(rule, self.rows)
        if found is None or self.rows > FARTHEST * self.costs.reach(rule):
            return self.configuration.compute.memory_mb
        return 100 * ceil((MORE_MEMORY * found.memory_mb + SNAKEMAKE_MB) / 100)

    def minutes(self, rule: str) -> int:
        """Minutes: four times what was measured, for slower nodes and disks."""
        found = self.costs.measured(rule, self.rows)
        if found is None or rule in TIMED_BY_CONFIGURATION:
            return self.configuration.compute.runtime_min
        return max(LEAST_MIN, ceil(MORE_TIME * found.seconds / 60))

    def disk(self, rule: str) -> int:
        """Megabytes that the job leaves on the disk, twice: a temporary copy stands beside it."""
        found = self.costs.measured(rule, self.rows)
        return max(100, ceil(2 * found.disk_bytes / 1e6)) if found else 1000
