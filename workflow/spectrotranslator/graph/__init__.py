"""The graph of a run: what rules run, and the files that join them."""
