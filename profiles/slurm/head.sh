#!/bin/bash
# The controller as a small job, for clusters that end long processes on login nodes:
#
#   sbatch profiles/slurm/head.sh full [SNAKEMAKE ARGUMENTS]
#
# Give sbatch the account, the partition and a time that lets the whole run end; the last two minutes
# are for cancelling what is left, and the same call goes on. scancel of this job does the same.
#SBATCH --job-name=reproduce
#SBATCH --cpus-per-task=1
#SBATCH --mem=4000
#SBATCH --time=2-00:00:00
#SBATCH --signal=B:INT@120
#SBATCH --output=head-%j.log
run=${1:?name a run: sbatch profiles/slurm/head.sh full}
shift
exec ./reproduce "$run" -- --profile profiles/slurm --local-cores "${SLURM_CPUS_PER_TASK:-1}" "$@"
