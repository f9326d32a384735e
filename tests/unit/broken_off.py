"""A training that is killed at the end of an epoch."""

from spectrotranslator.network.checkpoint import Checkpoint


class Killed(Exception):
    """Stands for a kill at an epoch's end."""


def killed_after(checkpoint: Checkpoint, epoch: int) -> Checkpoint:
    """The same checkpoint; once so many epochs are written, the training is killed."""
    offer, done = checkpoint.offer, iter(range(1, 1000))

    def killed(*state):
        offer(*state)
        if next(done) == epoch:
            raise Killed

    checkpoint.offer = killed
    return checkpoint
