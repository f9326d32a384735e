"""How far independent runs of one method differ: replicates, pools, limits."""
