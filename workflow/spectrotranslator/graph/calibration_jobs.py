"""How the work for a run's own tolerances is parted into jobs."""

from math import ceil

from spectrotranslator.config import Configuration

#: Members of a pool that one job trains, where the configuration gives no number.
POOLED_PER_JOB = 10
#: Pairs of replicates that one job draws.
PAIRS_PER_JOB = 5


def further_members(configuration: Configuration) -> int:
    """Members of a pool that are trained beside the run's own, which belong to it."""
    comparison = configuration.comparison
    return comparison.pool - configuration.methods[comparison.method].ensemble.trained


def pool_parts(configuration: Configuration) -> list[str]:
    """Names of the parts of a pool's further members, a job each: ``1-of-4``."""
    size = configuration.compute.members_per_job or POOLED_PER_JOB
    count = ceil(further_members(configuration) / size)
    return [f"{number}-of-{count}" for number in range(1, count + 1)]


def members_of_part(configuration: Configuration) -> int:
    """Members in every part, so that the pool has at least ``comparison.pool``."""
    return ceil(further_members(configuration) / len(pool_parts(configuration)))


def pair_parts(configuration: Configuration) -> list[str]:
    """First and last pair of replicates that each job compares, from 1: ``1-to-5``."""
    pairs = configuration.comparison.replicates
    firsts = range(1, pairs + 1, PAIRS_PER_JOB)
    return [f"{first}-to-{min(first + PAIRS_PER_JOB - 1, pairs)}" for first in firsts]
