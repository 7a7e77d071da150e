"""04.repair_loop: a training loop with three bugs, against its updates written out as sums."""

import math

import numpy as np

from rnncourse.checks.exercise import Case, Exercise, Inputs, Mistake
from rnncourse.gradcheck import complex_step_gradient


def _loss(x, target, W_xh, W_hh):
    """Mean squared error of the last state; complex weights pass through."""
    h = np.zeros_like(target)
    for x_t in x:
        h = np.tanh(x_t @ W_xh.T + h @ W_hh.T)
    return np.mean((h - target) ** 2)


def _definition(x, target, W_xh, W_hh, eta, mu, c):
    """Each update is η times the sum of all clipped gradients so far, weighted by μ^(n - i)."""
    weights, steps, losses = (W_xh, W_hh), [], []
    for n in range(len(x)):
        losses.append(float(_loss(x[n], target[n], *weights)))
        g_xh = complex_step_gradient(
            lambda W, n=n, fixed=weights[1]: _loss(x[n], target[n], W, fixed), weights[0]
        )
        g_hh = complex_step_gradient(
            lambda W, n=n, fixed=weights[0]: _loss(x[n], target[n], fixed, W), weights[1]
        )
        norm = math.hypot(*g_xh.ravel().tolist(), *g_hh.ravel().tolist())
        shorter = min(1.0, c / norm)
        steps.append((shorter * g_xh, shorter * g_hh))
        weights = tuple(
            W - eta[n] * sum(mu ** (n - i) * steps[i][k] for i in range(n + 1))
            for k, W in enumerate(weights)
        )
    return *weights, np.array(losses)


def _attempt(x, target, W_xh, W_hh, eta, mu, c):
    S, T = x.shape[:2]
    weights, losses = [W_xh, W_hh], []
    velocity = [np.zeros_like(W) for W in weights]
    for n in range(S):
        gradients = [np.zeros_like(W) for W in weights]
        h = [np.zeros_like(target[n])]
        for t in range(T):
            h.append(np.tanh(x[n, t] @ weights[0].T + h[t] @ weights[1].T))
        error = h[T] - target[n]
        losses.append(np.mean(error**2))
        dL_dh = 2 * error / error.size
        for t in reversed(range(T)):
            dL_da = dL_dh * (1 - h[t + 1] ** 2)
            gradients[0] += dL_da.T @ x[n, t]
            gradients[1] += dL_da.T @ h[t]
            dL_dh = dL_da @ weights[1]
        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
        if norm > c:
            gradients = [g * (c / norm) for g in gradients]
        for k in range(2):
            velocity[k] = mu * velocity[k] + gradients[k]
            weights[k] = weights[k] - eta[n] * velocity[k]
    return weights[0], weights[1], np.array(losses)


def _task(
    rng: np.random.Generator, S: int, T: int, B: int, D: int, N: int, mu: float, c: float
) -> Inputs:
    return {
        "x": rng.uniform(0.4, 1.6, size=(S, T, B, D)) * rng.choice([-1.0, 1.0], size=(S, T, B, D)),
        "target": rng.uniform(0.5, 1.5, size=(S, B, N)) * rng.choice([-1.0, 1.0], size=(S, B, N)),
        "W_xh": rng.uniform(0.3, 0.9, size=(N, D)) * rng.choice([-1.0, 1.0], size=(N, D)),
        "W_hh": rng.uniform(0.3, 0.9, size=(N, N)) * rng.choice([-1.0, 1.0], size=(N, N)),
        "eta": rng.uniform(0.2, 0.6, size=S),
        "mu": mu,
        "c": c,
    }


# the two places of each bug in the right code, and what stands there in the broken one
_NOT_RESET = (
    ("    for n in range(S):\n        gradients = [np.zeros_like(W) for W in weights]\n",
     "    gradients = [np.zeros_like(W) for W in weights]\n    for n in range(S):\n"),
)  # fmt: skip
_VELOCITY = (
    ("    velocity = [np.zeros_like(W) for W in weights]\n", ""),
    ("        h = [np.zeros_like(target[n])]\n",
     "        velocity = [np.zeros_like(W) for W in weights]\n"
     "        h = [np.zeros_like(target[n])]\n"),
)  # fmt: skip
_CLIP = (
    ("        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))\n        if norm > c:\n"
     "            gradients = [g * (c / norm) for g in gradients]\n", ""),
    ("    return weights[0]",
     "        norm = np.sqrt(sum(np.sum(g**2) for g in gradients))\n        if norm > c:\n"
     "            gradients = [g * (c / norm) for g in gradients]\n    return weights[0]"),
)  # fmt: skip

EXERCISE = Exercise(
    name="04.repair_loop",
    title="A training loop with three bugs",
    kind="repair",
    inputs={
        "x": "S T B D",
        "target": "S B N",
        "W_xh": "N D",
        "W_hh": "N N",
        "eta": "S",
        "mu": "a number",
        "c": "a number",
    },
    outputs={"W_xh": "N D", "W_hh": "N N", "losses": "S"},
    definition=_definition,
    attempt=_attempt,
    cases=(
        Case(
            "one update, nothing to clip",
            lambda rng: _task(rng, 1, 1, 1, 1, 1, 0.0, 100.0),
            "One update with a short gradient: forward, backward, update. The broken script does "
            "this right, so look at what you changed.",
        ),
        Case(
            "one update, a gradient above the threshold",
            lambda rng: _task(rng, 1, 2, 1, 1, 1, 0.0, 0.01),
            "New in this case: the gradient is longer than c. What is done to a gradient after "
            "its update has no effect on it.",
        ),
        Case(
            "two updates without momentum",
            lambda rng: _task(rng, 2, 2, 1, 1, 1, 0.0, 100.0),
            "New in this case: a second update, with another batch. Without momentum it depends "
            "on the first one only by the weights.",
        ),
        Case(
            "two updates with momentum",
            lambda rng: _task(rng, 2, 2, 1, 1, 1, 0.8, 100.0),
            "New in this case: momentum. What does the second update know of the first gradient?",
        ),
        Case(
            "two updates, two sequences, nothing to clip",
            lambda rng: _task(rng, 2, 2, 2, 2, 3, 0.8, 100.0),
            "New in this case: several sequences and units. The loss is a mean over both, and so "
            "is its gradient.",
        ),
        Case(
            "several updates, some of them clipped",
            lambda rng: _task(rng, 6, 3, 2, 2, 3, 0.7, 0.15),
            "New in this case: momentum and clipping together. The gradient is clipped, and the "
            "velocity adds up clipped gradients.",
        ),
    ),
    hints=(
        "Follow one update with pencil and paper, then the next. Which arrays should begin at "
        "zero in every update, and which ones only once?",
        "(4.2) of notebook 04: the velocity u lives from update to update. The gradient g belongs "
        "to one batch only, and (4.14) comes before (4.2).",
        "The gradients are set to zero inside the loop over n, the velocity before it, and the "
        "three lines of the clipping stand before the velocity takes the gradients in.",
    ),
    mistakes=(
        Mistake(
            "the gradient of the sum of the squared errors",
            "The loss is the mean over sequences and units. By what does that divide its gradient?",
            (("dL_dh = 2 * error / error.size", "dL_dh = 2 * error"),),
        ),
        Mistake(
            "not repaired yet: all three bugs",
            "Look at each array that begins at zero: should it do so in each update, or once? "
            "And what is clipped when? There are three bugs.",
            _NOT_RESET + _VELOCITY[:1]
            + (("        h = [np.zeros_like(target[n])]\n", _VELOCITY[1][1]),) + _CLIP,
        ),
        Mistake(
            "one bug is gone; the gradient is still never reset, and the velocity always",
            "One of three is repaired. Two arrays begin at zero in the wrong place: which one "
            "belongs to one batch, which one to the whole training?",
            _NOT_RESET + _VELOCITY,
        ),
        Mistake(
            "one bug is gone; the gradient is still never reset, and not clipped before the step",
            "One of three is repaired. On which data does the gradient of the second update "
            "depend? And what does clipping do after the "
            "update?",
            _NOT_RESET + _CLIP,
        ),
        Mistake(
            "one bug is gone; the velocity is still reset, and the gradient not clipped in time",
            "One of three is repaired. What does momentum remember if it begins at zero each "
            "time? And what does clipping do after the "
            "update?",
            _VELOCITY + _CLIP,
        ),
        Mistake(
            "one bug is left: the gradient is never reset",
            "Two of three are repaired. On which batches does the gradient of the second update "
            "depend?",
            _NOT_RESET,
        ),
        Mistake(
            "one bug is left: the velocity begins at zero in each update",
            "Two of three are repaired. What does momentum remember of the update before?",
            _VELOCITY,
        ),
        Mistake(
            "one bug is left: the gradient is not clipped before the step",
            "One thing is left: how long can a step be, if the gradient is not clipped before it? "
            "The three lines of the clipping are to be moved.",
            _CLIP,
        ),
        Mistake(
            "the velocity is clipped in the place of the gradient",
            "What is longer, a gradient or the sum of many? Clip what comes out of the backward "
            "pass, before the velocity takes it in.",
            (_CLIP[0],
             ("        for k in range(2):\n            velocity[k] = mu * velocity[k] + "
              "gradients[k]\n",
              "        velocity = [mu * u + g for u, g in zip(velocity, gradients)]\n"
              "        norm = np.sqrt(sum(np.sum(u**2) for u in velocity))\n"
              "        if norm > c:\n            velocity = [u * (c / norm) for u in velocity]\n"
              "        for k in range(2):\n")),
        ),
        Mistake(
            "the step is clipped, the velocity is not",
            "The velocity has taken the long gradient in, and will remember it. Clip before that.",
            (_CLIP[0],
             ("        for k in range(2):\n            velocity[k] = mu * velocity[k] + "
              "gradients[k]\n            weights[k] = weights[k] - eta[n] * velocity[k]\n",
              "        velocity = [mu * u + g for u, g in zip(velocity, gradients)]\n"
              "        norm = np.sqrt(sum(np.sum(u**2) for u in velocity))\n"
              "        shorter = min(1.0, c / norm)\n"
              "        for k in range(2):\n"
              "            weights[k] = weights[k] - eta[n] * shorter * velocity[k]\n")),
        ),
        Mistake(
            "each array is clipped by itself",
            "How many norms does a gradient of two arrays have? The script's one norm was right.",
            (("            gradients = [g * (c / norm) for g in gradients]\n",
              "            gradients = [\n                g * min(1.0, c / max(np.sqrt(np.sum("
              "g**2)), 1e-300)) for g in gradients\n            ]\n"),),
        ),
        Mistake(
            "the learning rate of another update",
            "Which entry of eta belongs to update n? The script's choice was right.",
            (("eta[n] * velocity[k]", "eta[n - 1] * velocity[k]"),),
        ),
        Mistake(
            "the gradient enters the velocity with 1 - mu",
            "Is (4.2) a sum or a mean? The script's line was right.",
            (("mu * velocity[k] + gradients[k]", "mu * velocity[k] + (1 - mu) * gradients[k]"),),
        ),
        Mistake(
            "short gradients are made longer",
            "What does (4.14) do with a gradient shorter than c? The script's condition was right.",
            (("        if norm > c:\n", "        if norm > 0:\n"),),
        ),
        Mistake(
            "long gradients are left alone and short ones changed",
            "Which gradients are too long: those with a norm above c, or those below?",
            (("        if norm > c:\n", "        if norm < c:\n"),),
        ),
        Mistake(
            "the loss after the update",
            "Which weights belong to the loss of a batch: those before its update, or those "
            "after?",
            (("losses.append(np.mean(error**2))", "losses.append(0.0)"),
             ("            weights[k] = weights[k] - eta[n] * velocity[k]\n",
              "            weights[k] = weights[k] - eta[n] * velocity[k]\n"
              "        losses[n] = _loss(x[n], target[n], *weights)\n")),
        ),
        Mistake(
            "the second array's velocity is not kept",
            "Look at both arrays of weights: does the momentum of each of them live on?",
            (("        h = [np.zeros_like(target[n])]\n",
              "        velocity[1] = np.zeros_like(weights[1])\n"
              "        h = [np.zeros_like(target[n])]\n"),),
        ),
        Mistake(
            "the gradient is reset in every step of the sequence",
            "Each step of the sequence used the same weights. Within one batch their gradient is "
            "a sum over the steps; reset it once for each batch.",
            (("            dL_da = dL_dh", "            gradients = [np.zeros_like(W) for W in "
              "weights]\n            dL_da = dL_dh"),),
        ),
        Mistake(
            "the learning rate of the first update for all",
            "Which entry of eta belongs to update n? The script's choice was right.",
            (("eta[n] * velocity[k]", "eta[0] * velocity[k]"),),
        ),
        Mistake(
            "the learning rate stands inside of the velocity",
            "If eta changes from update to update, with which eta does an old gradient count? In "
            "(4.2) the velocity adds up gradients, and eta multiplies it afterwards.",
            (("mu * velocity[k] + gradients[k]", "mu * velocity[k] + eta[n] * gradients[k]"),
             ("weights[k] - eta[n] * velocity[k]", "weights[k] - velocity[k]")),
        ),
        Mistake(
            "every gradient is taken at the first weights",
            "With which weights does the second batch go forward: those from the beginning, or "
            "those after the first update?",
            (("weights[0].T + h[t] @ weights[1].T", "W_xh.T + h[t] @ W_hh.T"),
             ("dL_dh = dL_da @ weights[1]", "dL_dh = dL_da @ W_hh")),
        ),
        Mistake(
            "the mean of the losses",
            "How many losses are asked for? There is one for each batch.",
            (("np.array(losses)", "np.mean(losses)"),),
        ),
        Mistake(
            "the velocity forgets nothing",
            "Where is mu in your code? In (4.2) the old velocity is multiplied by it.",
            (("mu * velocity[k] + gradients[k]", "velocity[k] + gradients[k]"),),
        ),
        Mistake(
            "one velocity for both arrays",
            "How many velocities are needed for two arrays? Each adds up its own gradients.",
            (("velocity[k] = mu * velocity[k] + gradients[k]",
              "velocity = [mu * velocity[0] + gradients[k]] * 2"),),
        ),
    ),
)  # fmt: skip
