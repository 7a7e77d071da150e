"""Right answers of chapter 02."""

import numpy as np
import torch
from scipy.special import expit, log_softmax, softmax

from rnncourse.checks.chapter_02 import best_eps


def bptt_vectorised(x, h_0, W_xh, W_hh, W_hy, b_h, b_y, target):
    """The sums over time as one product each, after the sweep."""
    T, B, _ = x.shape
    h = np.empty((T + 1, B, len(b_h)))
    h[0] = h_0
    for t in range(T):
        h[t + 1] = np.tanh(x[t] @ W_xh.T + h[t] @ W_hh.T + b_h)
    dL_dy = 2 * (h[1:] @ W_hy.T + b_y - target)
    dL_da = np.empty_like(h[1:])
    back = np.zeros((B, len(b_h)))
    for t in range(T - 1, -1, -1):
        dL_da[t] = (dL_dy[t] @ W_hy + back) * (1 + h[t + 1]) * (1 - h[t + 1])
        back = dL_da[t] @ W_hh
    return {
        "L": (dL_dy**2).sum() / 4,
        "dL_dW_xh": np.einsum("tbn,tbd->nd", dL_da, x),
        "dL_dW_hh": np.einsum("tbn,tbm->nm", dL_da, h[:-1]),
        "dL_dW_hy": np.einsum("tbk,tbn->kn", dL_dy, h[1:]),
        "dL_db_h": dL_da.sum((0, 1)),
        "dL_db_y": dL_dy.sum((0, 1)),
        "dL_dh_0": back,
    }


def bptt_by_autograd(x, h_0, W_xh, W_hh, W_hy, b_h, b_y, target):
    """Let torch do it, and return its tensors."""
    weights = [torch.tensor(w, requires_grad=True) for w in (W_xh, W_hh, W_hy, b_h, b_y, h_0)]
    w_xh, w_hh, w_hy, c_h, c_y, h = weights
    loss = torch.zeros((), dtype=torch.float64)
    for x_t, target_t in zip(torch.from_numpy(x), torch.from_numpy(target), strict=True):
        h = torch.tanh(x_t @ w_xh.T + h @ w_hh.T + c_h)
        loss = loss + ((h @ w_hy.T + c_y - target_t) ** 2).sum()
    return [loss, *torch.autograd.grad(loss, weights)]


def bptt_sequence_by_sequence(x, h_0, W_xh, W_hh, W_hy, b_h, b_y, target):
    """One sequence after the other, unit by unit, as lists."""
    N, D = W_xh.shape
    K = len(b_y)
    total = 0.0
    g = [np.zeros_like(w) for w in (W_xh, W_hh, W_hy, b_h, b_y, h_0)]
    for b in range(x.shape[1]):
        states = [h_0[b]]
        for x_t in x[:, b]:
            states.append(np.tanh(W_xh @ x_t + W_hh @ states[-1] + b_h))
        back = np.zeros(N)
        for t in reversed(range(len(x))):
            e = W_hy @ states[t + 1] + b_y - target[t, b]
            total += e @ e
            delta = (2 * W_hy.T @ e + back) * (1 - states[t + 1] ** 2)
            for n in range(N):
                for d in range(D):
                    g[0][n, d] += delta[n] * x[t, b, d]
                g[1][n] += delta[n] * states[t]
            for k in range(K):
                g[2][k] += 2 * e[k] * states[t + 1]
            g[3] += delta
            g[4] += 2 * e
            back = W_hh.T @ delta
        g[5][b] = back
    return (total, *[w.tolist() for w in g])


def loss_gradient_step_by_step(y, target, mask):
    """One step of one sequence after the other."""
    total, gradient = 0.0, np.zeros_like(y)
    places = np.argwhere(mask)
    for t, b in places:
        p = softmax(y[t, b])
        total -= log_softmax(y[t, b])[target[t, b]]
        gradient[t, b] = p
        gradient[t, b, target[t, b]] -= 1
    return total / len(places), gradient / len(places)


def loss_gradient_by_torch(y, target, mask):
    logits = torch.tensor(y, requires_grad=True)
    valid = torch.from_numpy(mask)
    wanted = torch.from_numpy(target)[valid]
    loss = torch.nn.functional.cross_entropy(logits[valid], wanted)
    loss.backward()
    return loss, logits.grad


def loss_gradient_by_indexing(y, target, mask):
    weights = mask / mask.sum()
    p = softmax(y, axis=-1)
    nats = -np.take_along_axis(log_softmax(y, axis=-1), target[..., None], axis=-1)[..., 0]
    np.put_along_axis(
        p, target[..., None], np.take_along_axis(p, target[..., None], -1) - 1, axis=-1
    )
    return {"dL_dy": p * weights[..., None], "L": np.sum(nats[mask]) / mask.sum()}


def _states(x, h_0, W_xh, W_hh, b_h, t):
    h = [h_0]
    for i in range(t):
        h.append(np.tanh(W_xh @ x[i] + W_hh @ h[-1] + b_h))
    return h


def contribution_by_whole_product(x, h_0, W_xh, W_hh, b_h, g, t, k):
    """The product J_{t:k} as one matrix."""
    h = _states(x, h_0, W_xh, W_hh, b_h, t)
    product = np.eye(len(h_0))
    for i in range(k + 1, t + 1):
        product = np.diag(1 - h[i] ** 2) @ W_hh @ product
    return ((1 - h[k] ** 2) * (product.T @ g))[:, None] * h[k - 1][None, :]


def contribution_by_autograd(x, h_0, W_xh, W_hh, b_h, g, t, k):
    own = torch.tensor(W_hh, requires_grad=True)
    h = torch.from_numpy(h_0)
    for i in range(1, t + 1):
        W = own if i == k else torch.from_numpy(W_hh)
        h = torch.tanh(torch.from_numpy(W_xh @ x[i - 1] + b_h) + W @ h)
    return torch.autograd.grad((torch.from_numpy(g) * h).sum(), own)[0]


def contribution_entry_by_entry(x, h_0, W_xh, W_hh, b_h, g, t, k):
    h = _states(x, h_0, W_xh, W_hh, b_h, t)
    N = len(h_0)
    row = list(g)
    for i in range(t, k, -1):
        row = [sum(row[m] * (1 - h[i][m] ** 2) * W_hh[m, n] for m in range(N)) for n in range(N)]
    return [[row[m] * (1 - h[k][m] ** 2) * h[k - 1][n] for n in range(N)] for m in range(N)]


def softplus_by_scipy(a, W_hh, dL_dh_out):
    back, rows = 0.0, []
    for a_t, g in zip(a[::-1], dL_dh_out[::-1], strict=True):
        rows.insert(0, expit(a_t) * (g + back))
        back = rows[0] @ W_hh
    return rows


def softplus_by_tanh(a, W_hh, dL_dh_out):
    """The logistic function is (1 + tanh(a/2)) / 2: no exp that overflows."""
    dL_da = dL_dh_out.copy()
    for t in range(len(a) - 1, -1, -1):
        if t + 1 < len(a):
            dL_da[t] += np.einsum("bm,mn->bn", dL_da[t + 1], W_hh)
        dL_da[t] *= (1 + np.tanh(a[t] / 2)) / 2
    return dL_da


def softplus_as_double_sum(a, W_hh, dL_dh_out):
    slope = torch.sigmoid(torch.from_numpy(a)).numpy()
    total = np.zeros_like(a)
    for t in range(len(a)):
        v = dL_dh_out[t]
        for k in range(t, -1, -1):
            v = v * slope[k]
            total[k] += v
            v = v @ W_hh
    return total


def two_back_by_autograd(drive, h_0, h_m1, W_1, W_2, dL_dh_out):
    V_1, V_2, start, before = (torch.tensor(w, requires_grad=True) for w in (W_1, W_2, h_0, h_m1))
    h, old, total = start, before, torch.zeros((), dtype=torch.float64)
    for u, g in zip(torch.from_numpy(drive), torch.from_numpy(dL_dh_out), strict=True):
        h, old = torch.tanh(u + h @ V_1.T + old @ V_2.T), h
        total = total + (g * h).sum()
    return torch.autograd.grad(total, [V_1, V_2, start, before])


def two_back_with_all_dL_dh(drive, h_0, h_m1, W_1, W_2, dL_dh_out):
    """Add to the gradient of every state by its index."""
    T = len(drive)
    h = [h_m1, h_0]
    for u in drive:
        h.append(np.tanh(u + h[-1] @ W_1.T + h[-2] @ W_2.T))
    h = np.array(h)
    dL_dh = np.concatenate([np.zeros((2, *h_0.shape)), dL_dh_out])
    dL_da = np.zeros_like(drive)
    for t in range(T + 1, 1, -1):
        dL_da[t - 2] = dL_dh[t] * (1 - h[t] ** 2)
        dL_dh[t - 1] += dL_da[t - 2] @ W_1
        dL_dh[t - 2] += dL_da[t - 2] @ W_2
    return {
        "dL_dW_1": np.einsum("tbm,tbn->mn", dL_da, h[1:-1]),
        "dL_dW_2": np.einsum("tbm,tbn->mn", dL_da, h[:-2]),
        "dL_dh_0": dL_dh[1],
        "dL_dh_m1": dL_dh[0],
    }


def two_back_as_one_large_state(drive, h_0, h_m1, W_1, W_2, dL_dh_out):
    """The pair (h_t, h_{t-1}) is the state of an ordinary network of 2N units."""
    N = len(W_1)
    s, slopes, states = np.hstack([h_0, h_m1]), [], []
    for u in drive:
        states.append(s)
        h = np.tanh(u + s[:, :N] @ W_1.T + s[:, N:] @ W_2.T)
        slopes.append(1 - h**2)
        s = np.hstack([h, s[:, :N]])
    back, grad = np.zeros_like(s), np.zeros((N, 2 * N))
    for g, slope, s in zip(dL_dh_out[::-1], slopes[::-1], states[::-1], strict=True):
        delta = (g + back[:, :N]) * slope
        grad += delta.T @ s
        back = delta @ np.hstack([W_1, W_2]) + np.hstack([back[:, N:], np.zeros_like(h_0)])
    return grad[:, :N], grad[:, N:], back[:, :N], back[:, N:]


def in_place_on_a_copy(dL_dh_out, h, W_hh):
    dL_da = np.array(dL_dh_out)
    for t in range(len(h) - 1, -1, -1):
        if t + 1 < len(h):
            dL_da[t] += dL_da[t + 1] @ W_hh
        dL_da[t] *= 1 - h[t] ** 2
    return dL_da, dL_da.sum(axis=0).sum(axis=0)


def in_place_as_lists(dL_dh_out, h, W_hh):
    back, rows, bias = 0 * h[0], [], 0
    for g, h_t in zip(reversed(dL_dh_out), reversed(h), strict=True):
        rows = [(g + back) * (1 - h_t) * (1 + h_t), *rows]
        back = np.einsum("mn,bm->bn", W_hh, rows[0])
        bias = bias + rows[0].sum(0)
    return [r.tolist() for r in rows], bias


def in_place_by_tensors(dL_dh_out, h, W_hh):
    g, states, W = (torch.from_numpy(v.copy()) for v in (dL_dh_out, h, W_hh))
    for t in range(len(h) - 1, -1, -1):
        if t < len(h) - 1:
            g[t] += g[t + 1] @ W
        g[t] *= 1 - states[t] ** 2
    return {"dL_da": g, "dL_db_h": g.sum((0, 1))}


def gradcheck_on_flat_copies(f, x):
    flat = x.ravel()
    gradient = []
    for i in range(flat.size):
        step = np.zeros(flat.size)
        step[i] = 3e-6
        up, down = (flat + step).reshape(x.shape), (flat - step).reshape(x.shape)
        gradient.append((f(up) - f(down)) / 6e-6)
    return np.reshape(gradient, x.shape)


def gradcheck_of_fourth_order(f, x, eps=1e-3):
    gradient = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        e = np.zeros_like(x)
        e[index] = eps
        gradient[index] = (8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))) / (12 * eps)
    return gradient.tolist()


def gradcheck_that_moves_and_restores(f, x):
    """It leaves the caller's x changed by rounding, which is no reproach."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += 1e-6
        above = f(x)
        x[index] -= 2e-6
        gradient[index] = (above - f(x)) / 2e-6
        x[index] += 1e-6
    return gradient


def which_are_zero_in_words():
    return {
        "W_hh_after_one_step_from_zero": "yes",
        "W_hh_after_one_step_from_h_0": "No",
        "h_0_if_W_hh_is_zero": np.bool_(True),
        "x_1_if_the_loss_is_at_the_end": 0,
        "slope_of_tanh_negative_somewhere": np.False_,
        "share_of_step_3": np.float32(0.1),
        "sum_over_mean": 154.0,
    }


def best_eps_with_other_units():
    two, one = best_eps._errors(77, units=60), best_eps._errors(78, sides=1, units=60)
    a, b, c = best_eps._measured(two)
    d, _, e = best_eps._measured(one)
    return a, b, c, d, e


RIGHT = {
    "02.loss_gradient": [
        loss_gradient_step_by_step, loss_gradient_by_torch, loss_gradient_by_indexing
    ],
    "02.bptt": [bptt_vectorised, bptt_by_autograd, bptt_sequence_by_sequence],
    "02.contribution": [
        contribution_by_whole_product, contribution_by_autograd, contribution_entry_by_entry
    ],
    "02.softplus": [softplus_by_scipy, softplus_by_tanh, softplus_as_double_sum],
    "02.two_back": [two_back_by_autograd, two_back_with_all_dL_dh, two_back_as_one_large_state],
    "02.repair_in_place": [in_place_on_a_copy, in_place_as_lists, in_place_by_tensors],
    "02.repair_gradcheck": [
        gradcheck_on_flat_copies, gradcheck_of_fourth_order, gradcheck_that_moves_and_restores
    ],
    "02.which_are_zero": [which_are_zero_in_words],
    "02.best_eps": [best_eps_with_other_units],
}  # fmt: skip
