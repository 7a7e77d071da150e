"""Right answers of chapter 06."""

import math

import numpy as np
import torch
from scipy.special import expit

from rnncourse.lstm import LSTMParams, init_lstm_params, lstm_step

# --- 06.lstm_step ---


def lstm_step_by_torch(x, h_prev, c_prev, W_xh, W_hh, b_h):
    """torch's cell, of which only one bias is used."""
    cell = torch.nn.LSTMCell(x.shape[1], h_prev.shape[1]).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.from_numpy(W_xh))
        cell.weight_hh.copy_(torch.from_numpy(W_hh))
        cell.bias_ih.copy_(torch.from_numpy(b_h))
        cell.bias_hh.zero_()
    return cell(torch.from_numpy(x), (torch.from_numpy(h_prev), torch.from_numpy(c_prev)))


def lstm_step_all_gates_in_one_tanh(x, h_prev, c_prev, W_xh, W_hh, b_h):
    """(6.6): every gate as a tanh, scaled."""
    B, N = c_prev.shape
    s = np.array([0.5, 0.5, 1.0, 0.5])[:, None]
    a = (np.hstack([x, h_prev]) @ np.hstack([W_xh, W_hh]).T + b_h).reshape(B, 4, N)
    i, f, g, o = np.moveaxis(s * np.tanh(s * a) + 1 - s, 1, 0)
    c = c_prev.copy()
    c *= f
    c += i * g
    return {"h": o * np.tanh(c), "c": c}


def lstm_step_unit_by_unit(x, h_prev, c_prev, W_xh, W_hh, b_h):
    """Lists of numbers, one sequence after the other."""
    N = len(b_h) // 4
    h, c = [], []
    for x_b, h_b, c_b in zip(x, h_prev, c_prev, strict=True):
        a = [W_xh[k].dot(x_b) + W_hh[k].dot(h_b) + b_h[k] for k in range(4 * N)]
        c.append([expit(a[N + n]) * c_b[n] + expit(a[n]) * math.tanh(a[2 * N + n])
                  for n in range(N)])  # fmt: skip
        h.append([expit(a[3 * N + n]) * math.tanh(c[-1][n]) for n in range(N)])
    return h, c


# --- 06.lstm_backward ---


def lstm_backward_by_autograd(dL_dh, from_next, i, f, g, o, c_prev, c):
    """Find the sums again, and let torch go back."""
    to = torch.from_numpy
    a = torch.cat([torch.logit(to(i)), torch.logit(to(f)), torch.atanh(to(g)), torch.logit(to(o))],
                  dim=1).requires_grad_()  # fmt: skip
    old = torch.tensor(c_prev, requires_grad=True)
    s_i, s_f, s_g, s_o = a.chunk(4, dim=1)
    cell = torch.sigmoid(s_f) * old + torch.sigmoid(s_i) * torch.tanh(s_g)
    h = torch.sigmoid(s_o) * torch.tanh(cell)
    return torch.autograd.grad((to(dL_dh) * h).sum() + (to(from_next) * cell).sum(), [a, old])


def lstm_backward_in_blocks(dL_dh, from_next, i, f, g, o, c_prev, c):
    """One array, filled gate by gate; the slope of tanh(c) as 1/cosh²."""
    B, N = c.shape
    dL_dc = from_next + dL_dh * o / np.cosh(c) ** 2
    dL_da = np.empty((B, 4, N))
    dL_da[:, 0] = g * (i - i**2)
    dL_da[:, 1] = c_prev * (f - f**2)
    dL_da[:, 2] = i * (1 - g) * (1 + g)
    dL_da[:, :3] *= dL_dc[:, None]
    dL_da[:, 3] = dL_dh * np.tanh(c) * (o - o**2)
    return {"dL_dc_prev": f * dL_dc, "dL_da": dL_da.reshape(B, 4 * N)}


def lstm_backward_number_by_number(dL_dh, from_next, i, f, g, o, c_prev, c):
    """Single numbers, as lists."""
    B, N = c.shape
    dL_da, back = np.zeros((B, 4 * N)), np.zeros((B, N))
    for b, n in np.ndindex(B, N):
        t = math.tanh(c[b, n])
        cell = from_next[b, n] + dL_dh[b, n] * o[b, n] * (1 - t * t)
        dL_da[b, n] = cell * g[b, n] * i[b, n] * (1 - i[b, n])
        dL_da[b, N + n] = cell * c_prev[b, n] * f[b, n] * (1 - f[b, n])
        dL_da[b, 2 * N + n] = cell * i[b, n] * (1 - g[b, n] ** 2)
        dL_da[b, 3 * N + n] = dL_dh[b, n] * t * o[b, n] * (1 - o[b, n])
        back[b, n] = cell * f[b, n]
    return dL_da.tolist(), back.tolist()


# --- 06.gru_step ---


def gru_step_by_torch_or_hand(x, h_prev, W_xh, W_hh, b_h, b_hn, reset):
    """'after' is torch's cell."""
    N = h_prev.shape[1]
    if reset == "before":
        return gru_step_with_einsum(x, h_prev, W_xh, W_hh, b_h, b_hn, reset)
    cell = torch.nn.GRUCell(x.shape[1], N).double()
    weights = (W_xh, W_hh, b_h, np.concatenate([np.zeros(2 * N), b_hn]))
    with torch.no_grad():
        for weight, array in zip(cell.parameters(), weights, strict=True):
            weight.copy_(torch.from_numpy(array))
    return cell(torch.from_numpy(x), torch.from_numpy(h_prev))


def gru_step_with_einsum(x, h_prev, W_xh, W_hh, b_h, b_hn, reset):
    """Three blocks as an axis of their own; the update as a step towards n."""
    N = h_prev.shape[1]
    u = np.einsum("bd,gnd->gbn", x, W_xh.reshape(3, N, -1)) + b_h.reshape(3, 1, N)
    v = np.einsum("bm,gnm->gbn", h_prev, W_hh.reshape(3, N, N))
    r, z = expit(u[:2] + v[:2])
    inner = r * (v[2] + b_hn) if reset == "after" else (r * h_prev) @ W_hh[2 * N :].T + b_hn
    return h_prev + (1 - z) * (np.tanh(u[2] + inner) - h_prev)


def gru_step_sequence_by_sequence(x, h_prev, W_xh, W_hh, b_h, b_hn, reset):
    """Column vectors, and a list at the end."""
    N, rows = h_prev.shape[1], []
    for x_b, h_b in zip(x, h_prev, strict=True):
        r = expit(W_xh[:N] @ x_b + W_hh[:N] @ h_b + b_h[:N])
        z = expit(W_xh[N : 2 * N] @ x_b + W_hh[N : 2 * N] @ h_b + b_h[N : 2 * N])
        W = W_hh[2 * N :]
        before = reset == "before"
        inner = W @ np.diag(r) @ h_b + b_hn if before else np.diag(r) @ (W @ h_b + b_hn)
        n = np.tanh(W_xh[2 * N :] @ x_b + b_h[2 * N :] + inner)
        rows.append((n - z * n + z * h_b).tolist())
    return [rows]


# --- 06.peephole ---


def peephole_with_matrices(x, h_prev, c_prev, W_xh, W_hh, b_h, p_i, p_f, p_o):
    """Peepholes as diagonal matrices."""
    a = np.split(x @ W_xh.T + h_prev @ W_hh.T + b_h, 4, axis=1)
    i, f = expit(a[0] + c_prev @ np.diag(p_i)), expit(a[1] + c_prev @ np.diag(p_f))
    c = f * c_prev + i * np.tanh(a[2])
    return {"c": c, "h": expit(a[3] + c @ np.diag(p_o)) * np.tanh(c)}


def peephole_by_torch(x, h_prev, c_prev, W_xh, W_hh, b_h, p_i, p_f, p_o):
    """Tensors all the way."""
    x, h, c, W, R, b, p_i, p_f, p_o = map(
        torch.from_numpy, (x, h_prev, c_prev, W_xh, W_hh, b_h, p_i, p_f, p_o)
    )
    a_i, a_f, a_g, a_o = (x @ W.T + h @ R.T + b).chunk(4, dim=1)
    c = torch.sigmoid(a_f + p_f * c) * c + torch.sigmoid(a_i + p_i * c) * torch.tanh(a_g)
    return torch.sigmoid(a_o + p_o * c) * torch.tanh(c), c


def peephole_by_the_plain_cell(x, h_prev, c_prev, W_xh, W_hh, b_h, p_i, p_f, p_o):
    """The package's cell, one sequence after the other, with what the gates see in its biases."""
    N = len(p_i)
    h, c = [], []
    for b in range(len(x)):
        row = slice(b, b + 1)
        see = b_h + np.concatenate([p_i * c_prev[b], p_f * c_prev[b], np.zeros(2 * N)])
        weights = LSTMParams(W_xh, W_hh, np.zeros((1, N)), see, np.zeros(1))
        c.append(lstm_step(weights, x[row], h_prev[row], c_prev[row]).c[0])
        see = see + np.concatenate([np.zeros(3 * N), p_o * c[b]])
        again = lstm_step(weights._replace(b_h=see), x[row], h_prev[row], c_prev[row])
        h.append(again.h[0])
    return h, c


# --- 06.projection ---


def projection_by_torch(x, h_prev, c_prev, W_xh, W_hh, W_hr, b_h):
    """torch's proj_size, or its plain cell where P is N: torch wants P < N."""
    N, P = c_prev.shape[1], h_prev.shape[1]
    if P == N:
        h, c = lstm_step_by_torch(x, h_prev, c_prev, W_xh, W_hh, b_h)
        return h @ torch.from_numpy(W_hr).T, c
    cell = torch.nn.LSTM(x.shape[1], N, proj_size=P).double()
    with torch.no_grad():
        for weight, array in zip(
            cell.parameters(), (W_xh, W_hh, b_h, np.zeros(4 * N), W_hr), strict=True
        ):
            weight.copy_(torch.from_numpy(array))
        h, c = torch.from_numpy(h_prev)[None], torch.from_numpy(c_prev)[None]
        out, (_, c) = cell(torch.from_numpy(x)[None], (h, c))
    return out[0], c[0]


def projection_with_a_readout(x, h_prev, c_prev, W_xh, W_hh, W_hr, b_h):
    """One product for all sums; the projection by einsum."""
    N = c_prev.shape[1]
    a = np.concatenate([x, h_prev, np.ones((len(x), 1))], axis=1)
    a = a @ np.concatenate([W_xh, W_hh, b_h[:, None]], axis=1).T
    c = expit(a[:, N : 2 * N]) * c_prev + expit(a[:, :N]) * np.tanh(a[:, 2 * N : 3 * N])
    return np.einsum("pn,bn,bn->bp", W_hr, expit(a[:, 3 * N :]), np.tanh(c)), c


def projection_in_lists(x, h_prev, c_prev, W_xh, W_hh, W_hr, b_h):
    """Sequence by sequence."""
    h, c = [], []
    for x_b, h_b, c_b in zip(x, h_prev, c_prev, strict=True):
        i, f, g, o = (W_xh @ x_b + W_hh @ h_b + b_h).reshape(4, -1)
        new = expit(f) * c_b + expit(i) * np.tanh(g)
        h.append((W_hr @ (expit(o) * np.tanh(new))).tolist())
        c.append(new.tolist())
    return h, c


# --- 06.repair_backward ---


def repaired_with_the_gate_of_the_next_step(dL_dh, gates, cells, states, W_hh):
    """f[t + 1] looked up where it is needed, and the sums over time at the end."""
    T, B, N = dL_dh.shape
    i, f, g, o = np.split(gates, 4, axis=2)
    dL_da, dL_dc = np.zeros((T, B, 4 * N)), np.zeros((T, B, N))
    for t in range(T - 1, -1, -1):
        last = t == T - 1
        dL_dh_t = dL_dh[t] if last else dL_dh[t] + dL_da[t + 1] @ W_hh
        dL_dc[t] = dL_dh_t * o[t] / np.cosh(cells[t + 1]) ** 2
        if not last:
            dL_dc[t] += f[t + 1] * dL_dc[t + 1]
        dL_da[t] = np.hstack([
            dL_dc[t] * g[t] * i[t] * (1 - i[t]),
            dL_dc[t] * cells[t] * f[t] * (1 - f[t]),
            dL_dc[t] * i[t] * (1 - g[t] ** 2),
            dL_dh_t * np.tanh(cells[t + 1]) * o[t] * (1 - o[t]),
        ])  # fmt: skip
    return {
        "dL_dW_hh": np.einsum("tbk,tbn->kn", dL_da, states[:-1]),
        "dL_db_h": dL_da.sum(axis=(0, 1)),
        "dL_dh_0": dL_da[0] @ W_hh,
        "dL_dc_0": f[0] * dL_dc[0],
    }


def repaired_on_a_copy(dL_dh, gates, cells, states, W_hh):
    """A copy of all of dL_dh, into which the future is added."""
    dL_dh = np.concatenate([np.zeros_like(dL_dh[:1]), dL_dh])  # row 0 is that of h_0
    dL_dc = np.zeros_like(cells)
    W, b = np.zeros_like(W_hh), np.zeros(len(W_hh))
    for t in reversed(range(len(gates))):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        tanh_c = np.tanh(cells[t + 1])
        dL_dc[t + 1] += dL_dh[t + 1] * o * (1 - tanh_c**2)
        by_cell = [g * i * (1 - i), cells[t] * f * (1 - f), i * (1 - g * g)]
        dL_da = np.hstack([s * dL_dc[t + 1] for s in by_cell] +
                          [dL_dh[t + 1] * tanh_c * o * (1 - o)])  # fmt: skip
        W, b = W + dL_da.T @ states[t], b + dL_da.sum(0)
        dL_dh[t] += dL_da @ W_hh
        dL_dc[t] = f * dL_dc[t + 1]
    return W.tolist(), b.tolist(), dL_dh[0].tolist(), dL_dc[0].tolist()


def repaired_by_autograd(dL_dh, gates, cells, states, W_hh):
    """Find what came in at each step, and let torch go back."""
    i, f, g, o = np.split(gates, 4, axis=2)
    logits = [np.log(s / (1 - s)) for s in (i, f, o)]
    a = np.concatenate([*logits[:2], np.arctanh(g), logits[2]], axis=2)
    share = torch.from_numpy(a - states[:-1] @ W_hh.T)
    W = torch.tensor(W_hh, requires_grad=True)
    b = torch.zeros(len(W_hh), dtype=torch.float64, requires_grad=True)
    h_0 = torch.tensor(states[0], requires_grad=True)
    c_0 = torch.tensor(cells[0], requires_grad=True)
    h, c, loss = h_0, c_0, 0.0
    for t in range(len(a)):
        s_i, s_f, s_g, s_o = (share[t] + b + h @ W.T).chunk(4, dim=1)
        c = torch.sigmoid(s_f) * c + torch.sigmoid(s_i) * torch.tanh(s_g)
        h = torch.sigmoid(s_o) * torch.tanh(c)
        loss = loss + (torch.from_numpy(dL_dh[t]) * h).sum()
    return torch.autograd.grad(loss, [W, b, h_0, c_0])


# --- 06.repair_onnx ---


def onnx_by_name(W, R, bias):
    """A dictionary of blocks."""

    def ours(rows):
        block = dict(zip("iofg", np.split(rows, 4), strict=True))
        return np.concatenate([block[gate] for gate in "ifgo"])

    first, second = np.split(bias, 2)
    return ours(W), ours(R), ours(first) + ours(second)


def onnx_by_one_index(W, R, bias):
    """One array of row numbers."""
    N = R.shape[1]
    rows = np.arange(4 * N).reshape(4, N)[[0, 2, 3, 1]].ravel()
    return {"b_h": bias.reshape(2, -1).sum(axis=0)[rows], "W_xh": W[rows], "W_hh": R[rows]}


def onnx_by_moving_the_output_gate(W, R, bias):
    """Take o out of the second place and put it to the end; lists."""
    N = R.shape[1]
    arrays = [W, R, bias[: 4 * N] + bias[4 * N :]]
    for k, rows in enumerate(arrays):
        moved = np.delete(rows, slice(N, 2 * N), axis=0)
        arrays[k] = np.append(moved, rows[N : 2 * N], axis=0).tolist()
    return arrays


# --- 06.gates_in_numbers, 06.half_life ---


def answers_in_other_types():
    """Integers of numpy, words, a rounded bias, another sequence of keys."""
    return {
        "gru_stays_below_1": "yes",
        "cell_stays_below_1": "No",
        "lstm_may_explode": 1,
        "gates_are_all": np.bool_(False),
        "powers_lost": 15.05,
        "forget_bias_20": np.float32(2.97),
        "lstm_parameters": np.int64(600),
        "gru_parameters": [460],
    }


def half_lives_step_by_step():
    """Rounded up where only biases act; one step of both runs after the other elsewhere."""
    exact = [math.ceil(math.log(2) / math.log(1 + math.exp(-b))) for b in (1, 3)]

    def steps(seed):
        rng = np.random.default_rng(seed)
        params = init_lstm_params(2, 30, 1, rng, gain=1.0, forget_bias=3.0)
        start = np.full((1, 30), 1e-6)
        runs = [(np.zeros((1, 30)), 0 * start), (np.zeros((1, 30)), start)]
        for t in range(200):
            x = rng.standard_normal((1, 2))
            runs = [lstm_step(params, x, h, c)[5:3:-1] for h, c in runs]
            if np.linalg.norm(runs[1][1] - runs[0][1]) <= 0.5 * np.linalg.norm(start):
                return t + 1
        return math.inf

    return (*exact, float(np.median([steps(seed) for seed in range(25)])))


RIGHT = {
    "06.lstm_step": [
        lstm_step_by_torch,
        lstm_step_all_gates_in_one_tanh,
        lstm_step_unit_by_unit,
    ],
    "06.lstm_backward": [
        lstm_backward_by_autograd,
        lstm_backward_in_blocks,
        lstm_backward_number_by_number,
    ],
    "06.gru_step": [
        gru_step_by_torch_or_hand,
        gru_step_with_einsum,
        gru_step_sequence_by_sequence,
    ],
    "06.peephole": [peephole_with_matrices, peephole_by_torch, peephole_by_the_plain_cell],
    "06.projection": [projection_by_torch, projection_with_a_readout, projection_in_lists],
    "06.repair_backward": [
        repaired_with_the_gate_of_the_next_step,
        repaired_on_a_copy,
        repaired_by_autograd,
    ],
    "06.repair_onnx": [onnx_by_name, onnx_by_one_index, onnx_by_moving_the_output_gate],
    "06.gates_in_numbers": [answers_in_other_types],
    "06.half_life": [half_lives_step_by_step],
}
