"""All steps of a continuous-time network forward, and the adjoint of them by hand.

Only the recurrence is inside the loop over time. The projections of the inputs, the readout and the
gradients of the weights are matrix products over a block of steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import softplus

BLOCK = 2**18  # numbers of a block of time steps: small enough for the cache, and for the memory


class RateFunction(NamedTuple):
    """An activation function φ and its slope as a function of the rate f = φ(a).

    Parameters
    ----------
    phi : Callable
        φ, elementwise.
    slope : Callable
        φ'(a), from f = φ(a): all four functions allow it, so that `a` need not be kept.

    Notes
    -----
    The ReLU's slope is bool, and 0 at its kink as in torch. Notebook 07.

    Examples
    --------
    >>> a = torch.tensor([0.5])
    >>> RATE_FUNCTIONS["tanh"].slope(torch.tanh(a)).item() == (1 - torch.tanh(a) ** 2).item()
    True
    """

    phi: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor], torch.Tensor]


RATE_FUNCTIONS = {
    "relu": RateFunction(torch.relu, lambda f: f > 0),
    "tanh": RateFunction(torch.tanh, lambda f: 1 - f * f),
    "softplus": RateFunction(softplus, lambda f: -torch.expm1(-f)),
    "logistic": RateFunction(torch.sigmoid, lambda f: f * (1 - f)),
}


def sweep(
    x: torch.Tensor,
    state_0: torch.Tensor,
    W_in: torch.Tensor,
    b_hid: torch.Tensor | None,
    W_hid: torch.Tensor,
    W_out: torch.Tensor,
    b_out: torch.Tensor | None,
    alpha: float | torch.Tensor,
    activation: str,
    form: str,
    current: torch.Tensor | None = None,
    kick: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Run all steps of a `rnncourse.ctrnn.CTRNN`, with a gradient by hand.

    .. math::
        \delta_t = (1-\alpha)\, \delta_{t+1} + \alpha\, \phi'(v_t) \odot
        \left(\frac{\partial L}{\partial r_t} + W_{hid}^\top \delta_{t+1}\right)
        \quad \text{(voltage)} \tag{7.7}

        \rho_t = \frac{\partial L}{\partial r_t} + W_{hid}^\top \delta_{t+1}
        + (1-\alpha)\, \rho_{t+1}, \quad
        \delta_t = \alpha\, \phi'(a_t) \odot \rho_t \quad \text{(rate)} \tag{7.8}

        \frac{dL}{dv_0} = \phi'(v_0) \odot W_{hid}^\top \delta_1
        + \tfrac{1-\alpha}{\alpha}\, \delta_1, \quad
        \frac{dL}{dr_0} = W_{hid}^\top \delta_1 + (1-\alpha)\, \rho_1 \tag{7.9}

        \frac{dL}{dW_{hid}} = \sum_t \delta_t r_{t-1}^\top, \quad
        \frac{dL}{dW_{in}} = \sum_t \delta_t x_t^\top, \quad
        \frac{dL}{db_{hid}} = \sum_t \delta_t \tag{7.10}

        \frac{dL}{dW_{out}} = \sum_t \frac{\partial L}{\partial y_t} r_t^\top, \quad
        \frac{\partial L}{\partial x_t} = W_{in}^\top \delta_t \tag{7.11}

    with δ_t = dL/du_t, the gradient at the current, and ∂L/∂r_t what arrives at the rates of step
    t from the loss and through the readout, not through later steps.

    Parameters
    ----------
    x : torch.Tensor
        (T, B, D), the inputs.
    state_0 : torch.Tensor
        (B, N), v_0 or r_0.
    W_in, b_hid, W_hid, W_out, b_out : torch.Tensor
        (N, D), (N,), (N, N), (K, N), (K,); the biases may be None.
    alpha : float or torch.Tensor
        α in (0, 1], one number or (N,). It gets no gradient.
    activation : str
        One of `RATE_FUNCTIONS`.
    form : {"voltage", "rate"}
        What leaks.
    current, kick : torch.Tensor, optional
        (T, B, N), the noise in u_t and in r_t. It gets no gradient.

    Returns
    -------
    tuple of torch.Tensor
        The outputs (T, B, K) and the rates (T, B, N).

    Notes
    -----
    Arguments are not checked: `rnncourse.ctrnn.CTRNN.forward` has done so. For the backward pass
    the rates are kept, from which the slope follows; in the rate form, and where there is a kick,
    φ as well, or for a ReLU one bool for each. The other memory is that of one block of steps.
    Notebook 07.

    Examples
    --------
    >>> x, one = torch.ones(2, 1, 1), torch.ones(1, 1)
    >>> y, r = sweep(x, 0 * one, one, None, 0 * one, 2 * one, None, 0.5, "relu", "voltage")
    >>> r.flatten().tolist(), y.flatten().tolist()
    ([0.5, 0.75], [1.0, 1.5])
    """
    weights = (W_in, b_hid, W_hid, W_out, b_out)
    pred, rates, _ = _Sweep.apply(x, state_0, *weights, alpha, activation, form, current, kick)
    return pred, rates


class _Sweep(torch.autograd.Function):
    """`sweep` for autograd."""

    @staticmethod
    def forward(
        x, state_0, W_in, b_hid, W_hid, W_out, b_out, alpha, activation, form, current, kick
    ):
        (T, B, _), N, voltage = x.shape, len(W_hid), form == "voltage"
        phi, W_T = RATE_FUNCTIONS[activation].phi, W_hid.T.contiguous()
        pred, rates = x.new_empty(T, B, len(W_out)), x.new_empty(T, B, N)
        # φ(v_t) or φ(a_t), from which the backward pass has the slope; a bool tells the ReLU's
        kept = torch.bool if activation == "relu" else x.dtype
        plain = voltage and kick is None
        fired = rates if plain else torch.empty_like(rates, dtype=kept)
        state, r = state_0.clone(), phi(state_0) if voltage else state_0
        for start, end in _blocks(T, B * N):
            u = rates[start:end]
            torch.matmul(x[start:end], W_in.T, out=u)
            if b_hid is not None:
                u += b_hid
            if current is not None:
                u += current[start:end]
            steps = zip(u.unbind(), fired[start:end].unbind(), strict=True)
            for t, (u_t, f_t) in enumerate(steps, start):
                u_t.addmm_(r, W_T)
                f = phi(state.lerp_(u_t, alpha) if voltage else u_t)  # (7.2)
                f_t.copy_(f)
                if not plain:  # u_t has been read: its place is that of r_t
                    u_t.copy_(f) if voltage else torch.lerp(r, f, alpha, out=u_t)  # (7.3)
                    if kick is not None:
                        u_t += kick[t]
                r = u_t
            torch.matmul(rates[start:end], W_out.T, out=pred[start:end])  # (7.4)
        if b_out is not None:
            pred += b_out
        return pred, rates, None if fired is rates else fired

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, state_0, W_in, b_hid, W_hid, W_out, b_out, ctx.alpha, activation, form, _, _ = inputs
        _, rates, fired = output
        ctx.activation, ctx.voltage = activation, form == "voltage"
        ctx.biased = b_hid is not None, b_out is not None
        ctx.save_for_backward(x, state_0, W_in, W_hid, W_out, rates, fired)
        ctx.set_materialize_grads(False)
        if fired is not None:
            ctx.mark_non_differentiable(fired)

    @staticmethod
    def backward(ctx, dL_dy, dL_dr, _):
        constants = (ctx.alpha, ctx.activation, ctx.voltage, ctx.needs_input_grad[0])
        of = _Adjoint.apply(*ctx.saved_tensors, dL_dy, dL_dr, *constants)
        dL_dx, dL_d0, dL_dW_in, dL_db_hid, dL_dW_hid, dL_dW_out, dL_db_out = of
        has_b_hid, has_b_out = ctx.biased
        return (
            dL_dx, dL_d0, dL_dW_in, dL_db_hid if has_b_hid else None, dL_dW_hid, dL_dW_out,
            dL_db_out if has_b_out else None, *(None,) * 5,
        )  # fmt: skip


class _Adjoint(torch.autograd.Function):
    """The backward pass of `sweep`; a function of its own, so that autograd can refuse another."""

    @staticmethod
    def forward(
        x, state_0, W_in, W_hid, W_out, rates, fired, dL_dy, dL_dr, alpha, activation, voltage, of_x
    ):
        (T, B, N), (phi, slope) = rates.shape, RATE_FUNCTIONS[activation]
        fired = rates if fired is None else fired
        dL_dx = x.new_empty(x.shape) if of_x else None
        dL_dW_in, dL_dW_hid, dL_dW_out = map(torch.zeros_like, (W_in, W_hid, W_out))
        dL_db_hid, dL_db_out = rates.new_zeros(N), W_out.new_zeros(len(W_out))
        delta = rho = rates.new_zeros(B, N)  # of step t + 1: dL/du, dL/dr; zero after the last
        for start, end in reversed(_blocks(T, B * N)):
            block = slice(start, end)
            arriving = torch.zeros_like(rates[block])
            if dL_dr is not None:
                arriving += dL_dr[block]
            if dL_dy is not None:
                dL_dW_out.addmm_(_rows(dL_dy[block]).T, _rows(rates[block]))  # (7.11)
                dL_db_out += _rows(dL_dy[block]).sum(0)
                _rows(arriving).addmm_(_rows(dL_dy[block]), W_out)
            deltas = slope(fired[block]).to(rates.dtype)
            for g, d in zip(reversed(arriving.unbind()), reversed(deltas.unbind()), strict=True):
                g.addmm_(delta, W_hid)
                if voltage:
                    delta = torch.lerp(delta, d.mul_(g), alpha, out=d)  # (7.7)
                else:
                    rho = g.add_((1 - alpha) * rho)
                    delta = d.mul_(rho).mul_(alpha)  # (7.8)
            before = _rows(rates[start - 1 : end - 1] if start else rates[: end - 1])
            first = 0 if start else 1
            dL_dW_hid.addmm_(_rows(deltas[first:]).T, before)  # (7.10)
            dL_dW_in.addmm_(_rows(deltas).T, _rows(x[block]))  # (7.10)
            dL_db_hid += _rows(deltas).sum(0)
            if dL_dx is not None:
                torch.matmul(deltas, W_in, out=dL_dx[block])
        r_0 = phi(state_0) if voltage else state_0
        dL_dW_hid.addmm_(delta.T, r_0)
        if voltage:
            dL_d0 = slope(r_0) * (delta @ W_hid) + (1 - alpha) / alpha * delta  # (7.9)
        else:
            dL_d0 = delta @ W_hid + (1 - alpha) * rho  # (7.9)
        return dL_dx, dL_d0, dL_dW_in, dL_db_hid, dL_dW_hid, dL_dW_out, dL_db_out

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, *_):
        raise RuntimeError(
            "the gradient of a CTRNN is written by hand and cannot be differentiated again; "
            "expected first derivatives only: for second ones run ctrnn_loop(model, x)."
        )


def _rows(sequence: torch.Tensor) -> torch.Tensor:
    """Make time and batch one axis: (T·B, ·)."""
    return sequence.reshape(-1, sequence.shape[-1])


def _blocks(T: int, numbers: int) -> list[tuple[int, int]]:
    """Cut T steps of so many numbers each into blocks, each with its start and end."""
    length = min(max(1, BLOCK // numbers), 1 + T // 16)
    return [(start, min(start + length, T)) for start in range(0, T, length)]
