"""07.time_constants: the exact step of leaky neurons, each with its own time constant."""

import math

import numpy as np
import torch

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake, call_with_tensors


def _definition(drive, v_0, tau, dt, sigma, xi):
    """Neuron by neuron; the variance of the noise is the integral of what is left of it."""
    T, B, N = drive.shape
    places, weights = np.polynomial.legendre.leggauss(40)
    v = np.empty((T, B, N))
    for n in range(N):
        left = math.exp(-dt / tau[n])
        s = dt / 2 * (1 + places)  # how long ago the noise came in, from 0 to dt
        variance = dt / 2 * np.sum(weights * 2 * sigma**2 / tau[n] * np.exp(-2 * s / tau[n]))
        for b in range(B):
            before = v_0[b, n]
            for t in range(T):
                before = drive[t, b, n] + left * (before - drive[t, b, n])
                before += math.sqrt(variance) * xi[t, b, n]
                v[t, b, n] = before
    return v


def _attempt(drive, v_0, tau, dt, sigma, xi):
    decay = torch.exp(-dt / tau)
    spread = sigma * torch.sqrt(1 - decay**2)
    v_t, v = v_0, []
    for t in range(len(drive)):
        v_t = decay * v_t + (1 - decay) * drive[t] + spread * xi[t]
        v.append(v_t)
    return torch.stack(v)


def _neurons(
    rng: np.random.Generator, T: int, B: int, N: int, dt: float = 20.0, sigma: float = 0.7
) -> Inputs:
    return {
        "drive": rng.normal(size=(T, B, N)),
        "v_0": rng.normal(size=(B, N)),
        "tau": rng.permutation(np.geomspace(25.0, 120.0, N)) if N > 1 else np.array([50.0]),
        "dt": dt,
        "sigma": sigma,
        "xi": rng.normal(size=(T, B, N)),
    }


def _leak(rng: np.random.Generator) -> Inputs:
    inputs = _neurons(rng, 1, 1, 1, sigma=0.0)
    return inputs | {"drive": np.zeros((1, 1, 1))}


def _driven(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 1, 1, 1, sigma=0.0) | {"v_0": np.zeros((1, 1))}


def _noise(rng: np.random.Generator) -> Inputs:
    inputs = _neurons(rng, 1, 1, 1)
    return inputs | {"drive": np.zeros((1, 1, 1)), "v_0": np.zeros((1, 1))}


def _two_steps(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 2, 1, 1, sigma=0.0)


def _two_neurons(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 2, 1, 2)


def _long_step(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 3, 1, 2, dt=300.0)


def _square(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 3, 3, 3)


def _large(rng: np.random.Generator) -> Inputs:
    return _neurons(rng, 5, 2, 4, dt=7.0)


EXERCISE = Exercise(
    name="07.time_constants",
    title="A time constant for each neuron, and a step without error",
    kind="write",
    inputs={
        "drive": "T B N",
        "v_0": "B N",
        "tau": "N",
        "dt": "a number",
        "sigma": "a number",
        "xi": "T B N",
    },
    outputs={"v": "T B N"},
    definition=_definition,
    attempt=_attempt,
    call=call_with_tensors,
    cases=(
        Case(
            "one neuron, one step, nothing but the leak",
            _leak,
            "No drive, and σ = 0, so no noise either. Row 0 is the state after the first step: v_0 "
            "times what is left of it after Δt. Δt/τ is 0.4 here. Divide your "
            "v by v_0: is it e^(-0.4), 1 - 0.4, or 1 - e^(-0.4)?",
        ),
        Case(
            "one step from v_0 = 0 with a drive",
            _driven,
            "New in this case: the drive. If the step were very long, v would be the drive itself.",
        ),
        Case(
            "one step of noise alone",
            _noise,
            "New in this case: the noise. If the step were very long, its standard deviation "
            "would be σ.",
        ),
        Case(
            "two steps of one neuron without noise",
            _two_steps,
            "One step is right, two are not: look at what enters the second one.",
        ),
        Case(
            "two neurons with different time constants",
            _two_neurons,
            "New in this case: each neuron has its own τ, so its own decay, and its own noise.",
        ),
        Case(
            "steps much longer than τ",
            _long_step,
            "New in this case: Δt is larger than τ. Euler's step overshoots here; the exact one "
            "forgets.",
        ),
        Case(
            "as many sequences as neurons",
            _square,
            "B = N here, so a τ along the wrong axis raises no error: it has to run along the "
            "last axis.",
        ),
        Case(
            "five steps of four neurons",
            _large,
            "New in this case: several steps, sequences and neurons at once. Look at which drive "
            "and which xi belong to which step.",
        ),
    ),
    hints=(
        "While the drive stays as it is, v moves towards it. Which part of the distance is left "
        "after Δt?",
        "Solve the differential equation above (7.1) of notebook 07 for a constant drive: the "
        "distance to it decays as e^(-Δt/τ). For the noise ask what (7.6) asks: which kick keeps "
        "Var v = σ² if the old variance is multiplied by the square of the decay?",
        "decay = exp(-dt / tau), of shape (N,); v_t = decay * v_t + (1 - decay) * drive[t] + "
        "sigma * sqrt(1 - decay**2) * xi[t].",
    ),
    mistakes=(
        Mistake(
            "Euler's step for the exact one",
            "1 - Δt/τ is a straight line. What is left of the distance after Δt exactly? Try "
            "Δt = 3τ with yours.",
            (("torch.exp(-dt / tau)", "1 - dt / tau"),),
        ),
        Mistake(
            "Euler's step and Euler's noise",
            "This is (7.2) with an α for each neuron. The exact step decays as an exponential, "
            "and its noise follows from that.",
            (
                ("torch.exp(-dt / tau)", "1 - dt / tau"),
                ("torch.sqrt(1 - decay**2)", "torch.sqrt(2 * dt / tau)"),
            ),
        ),
        Mistake(
            "Euler's noise beside the exact decay",
            "√(2α) belongs to Euler's step. Which variance does a kick need, so that "
            "decay² · σ² plus it is σ² again?",
            (("torch.sqrt(1 - decay**2)", "torch.sqrt(2 * dt / tau)"),),
        ),
        Mistake(
            "√(2(1 - decay)) as the noise",
            "You put 1 - decay in the place of α in √(2α). Which variance does a kick need, so "
            "that decay² · σ² plus it is exactly σ²?",
            (("torch.sqrt(1 - decay**2)", "torch.sqrt(2 * (1 - decay))"),),
        ),
        Mistake(
            "√(1 - decay) as the noise",
            "Multiply v by a number: by which factor does its variance change?",
            (("torch.sqrt(1 - decay**2)", "torch.sqrt(1 - decay)"),),
        ),
        Mistake(
            "the noise is scaled as the drive",
            "Drives add up, random kicks add up in variance. Is 1 - decay right for both?",
            (("torch.sqrt(1 - decay**2)", "(1 - decay)"),),
        ),
        Mistake(
            "a variance where a standard deviation is meant",
            "ξ has variance 1. What do you multiply it by to get a variance s²?",
            (("torch.sqrt(1 - decay**2)", "(1 - decay**2)"),),
        ),
        Mistake(
            "noise that is not scaled at all",
            "What should happen to the noise of one step as the step gets finer?",
            (("sigma * torch.sqrt(1 - decay**2)", "sigma"),),
        ),
        Mistake(
            "the whole drive at each step",
            "Put v_0 equal to the drive: v must stay where it is. Does yours?",
            (("(1 - decay) * drive[t]", "drive[t]"),),
        ),
        Mistake(
            "decay and 1 - decay exchanged",
            "For a very short step, is v_1 near v_0 or near the drive?",
            (("decay * v_t + (1 - decay) * drive[t]", "(1 - decay) * v_t + decay * drive[t]"),),
        ),
        Mistake(
            "τ and Δt exchanged",
            "Does a neuron with a longer τ forget faster or more slowly?",
            (("-dt / tau", "-tau / dt"),),
        ),
        Mistake(
            "a voltage that grows",
            "What is left of v_0 after a long time without a drive? Look at the sign in the "
            "exponent.",
            (("-dt / tau", "dt / tau"), ("1 - decay**2", "decay**2 - 1")),
        ),
        Mistake(
            "Euler's drive beside the exact decay",
            "Put v_0 equal to the drive: v must stay where it is, so the two factors add up to 1.",
            (("(1 - decay) * drive[t]", "dt / tau * drive[t]"),),
        ),
        Mistake(
            "√(2τ/Δt) on a current",
            "√(2/α) in the current is made for Euler's α. Which variance does a kick need, so "
            "that decay² · σ² plus it is exactly σ²?",
            (("torch.sqrt(1 - decay**2)", "torch.sqrt(2 * tau / dt) * (1 - decay)"),),
        ),
        Mistake(
            "row t is the state that enters",
            "Is v_0 asked for in the answer? Row 0 is the state after the first step.",
            (("for t in range(len(drive)):", "for t in range(len(drive)):\n        v.append(v_t)"),
             ("        v.append(v_t)\n    return", "    return")),
        ),
        Mistake(
            "one mean time constant for all neurons",
            "tau has N entries. Do two neurons with different τ decay by the same factor?",
            (("torch.exp(-dt / tau)", "torch.exp(-dt / tau.mean()) * torch.ones_like(tau)"),),
        ),
        Mistake(
            "one noise for all neurons, from the mean τ",
            "Each neuron has its own decay. Which noise keeps each of them at σ?",
            (("torch.sqrt(1 - decay**2)", "torch.sqrt(1 - torch.exp(-2 * dt / tau.mean()))"),),
        ),
        Mistake(
            "τ along the axis of the sequences",
            "v_t is (B, N). Along which of its axes does tau run, and along which does yours?",
            (("-dt / tau)", "-dt / tau)[:, None]"),),
        ),
        Mistake(
            "each step starts from v_0 again",
            "What enters the second step?",
            (("v_t = decay * v_t", "v_t = decay * v_0"),),
        ),
        Mistake(
            "one xi for all steps",
            "Is the noise of a step independent of the one before? xi has a time axis.",
            (("xi[t]", "xi[0]"),),
        ),
        Mistake(
            "σ left out of the noise",
            "With σ = 0 there is no noise. What does yours add to v then?",
            (("sigma * torch.sqrt(1 - decay**2)", "torch.sqrt(1 - decay**2)"),),
        ),
        Mistake(
            "v_0 stands in row 0",
            "Row 0 is the state after the first step. Which drive and which noise has your row 0 "
            "seen?",
            (("v_t = decay * v_t", "v_t = v_0 if t == 0 else decay * v_t"),),
        ),
        Mistake(
            "v is changed in place, and so is v_0",
            "Which tensor do all entries of your list refer to after the loop? `+=`, `-=` and "
            "`*=` write into the same one again and again, even into the caller's v_0.",
            (("        v.append(v_t)", "        v_0.copy_(v_t)\n        v_t = v_0\n"
              "        v.append(v_t)"),),
        ),
        Mistake(
            "v is changed in place",
            "Which tensor do all entries of your list refer to after the loop? `+=`, `-=` and "
            "`*=` write into the same one again and again: write v = ..., or keep copies.",
            (("    return torch.stack(v)", "    v = [v_t] * len(v)\n    return torch.stack(v)"),),
        ),
        Mistake(
            "σ below the root",
            "Double σ: by which factor should your noise grow?",
            (("sigma * torch.sqrt(1 - decay**2)", "torch.sqrt(sigma * (1 - decay**2))"),),
        ),
        Mistake(
            "the distance with its sign turned",
            "Without a drive v should fade from v_0. Does yours change its sign? Look at v - I.",
            (("decay * v_t + (1 - decay) * drive[t]", "(1 + decay) * drive[t] - decay * v_t"),),
        ),
        Mistake(
            "the drive is not added again",
            "You have the distance between v and I that is left. Where is v itself?",
            (("(1 - decay) * drive[t]", "(-decay) * drive[t]"),),
        ),
        Mistake(
            "the noise decays within the step",
            "s_n ξ stands outside of the decay: the kick is there at the end of the step.",
            (("sigma * torch.sqrt(1 - decay**2)", "decay * sigma * torch.sqrt(1 - decay**2)"),),
        ),
    ),
)  # fmt: skip
