"""Right answers of chapter 07."""

import math

import numpy as np
import torch


def ctrnn_with_preallocated_rows(x, v_0, W_in, W_hid, b_hid, alpha, sigma, xi):
    """All inputs projected at once, and the change of v added."""
    drive = torch.einsum("nd,tbd->tbn", W_in, x) + b_hid
    noise = sigma * (2 * alpha) ** 0.5 * xi
    v = torch.empty_like(xi)
    before = v_0.clone()
    for t in range(len(x)):
        before += alpha * (drive[t] + before.clamp(min=0) @ W_hid.T - before) + noise[t]
        v[t] = before
    return {"r": v.clamp(min=0), "v": v}


def ctrnn_in_numpy(x, v_0, W_in, W_hid, b_hid, alpha, sigma, xi):
    """Arrays in the place of tensors."""
    x, v, W_in, W_hid, b_hid, xi = (np.array(a) for a in (x, v_0, W_in, W_hid, b_hid, xi))
    rows = []
    for x_t, xi_t in zip(x, xi, strict=True):
        u = np.dot(x_t, W_in.T) + b_hid + np.sqrt(2 / alpha) * sigma * xi_t
        v = v * (1 - alpha) + (np.maximum(v, 0) @ W_hid.T + u) * alpha
        rows.append(v)
    return np.array(rows), np.maximum(rows, 0)


def ctrnn_by_numbers(x, v_0, W_in, W_hid, b_hid, alpha, sigma, xi):
    """One neuron after the other, as lists."""
    v, before = [], v_0.tolist()
    for t in range(x.shape[0]):
        now = []
        for b, old in enumerate(before):
            now.append(
                [
                    old[i]
                    - alpha * old[i]
                    + alpha * float(W_in[i] @ x[t, b] + b_hid[i])
                    + alpha * sum(float(W_hid[i, j]) * max(old[j], 0) for j in range(len(old)))
                    + math.sqrt(2 * alpha) * sigma * float(xi[t, b, i])
                    for i in range(len(old))
                ]
            )
        v.append(now)
        before = now
    return v, [[[max(e, 0.0) for e in row] for row in rows] for rows in v]


def exact_steps_as_a_sum(drive, v_0, tau, dt, sigma, xi):
    """All steps unrolled: what is left of the start and of every kick."""
    T = len(drive)
    left = torch.exp(-dt / tau)
    kick = (1 - left) * drive + sigma * (1 - left.square()).sqrt() * xi
    return torch.stack(
        [left ** (t + 1) * v_0 + sum(left ** (t - s) * kick[s] for s in range(t + 1))
         for t in range(T)]
    )  # fmt: skip


def exact_steps_in_numpy(drive, v_0, tau, dt, sigma, xi):
    """With expm1, which keeps small steps exact."""
    drive, v, tau, xi = (a.numpy().copy() for a in (drive, v_0, tau, xi))
    rows = []
    for row, kick in zip(drive, xi, strict=True):
        v += -np.expm1(-dt / tau) * (row - v)
        v += sigma * np.sqrt(-np.expm1(-2 * dt / tau)) * kick
        rows.append(v.copy())
    return np.stack(rows)


def exact_steps_neuron_by_neuron(drive, v_0, tau, dt, sigma, xi):
    """A loop over neurons; its rows are written into the answer."""
    answer = torch.zeros_like(drive)
    for n, tau_n in enumerate(tau.tolist()):
        rho = math.exp(-dt / tau_n)
        v = v_0[:, n]
        for t in range(drive.shape[0]):
            v = drive[t, :, n] + (v - drive[t, :, n]) * rho
            v = v + sigma * math.sqrt(1 - rho * rho) * xi[t, :, n]
            answer[t, :, n] = v
    return (answer,)


def repaired_noise_outside(v_0, W_hid, tau, dt, sigma, xi):
    """The same noise, outside of the bracket."""
    alpha = dt / tau
    v, history = v_0.clone(), []
    for xi_t in xi:
        v = (1 - alpha) * v + alpha * v.tanh() @ W_hid.T + math.sqrt(2 * alpha) * sigma * xi_t
        history.append(v)
    return torch.stack(history)


def repaired_noise_in_place(v_0, W_hid, tau, dt, sigma, xi):
    """In place, on a copy, and copies are kept."""
    v, history = v_0.clone(), []
    for t in range(xi.shape[0]):
        change = dt / tau * (torch.tanh(v) @ W_hid.T - v)
        v += change
        v += (2 * dt / tau) ** 0.5 * sigma * xi[t]
        history.append(v.clone())
    return torch.stack(history)


def repaired_noise_in_numpy(v_0, W_hid, tau, dt, sigma, xi):
    """Arrays, with one axis more for the start."""
    v_0, W_hid, xi = v_0.numpy(), W_hid.numpy(), xi.numpy()
    v = np.zeros((len(xi) + 1, *v_0.shape))
    v[0] = v_0
    for t in range(len(xi)):
        current = np.einsum("ij,bj->bi", W_hid, np.tanh(v[t]))
        current += sigma * np.sqrt(2 * tau / dt) * xi[t]
        v[t + 1] = v[t] + (current - v[t]) * dt / tau
    return v[1:]


def measured_with_other_noise():
    """Another seed, float32, and torch."""
    generator = torch.Generator().manual_seed(11)
    found = {}
    for dt in (50, 5):
        alpha = dt / 100
        v, w = torch.zeros(20_000), torch.zeros(20_000)
        for _ in range(1000 // dt):
            v = v + alpha * (-v + (2 / alpha) ** 0.5 * torch.randn(20_000, generator=generator))
            w = w + alpha * (-w + torch.randn(20_000, generator=generator))
        found |= {f"right_{dt}": v.std(), f"careless_{dt}": w.std()}
    return found


def measured_by_its_formula():
    """Not measured at all, but what (7.6) says."""
    right = [math.sqrt(1 / (1 - a / 2)) for a in (0.5, 0.05)]
    careless = [math.sqrt(a / (2 - a)) for a in (0.5, 0.05)]
    return {"right_50": right[0], "right_5": right[1],
            "careless_50": careless[0], "careless_5": careless[1]}  # fmt: skip


def spread_by_std(r, mask, lambda_sd, lambda_cv):
    """torch's own standard deviation, whose gradient at 0 is 0."""
    means = r[mask].mean(0)
    sd = means.std(correction=0)
    return (lambda_sd + lambda_cv / means.mean()) * sd


def spread_by_sums(r, mask, lambda_sd, lambda_cv):
    """Sums over the masked rates, and a larger eps."""
    M = mask.sum()
    kept = torch.where(mask[:, :, None], r, 0.0)
    means = torch.einsum("tbn->n", kept) / M
    N = r.shape[2]
    mu = means.sum() / N
    variance = (means**2).sum() / N - mu**2
    sd = torch.sqrt(variance.clamp(min=0) + 1e-10)
    return sd * lambda_sd + sd / mu * lambda_cv


def spread_by_norm(r, mask, lambda_sd, lambda_cv):
    """The norm of the deviations, as in the package."""
    means = torch.stack([r[:, :, i][mask].mean() for i in range(r.shape[2])])
    sd = torch.linalg.vector_norm(means - means.mean()) / math.sqrt(len(means))
    return (lambda_sd * sd + lambda_cv * sd / means.mean()).reshape(1)


def huber_by_torch(pred, target, mask, delta):
    """torch has it."""
    return torch.nn.functional.huber_loss(pred[mask], target[mask], delta=delta)


def huber_by_clamp(pred, target, mask, delta):
    """One formula for both branches: the clipped error times the rest of it."""
    error = pred[mask] - target[mask]
    size = error.abs()
    clipped = size.clamp(max=delta)
    return (clipped * (size - clipped / 2)).sum() / error.numel()


def huber_step_by_step(pred, target, mask, delta):
    """Entry by entry."""
    total, count = 0.0, 0
    T, B, K = pred.shape
    for t in range(T):
        for b in range(B):
            for k in range(K * bool(mask[t, b])):
                e = pred[t, b, k] - target[t, b, k]
                total = total + (0.5 * e**2 if abs(e) < delta else delta * abs(e) - 0.5 * delta**2)
                count += 1
    return total / count


def smooth_by_diff(r, dt):
    """Differences of differences."""
    return (torch.diff(r, n=2, dim=0) / dt**2).pow(2).mean()


def smooth_by_slopes(r, dt):
    """The slope twice."""
    slope = (r[1:] - r[:-1]) / dt
    return torch.mean(((slope[1:] - slope[:-1]) / dt) ** 2)


def smooth_by_a_matrix(r, dt):
    """One matrix for all steps."""
    T = r.shape[0]
    D = torch.zeros(T - 2, T, dtype=r.dtype)
    for t in range(T - 2):
        D[t, t : t + 3] = torch.tensor([1.0, -2.0, 1.0])
    bend = torch.einsum("st,tbn->sbn", D, r)
    return (bend**2).sum() / bend.numel() / dt**4


def repaired_terms_by_means(pred, target, r, W_hid, mask, lambda_hid, lambda_fr):
    """A mean for each term, returned in order."""
    mse = ((pred[..., 0] - target)[mask] ** 2).mean()
    hid = lambda_hid * (W_hid**2).mean()
    fr = lambda_fr * (r[mask] ** 2).mean()
    return mse, hid, fr, mse + hid + fr


def repaired_terms_by_sums(pred, target, r, W_hid, mask, lambda_hid, lambda_fr):
    """Sums over the masked entries, divided by their number."""
    M, N = mask.sum(), r.shape[2]
    mse = ((pred.squeeze(2) - target) ** 2 * mask).sum() / M
    hid = lambda_hid * torch.trace(W_hid.T @ W_hid) / N**2
    fr = lambda_fr * (r**2 * mask.unsqueeze(-1)).sum() / (M * N)
    return [mse.item(), hid.item(), fr.item(), (mse + hid + fr).item()]


def repaired_terms_in_numpy(pred, target, r, W_hid, mask, lambda_hid, lambda_fr):
    """The package for arrays."""
    pred, target, r, W_hid, mask = (a.numpy() for a in (pred, target, r, W_hid, mask))
    answer = {
        "mse": np.mean(np.square(pred[mask, 0] - target[mask])),
        "hid": lambda_hid * np.linalg.norm(W_hid, "fro") ** 2 / W_hid.size,
        "fr": lambda_fr * np.mean(np.square(r[mask])),
    }
    return answer | {"L": sum(answer.values())}


def what_costs_what_in_other_types():
    """Rounded numbers, and 0 or "yes" for the answers."""
    return {
        "cost_of_3W": np.float64(9.0),
        "variance": 1.11,
        "careless_variance": np.float32(0.111),
        "fr_of_swing": 1.0,
        "sd_when_doubled": 2,
        "cv_changes": 0,
        "square_gives_zeros": "no",
        "threshold_gives_zeros": "yes",
    }


RIGHT = {
    "07.ctrnn": [ctrnn_with_preallocated_rows, ctrnn_in_numpy, ctrnn_by_numbers],
    "07.time_constants": [
        exact_steps_as_a_sum,
        exact_steps_in_numpy,
        exact_steps_neuron_by_neuron,
    ],
    "07.repair_noise": [
        repaired_noise_outside,
        repaired_noise_in_place,
        repaired_noise_in_numpy,
    ],
    "07.variance_and_dt": [measured_with_other_noise, measured_by_its_formula],
    "07.fr_sd_cv": [spread_by_std, spread_by_sums, spread_by_norm],
    "07.huber": [huber_by_torch, huber_by_clamp, huber_step_by_step],
    "07.smoothness": [smooth_by_diff, smooth_by_slopes, smooth_by_a_matrix],
    "07.repair_terms": [
        repaired_terms_by_means,
        repaired_terms_by_sums,
        repaired_terms_in_numpy,
    ],
    "07.what_costs_what": [what_costs_what_in_other_types],
}
