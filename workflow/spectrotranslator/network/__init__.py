"""The translator, its training, its ensembles, and what each input contributes."""
