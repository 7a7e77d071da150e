"""A perceptual decision task: trials, choices, the psychometric curve, and training on it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import ndtr

from rnncourse.composite_loss import RNNLoss
from rnncourse.ctrnn import CTRNN
from rnncourse.validation import check_array

COHERENCES = (1.0, 2.0, 4.0, 8.0, 16.0)  # per cent
DURATIONS = {"fixation": 100.0, "stimulus": 800.0, "decision": 300.0}  # ms
GAIN, BASELINE = 3.2, 0.2
HIGH, LOW = 1.0, 0.2


class Trials(NamedTuple):
    """Trials of the decision task.

    Parameters
    ----------
    x : numpy.ndarray
        (T, B, 2), the inputs: evidence for choice 0 and for choice 1.
    target : numpy.ndarray
        (T, B, 2), what the outputs are to be.
    mask : numpy.ndarray
        (T, B) of bool, false during the stimulus, where the loss does not look.
    coherence : numpy.ndarray
        (B,), signed, in per cent: positive if choice 1 is right.
    choice : numpy.ndarray
        (B,) of int, the right choice.
    epochs : Mapping
        Name of each epoch to its slice of the T steps, in the order of time.

    Notes
    -----
    Choice 0 is "left", choice 1 "right". Notebook 07.

    Examples
    --------
    >>> trials = decision_trials(3, dt=20.0, rng=np.random.default_rng(0))
    >>> trials.x[trials.epochs["stimulus"]].shape
    (40, 3, 2)
    """

    x: np.ndarray
    target: np.ndarray
    mask: np.ndarray
    coherence: np.ndarray
    choice: np.ndarray
    epochs: Mapping[str, slice]


class Psychometric(NamedTuple):
    """How often each choice was made at each coherence.

    Parameters
    ----------
    signed : numpy.ndarray
        (M,), signed coherences in per cent, ascending.
    share_right : numpy.ndarray
        (M,), share of choice 1, "right", at each of them.
    coherence : numpy.ndarray
        (C,), coherences without their sign, ascending.
    share_correct : numpy.ndarray
        (C,), share of trials with the correct choice.
    standard_error : numpy.ndarray
        (C,), of `share_correct`.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> Psychometric._fields[:2]
    ('signed', 'share_right')
    """

    signed: np.ndarray
    share_right: np.ndarray
    coherence: np.ndarray
    share_correct: np.ndarray
    standard_error: np.ndarray


class Training(NamedTuple):
    """What a training was like, one number for each step.

    Parameters
    ----------
    total : numpy.ndarray
        (steps,), the loss of each batch, before the update.
    components : dict
        Name of each term to its (steps,) weighted values.
    gradient_norm : numpy.ndarray
        (steps,), of all gradients together, before clipping.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> Training(np.ones(2), {"mse": np.ones(2)}, np.zeros(2)).components["mse"]
    array([1., 1.])
    """

    total: np.ndarray
    components: dict[str, np.ndarray]
    gradient_norm: np.ndarray


def decision_epochs(
    dt: float, durations: Mapping[str, float] = DURATIONS
) -> tuple[dict[str, slice], int]:
    """Divide a trial into its epochs.

    Parameters
    ----------
    dt : float
        Length of a step in ms; each duration is a whole number of them.
    durations : Mapping
        Name of each epoch to its length in ms, in the order of time.

    Returns
    -------
    tuple
        Name of each epoch to its slice of the steps, and the number T of all steps.

    Raises
    ------
    ValueError
        If `dt` is not positive, a duration is not a positive multiple of it, or the names are
        not "fixation", "stimulus", "decision".

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> decision_epochs(50.0)[0]["decision"], decision_epochs(50.0)[1]
    (slice(18, 24, None), 24)
    """
    _positive("dt", dt)
    if list(durations) != list(DURATIONS):
        raise ValueError(f"durations names {list(durations)}; expected {list(DURATIONS)}.")
    epochs, start = {}, 0
    for name, duration in durations.items():
        steps = round(duration / dt) if np.isfinite(duration) else 0
        if steps < 1 or not np.isclose(steps * dt, duration, rtol=1e-9):
            raise ValueError(
                f"durations[{name!r}] is {duration} ms and dt {dt} ms; expected a whole number of "
                f"steps, at least one: choose a dt that divides every duration."
            )
        epochs[name] = slice(start, start + steps)
        start += steps
    return epochs, start


def decision_trials(
    n: int,
    *,
    dt: float,
    rng: np.random.Generator,
    coherences: Sequence[float] = COHERENCES,
    sigma_in: float = 0.01,
    tau: float = 100.0,
    durations: Mapping[str, float] = DURATIONS,
    dtype: type = np.float32,
) -> Trials:
    r"""Draw trials of a decision: which of two noisy inputs is the larger one on average.

    .. math::
        x_{t,j} = \Bigl[\, x_0 + s_{t,j} + \sqrt{2/\alpha}\; \sigma_{\text{in}}\, \xi_{t,j}
                  \Bigr]_+, \quad \alpha = \Delta t / \tau \tag{7.25}

        s_{t,j} = \tfrac12 \bigl(1 \pm 3.2\, c / 100 \bigr) \text{ during the stimulus, else } 0
                  \tag{7.26}

    with ξ from N(0, 1) and the plus sign for the right choice.

    Parameters
    ----------
    n : int
        B, the number of trials.
    dt : float
        Δt, length of a step in ms; it divides the length of each epoch.
    rng : numpy.random.Generator
        Draws conditions and noise.
    coherences : Sequence of float
        c in per cent, from 0 up to 31.25, where one input vanishes. Coherence and right choice
        together make a condition; conditions are as equally frequent as `n` allows.
    sigma_in : float
        σ_in, the standard deviation that the noise has after a neuron's filter with the time
        constant τ, in the limit of small Δt.
    tau : float
        τ in ms, that of the neurons.
    durations : Mapping
        Length of the three epochs in ms.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Returns
    -------
    Trials
        Targets are 0.2 during fixation, then 1 for the right choice and 0.2 for the other one;
        those of the stimulus are masked.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `dt` does not divide the epochs.

    Notes
    -----
    An Euler step multiplies its input by α, which makes √(2α) σ_in of √(2/α) σ_in: so scaled, the
    noise has the same effect for every Δt. The rectifier is part of the task; at Δt = 20 ms it
    cuts 6 standard deviations below the baseline x_0 = 0.2, at Δt = 1 ms only 1.4. Song, Yang &
    Wang 2016, PLoS Computational Biology 12:e1004792; notebook 07.

    Examples
    --------
    >>> trials = decision_trials(1, dt=100.0, rng=np.random.default_rng(3), coherences=[16])
    >>> trials.coherence, trials.choice, trials.mask[:, 0].astype(int)
    (array([16.]), array([1]), array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]))
    >>> trials.x[4, 0].round(1), trials.target[-1, 0]
    (array([0.5, 1. ], dtype=float32), array([0.2, 1. ], dtype=float32))
    """
    _at_least_one("n", n)
    _positive("tau", tau)
    if not 0 <= sigma_in < np.inf:
        raise ValueError(f"sigma_in is {sigma_in!r}; expected a finite number, at least 0.")
    c = np.asarray(coherences, float)
    if c.ndim != 1 or not len(c) or not ((c >= 0) & (c <= 100 / GAIN)).all():
        raise ValueError(
            f"coherences is {coherences!r}; expected at least one number, each from 0 to "
            f"{100 / GAIN} per cent."
        )
    epochs, T = decision_epochs(dt, durations)
    condition = rng.permuted(rng.permutation(2 * len(c))[np.arange(n) % (2 * len(c))])
    choice = condition % 2
    coherence = c[condition // 2] * np.where(choice == 1, 1, -1)

    s = np.zeros((T, n, 2))
    evidence = np.stack([-coherence, coherence], axis=1)  # for choice 0 and for choice 1
    s[epochs["stimulus"]] = (1 + GAIN * evidence / 100) / 2  # (7.26)
    noise = np.sqrt(2 * tau / dt) * sigma_in * rng.standard_normal(s.shape)
    x = np.maximum(BASELINE + s + noise, 0)  # (7.25)
    target = np.full((T, n, 2), LOW)
    target[epochs["decision"], np.arange(n), choice] = HIGH
    mask = np.ones((T, n), bool)
    mask[epochs["stimulus"]] = False
    return Trials(x.astype(dtype), target.astype(dtype), mask, coherence, choice, epochs)


def best_share_correct(
    coherence: np.ndarray,
    *,
    sigma_in: float = 0.01,
    tau: float = 100.0,
    durations: Mapping[str, float] = DURATIONS,
) -> np.ndarray:
    r"""Compute the share of correct choices that no observer of the inputs can exceed.

    .. math::
        p_{\max}(c) = \Phi\!\left( \frac{3.2\, c}{100} \cdot
        \frac{\sqrt{T_{\text{stim}} / \tau}}{2\, \sigma_{\text{in}}} \right) \tag{7.31}

    with Φ the distribution function of N(0, 1).

    Parameters
    ----------
    coherence : numpy.ndarray
        (C,), c in per cent.
    sigma_in : float
        σ_in, above 0.
    tau : float
        τ in ms.
    durations : Mapping
        Length of the three epochs in ms; that of the stimulus is T_stim.

    Returns
    -------
    numpy.ndarray
        (C,), shares.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or value.

    Notes
    -----
    The best observer sums the difference of the inputs over the stimulus: its mean is
    T_stim/Δt · 3.2c/100, its variance T_stim/Δt · 4σ_in²/α, and Δt drops out. The rectifier is
    left aside. With σ_in = 0.01 even c = 1 is almost never mistaken: the errors of a trained
    network come from its own noise. Notebook 07.

    Examples
    --------
    >>> best_share_correct(np.array([0.0, 1.0]), sigma_in=0.05).round(2)
    array([0.5 , 0.82])
    """
    check_array("coherence", coherence, "C")
    _positive("sigma_in", sigma_in)
    _positive("tau", tau)
    stimulus = durations["stimulus"]
    return ndtr(GAIN * coherence / 100 * np.sqrt(stimulus / tau) / (2 * sigma_in))  # (7.31)


def choices(pred: np.ndarray, trials: Trials) -> np.ndarray:
    r"""Read the choices: which output is the larger one, on average over the decision epoch.

    .. math::
        \hat k_b = \operatorname*{argmax}_{k} \frac{1}{T_{\text{dec}}}
        \sum_{t \in \text{decision}} \hat y_{t,b,k} \tag{7.27}

    Parameters
    ----------
    pred : numpy.ndarray
        (T, B, 2), the outputs of a network.
    trials : Trials
        The trials that it saw.

    Returns
    -------
    numpy.ndarray
        (B,) of int; 0 if the two are exactly equal.

    Raises
    ------
    TypeError, ValueError
        If `pred` does not fit the trials.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> trials = decision_trials(4, dt=20.0, rng=np.random.default_rng(0))
    >>> np.array_equal(choices(trials.target, trials), trials.choice)
    True
    """
    T, B, _ = trials.x.shape
    check_array("pred", pred, "T B K", T=T, B=B, K=2)
    return pred[trials.epochs["decision"]].mean(axis=0).argmax(axis=1)  # (7.27)


def share_correct(pred: np.ndarray, trials: Trials) -> float:
    """Compute the share of trials in which the choice is the right one.

    Parameters
    ----------
    pred : numpy.ndarray
        (T, B, 2), the outputs of a network.
    trials : Trials
        The trials that it saw.

    Returns
    -------
    float
        From 0 to 1; chance is 0.5.

    Raises
    ------
    TypeError, ValueError
        If `pred` does not fit the trials.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> trials = decision_trials(4, dt=20.0, rng=np.random.default_rng(0))
    >>> share_correct(1 - trials.target, trials)
    0.0
    """
    return float((choices(pred, trials) == trials.choice).mean())


def psychometric(chosen: np.ndarray, trials: Trials) -> Psychometric:
    r"""Count the choices at each coherence, with and without its sign.

    .. math::
        \hat p(c) = \frac{n_{\text{correct}}(c)}{n(c)}, \quad
        \operatorname{se}(c) = \sqrt{\frac{\hat p(c)\, (1 - \hat p(c))}{n(c)}} \tag{7.30}

    Parameters
    ----------
    chosen : numpy.ndarray
        (B,) of int, the choices made, 0 or 1.
    trials : Trials
        The trials.

    Returns
    -------
    Psychometric
        Share of choice 1 against signed coherence, share correct against its size.

    Raises
    ------
    TypeError, ValueError
        If `chosen` does not fit the trials, or holds anything but 0 and 1.

    Notes
    -----
    The standard error is that of a binomial share; it is 0 where all trials went one way, which
    is no proof that they always do. Notebook 07.

    Examples
    --------
    >>> trials = decision_trials(8, dt=20.0, rng=np.random.default_rng(0), coherences=[1, 4])
    >>> curve = psychometric(np.ones(8, int), trials)   # always "right"
    >>> curve.signed, curve.share_right
    (array([-4., -1.,  1.,  4.]), array([1., 1., 1., 1.]))
    >>> curve.coherence, curve.share_correct, curve.standard_error
    (array([1., 4.]), array([0.5, 0.5]), array([0.25, 0.25]))
    """
    check_array("chosen", chosen, "B", kind="int", B=len(trials.choice))
    if not np.isin(chosen, (0, 1)).all():
        raise ValueError(f"chosen holds {np.setdiff1d(chosen, (0, 1))}; expected only 0 and 1.")
    signed, right, _ = _shares(trials.coherence, chosen == 1)
    coherence, p, n = _shares(np.abs(trials.coherence), chosen == trials.choice)  # (7.30)
    return Psychometric(signed, right, coherence, p, np.sqrt(p * (1 - p) / n))  # (7.30)


def _shares(groups: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the groups, the share of true entries in each, and its size."""
    names, member, n = np.unique(groups + 0.0, return_inverse=True, return_counts=True)
    return names, np.bincount(member, weights=true) / n, n


def decision_network(
    N: int = 100, *, rng: np.random.Generator, rho_0: float = 1.5, **options: Any
) -> CTRNN:
    """Make an untrained network with the settings of Song, Yang & Wang.

    Parameters
    ----------
    N : int
        Number of neurons.
    rng : numpy.random.Generator
        Draws the starting weights.
    rho_0 : float
        The spectral radius of W_hid at the start, above 0.
    **options : Any
        Passed on to `CTRNN`; by default dt = 20 ms, tau = 100 ms, ReLU, σ_pre = 0.15.

    Returns
    -------
    CTRNN
        With two inputs and two outputs.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Notes
    -----
    Song, Yang & Wang 2016: N = 100, σ_rec = 0.15, ρ_0 = 1.5. Theirs also obeys Dale's law: pass
    ``excitatory=0.8``. Notebook 07.

    Examples
    --------
    >>> model = decision_network(rng=np.random.default_rng(0))
    >>> model.sizes, round(abs(torch.linalg.eigvals(model.W_hid)).max().item(), 3)
    ((2, 100, 2), 1.5)
    """
    _positive("rho_0", rho_0)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    model = CTRNN(2, N, 2, generator=generator, **{"sigma_pre": 0.15} | options)
    radius = torch.linalg.eigvals(model.W_hid.detach()).abs().max()
    return model.set_weights(W_hid=model.W_hid.detach() * (rho_0 / radius))


def run_decision(
    model: CTRNN, trials: Trials, *, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    """Run a network on trials, with its noise or without.

    Parameters
    ----------
    model : CTRNN
        A network with two inputs and two outputs, time first.
    trials : Trials
        What it sees.
    rng : numpy.random.Generator or None
        Draws the network's noise; None turns it off.

    Returns
    -------
    tuple of numpy.ndarray
        The outputs (T, B, 2) and the rates (T, B, N).

    Raises
    ------
    TypeError, ValueError
        If the model is no CTRNN or does not fit the task.

    Notes
    -----
    Notebook 07.

    Examples
    --------
    >>> model = CTRNN(2, 5, 2, generator=torch.Generator().manual_seed(0))
    >>> trials = decision_trials(3, dt=20.0, rng=np.random.default_rng(0))
    >>> [a.shape for a in run_decision(model, trials, rng=None)]
    [(60, 3, 2), (60, 3, 5)]
    """
    _check_model(model)
    generator = None if rng is None else _generator(model, rng)
    with torch.no_grad():
        x = _like(model, trials.x)
        pred, rates = model(x, noise=rng is not None, generator=generator)
    return pred.cpu().numpy(), rates.cpu().numpy()


def principal_paths(
    rates: np.ndarray, trials: Trials, components: int = 2
) -> tuple[dict[float, np.ndarray], np.ndarray]:
    r"""Project the mean rates at each coherence on the directions along which they differ most.

    .. math::
        \bar r_{t}^{(c)} - \bar r = \sum_k z_{t,k}^{(c)} u_k, \quad
        C = \frac{1}{MT} \sum_{c,t} (\bar r_{t}^{(c)} - \bar r)(\bar r_{t}^{(c)} - \bar r)^\top
        = \sum_k s_k u_k u_k^\top \tag{7.32}

    Parameters
    ----------
    rates : numpy.ndarray
        (T, B, N), the rates of a network.
    trials : Trials
        The trials that it saw, of M signed coherences.
    components : int
        Number of directions u_k, those of the largest variances s_k; at most N.

    Returns
    -------
    tuple
        Signed coherence to its (T, components) path z, and the (components,) shares of the
        variance. The sign of each direction is such that its largest entry is positive.

    Raises
    ------
    TypeError, ValueError
        If `rates` does not fit the trials, or does not vary at all.

    Notes
    -----
    Principal components of the averages over trials, so noise does not count as variance.
    Notebook 07.

    Examples
    --------
    >>> trials = decision_trials(4, dt=20.0, rng=np.random.default_rng(0), coherences=[2, 8])
    >>> paths, share = principal_paths(trials.x, trials)   # the inputs for rates
    >>> list(paths), paths[8.0].shape, share.sum().round(6).item()
    ([-8.0, -2.0, 2.0, 8.0], (60, 2), 1.0)
    """
    T, B, _ = trials.x.shape
    N = check_array("rates", rates, "T B N", T=T, B=B).shape[2]
    if not 1 <= components <= min(N, T):
        raise ValueError(f"components is {components!r}; expected 1 to {min(N, T)}.")
    signed = np.unique(trials.coherence)
    means = np.stack([rates[:, trials.coherence == c].mean(axis=1) for c in signed])
    centred = (means - means.mean(axis=(0, 1))).astype(float)
    _, scale, directions = np.linalg.svd(centred.reshape(-1, N), full_matrices=False)
    if scale[0] == 0:
        raise ValueError("rates do not vary; expected rates with at least one direction.")
    u = directions[:components]
    u = u * np.sign(u[np.arange(components), np.abs(u).argmax(axis=1)])[:, None]
    share = scale[:components] ** 2 / (scale**2).sum()
    return dict(zip(signed.tolist(), centred @ u.T, strict=True)), share  # (7.32)


def train_decision(
    model: CTRNN,
    loss: RNNLoss,
    *,
    steps: int,
    rng: np.random.Generator,
    learning_rate: float = 0.003,
    batch: int = 20,
    max_norm: float = 1.0,
    weight_decay: float = 0.0,
    coherences: Sequence[float] = COHERENCES,
) -> Training:
    r"""Train a network on the decision task with Adam, in place, on fresh trials at every step.

    .. math::
        L_{mse} = \frac{1}{B\, T\, K} \sum_{b,k} \sum_{t\ \text{scored}}
                  (\hat y_{t,b,k} - y_{t,b,k})^2 \tag{7.28}

        \eta_s = \eta\, (1 - s / S), \quad s = 0, \dots, S - 1 \tag{7.29}

    where steps that are not scored cost nothing but are counted; the rate terms see all T steps.
    The learning rate falls to zero over the S updates.

    Parameters
    ----------
    model : CTRNN
        A network with two inputs and two outputs, time first; its dt and (mean) tau are the
        task's.
    loss : RNNLoss
        The composite loss of this model.
    steps : int
        Number of updates.
    rng : numpy.random.Generator
        Draws the trials and the network's noise.
    learning_rate : float
        η, that of Adam at the first update, above 0.
    batch : int
        Trials for each update.
    max_norm : float
        The gradient is scaled down to this norm if it is larger.
    weight_decay : float
        That of Adam: L2 on all parameters.
    coherences : Sequence of float
        Coherences in per cent.

    Returns
    -------
    Training
        The loss, its terms and the gradient's norm at each step.

    Raises
    ------
    TypeError, ValueError
        If the model does not fit the task, or an argument is out of its range.
    FloatingPointError
        If a gradient is not finite.

    Notes
    -----
    `rnncourse.training.fit` trains on a loss of the outputs; the composite loss also needs the
    rates. A mask passed to `RNNLoss` says which steps exist, also for the rates; to score the
    outputs at some steps only, what is not scored is replaced by its target. At a constant rate
    the network leans now to one side, now to the other, and the last update decides. Song,
    Yang & Wang 2016: batches of 20, norm at most 1. Notebook 07.

    Examples
    --------
    >>> model = CTRNN(2, 5, 2, generator=torch.Generator().manual_seed(0))
    >>> training = train_decision(model, RNNLoss(model), steps=3, rng=np.random.default_rng(0))
    >>> training.total.shape, np.array_equal(training.components["mse"], training.total)
    ((3,), True)
    """
    _check_model(model)
    if loss.model is not model:
        raise ValueError("loss is that of another model; expected RNNLoss(model).")
    _at_least_one("steps", steps)
    _positive("learning_rate", learning_rate)
    _positive("max_norm", max_norm)
    dt, tau = float(model.dt), torch.as_tensor(model.tau, dtype=torch.float64).mean().item()
    generator = _generator(model, rng)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)
    rows = []
    for step in range(steps):
        trials = decision_trials(batch, dt=dt, tau=tau, rng=rng, coherences=coherences)
        x, target = _like(model, trials.x), _like(model, trials.target)
        mask = torch.from_numpy(trials.mask).to(x.device)
        pred, rates = model(x, noise=True, generator=generator)
        scored = torch.where(mask[:, :, None], pred, target)  # (7.28)
        total, components = loss(scored, target, states=rates)
        optimiser.zero_grad()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        if not torch.isfinite(norm):
            raise FloatingPointError(
                f"the gradient's norm is {norm} at step {step} of {steps}: the training diverged. "
                f"Lower the learning rate ({learning_rate}) or the weights of the loss."
            )
        optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / steps)  # (7.29)
        optimiser.step()
        rows.append((total.item(), norm.item(), {k: v.item() for k, v in components.items()}))
    totals, norms, terms = zip(*rows, strict=True)
    by_name = {name: np.array([row[name] for row in terms]) for name in terms[0]}
    return Training(np.array(totals), by_name, np.array(norms))


def _like(model: CTRNN, array: np.ndarray) -> torch.Tensor:
    """Return the array as a tensor of the model's dtype, on its device."""
    return torch.from_numpy(array).to(model.W_hid)


def _generator(model: CTRNN, rng: np.random.Generator) -> torch.Generator:
    """Return a source of noise on the model's device, seeded by `rng`."""
    return torch.Generator(model.W_hid.device).manual_seed(int(rng.integers(2**62)))


def _check_model(model: CTRNN) -> None:
    if not isinstance(model, CTRNN):
        raise TypeError(f"model is a {type(model).__name__}; expected a CTRNN.")
    D, _, K = model.sizes
    if (D, K) != (2, 2) or model.batch_first:
        raise ValueError(
            f"model has {D} inputs, {K} outputs and batch_first={model.batch_first}; expected "
            f"2, 2 and False: CTRNN(2, N, 2)."
        )


def _positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value!r}; expected a finite number above 0.")


def _at_least_one(name: str, value: int) -> None:
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a whole number, at least 1.")
