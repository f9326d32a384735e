"""From two surveys' stars to the training samples, and the ledger of every cut."""
