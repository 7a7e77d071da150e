"""Right answers of chapter 05."""

from collections.abc import Callable

import numpy as np
import scipy.linalg
import torch

# --- 05.orthogonal ---


def polar_factor(rng, N, gain):
    """The orthogonal matrix nearest to a normal one."""
    U, _, Vt = np.linalg.svd(rng.standard_normal((N, N)))
    return gain * U @ Vt


def gram_schmidt(rng, N, gain):
    """Column by column, as lists."""
    columns = []
    for _ in range(N):
        v = rng.normal(size=N)
        for _ in range(2):  # twice: else rounding errors add up
            for q in columns:
                v = v - (q @ v) * q
        columns.append(v / np.linalg.norm(v))
    return (gain * np.array(columns)).tolist()


def triangular_solve(rng, N, gain):
    """W = A C^-T with C the Cholesky factor of AᵀA, as float32."""
    A = rng.standard_normal((N, N))
    upper = scipy.linalg.cholesky(A.T @ A)
    W = scipy.linalg.solve_triangular(upper, A.T, trans="T").T
    return (gain * W).astype(np.float32) if np.linalg.cond(A) < 100 else gain * polar(A)


def polar(A):
    return scipy.linalg.polar(A)[0]


def random_signs(rng, N, gain):
    """Signs of fresh coins in the place of R's; torch does the QR."""
    Q = torch.linalg.qr(torch.from_numpy(rng.standard_normal((N, N)))).Q
    return gain * Q * torch.from_numpy(rng.choice([-1.0, 1.0], size=N))


# --- 05.variational_mask ---


def by_broadcast(rng, T, B, N, p):
    m = np.where(rng.uniform(size=(1, B, N)) < p, 0.0, 1 / (1 - p))
    return np.broadcast_to(m, (T, B, N))


def by_coins(rng, T, B, N, p):
    """Coin by coin, as lists."""
    m = [[float(rng.binomial(1, 1 - p)) / (1 - p) for _ in range(N)] for _ in range(B)]
    return [m for _ in range(T)]


def by_choice(rng, T, B, N, p):
    """Written into an array step by step, as float32."""
    mask = np.empty((T, B, N), np.float32)
    mask[0] = rng.choice([0.0, 1 / (1 - p)], size=(B, N), p=[p, 1 - p])
    for t in range(1, T):
        mask[t] = mask[t - 1]
    return torch.from_numpy(mask)


# --- 05.layer_norm ---


def layer_norm_by_torch(a, gain, bias, eps):
    a, gain, bias = map(torch.from_numpy, (a, gain, bias))
    return torch.nn.functional.layer_norm(a, gain.shape, gain, bias, eps)


def layer_norm_by_projection(a, gain, bias, eps):
    """The mean is taken away by a matrix; the variance is a squared norm."""
    N = a.shape[1]
    centred = a @ (np.eye(N) - np.ones((N, N)) / N)
    size = np.einsum("bn,bn->b", centred, centred) / N
    return centred / np.sqrt(size + eps)[:, None] @ np.diag(gain) + bias


def layer_norm_row_by_row(a, gain, bias, eps):
    rows = []
    for row in a:
        s = (np.var(row) + eps) ** 0.5
        rows.append([g * (v - np.mean(row)) / s + b for v, g, b in zip(row, gain, bias)])  # noqa: B905
    return rows


# --- 05.rms_norm ---


def rms_norm_by_autograd(a, gain, eps, dL_dz):
    a, gain = torch.tensor(a, requires_grad=True), torch.tensor(gain, requires_grad=True)
    z = gain * a * torch.rsqrt((a**2).mean(1, keepdim=True) + eps)
    dL_da, dL_dgain = torch.autograd.grad((z * torch.from_numpy(dL_dz)).sum(), (a, gain))
    return {"z": z, "dL_da": dL_da, "dL_dgain": dL_dgain}


def rms_norm_by_jacobian(a, gain, eps, dL_dz):
    """One Jacobian for each row."""
    B, N = a.shape
    z, dL_da, dL_dgain = np.zeros((B, N)), np.zeros((B, N)), np.zeros(N)
    for b in range(B):
        s = np.sqrt(a[b] @ a[b] / N + eps)
        J = np.diag(gain) @ (np.eye(N) / s - np.outer(a[b], a[b]) / (N * s**3))
        z[b] = gain * a[b] / s
        dL_da[b] = J.T @ dL_dz[b]
        dL_dgain += dL_dz[b] * a[b] / s
    return z, dL_da, dL_dgain


def rms_norm_by_inverse_root(a, gain, eps, dL_dz):
    """With r = 1/s and its derivative."""
    r = (np.mean(a * a, axis=-1) + eps) ** -0.5
    dL_dr = np.einsum("bn,n,bn->b", dL_dz, gain, a)
    dL_da = dL_dz * gain * r[:, None] - (dL_dr * r**3)[:, None] * a / a.shape[1]
    return [gain * a * r[:, None], dL_da, np.einsum("bn,bn,b->n", dL_dz, a, r)]


# --- 05.zoneout ---


def zoneout_by_where(x_t, h_prev, W_xh, W_hh, b_h, z_t, p, training):
    new = np.tanh(np.einsum("nd,bd->bn", W_xh, x_t) + np.einsum("nm,bm->bn", W_hh, h_prev) + b_h)
    return np.where(z_t > 0, h_prev, new) if training else p * h_prev + (1 - p) * new


def zoneout_as_a_difference(x_t, h_prev, W_xh, W_hh, b_h, z_t, p, training):
    """h + (1 - z)(new - h), as torch tensors."""
    x, h, w_x, w_h, b, z = map(torch.from_numpy, (x_t, h_prev, W_xh, W_hh, b_h, z_t))
    step = torch.tanh(torch.addmm(b, x, w_x.T) + h @ w_h.T) - h
    return h + ((1 - z) if training else (1 - p)) * step


def zoneout_in_place(x_t, h_prev, W_xh, W_hh, b_h, z_t, p, training):
    """Sequence by sequence, on a copy."""
    h_t = h_prev.copy()
    for b in range(len(x_t)):
        new = np.tanh(W_xh @ x_t[b] + W_hh @ h_prev[b] + b_h)
        if training:
            updated = z_t[b] == 0
            h_t[b, updated] = new[updated]
        else:
            h_t[b] *= p
            h_t[b] += (1 - p) * new
    return h_t.tolist()


# --- 05.repair_dropout ---


def dropout_before_the_loop(x, W_xh, W_hh, b_h, u, p, training):
    m = np.where(u[0] < p, 0, 1 / (1 - p)) if training else np.ones_like(u[0])
    h = np.zeros((len(x) + 1, *m.shape))
    for t, x_t in enumerate(x):
        h[t + 1] = np.tanh(x_t @ W_xh.T + (m * h[t]) @ W_hh.T + b_h)
    return h[1:]


def dropout_on_the_weights(x, W_xh, W_hh, b_h, u, p, training):
    """One masked W_hh for each sequence: its columns are dropped."""
    T, B, _ = x.shape
    out = []
    for b in range(B):
        W = W_hh * (u[0, b] >= p) / (1 - p) if training else W_hh
        h, states = np.zeros(len(b_h)), []
        for t in range(T):
            h = np.tanh(W_xh @ x[t, b] + W @ h + b_h)
            states.append(h)
        out.append(states)
    return np.swapaxes(out, 0, 1)


def dropout_by_torch(x, W_xh, W_hh, b_h, u, p, training):
    x, w_x, w_h, b, u = map(torch.from_numpy, (x, W_xh, W_hh, b_h, u))
    m = (u[0] >= p).double().div(1 - p) if training else torch.ones_like(u[0])
    h, states = torch.zeros_like(m), []
    for x_t in x:
        h = torch.tanh(x_t @ w_x.T + (m * h) @ w_h.T + b)
        states.append(h)
    return torch.stack(states)


# --- 05.repair_batch_norm ---


def batch_norm_with_branches(r, mu, v, alpha, gain, bias, eps, training):
    if not training:
        scale = gain / np.sqrt(v + eps)
        return r * scale[:, None] + (bias - mu * scale)[:, None], mu, v
    B = r.shape[1]
    m = r.mean(1, keepdims=True)
    squares = ((r - m) ** 2).sum(1, keepdims=True)
    z = gain * (r - m) / np.sqrt(squares / B + eps) + bias
    new_v = (1 - alpha) * v + alpha * squares[:, 0] / (B - 1)
    return z, (1 - alpha) * mu + alpha * m[:, 0], new_v


def batch_norm_step_by_step(r, mu, v, alpha, gain, bias, eps, training):
    mu, v, z = mu.copy(), v.copy(), []
    for t, r_t in enumerate(r):
        m, variance = (r_t.mean(0), r_t.var(0)) if training else (mu[t].copy(), v[t].copy())
        if training:
            mu[t] += alpha * (m - mu[t])
            v[t] += alpha * (r_t.var(0, ddof=1) - v[t])
        z.append(gain * (r_t - m) / np.sqrt(variance + eps) + bias)
    return {"z": z, "mu_new": mu, "v_new": v}


def batch_norm_by_torch(r, mu, v, alpha, gain, bias, eps, training):
    r, mu, v, gain, bias = (torch.tensor(array) for array in (r, mu, v, gain, bias))
    z = [
        torch.nn.functional.batch_norm(r_t, m, s, gain, bias, training, alpha, eps)
        for r_t, m, s in zip(r, mu, v, strict=True)
    ]
    return torch.stack(z), mu, v


# --- 05.what_survives ---


def predictions():
    return {
        "share_left": np.float64(1.43e-5),
        "mean_left": 1,
        "second_moment": 70000,
        "share_left_variational": np.float32(0.8),
        "forget_bias": 2.2,
        "credit_beyond_window": "no",
        "layer_norm_factor": np.int64(1),
    }


def predictions_as_a_list():
    return [0.8**50, 1.0, 1.25**50, 4 / 5, np.log(10 - 1), 0, 1.0]


# --- 05.start_and_lag ---


def measured_draw_by_draw():
    rng = np.random.default_rng(99)

    def decades(is_orthogonal, has_slopes):
        ratios = []
        for _ in range(41):
            W = rng.normal(scale=24**-0.5, size=(24, 24))
            if is_orthogonal:
                W = polar(W)
            h, J = np.zeros(24), []
            for _ in range(40):
                h = W @ h + rng.standard_normal(24)
                if has_slopes:
                    h = np.tanh(h)
                J.append((1 - h**2)[:, None] * W if has_slopes else W)
            v = g = rng.standard_normal(24)
            for t in range(30):
                v = J[-1 - t].T @ v
            ratios.append(np.linalg.norm(v) / np.linalg.norm(g))
        return np.median(np.log10(ratios))

    return [decades(o, s) for s in (False, True) for o in (True, False)]


RIGHT: dict[str, list[Callable]] = {
    "05.orthogonal": [polar_factor, gram_schmidt, triangular_solve, random_signs],
    "05.variational_mask": [by_broadcast, by_coins, by_choice],
    "05.layer_norm": [layer_norm_by_torch, layer_norm_by_projection, layer_norm_row_by_row],
    "05.rms_norm": [rms_norm_by_autograd, rms_norm_by_jacobian, rms_norm_by_inverse_root],
    "05.zoneout": [zoneout_by_where, zoneout_as_a_difference, zoneout_in_place],
    "05.repair_dropout": [dropout_before_the_loop, dropout_on_the_weights, dropout_by_torch],
    "05.repair_batch_norm": [
        batch_norm_with_branches,
        batch_norm_step_by_step,
        batch_norm_by_torch,
    ],
    "05.what_survives": [predictions, predictions_as_a_list],
    "05.start_and_lag": [measured_draw_by_draw],
}
