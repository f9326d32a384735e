#!/bin/sh
# Run by Snakemake in the conda environment of envs/workflow.yaml: installs the project's own code.
# Not verified here: no conda was at hand.
set -eu
python -m pip install --no-deps --no-build-isolation --no-index --editable "$PWD"
