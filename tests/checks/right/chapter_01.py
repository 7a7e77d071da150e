"""Right answers of chapter 01."""

import numpy as np
import torch
from scipy.special import log_softmax

from rnncourse.checks.chapter_01 import forgetting


def step_by_concatenation(x, h_prev, W_xh, W_hh, b_h):
    """One product with both weights side by side."""
    return np.tanh(np.hstack([x, h_prev]) @ np.hstack([W_xh, W_hh]).T + b_h)


def step_in_columns(x, h_prev, W_xh, W_hh, b_h):
    """Sequences in columns, as on paper."""
    return np.tanh(W_xh @ x.T + W_hh @ h_prev.T + b_h[:, None]).T


def step_by_torch(x, h_prev, W_xh, W_hh, b_h):
    cell = torch.nn.RNNCell(*W_xh.T.shape, dtype=torch.float64)
    for p, value in zip(cell.parameters(), (W_xh, W_hh, b_h, 0 * b_h), strict=True):
        p.data = torch.from_numpy(value)
    return cell(torch.from_numpy(x), torch.from_numpy(h_prev))


def step_in_float32(x, h_prev, W_xh, W_hh, b_h):
    x, h_prev, W_xh, W_hh, b_h = (v.astype(np.float32) for v in (x, h_prev, W_xh, W_hh, b_h))
    return np.tanh(x @ W_xh.T + h_prev @ W_hh.T + b_h)


def unroll_into_an_array(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    T, B, _ = x.shape
    h = np.empty((T + 1, B, len(b_h)))
    h[0] = h_0
    drive = x @ W_xh.T + b_h  # for all steps at once
    for t in range(T):
        h[t + 1] = np.tanh(drive[t] + h[t] @ W_hh.T)
    return h[1:], h[1:] @ W_hy.T + b_y


def unroll_by_torch(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    rnn = torch.nn.RNN(*W_xh.T.shape, dtype=torch.float64)
    for p, value in zip(rnn.parameters(), (W_xh, W_hh, b_h, 0 * b_h), strict=True):
        p.data = torch.from_numpy(value)
    h, _ = rnn(torch.from_numpy(x), torch.from_numpy(h_0)[None])
    return {"y": h @ torch.from_numpy(W_hy).T + torch.from_numpy(b_y), "h": h}


def unroll_sequence_by_sequence(x, h_0, W_xh, W_hh, W_hy, b_h, b_y):
    """Batch outside, time inside, as lists."""
    columns = []
    for b in range(x.shape[1]):
        h, states = h_0[b], []
        for x_t in x[:, b]:
            h = np.tanh(W_xh @ x_t + W_hh @ h + b_h)
            states.append(h)
        columns.append(states)
    h = np.swapaxes(np.array(columns), 0, 1)
    return h.tolist(), np.einsum("kn,tbn->tbk", W_hy, h) + b_y


def last_valid_by_scipy(y, target, lengths):
    return -np.mean(
        [log_softmax(y[n - 1, b])[k] for b, (n, k) in enumerate(zip(lengths, target, strict=True))]
    )


def last_valid_by_torch(y, target, lengths):
    rows = torch.from_numpy(y).gather(
        0, torch.from_numpy(lengths - 1)[None, :, None].expand(1, -1, y.shape[2])
    )[0]
    return torch.nn.functional.cross_entropy(rows, torch.from_numpy(target))


def last_valid_by_take_along_axis(y, target, lengths):
    last = np.take_along_axis(y, (lengths - 1)[None, :, None], axis=0)[0]
    wanted = np.take_along_axis(last, target[:, None], axis=1)[:, 0]
    return np.array([np.mean(np.logaddexp.reduce(last, axis=1) - wanted)])


def jordan_into_arrays(x, y_0, W_xh, W_yh, W_hy, b_h, b_y):
    T, B, _ = x.shape
    h, y = np.empty((T, B, len(b_h))), np.empty((T + 1, B, len(b_y)))
    y[0] = y_0
    for t in range(T):
        h[t] = np.tanh(x[t] @ W_xh.T + y[t] @ W_yh.T + b_h)
        y[t + 1] = h[t] @ W_hy.T + b_y
    return h, y[1:]


def jordan_as_elman(x, y_0, W_xh, W_yh, W_hy, b_h, b_y):
    """After the first step W_yh W_hy takes the place of W_hh."""
    h = np.tanh(x[0] @ W_xh.T + y_0 @ W_yh.T + b_h)
    states = [h]
    for x_t in x[1:]:
        h = np.tanh(x_t @ W_xh.T + h @ (W_yh @ W_hy).T + W_yh @ b_y + b_h)
        states.append(h)
    states = np.stack(states)
    return states, states @ W_hy.T + b_y


def jordan_by_torch(x, y_0, W_xh, W_yh, W_hy, b_h, b_y):
    x, y, W_xh, W_yh, W_hy, b_h, b_y = map(
        torch.from_numpy, (x, y_0, W_xh, W_yh, W_hy, b_h, b_y)
    )
    hs, ys = [], []
    for x_t in x:
        hs.append(torch.tanh(x_t @ W_xh.T + y @ W_yh.T + b_h))
        y = hs[-1] @ W_hy.T + b_y
        ys.append(y)
    return torch.stack(hs), torch.stack(ys)


def two_layers_one_after_the_other(x, h_0, s_0, W_xh, W_hh, W_hs, W_ss, b_h, b_s):
    """The whole lower layer first, then the upper one on its states."""

    def layer(u, state, W_in, W, b):
        states = []
        for u_t in u:
            state = np.tanh(u_t @ W_in.T + state @ W.T + b)
            states.append(state)
        return np.array(states)

    h = layer(x, h_0, W_xh, W_hh, b_h)
    return h, layer(h, s_0, W_hs, W_ss, b_s)


def two_layers_by_torch(x, h_0, s_0, W_xh, W_hh, W_hs, W_ss, b_h, b_s):
    def layer(u, start, W_in, W, b):
        rnn = torch.nn.RNN(*W_in.T.shape, dtype=torch.float64)
        for p, value in zip(rnn.parameters(), (W_in, W, b, 0 * b), strict=True):
            p.data = torch.from_numpy(value)
        return rnn(u, torch.from_numpy(start)[None])[0]

    h = layer(torch.from_numpy(x), h_0, W_xh, W_hh, b_h)
    return h, layer(h, s_0, W_hs, W_ss, b_s)


def two_layers_as_one_step_of_two_halves(x, h_0, s_0, W_xh, W_hh, W_hs, W_ss, b_h, b_s):
    T, B, _ = x.shape
    h, s = np.empty((T, *h_0.shape)), np.empty((T, *s_0.shape))
    for t in range(T):
        for b in range(B):
            below, above = (h_0[b], s_0[b]) if t == 0 else (h[t - 1, b], s[t - 1, b])
            h[t, b] = np.tanh(W_xh.dot(x[t, b]) + W_hh.dot(below) + b_h)
            s[t, b] = np.tanh(W_hs.dot(h[t, b]) + W_ss.dot(above) + b_s)
    return {"h": h, "s": s}


def pieces_in_one_go(x, h_0, W_xh, W_hh, b_h, piece):
    return unroll_into_an_array(x, h_0, W_xh, W_hh, W_hh, b_h, b_h)[0]


def pieces_into_an_array(x, h_0, W_xh, W_hh, b_h, piece):
    h = np.empty((len(x), *h_0.shape))
    state = h_0
    for start in range(0, len(x), piece):
        stop = min(start + piece, len(x))
        for t in range(start, stop):
            state = np.tanh(x[t] @ W_xh.T + state @ W_hh.T + b_h)
            h[t] = state
    return h


def pieces_by_split(x, h_0, W_xh, W_hh, b_h, piece):
    whole = []
    for part in np.split(x, np.arange(piece, len(x), piece)):
        for x_t in part:
            h_0 = np.tanh(x_t @ W_xh.T + h_0 @ W_hh.T + b_h)
            whole.append(h_0.tolist())
    return whole


def padding_by_slices(y, target, lengths):
    parts = [((y[:n, b] - target[:n, b]) ** 2).ravel() for b, n in enumerate(lengths)]
    return np.concatenate(parts).mean()


def padding_by_weights(y, target, lengths):
    mask = (np.arange(len(y))[:, None] < lengths)[:, :, None]
    return np.sum(mask * (y - target) ** 2) / (mask.sum() * y.shape[2])


def padding_by_torch(y, target, lengths):
    mask = torch.arange(len(y))[:, None] < torch.from_numpy(lengths)
    return torch.nn.functional.mse_loss(torch.from_numpy(y)[mask], torch.from_numpy(target)[mask])


def counting_by_formula():
    D, N, K, T, B = 3, 5, 2, 7, 4
    size = N * (D + N + 1) + K * (N + 1)
    p = np.exp(1) / (np.exp(1) + 9 * np.exp(-1))
    return size, size, T * B * N, T * B * K, np.log(10), p, 10 + 2, "yes"


def forgetting_one_network_at_a_time():
    """Other draws, in loops."""
    rng = np.random.default_rng(99)
    medians = []
    for gain in (0.5, 1.0):
        counts = []
        for _ in range(60):
            W = rng.normal(size=(40, 40)) * gain / np.sqrt(40)
            a, b = rng.uniform(-1, 1, 40), rng.uniform(-1, 1, 40)
            first, steps = np.linalg.norm(a - b), 0
            while np.linalg.norm(a - b) >= 1e-3 * first:
                u = rng.normal(size=40)
                a, b, steps = np.tanh(W @ a + u), np.tanh(W @ b + u), steps + 1
            counts.append(steps)
        medians.append(np.median(counts))
    return medians


def forgetting_with_another_seed():
    rng = np.random.default_rng(5)
    return [forgetting._steps_until_equal(rng, gain) for gain in (0.5, 1.0)]


RIGHT = {
    "01.step": [step_by_concatenation, step_in_columns, step_by_torch, step_in_float32],
    "01.unroll": [unroll_into_an_array, unroll_by_torch, unroll_sequence_by_sequence],
    "01.last_valid": [last_valid_by_scipy, last_valid_by_torch, last_valid_by_take_along_axis],
    "01.jordan": [jordan_into_arrays, jordan_as_elman, jordan_by_torch],
    "01.two_layers": [
        two_layers_one_after_the_other, two_layers_by_torch, two_layers_as_one_step_of_two_halves
    ],
    "01.repair_pieces": [pieces_in_one_go, pieces_into_an_array, pieces_by_split],
    "01.repair_padding": [padding_by_slices, padding_by_weights, padding_by_torch],
    "01.counting": [counting_by_formula],
    "01.forgetting": [forgetting_one_network_at_a_time, forgetting_with_another_seed],
}  # fmt: skip
