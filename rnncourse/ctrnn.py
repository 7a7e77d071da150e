"""The continuous-time network as a torch module, with its gradient by hand.

`CTRNN` is what is trained, `ctrnn_loop` the readable definition of the same numbers.
"""

import math
from typing import Any

import torch
from torch.nn.functional import linear

from rnncourse.ctrnn_sweep import RATE_FUNCTIONS, sweep
from rnncourse.ctrnn_weights import (
    ConstrainedWeight,
    check_mask,
    check_tensor,
    dale_signs,
    draw_weights,
)


def stationary_variance(sigma: float, alpha: float) -> float:
    r"""Compute the variance to which noise brings a leaky unit without input.

    .. math::
        v_t = (1-\alpha) v_{t-1} + \sqrt{2\alpha}\,\sigma \xi_t \quad\Rightarrow\quad
        \operatorname{Var} v = \frac{2\alpha\sigma^2}{1 - (1-\alpha)^2}
        = \frac{\sigma^2}{1 - \alpha/2} \tag{7.6}

    Parameters
    ----------
    sigma : float
        σ.
    alpha : float
        α in (0, 1].

    Returns
    -------
    float
        The variance, σ² in the limit of small steps.

    Raises
    ------
    ValueError
        If `alpha` is not in (0, 1].

    Notes
    -----
    Noise of standard deviation ασ instead would leave σ² α/(2 - α), which vanishes with the step.
    Notebook 07.

    Examples
    --------
    >>> [round(stationary_variance(1.0, alpha), 3) for alpha in (0.2, 0.01)]
    [1.111, 1.005]
    """
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is {alpha!r}; expected a number above 0 and at most 1.")
    return sigma**2 / (1 - alpha / 2)  # (7.6)


class CTRNN(torch.nn.Module):
    r"""A continuous-time recurrent network in Euler steps, with a linear readout.

    .. math::
        \alpha = \Delta t / \tau \tag{7.1}

        v_t = (1-\alpha) v_{t-1} + \alpha (W_{hid} r_{t-1} + u_t), \quad
        r_t = \phi(v_t) + \eta_t \quad \text{(voltage)} \tag{7.2}

        r_t = (1-\alpha) r_{t-1} + \alpha\, \phi(W_{hid} r_{t-1} + u_t) + \eta_t
        \quad \text{(rate)} \tag{7.3}

        u_t = W_{in} x_t + b_{hid} + \sqrt{2/\alpha}\, \sigma_{pre}\, \xi_t, \quad
        y_t = W_{out} r_t + b_{out} \tag{7.4}

        \eta_t = \sigma_{post}\, \zeta_t \text{ (voltage)}, \quad
        \eta_t = \sqrt{2\alpha}\, \sigma_{post}\, \zeta_t \text{ (rate)} \tag{7.5}

    Parameters
    ----------
    D, N, K : int
        Numbers of inputs, hidden units, outputs.
    dt : float
        Δt, the length of a step, in ms.
    tau : float or torch.Tensor
        τ in ms, one number or (N,), at least `dt`.
    activation : {"relu", "tanh", "softplus", "logistic"}
        φ.
    form : {"voltage", "rate"}
        Whether the leaky state is the voltage v, as in (7.2), or the rate r, as in (7.3).
    sigma_pre, sigma_post : float
        σ of the noise before and after φ.
    initial : {"zero", "learned"} or torch.Tensor
        The state at time 0, v in the voltage form and r in the rate form; a tensor is (N,).
    batch_first : bool
        Whether sequences are (B, T, ·) instead of (T, B, ·).
    bias : bool
        Whether there are b_hid and b_out.
    excitatory : float or torch.Tensor, optional
        Dale's law: the share of excitatory units, or (N,) bool. Columns of W_hid then have one
        sign and balance each other at the start; W_out reads excitatory units only.
    mask_in, mask_hid, mask_out : torch.Tensor, optional
        (N, D), (N, N), (K, N) bool, False where there is no connection.
    learn_in, learn_hid, learn_out : torch.Tensor or bool, optional
        Of the same shapes, False where a weight stays as it is.
    self_connections : bool
        Whether the diagonal of W_hid may differ from 0.
    generator : torch.Generator, optional
        The source of the starting weights; torch's own if not given.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or value.

    Notes
    -----
    ξ and ζ are independent standard normal numbers. The noise before φ is a current: it reaches
    the leaky state times α, with standard deviation √(2α)σ. So the stationary variance of the
    leaky state of a linear unit is (7.6) in each case but one: η in the voltage form is added to
    rates, which do not leak, and has the variance σ² itself; what it does to v through W_hid
    shrinks with α.

    ``model.W_in`` (N, D), ``W_hid`` (N, N) [to, from] and ``W_out`` (K, N) are the weights in use,
    under all constraints (`rnncourse.ctrnn_weights.ConstrainedWeight`); `set_weights` sets them.
    Gradients are by hand, in one sweep, once differentiable; `torch.func.grad` works, `vmap` and
    gradients of gradients do not (`ctrnn_loop` gives the latter). Song, Yang & Wang 2016, PLoS
    Computational Biology 12(2). Notebook 07.

    Examples
    --------
    >>> model = CTRNN(3, 5, 2, generator=torch.Generator().manual_seed(0))
    >>> pred, rates = model(torch.ones(4, 1, 3))
    >>> pred.shape, rates.shape
    (torch.Size([4, 1, 2]), torch.Size([4, 1, 5]))
    """

    def __init__(
        self,
        D: int,
        N: int,
        K: int,
        *,
        dt: float = 20.0,
        tau: float | torch.Tensor = 100.0,
        activation: str = "relu",
        form: str = "voltage",
        sigma_pre: float = 0.0,
        sigma_post: float = 0.0,
        initial: str | torch.Tensor = "zero",
        batch_first: bool = False,
        bias: bool = True,
        excitatory: float | torch.Tensor | None = None,
        mask_in: torch.Tensor | None = None,
        mask_hid: torch.Tensor | None = None,
        mask_out: torch.Tensor | None = None,
        learn_in: torch.Tensor | bool | None = None,
        learn_hid: torch.Tensor | bool | None = None,
        learn_out: torch.Tensor | bool | None = None,
        self_connections: bool = True,
        generator: torch.Generator | None = None,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        for name, size in (("D", D), ("N", N), ("K", K)):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise ValueError(f"{name} is {size!r}; expected a whole number of at least 1.")
        _check_choice("activation", activation, RATE_FUNCTIONS)
        _check_choice("form", form, ("voltage", "rate"))
        for name, sigma in (("sigma_pre", sigma_pre), ("sigma_post", sigma_post)):
            if not (isinstance(sigma, int | float) and 0 <= sigma < math.inf):
                raise ValueError(f"{name} is {sigma!r}; expected a finite number of at least 0.")
        self.sizes, self.activation, self.form = (D, N, K), activation, form
        self.sigma_pre, self.sigma_post = float(sigma_pre), float(sigma_post)
        self.batch_first = batch_first
        like = torch.empty(0, device=device, dtype=dtype)
        self._set_time(dt, tau, like)
        self._set_initial(initial, like)

        shapes = {"in": (N, D), "hid": (N, N), "out": (K, N)}
        present = {"in": mask_in, "hid": mask_hid, "out": mask_out}
        learn = {"in": learn_in, "hid": learn_hid, "out": learn_out}
        for key, shape in shapes.items():
            present[key] = check_mask(f"mask_{key}", present[key], *shape)
            learn[key] = check_mask(f"learn_{key}", learn[key], *shape)
        signs = None
        if excitatory is not None:
            signs = dale_signs(excitatory, N)
            present["out"] = _both(present["out"], (signs > 0).expand(K, N))
        if not self_connections:
            present["hid"] = _both(present["hid"], ~torch.eye(N, dtype=torch.bool))
        for key, shape in shapes.items():
            kind = {"present": present[key], "column_sign": signs if key == "hid" else None}
            W = draw_weights(*shape, **kind, generator=generator)
            weight = ConstrainedWeight(W, **kind, learn=learn[key])
            setattr(self, f"layer_{key}", weight.to(like.device, like.dtype))
        for name, size in (("b_hid", N), ("b_out", K)):
            zeros = torch.nn.Parameter(like.new_zeros(size)) if bias else None
            self.register_parameter(name, zeros)

    def _set_time(self, dt: float, tau: float | torch.Tensor, like: torch.Tensor) -> None:
        if isinstance(tau, torch.Tensor):
            shortest = check_tensor("tau", tau, "N", N=self.sizes[1]).min().item()
            self.register_buffer("tau", tau.detach().to(like).clone())
        else:
            self.tau = shortest = tau
        if not (isinstance(dt, int | float) and isinstance(shortest, int | float)):
            raise TypeError(f"dt is {dt!r}, tau {tau!r}; expected numbers of ms, or (N,) for tau.")
        if not 0 < dt <= shortest < math.inf:
            raise ValueError(
                f"dt is {dt} ms, the shortest tau {shortest} ms; expected 0 < dt <= tau: a longer "
                f"step overshoots what it relaxes to."
            )
        self.dt = dt

    def _set_initial(self, initial: str | torch.Tensor, like: torch.Tensor) -> None:
        N, state_0 = self.sizes[1], None
        if isinstance(initial, torch.Tensor):
            state_0 = check_tensor("initial", initial.detach(), "N", N=N).to(like).clone()
        elif _check_choice("initial", initial, ("zero", "learned")) == "learned":
            state_0 = torch.nn.Parameter(like.new_zeros(N))
        if isinstance(state_0, torch.nn.Parameter):
            self.register_parameter("state_0", state_0)
        else:
            self.register_buffer("state_0", state_0)

    @property
    def alpha(self) -> float | torch.Tensor:
        """The fraction of a step, a number or (N,)."""
        return self.dt / self.tau  # (7.1)

    @property
    def W_in(self) -> torch.Tensor:
        """The weights (N, D) from the inputs, under all constraints."""
        return self.layer_in()

    @property
    def W_hid(self) -> torch.Tensor:
        """The weights (N, N) between the units, under all constraints."""
        return self.layer_hid()

    @property
    def W_out(self) -> torch.Tensor:
        """The weights (K, N) to the outputs, under all constraints."""
        return self.layer_out()

    @torch.no_grad()
    def set_weights(self, **values: torch.Tensor) -> "CTRNN":
        """Set W_in, W_hid, W_out, b_hid, b_out or state_0, frozen entries too, and return self."""
        for name, value in values.items():
            if name in ("W_in", "W_hid", "W_out"):
                getattr(self, name.replace("W", "layer")).set(value, name)
                continue
            own = getattr(self, name) if name in ("b_hid", "b_out", "state_0") else None
            if own is None:
                raise ValueError(f"{name} is no weight of this model.")
            own.copy_(check_tensor(name, value, "size", like=own, size=len(own)))
        return self

    def draw_noise(
        self, T: int, B: int, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Draw what noise adds to u and to the rates, (T, B, N) each, or None where σ is 0."""
        alpha = torch.as_tensor(self.alpha)

        def draw(sd: Any) -> torch.Tensor:
            like, shape = self.layer_hid.raw, (T, B, self.sizes[1])
            noise = torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)
            return noise.mul_(sd.to(like))

        current = kick = None
        if self.sigma_pre:
            current = draw((2 / alpha).sqrt() * self.sigma_pre)  # (7.4)
        if self.sigma_post:
            leaky = (2 * alpha).sqrt() if self.form == "rate" else torch.ones(())
            kick = draw(leaky * self.sigma_post)  # (7.5)
        return current, kick

    def prepare(
        self,
        x: torch.Tensor,
        initial: torch.Tensor | None = None,
        noise: bool | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[torch.Tensor | None, ...]:
        """Check the arguments of `forward`; return x time first, state 0 and the noise drawn."""
        D, N, _ = self.sizes
        like = self.layer_hid.raw
        if self.batch_first:
            x = check_tensor("x", x, "B T D", like=like, D=D).swapaxes(0, 1)
        else:
            check_tensor("x", x, "T B D", like=like, D=D)
        T, B, _ = x.shape
        if initial is None:
            initial = like.new_zeros(N) if self.state_0 is None else self.state_0
        elif isinstance(initial, torch.Tensor) and initial.ndim == 2:
            check_tensor("initial", initial, "B N", like=like, B=B, N=N)
        else:
            check_tensor("initial", initial, "N", like=like, N=N)
        noisy = self.training if noise is None else noise
        current, kick = self.draw_noise(T, B, generator) if noisy else (None, None)
        return x, initial.expand(B, N), current, kick

    def forward(
        self,
        x: torch.Tensor,
        *,
        initial: torch.Tensor | None = None,
        noise: bool | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the network over a batch of sequences.

        Parameters
        ----------
        x : torch.Tensor
            (T, B, D), or (B, T, D) with `batch_first`.
        initial : torch.Tensor, optional
            (N,) or (B, N), the state at time 0 in the place of the model's own.
        noise : bool, optional
            Whether there is noise; if not given, exactly in training mode.
        generator : torch.Generator, optional
            The source of the noise; torch's own if not given.

        Returns
        -------
        tuple of torch.Tensor
            The outputs (T, B, K) and the rates (T, B, N), or with B first as in `x`.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, dtype, device or shape, or is not finite.
        """
        x, state_0, current, kick = self.prepare(x, initial, noise, generator)
        weights = (self.W_in, self.b_hid, self.W_hid, self.W_out, self.b_out)
        constants = (self.alpha, self.activation, self.form, current, kick)
        pred, rates = sweep(x, state_0, *weights, *constants)
        if self.batch_first:
            return pred.swapaxes(0, 1), rates.swapaxes(0, 1)
        return pred, rates

    def extra_repr(self) -> str:
        """Say what the module's printed form tells beside its layers."""
        return f"sizes={self.sizes}, dt={self.dt}, activation={self.activation}, form={self.form}"


def ctrnn_loop(
    model: CTRNN,
    x: torch.Tensor,
    *,
    initial: torch.Tensor | None = None,
    noise: bool | None = None,
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the network step by step, as its equations read, and leave the gradient to autograd.

    Parameters
    ----------
    model : CTRNN
        The network.
    x : torch.Tensor
        (T, B, D), or (B, T, D) with `batch_first`.
    initial : torch.Tensor, optional
        (N,) or (B, N), the state at time 0 in the place of the model's own.
    noise : bool, optional
        Whether there is noise; if not given, exactly in training mode.
    generator : torch.Generator, optional
        The source of the noise; torch's own if not given.

    Returns
    -------
    tuple of torch.Tensor
        The outputs and the rates, as from the model itself.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype, device or shape, or is not finite.

    Notes
    -----
    The definition that `CTRNN` is tested against; it can be differentiated more than once.
    Notebook 07.

    Examples
    --------
    >>> model = CTRNN(3, 5, 2)
    >>> pred, rates = ctrnn_loop(model, torch.ones(4, 1, 3))
    >>> torch.allclose(pred, model(torch.ones(4, 1, 3))[0], atol=1e-6)
    True
    """
    x, state, current, kick = model.prepare(x, initial, noise, generator)
    W_in, b_hid, W_hid, W_out, b_out = (
        model.W_in, model.b_hid, model.W_hid, model.W_out, model.b_out,
    )  # fmt: skip
    alpha, phi = model.alpha, RATE_FUNCTIONS[model.activation].phi
    voltage = model.form == "voltage"
    r, rates = phi(state) if voltage else state, []
    for t in range(len(x)):
        u_t = linear(x[t], W_in, b_hid)
        if current is not None:
            u_t = u_t + current[t]  # (7.4)
        if voltage:
            state = (1 - alpha) * state + alpha * (r @ W_hid.T + u_t)  # (7.2)
            r = phi(state)
        else:
            r = (1 - alpha) * r + alpha * phi(r @ W_hid.T + u_t)  # (7.3)
        if kick is not None:
            r = r + kick[t]
        rates.append(r)
    rates = torch.stack(rates)
    pred = linear(rates, W_out, b_out)  # (7.4)
    if model.batch_first:
        return pred.swapaxes(0, 1), rates.swapaxes(0, 1)
    return pred, rates


def _both(mask: torch.Tensor | None, other: torch.Tensor) -> torch.Tensor:
    return other if mask is None else mask & other


def _check_choice(name: str, value: Any, choices: Any) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(choices)}.")
    return value
