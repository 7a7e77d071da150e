"""Right answers of chapter 04."""

import itertools
import math

import numpy as np
import torch
from scipy.signal import lfilter

# --- 04.first_steps ---


def predictions_with_numpy_numbers():
    """Flags as 0 and 1 or words, numbers as numpy's."""
    return {
        "adam_small": np.float64(0.1),
        "adam_large": np.float32(-0.1),
        "uncorrected": 0.1 / np.sqrt(0.04),
        "adam_scaled": 0,
        "sum_over_mean": np.int64(7 * 11 * 2),
        "norm_turns": "no",
        "value_turns": np.True_,
        "diagonal_turns": "No",
        "mean_clipped": [0.1 * 1 - 0.9 * 1],
    }


# --- 04.clip ---


def clip_flat(dL_dW_xh, dL_dW_hh, dL_db_h, c):
    """One long vector, cut into its parts again."""
    arrays = (dL_dW_xh, dL_dW_hh, dL_db_h)
    g = np.concatenate([a.ravel() for a in arrays])
    norm = np.linalg.norm(g)
    g = g * (c / max(norm, c))
    parts = np.split(g, np.cumsum([a.size for a in arrays])[:-1])
    return *(p.reshape(a.shape) for p, a in zip(parts, arrays, strict=True)), norm


def clip_by_torch(dL_dW_xh, dL_dW_hh, dL_db_h, c):
    """torch's own, with its 1e-6 below the fraction."""
    tensors = [torch.zeros(a.shape, dtype=torch.float64) for a in (dL_dW_xh, dL_dW_hh, dL_db_h)]
    for tensor, a in zip(tensors, (dL_dW_xh, dL_dW_hh, dL_db_h), strict=True):
        tensor.grad = torch.from_numpy(a.copy())
    norm = torch.nn.utils.clip_grad_norm_(tensors, c)
    return *(tensor.grad for tensor in tensors), norm


def clip_on_copies(dL_dW_xh, dL_dW_hh, dL_db_h, c):
    """Loops over entries; copies are changed in place; a dict is returned."""
    copies = {"dL_dW_xh": dL_dW_xh.copy(), "dL_dW_hh": dL_dW_hh.copy(), "dL_db_h": dL_db_h.copy()}
    square = 0.0
    for array in copies.values():
        for entry in array.flat:
            square += entry * entry
    norm = math.sqrt(square)
    if norm >= c:
        for array in copies.values():
            array /= norm / c
    return copies | {"norm": norm}


# --- 04.adam ---


def adam_by_torch(theta, g, eta, beta1, beta2, eps):
    """torch.optim.Adam."""
    weight = torch.tensor(theta, requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=eta, betas=(beta1, beta2), eps=eps)
    path = []
    for g_n in g:
        weight.grad = torch.tensor(g_n)
        optimiser.step()
        path.append(weight.detach().clone())
    state = optimiser.state[weight]
    return torch.stack(path), state["exp_avg"], state["exp_avg_sq"]


def adam_entry_by_entry(theta, g, eta, beta1, beta2, eps):
    """Lists, and the powers of beta kept from step to step."""
    N = len(theta)
    where, m, v = theta.tolist(), [0.0] * N, [0.0] * N
    left1 = left2 = 1.0
    path = []
    for g_n in g.tolist():
        left1, left2 = left1 * beta1, left2 * beta2
        for i in range(N):
            m[i] += (1 - beta1) * (g_n[i] - m[i])
            v[i] += (1 - beta2) * (g_n[i] * g_n[i] - v[i])
            root = math.sqrt(v[i] / (1 - left2))
            where[i] -= eta / (1 - left1) * m[i] / (root + eps)
        path.append(list(where))
    return path, m, v


def adam_as_filters(theta, g, eta, beta1, beta2, eps):
    """m and v of all steps at once, then one cumulative sum."""
    n = np.arange(1, len(g) + 1)[:, None]
    m = lfilter([1 - beta1], [1, -beta1], g, axis=0)
    v = lfilter([1 - beta2], [1, -beta2], g**2, axis=0)
    steps = m / (1 - beta1**n) / (np.sqrt(v / (1 - beta2**n)) + eps)
    return {"v": v[-1], "m": m[-1], "path": theta - eta * np.cumsum(steps, axis=0)}


# --- 04.lion ---


def lion_with_shrinking(theta, g, eta, beta1, beta2, decay):
    """theta shrinks first; the memory is a running difference."""
    m, path = 0.0 * theta, np.empty_like(g)
    for n, g_n in enumerate(g):
        direction = np.sign(g_n + beta1 * (m - g_n))
        theta = (1 - eta * decay) * theta - eta * direction
        m = m + (1 - beta2) * (g_n - m)
        path[n] = theta
    return path, m


def lion_entry_by_entry(theta, g, eta, beta1, beta2, decay):
    """One weight after the other, as lists."""
    columns, memory = [], []
    for i in range(len(theta)):
        place, m, column = float(theta[i]), 0.0, []
        for slope in g[:, i]:
            blend = beta1 * m + (1 - beta1) * slope
            direction = 0 if blend == 0 else math.copysign(1, blend)
            place -= eta * direction + eta * decay * place
            m = beta2 * m + (1 - beta2) * slope
            column.append(place)
        columns.append(column)
        memory.append(m)
    return list(zip(*columns, strict=True)), memory


def lion_as_filters(theta, g, eta, beta1, beta2, decay):
    """All memories at once, then a linear recurrence for theta."""
    m = lfilter([1 - beta2], [1, -beta2], g, axis=0)
    before = np.vstack([np.zeros_like(theta), m[:-1]])
    moved = -eta * np.sign(beta1 * before + (1 - beta1) * g)
    keep = 1 - eta * decay
    path, _ = lfilter([1.0], [1.0, -keep], moved, axis=0, zi=(keep * theta)[None])
    return torch.from_numpy(path), torch.from_numpy(m[-1].copy())


# --- 04.triangular ---


def triangular_vectorised(peak, final, R, S, M):
    """The lower one of two lines, kept above the end."""
    n = np.arange(M)
    fall = peak + (final - peak) * np.minimum(n - R + 1, S - R) / (S - R)
    return np.where(n < R, peak * (n + 1) / R, fall)


def triangular_by_pieces(peak, final, R, S, M):
    """Three lists, joined and cut."""
    rise = np.linspace(0, peak, R + 1)[1:]
    fall = np.linspace(peak, final, S - R + 1)[1:]
    return [*rise, *fall, *itertools.repeat(final, M)][:M]


def triangular_by_adding(peak, final, R, S, M):
    """From one rate to the next."""
    rates, rate = [], 0.0
    for n in range(M):
        rate += peak / R if n < R else -(peak - final) / (S - R) if n < S else 0.0
        rates.append(rate)
    return torch.tensor(rates, dtype=torch.float64)


# --- 04.early_stopping ---


def stopping_by_slices(losses, patience, min_delta):
    """Look at the next `patience` epochs of each improvement."""
    best = 0
    while True:
        later = losses[best + 1 : best + 1 + patience]
        better = np.flatnonzero(later < losses[best] - min_delta)
        if not better.size:
            return best + 1, best + 1 + len(later), losses[best]
        best += 1 + int(better[0])


def stopping_by_epochs(losses, patience, min_delta):
    """The epochs waited are a difference of two epochs."""
    best_loss, best_epoch = float("inf"), 0
    for epoch in range(1, len(losses) + 1):
        if best_loss - losses[epoch - 1] > min_delta:
            best_loss, best_epoch = float(losses[epoch - 1]), epoch
        elif epoch - best_epoch == patience:
            return {"best_epoch": best_epoch, "stop_epoch": epoch, "best_loss": best_loss}
    return {"best_epoch": best_epoch, "stop_epoch": len(losses), "best_loss": best_loss}


def stopping_without_nan(losses, patience, min_delta):
    """nan as infinity; a while loop; one array of three numbers."""
    losses = np.where(np.isnan(losses), np.inf, losses)
    best, left, epoch = 0, patience, 1
    while left and epoch < len(losses):
        if losses[epoch] + min_delta < losses[best]:
            best, left = epoch, patience
        else:
            left -= 1
        epoch += 1
    return np.array([best + 1, epoch, losses[best]])


# --- 04.repair_loop ---


def loop_by_autograd(x, target, W_xh, W_hh, eta, mu, c):
    """torch's SGD with momentum and its clipping."""
    weights = [torch.tensor(W, requires_grad=True) for W in (W_xh, W_hh)]
    optimiser = torch.optim.SGD(weights, lr=0.1, momentum=mu)
    losses = []
    for x_n, target_n, rate in zip(*map(torch.from_numpy, (x, target, eta)), strict=True):
        optimiser.zero_grad()
        h = torch.zeros_like(target_n)
        for x_t in x_n:
            h = torch.tanh(x_t @ weights[0].T + h @ weights[1].T)
        loss = ((h - target_n) ** 2).mean()
        loss.backward()
        norm = torch.sqrt(sum((W.grad**2).sum() for W in weights))
        for W in weights:
            W.grad *= torch.clamp(c / norm, max=1.0)
        optimiser.param_groups[0]["lr"] = float(rate)
        optimiser.step()
        losses.append(float(loss))
    return [*weights, losses]


def loop_of_one_matrix(x, target, W_xh, W_hh, eta, mu, c):
    """Both arrays of weights side by side as one."""
    D = W_xh.shape[1]
    W, u, losses = np.hstack([W_xh, W_hh]), 0.0, []
    for x_n, target_n, rate in zip(x, target, eta, strict=True):
        both, h = [], np.zeros_like(target_n)
        for x_t in x_n:
            both.append(np.hstack([x_t, h]))
            h = np.tanh(both[-1] @ W.T)
        states = [b[:, D:] for b in both[1:]] + [h]
        losses.append(((h - target_n) ** 2).mean())
        back, g = 2 * (h - target_n) / h.size, np.zeros_like(W)
        for into, state in zip(both[::-1], states[::-1], strict=True):
            delta = back * (1 - state**2)
            g = g + np.einsum("bn,bm->nm", delta, into)
            back = delta @ W[:, D:]
        u = mu * u + g * min(1.0, c / np.linalg.norm(g))
        W = W - rate * u
    return {"W_xh": W[:, :D], "W_hh": W[:, D:], "losses": np.array(losses)}


def loop_with_the_step_remembered(x, target, W_xh, W_hh, eta, mu, c):
    """The velocity in place, on copies; the gradient by autograd of both arrays."""
    weights = [W_xh.copy(), W_hh.copy()]
    velocity = [np.zeros_like(W) for W in weights]
    losses = []
    for n, rate in enumerate(eta):
        tensors = [torch.from_numpy(W.copy()).requires_grad_() for W in weights]
        h = torch.zeros(target[n].shape, dtype=torch.float64)
        for x_t in torch.from_numpy(x[n]):
            h = (x_t @ tensors[0].T + h @ tensors[1].T).tanh()
        loss = torch.nn.functional.mse_loss(h, torch.from_numpy(target[n]))
        gradients = [g.numpy() for g in torch.autograd.grad(loss, tensors)]
        norm = np.hypot(np.linalg.norm(gradients[0]), np.linalg.norm(gradients[1]))
        for W, u, g in zip(weights, velocity, gradients, strict=True):
            u *= mu
            u += g / max(norm / c, 1.0)
            W -= rate * u
        losses.append(loss.item())
    return *weights, losses


# --- 04.repair_stream ---


def stream_by_autograd(x, target, B, T, w_xh, W_hh, w_hy):
    """The state is detached between the pieces."""
    R = len(x) // B
    rows = torch.from_numpy(x[: B * R]).reshape(B, R)
    wanted = torch.from_numpy(target[: B * R]).reshape(B, R)
    W = torch.tensor(W_hh, requires_grad=True)
    w_in, w_out = torch.from_numpy(w_xh), torch.from_numpy(w_hy)
    h, total = torch.zeros(B, len(w_xh), dtype=torch.float64), 0.0
    for t in range(R):
        if t % T == 0:
            h = h.detach()
        h = torch.tanh(rows[:, t, None] * w_in + h @ W.T)
        total = total + ((h @ w_out - wanted[:, t]) ** 2).sum()
    loss = total / (B * R)
    return loss, torch.autograd.grad(loss, W)[0], h.detach()


def stream_row_by_row(x, target, B, T, w_xh, W_hh, w_hy):
    """Each row by itself, its steps by their number in the stream."""
    R, N = len(x) // B, len(w_xh)
    loss, gradient, ends = 0.0, np.zeros((N, N)), []
    for b in range(B):
        states = [np.zeros(N)]
        for i in range(b * R, b * R + R):
            states.append(np.tanh(x[i] * w_xh + W_hh @ states[-1]))
        back = np.zeros(N)
        for t in range(R - 1, -1, -1):
            error = w_hy @ states[t + 1] - target[b * R + t]
            loss += error**2 / (B * R)
            if (t + 1) % T == 0:
                back = np.zeros(N)
            delta = (back + 2 * error * w_hy) * (1 - states[t + 1] ** 2)
            gradient += np.outer(delta, states[t]) / (B * R)
            back = W_hh.T @ delta
        ends.append(states[-1])
    return loss, gradient.tolist(), ends


def stream_forwards(x, target, B, T, w_xh, W_hh, w_hy):
    """The sensitivity of the state is carried forwards and set to zero at each cut."""
    R, N = len(x) // B, len(w_xh)
    h, S = np.zeros((B, N)), np.zeros((B, N, N, N))
    loss, gradient = 0.0, np.zeros((N, N))
    for t in range(R):
        if t % T == 0:
            S = np.zeros_like(S)
        direct = np.einsum("ij,bk->bijk", np.eye(N), h)
        x_t, target_t = (a[: B * R].reshape(B, R)[:, t] for a in (x, target))
        h = np.tanh(x_t[:, None] * w_xh + h @ W_hh.T)
        S = (1 - h**2)[:, :, None, None] * (direct + np.einsum("ni,bijk->bnjk", W_hh, S))
        error = h @ w_hy - target_t
        loss += error @ error
        gradient += np.einsum("b,n,bnjk->jk", 2 * error, w_hy, S)
    return {"L": loss / R / B, "dL_dW_hh": gradient / R / B, "h": h}


# --- 04.largest_rate ---


def _states(scale):
    rng = np.random.default_rng(4)
    W_hh, h, states = rng.normal(size=(4, 4)) / 2, np.zeros(4), []
    for x_t in rng.normal(size=(60, 4)):
        h = np.tanh(x_t + W_hh @ h)
        states.append(h)
    return scale * np.array(states)


def rates_from_eigenvalues():
    """2/λ, and 2(1 + μ)/λ with momentum."""
    steepest = {scale: np.linalg.norm(_states(scale), 2) ** 2 / 30 for scale in (1, 2)}
    return 2 / steepest[1], 2 * 1.9 / steepest[1], 2 / steepest[2]


def rates_from_a_scan():
    """The largest rate of a fine grid at which the iteration matrix has no growing direction."""
    found = []
    for mu, scale in ((0.0, 1), (0.9, 1), (0.0, 2)):
        h = _states(scale)
        H, one = h.T @ h / 30, np.eye(4)
        fine = [
            rate
            for rate in np.geomspace(0.1, 10, 400)
            if np.abs(
                np.linalg.eigvals(np.block([[mu * one, H], [-rate * mu * one, one - rate * H]]))
            ).max()
            < 1
        ]
        found.append(max(fine))
    return np.array(found)


RIGHT = {
    "04.first_steps": [predictions_with_numpy_numbers],
    "04.clip": [clip_flat, clip_by_torch, clip_on_copies],
    "04.adam": [adam_by_torch, adam_entry_by_entry, adam_as_filters],
    "04.lion": [lion_with_shrinking, lion_entry_by_entry, lion_as_filters],
    "04.triangular": [triangular_vectorised, triangular_by_pieces, triangular_by_adding],
    "04.early_stopping": [stopping_by_slices, stopping_by_epochs, stopping_without_nan],
    "04.repair_loop": [loop_by_autograd, loop_of_one_matrix, loop_with_the_step_remembered],
    "04.repair_stream": [stream_by_autograd, stream_row_by_row, stream_forwards],
    "04.largest_rate": [rates_from_eigenvalues, rates_from_a_scan],
}
