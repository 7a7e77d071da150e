"""What a training run leaves behind, step by step and epoch by epoch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np

PER_STEP = {"loss": float, "gradient_norm": float, "clipped": bool, "rate": float, "seconds": float}
PER_EPOCH = {
    "train_loss": float,
    "train_metric": float,
    "validation_loss": float,
    "validation_metric": float,
    "epoch_end": int,
    "epoch_seconds": float,
}


@dataclass(frozen=True)
class History:
    """What a training run was like: five numbers per step, six per epoch.

    Parameters
    ----------
    loss : numpy.ndarray
        (steps,), the loss of each mini-batch, before the update.
    gradient_norm : numpy.ndarray
        (steps,), the norm of all gradients together, before clipping.
    clipped : numpy.ndarray
        (steps,) of bool, whether the gradient was clipped.
    rate : numpy.ndarray
        (steps,), the learning rate.
    seconds : numpy.ndarray
        (steps,), the time that each step took.
    train_loss, train_metric : numpy.ndarray
        (epochs,), on training examples, with the weights at the end of the epoch.
    validation_loss, validation_metric : numpy.ndarray
        (epochs,), on the validation split, with the same weights.
    epoch_end : numpy.ndarray
        (epochs,) of int, how many steps had been taken.
    epoch_seconds : numpy.ndarray
        (epochs,), the time of the epoch's steps and of its evaluation.

    Notes
    -----
    The length is the number of epochs. Train and validation are measured with the same weights, so
    that they can be compared; the mean of an epoch's `loss` is not, as the weights moved meanwhile.
    Notebook 04.

    Examples
    --------
    >>> history = History.from_rows([(2.3, 0.7, False, 0.1, 0.01)] * 3, [])
    >>> len(history), history.steps, history.share_clipped
    (0, 3, 0.0)
    """

    loss: np.ndarray
    gradient_norm: np.ndarray
    clipped: np.ndarray
    rate: np.ndarray
    seconds: np.ndarray
    train_loss: np.ndarray
    train_metric: np.ndarray
    validation_loss: np.ndarray
    validation_metric: np.ndarray
    epoch_end: np.ndarray
    epoch_seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.epoch_end)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.loss)

    @property
    def share_clipped(self) -> float:
        """Share of the steps whose gradient was clipped; nan without a step."""
        return float(self.clipped.mean()) if self.steps else np.nan

    @property
    def best_epoch(self) -> int:
        """Row of the epoch with the least validation loss."""
        if not len(self):
            raise ValueError("the history holds no epoch: nothing has been validated yet.")
        return int(np.nanargmin(self.validation_loss))

    @classmethod
    def from_rows(cls, steps: Iterable[tuple], epochs: Iterable[tuple]) -> "History":
        """Make a history of one row per step and one per epoch, in the order of the fields."""
        columns = {}
        for names, rows in ((PER_STEP, list(steps)), (PER_EPOCH, list(epochs))):
            for i, (name, kind) in enumerate(names.items()):
                columns[name] = np.array([row[i] for row in rows], dtype=kind)
        return cls(**columns)

    def rows(self) -> tuple[list[tuple], list[tuple]]:
        """Return the rows that `from_rows` takes."""
        return tuple(
            list(zip(*(getattr(self, name).tolist() for name in names), strict=True))
            for names in (PER_STEP, PER_EPOCH)
        )

    def to_dict(self) -> dict[str, list]:
        """Return lists by name, ready for JSON."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}

    @classmethod
    def from_dict(cls, lists: Mapping[str, list]) -> "History":
        """Make a history of what `to_dict` returned."""
        kinds = PER_STEP | PER_EPOCH
        if set(lists) != set(kinds):
            raise ValueError(f"the names are {sorted(lists)}; expected {sorted(kinds)}.")
        return cls(**{name: np.array(lists[name], dtype=kind) for name, kind in kinds.items()})
