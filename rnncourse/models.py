"""What the training loop trains: the NumPy network, and any torch module, behind the same methods.

A model holds `params`, the arrays that the optimiser changes, and `buffers`, the arrays that
change by themselves (running means of a batch norm). `fit` asks it for nothing else than outputs,
and the loss with its gradients.
"""

import copy
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch

from rnncourse.bptt import backward_sweep, parameter_gradients
from rnncourse.cell import Activation, RNNParams, check_params, get_activation
from rnncourse.tasks import SequenceTask, Split
from rnncourse.unroll import Trace, unroll
from rnncourse.validation import check_array

CHUNK = 256  # sequences that `NumpyModel.forward` runs at once: the memory stays small


class Model(ABC):
    """What `rnncourse.training.fit` needs of a model: inherit from it for a cell of your own.

    Notes
    -----
    `params` and `buffers` are tuples of arrays (a NamedTuple is one), both can be set. Notebook 04.

    Examples
    --------
    >>> sorted(Model.__abstractmethods__)
    ['copy', 'describe', 'forward', 'loss_and_gradients']
    """

    params: tuple
    buffers: tuple

    @abstractmethod
    def copy(self) -> "Model":
        """Return a model of its own: training it leaves this one as it is."""

    @abstractmethod
    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""

    @abstractmethod
    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs (T, B, K), as in use: no dropout."""

    @abstractmethod
    def loss_and_gradients(
        self, task: SequenceTask, split: Split, seed: int | None = None
    ) -> tuple[float, tuple[np.ndarray, ...]]:
        """Return the loss and its gradient with respect to each of `params`."""


class HandModel(Model):
    r"""A network whose forward and backward pass are written by hand: a subclass gives both.

    Its `params` are a NamedTuple with the fields `W_hh` and `sizes` = (D, N, K).

    Notes
    -----
    `run` gives a record of the forward pass, which has the outputs as `y`; `gradients` and
    `contributions` read it. From these follow the loss with its gradients, and the outputs in use.
    Subclasses are the basic network here, its regularised forms (notebook 05) and the gated cells
    (notebook 06).

    Examples
    --------
    >>> sorted(HandModel.__abstractmethods__)
    ['contributions', 'describe', 'gradients', 'run']
    """

    buffers = ()

    @abstractmethod
    def run(self, x: np.ndarray, rng: np.random.Generator | None = None) -> Any:
        """Return the record of a forward pass; with a generator as in training, else as in use."""

    @abstractmethod
    def gradients(self, record: Any, dL_dy: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the gradient of each of `params`, given ∂L/∂y_t (T, B, K)."""

    @abstractmethod
    def contributions(self, record: Any, dL_dy: np.ndarray) -> np.ndarray:
        """Return what each step's use of W_hh adds to dL/dW_hh, (T, *W_hh.shape): its sum is it."""

    def copy(self) -> "HandModel":
        """Return a model of its own: training it leaves this one as it is."""
        other = copy.copy(self)
        other.params = type(self.params)(*map(np.copy, self.params))
        other.buffers = tuple(map(np.copy, self.buffers))
        return other

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs (T, B, K) of inputs (T, B, D), as in use."""
        check_array("x", x, "T B D", D=self.params.sizes[0], like=self.params.W_hh)
        parts = (x[:, b : b + CHUNK] for b in range(0, x.shape[1], CHUNK))
        with np.errstate(over="ignore", invalid="ignore"):  # whoever reads a nan has to handle it
            outputs = [self.run(part).y for part in parts]
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1)

    def loss_and_gradients(
        self, task: SequenceTask, split: Split, seed: int | None = None
    ) -> tuple[float, tuple[np.ndarray, ...]]:
        """Return the loss and its gradients in the order of `params`; nan if y is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            record = self.run(split.x, np.random.default_rng(seed))
            y = record.y
            if not np.isfinite(y).all():
                return np.nan, tuple(np.full_like(p, np.nan) for p in self.params)
            last_only = task.loss_name == "cross_entropy_last" and split.mask is None
            loss = task.loss(y[-1:] if last_only else y, split)  # the same, sooner
            if not np.isfinite(loss.dL_dy).all():
                return loss.value, tuple(np.full_like(p, np.nan) for p in self.params)
            dL_dy = loss.dL_dy
            if last_only:
                dL_dy = np.zeros_like(y)
                dL_dy[-1:] = loss.dL_dy
            return loss.value, self.gradients(record, dL_dy)


class NumpyModel(HandModel):
    """The basic recurrent network with its gradients by back-propagation through time.

    Parameters
    ----------
    params : RNNParams
        The weights and biases.
    activation : str or Activation
        φ: ``"tanh"``, ``"relu"``, ``"logistic"``, ``"identity"``, or one of your own.

    Raises
    ------
    TypeError, ValueError
        If the parameters do not fit each other, or no activation has this name.

    Notes
    -----
    The initial state h_0 is zero. Setting `params` replaces the weights. Notebook 04.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> model = NumpyModel(init_params(3, 5, 2, np.random.default_rng(0)))
    >>> model.forward(np.ones((4, 1, 3))).shape
    (4, 1, 2)
    """

    def __init__(self, params: RNNParams, activation: str | Activation = "tanh"):
        self.params = check_params(params)
        self.activation = get_activation(activation)

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        return f"NumpyModel(activation={self.activation.name})"

    def run(self, x: np.ndarray, rng: np.random.Generator | None = None) -> Trace:
        """Return the trace of a forward pass; nothing is random in it."""
        return unroll(self.params, x, None, self.activation)

    def gradients(self, record: Trace, dL_dy: np.ndarray) -> RNNParams:
        """Return the gradient of each of `params`, given ∂L/∂y_t (T, B, K)."""
        sweep = backward_sweep(self.params, record, dL_dy)
        return RNNParams(*parameter_gradients(record, dL_dy, sweep.dL_da))

    def contributions(self, record: Trace, dL_dy: np.ndarray) -> np.ndarray:
        """Return what each step's use of W_hh adds to dL/dW_hh, (T, N, N)."""
        dL_da = backward_sweep(self.params, record, dL_dy).dL_da
        return dL_da.swapaxes(1, 2) @ record.h_prev


class TorchModel(Model):
    """A torch module that maps inputs (T, B, D) to outputs (T, B, K), with gradients by autograd.

    Parameters
    ----------
    module : torch.nn.Module
        On the CPU. It is trained in training mode (dropout on) and evaluated in evaluation mode;
        what does not require a gradient stays as it is.

    Raises
    ------
    TypeError
        If `module` is no module, or its output no tensor.
    ValueError
        If it has no parameters to train, lies on another device, or its output is not (T, B, K).

    Notes
    -----
    The task's own loss gives ∂L/∂y_t, autograd carries it back: loss and optimiser are the same
    as for `NumpyModel`. What is random inside the module (dropout) is drawn from the seed of the
    step, and leaves torch's own generator untouched. Notebook 04.

    Examples
    --------
    >>> class Network(torch.nn.Module):
    ...     def __init__(self, D, N, K):
    ...         super().__init__()
    ...         self.rnn, self.readout = torch.nn.RNN(D, N), torch.nn.Linear(N, K)
    ...     def forward(self, x):
    ...         return self.readout(self.rnn(x)[0])
    >>> TorchModel(Network(3, 5, 2)).forward(np.ones((4, 1, 3), np.float32)).shape
    (4, 1, 2)
    """

    def __init__(self, module: torch.nn.Module):
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"module is a {type(module).__name__}; expected a torch.nn.Module.")
        self.module = module
        if not self._trained():
            raise ValueError("module has no parameter that requires a gradient: nothing to train.")
        devices = {str(p.device) for p in module.parameters()}
        if devices != {"cpu"}:
            raise ValueError(f"module lies on {', '.join(sorted(devices))}; expected the CPU.")

    def _trained(self) -> list[torch.Tensor]:
        return [p for p in self.module.parameters() if p.requires_grad]

    def _others(self) -> list[torch.Tensor]:
        frozen = [p for p in self.module.parameters() if not p.requires_grad]
        return [*frozen, *self.module.buffers()]

    @staticmethod
    def _assign(tensors: list[torch.Tensor], arrays: tuple[np.ndarray, ...]) -> None:
        with torch.no_grad():
            for tensor, array in zip(tensors, arrays, strict=True):
                tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)).reshape(tensor.shape))

    @property
    def params(self) -> tuple[np.ndarray, ...]:
        """Copies of the parameters that are trained; set them all at once."""
        return tuple(p.detach().numpy().copy() for p in self._trained())

    @params.setter
    def params(self, arrays: tuple[np.ndarray, ...]) -> None:
        """Set them all."""
        self._assign(self._trained(), arrays)

    @property
    def buffers(self) -> tuple[np.ndarray, ...]:
        """Copies of all other arrays of the module: running statistics, frozen parameters."""
        return tuple(b.detach().numpy().copy() for b in self._others())

    @buffers.setter
    def buffers(self, arrays: tuple[np.ndarray, ...]) -> None:
        """Set them all."""
        self._assign(self._others(), arrays)

    def copy(self) -> "TorchModel":
        """Return a model with a module of its own: training it leaves this one as it is."""
        return TorchModel(copy.deepcopy(self.module))

    def describe(self) -> str:
        """Say in one text what the model is, without its weights."""
        return f"TorchModel({self.module!r})"

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs (T, B, K) of inputs (T, B, D), in evaluation mode."""
        self.module.eval()
        with torch.no_grad():
            return self._outputs(x).numpy()

    def loss_and_gradients(
        self, task: SequenceTask, split: Split, seed: int | None = None
    ) -> tuple[float, tuple[np.ndarray, ...]]:
        """Return the loss and its gradients in the order of `params`, in training mode."""
        self.module.train()
        trained = self._trained()
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.random.default_generator.manual_seed(seed)
            y = self._outputs(split.x)
            outputs = y.detach().numpy()
            with np.errstate(over="ignore", invalid="ignore"):
                loss = task.loss(outputs, split) if np.isfinite(outputs).all() else None
            if loss is None:
                return np.nan, tuple(np.full(p.shape, np.nan, outputs.dtype) for p in trained)
            dL_dy = torch.from_numpy(loss.dL_dy)
            gradients = torch.autograd.grad(y, trained, dL_dy, allow_unused=True)
        zeros = map(torch.zeros_like, trained)  # for a parameter that the output does not depend on
        pairs = zip(gradients, zeros, strict=True)
        return loss.value, tuple((zero if g is None else g).numpy() for g, zero in pairs)

    def _outputs(self, x: np.ndarray) -> torch.Tensor:
        like: Any = np.empty(0, str(self._trained()[0].dtype).removeprefix("torch."))
        check_array("x", x, "T B D", like=like)
        y = self.module(torch.from_numpy(np.ascontiguousarray(x)))
        if not isinstance(y, torch.Tensor):
            raise TypeError(
                f"the module returned a {type(y).__name__}; expected one tensor (T, B, K): "
                f"torch.nn.RNN, for example, returns (h, h_T) and needs a readout."
            )
        if y.ndim != 3 or y.shape[:2] != x.shape[:2]:
            raise ValueError(
                f"the module returned shape {tuple(y.shape)}; expected (T, B, K) with "
                f"T = {x.shape[0]} and B = {x.shape[1]}: time first, an output at every step."
            )
        return y


def contribution_by_lag(
    model: HandModel, x: np.ndarray, dL_dy: np.ndarray, seed: int = 0
) -> np.ndarray:
    r"""Measure how far back the last output's loss reaches, for any model written by hand.

    .. math:: \ell \mapsto \|C_{T,\,T-\ell}\|_F, \quad
              \sum_{\ell=0}^{T-1} C_{T,\,T-\ell} = \frac{dL_T}{dW_{hh}} \tag{5.1}

    Parameters
    ----------
    model : HandModel
        Any of them.
    x : numpy.ndarray
        (T, B, D), the inputs.
    dL_dy : numpy.ndarray
        (B, K), the gradient of the loss at the last output y_T; no other output costs anything.
    seed : int
        Of what is random in the model during training.

    Returns
    -------
    numpy.ndarray
        (T,), the Frobenius norm of the contribution at each lag ℓ = 0, …, T - 1.

    Raises
    ------
    TypeError, ValueError
        If the model is not written by hand, or the arrays do not fit.

    Notes
    -----
    C_tk is what the use of W_hh at step k adds to the gradient of the loss at step t (notebook 02);
    in a gated cell, W_hh holds the recurrent weights of all gates. Pascanu, Mikolov & Bengio 2013,
    §2. Notebooks 05 and 06.

    Examples
    --------
    >>> from rnncourse.cell import init_params
    >>> model = NumpyModel(init_params(3, 5, 2, np.random.default_rng(0)))
    >>> contribution_by_lag(model, np.ones((4, 1, 3)), np.ones((1, 2))).shape
    (4,)
    """
    if not isinstance(model, HandModel):
        raise TypeError(f"model is a {type(model).__name__}; expected one written by hand.")
    D, _, K = model.params.sizes
    B = check_array("x", x, "T B D", D=D, like=model.params.W_hh).shape[1]
    check_array("dL_dy", dL_dy, "B K", B=B, K=K, like=model.params.W_hh)
    model = model.copy()  # running statistics stay as they are
    record = model.run(x, np.random.default_rng(seed))
    at_the_end = np.zeros_like(record.y)
    at_the_end[-1] = dL_dy
    C = model.contributions(record, at_the_end)
    return np.linalg.norm(C, axis=(1, 2))[::-1]  # (5.1)
