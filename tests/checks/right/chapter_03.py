"""Right answers of chapter 03."""

from functools import reduce

import numpy as np
import torch
from scipy.linalg import svdvals

from rnncourse.cell import RNNParams
from rnncourse.dynamics import lyapunov_of_network

# --- jacobian ---


def jacobian_by_broadcasting(a, W_hh):
    return (1 / np.cosh(np.clip(a, -50, 50)) ** 2)[..., None] * W_hh


def jacobian_by_einsum(a, W_hh):
    h = np.tanh(a)
    return np.einsum("tbi,ij->tbij", (1 + h) * (1 - h), W_hh)


def jacobian_by_autograd(a, W_hh):
    W = torch.tensor(W_hh)
    found = [
        [
            torch.autograd.functional.jacobian(
                lambda e, a_tb=a_tb: torch.tanh(a_tb + W @ e), torch.zeros_like(a_tb)
            )
            for a_tb in a_t
        ]
        for a_t in torch.tensor(a)
    ]
    return torch.stack([torch.stack(row) for row in found])


def jacobian_entry_by_entry(a, W_hh):
    """Lists, and the diagonal matrix as in the formula."""
    N = len(W_hh)
    return [
        [
            [[(1 - np.tanh(a_tb[i]) ** 2) * W_hh[i, j] for j in range(N)] for i in range(N)]
            for a_tb in a_t
        ]
        for a_t in a
    ]


def jacobian_in_float32(a, W_hh):
    a, W = a.astype(np.float32), W_hh.astype(np.float32)
    return np.stack([[np.diag(1 - np.tanh(row) ** 2) @ W for row in a_t] for a_t in a])


# --- product ---


def product_by_multi_dot(J, t, k):
    identity = np.eye(J.shape[1])
    return np.linalg.multi_dot([identity, *J[k:t][::-1], identity])


def product_forward_in_time(J, t, k):
    """Older steps first, each new one on the left."""
    return reduce(lambda P, J_i: J_i @ P, J[k:t], np.eye(J.shape[-1]))


def product_by_recursion(J, t, k):
    if t == k:
        return torch.eye(J.shape[1], dtype=torch.float64)
    return torch.from_numpy(J[t - 1]) @ product_by_recursion(J, t - 1, k)


def product_by_transposes(J, t, k):
    """As the backward sweep does it, row by row."""
    rows = []
    for g in np.eye(J.shape[1]):
        for i in range(t, k, -1):
            g = J[i - 1].T @ g
        rows.append(g.tolist())
    return rows


# --- bounds ---


def bounds_at_once(slopes, W_hh):
    sigma = np.linalg.svd(slopes[:, :, None] * W_hh, compute_uv=False)
    return {"lower": sigma.min(axis=1).prod(), "upper": sigma.max(axis=1).prod()}


def bounds_by_norms(slopes, W_hh):
    J = np.einsum("ti,ij->tij", slopes, W_hh)
    return [
        float(np.prod([np.linalg.norm(J_t, -2) for J_t in J])),
        float(np.prod([np.linalg.norm(J_t, 2) for J_t in J])),
    ]


def bounds_by_scipy(slopes, W_hh):
    sigma = np.array([svdvals(np.diag(s) @ W_hh) for s in slopes])
    return np.array([sigma[:, -1].prod(), sigma[:, 0].prod()])


def bounds_by_torch(slopes, W_hh):
    sigma = torch.linalg.svdvals(torch.tensor(slopes)[:, :, None] * torch.tensor(W_hh))
    return sigma[:, -1].prod(), sigma[:, 0].prod()


# --- power iteration ---


def power_iteration_of_the_square(W_hh, v_0, n):
    """Form WᵀW once; the estimate from the quotient vᵀWᵀW v / vᵀv."""
    M = W_hh.T @ W_hh
    v = v_0.copy()
    for _ in range(n):
        v = M @ v
        v /= np.abs(v).sum()
    return np.sqrt(v @ M @ v / (v @ v))


def power_iteration_by_steps(W_hh, v_0, n):
    """Two half steps, each normalised."""
    v = v_0 / np.sqrt(np.sum(v_0**2))
    for _ in range(n):
        u = W_hh.dot(v)
        u = u / np.linalg.norm(u)
        v = u.dot(W_hh)
        v = v / np.linalg.norm(v)
    return float(np.sqrt(np.sum(W_hh.dot(v) ** 2)))


def power_iteration_by_torch(W_hh, v_0, n):
    W, v = torch.tensor(W_hh), torch.tensor(v_0)
    for _ in range(int(n)):
        v = torch.nn.functional.normalize(W.T @ W @ v, dim=0)
    return torch.linalg.vector_norm(W @ v) / torch.linalg.vector_norm(v)


# --- repair ---


def decay_sequence_by_sequence(x, h_0, W_xh, W_hh, b_h):
    """One sequence after the other, the Frobenius norm taken out."""
    T, (B, N) = len(x), h_0.shape
    total = np.zeros(T + 1)
    for b in range(B):
        h, J = h_0[b], []
        for x_t in x[:, b]:
            h = np.tanh(W_xh @ x_t + W_hh @ h + b_h)
            J.append(np.diag(1 - h**2) @ W_hh)
        P, log_scale = np.eye(N), 0.0
        for lag in range(1, T + 1):
            P = P @ J[T - lag]
            size = np.linalg.norm(P)
            P, log_scale = P / size, log_scale + np.log(size)
            total[lag] += log_scale + np.log(np.linalg.norm(P, 2))
    return total / B


def decay_with_scaled_weights(x, h_0, W_xh, W_hh, b_h):
    """The norm of W_hh is taken out beforehand, not what the slopes add."""
    size = np.linalg.norm(W_hh, 2)
    h, slopes = h_0, []
    for x_t in x:
        h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        slopes.append(1 - h**2)
    P = np.broadcast_to(np.eye(len(W_hh)), (len(h_0), *W_hh.shape))
    log_norm, shift = [0.0], np.log(size)
    for slope in slopes[::-1]:
        P = np.einsum("bij,bj,jk->bik", P, slope, W_hh / size)
        log_norm.append(np.log(np.linalg.svd(P, compute_uv=False)[:, 0]).mean())
    return (np.array(log_norm) + shift * np.arange(len(x) + 1)).tolist()


def decay_by_torch(x, h_0, W_xh, W_hh, b_h):
    x, h, W_xh, W, b = (torch.tensor(v) for v in (x, h_0, W_xh, W_hh, b_h))
    J = []
    for x_t in x:
        h = torch.tanh(x_t @ W_xh.T + h @ W.T + b)
        J.append(torch.diag_embed(1 - h**2) @ W)
    P = torch.eye(len(W), dtype=W.dtype).expand(len(h), -1, -1)
    logs = torch.zeros(len(h), dtype=W.dtype)
    rows = [logs]
    for J_t in reversed(J):
        P = P @ J_t
        size = torch.linalg.matrix_norm(P, 2)
        P, logs = P / size[:, None, None], logs + size.log()
        rows.append(logs)
    return torch.stack(rows).mean(dim=1)


# --- predict ---


def answers_in_other_words():
    """NumPy numbers, 0 and 1, yes and no."""
    h = 0.9
    for _ in range(60):
        h = np.tanh(2 * h)
    W = np.array([[0.9, 1], [0, 0.9]])
    return {
        "norm": np.linalg.norm(W, 2),
        "radius": np.float64(0.9),
        "powers_vanish": "yes",
        "first_below_one": np.int64(35),
        "shift_after_two": 0.0,
        "tanh_growth": 2 * (1 - h**2),
        "tanh_explodes": 0,
        "logistic_explodes": "No",
        "orthogonal_tanh_grows": np.bool_(False),
        "radius_is_enough_relu": False,
        "below_is_sufficient": 1,
        "above_is_necessary": np.True_,
        "above_is_sufficient": "false",
        "from_below_is_sufficient": "True",
    }


# --- experiment ---


def _weights(gain):
    return gain * np.random.default_rng(3).standard_normal((50, 50)) / np.sqrt(50)


def exponents_of_two_near_runs():
    """Two runs, set back to a distance of 1e-7 at every step, from another start."""
    found = []
    for gain in (0.5, 2.0):
        W, rng = _weights(gain), np.random.default_rng(77)
        h = rng.uniform(-1, 1, 50)
        near, total = h + 1e-7 * np.eye(50)[0], 0.0
        for t in range(1700):
            h, near = np.tanh(W @ h), np.tanh(W @ near)
            apart = np.linalg.norm(near - h)
            near = h + 1e-7 / apart * (near - h)
            total += np.log(apart / 1e-7) * (t >= 200)
        found.append(total / 1500)
    return found


def exponents_backwards():
    """A row vector through the Jacobians from the last step to the first."""
    found = {}
    for name, gain in (("lambda_quiet", 0.5), ("lambda_chaos", 2.0)):
        W, h, states = _weights(gain), np.random.default_rng(1).normal(size=50), []
        for _ in range(2200):
            h = np.tanh(W @ h)
            states.append(h)
        d, total = np.ones(50), 0.0
        for h in states[:199:-1]:
            d = W.T @ ((1 - h**2) * d)
            total, d = total + np.log(np.linalg.norm(d)), d / np.linalg.norm(d)
        found[name] = total / 2000
    return found


def exponents_by_the_package():
    """QR of the whole frame, with a shorter run."""
    found = []
    for gain in (0.5, 2.0):
        params = RNNParams(np.eye(50), _weights(gain), np.eye(50), np.zeros(50), np.zeros(50))
        start = np.random.default_rng(8).standard_normal((1, 50))
        found.append(lyapunov_of_network(params, np.zeros((1200, 1, 50)), start, discard=200)[0])
    return tuple(found)


RIGHT = {
    "03.jacobian": [
        jacobian_by_broadcasting,
        jacobian_by_einsum,
        jacobian_by_autograd,
        jacobian_entry_by_entry,
        jacobian_in_float32,
    ],
    "03.product": [
        product_by_multi_dot,
        product_forward_in_time,
        product_by_recursion,
        product_by_transposes,
    ],
    "03.bounds": [bounds_at_once, bounds_by_norms, bounds_by_scipy, bounds_by_torch],
    "03.power_iteration": [
        power_iteration_of_the_square,
        power_iteration_by_steps,
        power_iteration_by_torch,
    ],
    "03.repair_decay": [decay_sequence_by_sequence, decay_with_scaled_weights, decay_by_torch],
    "03.norm_above_one": [answers_in_other_words],
    "03.lyapunov_measured": [
        exponents_of_two_near_runs,
        exponents_backwards,
        exponents_by_the_package,
    ],
}
