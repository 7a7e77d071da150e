"""The gated recurrent unit: both conventions, forward and backward, checked against definitions.

The definitions: torch.nn.GRU, ONNX's equations as an explicit loop under torch.autograd, the
complex step and central differences.
"""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.gradcheck import complex_step_gradient, numerical_jacobian, relative_error
from rnncourse.gru import (
    GRUGradients,
    GRUModel,
    GRUParams,
    check_gru_params,
    gate_rows,
    gru_backward,
    gru_jacobians,
    gru_step,
    init_gru_params,
    keep_path,
    unroll_gru,
)
from rnncourse.models import contribution_by_lag
from rnncourse.optim import Adam
from rnncourse.synthetic_tasks import adding
from rnncourse.training import fit

RESETS = ("after", "before")
VARIABLES = (*GRUParams._fields, "x", "h_0")  # the order of GRUGradients
EDGES = [(1, 1, 1, 1, 1), (1, 4, 3, 5, 2), (7, 1, 3, 5, 2), (7, 4, 3, 1, 2), (7, 4, 3, 5, 2)]
both_resets = pytest.mark.parametrize("reset", RESETS)
at_the_edges = pytest.mark.parametrize("sizes", EDGES, ids=str)


class Case(NamedTuple):
    params: GRUParams
    x: np.ndarray
    h_0: np.ndarray
    dL_dy: np.ndarray  # of the loss L = Σ dL_dy · y

    def trace(self, reset: str):
        return unroll_gru(self.params, self.x, self.h_0, reset)

    def gradients(self, reset: str) -> GRUGradients:
        return gru_backward(self.params, self.trace(reset), self.dL_dy)

    def loss(self, reset: str, **changed: np.ndarray) -> complex:
        """The loss with some of the variables replaced."""
        x, h_0 = changed.pop("x", self.x), changed.pop("h_0", self.h_0)
        return (self.dL_dy * unroll_gru(self.params._replace(**changed), x, h_0, reset).y).sum()


def make_case(T, B, D, N, K, *, seed=0, gain=1.0) -> Case:
    """Nothing zero, symmetric or equal in it."""
    rng = np.random.default_rng(seed)
    shapes = ((3 * N, D), (3 * N, N), (K, N), (3 * N,), (N,), (K,))
    params = GRUParams(*(gain * rng.standard_normal(s) / np.sqrt(s[-1] ** 0.5) for s in shapes))
    others = (rng.standard_normal(s) for s in ((T, B, D), (B, N), (T, B, K)))
    return Case(params, *others)


@st.composite
def cases(draw, max_T=6) -> Case:
    T = draw(st.integers(1, max_T), label="T")
    others = (draw(st.integers(1, 4), label=name) for name in "BDNK")
    seed, gain = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from((0.3, 1.0, 2.0)))
    return make_case(T, *others, seed=seed, gain=gain)


def assert_agree(found, expected, bound=1e-12) -> None:
    """Each entry within `bound`, relative to itself or to 1/100 of the largest of all."""
    floor = 1e-2 * max(np.abs(e).max() for e in expected) + 1e-300
    for name, a, b in zip(GRUGradients._fields, found, expected, strict=True):
        error = relative_error(a, b, floor=floor).max()
        assert error <= bound, f"{name}: relative error {error:.2e}"


def leaves_of(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.tensor(a, requires_grad=True) for a in arrays]


# -- against torch.nn.GRU ----------------------------------------------------------------------


def torch_gru(case: Case, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Outputs and gradients of torch.nn.GRU with a readout, and its gradient at b_hh's r and z.

    Our b_h is torch's b_ih + b_hh for r and z; it is split here in random parts.
    """
    D, N, K = case.params.sizes
    gru = torch.nn.GRU(D, N, dtype=torch.float64)
    readout = torch.nn.Linear(N, K, dtype=torch.float64)
    share = np.random.default_rng(seed).standard_normal(2 * N)
    b_ih = case.params.b_h - np.concatenate([share, np.zeros(N)])
    b_hh = np.concatenate([share, case.params.b_hn])
    W_xh, W_hh, W_hy, _, _, b_y = case.params
    leaves = [*gru.parameters(), *readout.parameters()]
    with torch.no_grad():
        for leaf, array in zip(leaves, (W_xh, W_hh, b_ih, b_hh, W_hy, b_y), strict=True):
            leaf.copy_(torch.from_numpy(array))
    x, h_0 = leaves_of(case.x, case.h_0[None])
    y = readout(gru(x, h_0)[0])
    found = torch.autograd.grad(y, [*leaves, x, h_0], torch.from_numpy(case.dL_dy))
    W_xh, W_hh, b_ih, b_hh, W_hy, b_y, dx, dh_0 = (g.numpy() for g in found)
    gradients = [W_xh, W_hh, W_hy, b_ih, b_hh[2 * N :], b_y, dx, dh_0[0]]
    return y.detach().numpy(), gradients, b_hh[: 2 * N]


@pytest.mark.equation("6.25")
@pytest.mark.equation("6.26")
@pytest.mark.equation("6.28")
@pytest.mark.equation("6.29")
@pytest.mark.equation("6.30")
@pytest.mark.equation("6.31")
@pytest.mark.equation("6.32")
@given(cases())
def test_reset_after_is_torchs_gru_with_all_its_gradients(case: Case):
    y, expected, b_hh = torch_gru(case)
    np.testing.assert_allclose(case.trace("after").y, y, rtol=1e-12, atol=1e-12)
    found = case.gradients("after")
    assert_agree(found, expected)
    # torch's second bias of r and z has the gradient of the first
    np.testing.assert_allclose(found.dL_db_h[: len(b_hh)], b_hh, rtol=1e-12, atol=1e-11)


@at_the_edges
def test_reset_after_is_torchs_gru_at_the_edges_T1_B1_N1(sizes):
    case = make_case(*sizes, seed=3)
    y, expected, _ = torch_gru(case)
    np.testing.assert_allclose(case.trace("after").y, y, rtol=1e-12, atol=1e-13)
    assert_agree(case.gradients("after"), expected)


def test_long_sequences_in_many_blocks_agree_too(monkeypatch):
    """The sweep prepares several steps at once; blocks that do not divide T change nothing."""
    case = make_case(50, 3, 2, 4, 2, seed=5)
    for reset in RESETS:
        whole = case.gradients(reset)
        for steps in (1, 7, 49):
            monkeypatch.setattr("rnncourse.gru.BLOCK", steps * 3 * 4)
            assert_agree(case.gradients(reset), whole, bound=1e-14)
        monkeypatch.undo()
    assert_agree(case.gradients("after"), torch_gru(case)[1], bound=1e-11)


# -- against ONNX's definition -----------------------------------------------------------------


def onnx_gru(W, R, Wb, Rb, X, H, linear_before_reset: int) -> torch.Tensor:
    """The equations of the ONNX operator GRU, gates in its order z, r, h."""
    (Wz, Wr, Wh), (Rz, Rr, Rh) = W.chunk(3), R.chunk(3)
    (Wbz, Wbr, Wbh), (Rbz, Rbr, Rbh) = Wb.chunk(3), Rb.chunk(3)
    Y = []
    for Xt in X:
        zt = torch.sigmoid(Xt @ Wz.T + H @ Rz.T + Wbz + Rbz)
        rt = torch.sigmoid(Xt @ Wr.T + H @ Rr.T + Wbr + Rbr)
        if linear_before_reset:
            ht = torch.tanh(Xt @ Wh.T + rt * (H @ Rh.T + Rbh) + Wbh)
        else:
            ht = torch.tanh(Xt @ Wh.T + (rt * H) @ Rh.T + Rbh + Wbh)
        H = (1 - zt) * ht + zt * H
        Y.append(H)
    return torch.stack(Y)


def by_onnx(case: Case, reset: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Outputs and gradients by autograd of ONNX's loop, in our order of gates and variables."""
    N = case.params.sizes[1]
    zrh = np.r_[gate_rows(N)["z"], gate_rows(N)["r"], gate_rows(N)["n"]]  # our rows in its order
    W_xh, W_hh, W_hy, b_h, b_hn, b_y, x, h_0 = leaves = leaves_of(*case.params, case.x, case.h_0)
    Rb = torch.cat([torch.zeros(2 * N, dtype=b_hn.dtype), b_hn])
    before = int(reset == "after")  # the linear map comes before the reset: the reset after it
    h = onnx_gru(W_xh[zrh], W_hh[zrh], b_h[zrh], Rb, x, h_0, linear_before_reset=before)
    y = h @ W_hy.T + b_y
    gradients = torch.autograd.grad(y, leaves, torch.from_numpy(case.dL_dy))
    return y.detach().numpy(), [g.numpy() for g in gradients]


@pytest.mark.equation("6.27")
@pytest.mark.equation("6.28")
@pytest.mark.equation("6.29")
@pytest.mark.equation("6.31")
@given(cases(), st.sampled_from(RESETS))
def test_both_conventions_are_those_of_onnx_with_all_gradients(case: Case, reset):
    y, expected = by_onnx(case, reset)
    np.testing.assert_allclose(case.trace(reset).y, y, rtol=1e-12, atol=1e-12)
    assert_agree(case.gradients(reset), expected)


@both_resets
@at_the_edges
def test_both_conventions_are_those_of_onnx_at_the_edges_T1_B1_N1(reset, sizes):
    case = make_case(*sizes, seed=4)
    y, expected = by_onnx(case, reset)
    np.testing.assert_allclose(case.trace(reset).y, y, rtol=1e-12, atol=1e-13)
    assert_agree(case.gradients(reset), expected)


@given(cases(max_T=4), st.sampled_from(RESETS))
def test_every_gradient_is_the_complex_step_of_the_loss(case: Case, reset):
    values = (*case.params, case.x, case.h_0)
    expected = [
        complex_step_gradient(lambda v, name=name: case.loss(reset, **{name: v}), value)
        for name, value in zip(VARIABLES, values, strict=True)
    ]
    assert_agree(case.gradients(reset), expected, bound=1e-10)


# -- forward -----------------------------------------------------------------------------------


@pytest.mark.equation("6.20")
@pytest.mark.equation("6.23")
@pytest.mark.equation("6.22")
@pytest.mark.equation("6.21")
@given(cases(), st.sampled_from(RESETS))
def test_the_fast_form_is_the_loop_over_the_step(case: Case, reset):
    trace, h = case.trace(reset), case.h_0
    N = h.shape[1]
    W_hn, b_hn = case.params.W_hh[gate_rows(N)["n"]], case.params.b_hn
    for t, x_t in enumerate(case.x):
        np.testing.assert_allclose(trace.h_prev[t], h, rtol=1e-12, atol=1e-12)
        q = h @ W_hn.T + b_hn if reset == "after" else trace.r[t] * h
        np.testing.assert_allclose(trace.q[t], q, rtol=1e-11, atol=1e-11)
        step = gru_step(case.params, x_t, h, reset)
        a_r, a_z, a_n = np.split(step.a, 3, axis=1)
        logistic = 1 / (1 + np.exp(-np.hstack([a_r, a_z])))
        np.testing.assert_allclose(np.hstack([trace.r[t], trace.z[t]]), logistic, atol=1e-12)
        np.testing.assert_allclose(trace.n[t], np.tanh(a_n), atol=1e-12)
        np.testing.assert_allclose(trace.h[t], step.h, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(trace.y[t], step.y, rtol=1e-12, atol=1e-12)
        h = step.h
    np.testing.assert_array_equal(trace.h_0, case.h_0)


@pytest.mark.equation("6.24")
@given(st.floats(-30, 30))
def test_the_logistic_function_is_a_scaled_tanh(a):
    assert abs((1 + np.tanh(a / 2)) / 2 - 1 / (1 + np.exp(-a))) < 1e-15


@both_resets
@pytest.mark.equation("6.21")
def test_an_update_gate_of_one_keeps_the_state_and_of_zero_replaces_it(reset):
    case = make_case(5, 2, 3, 4, 2)
    rows = gate_rows(4)["z"]
    for bias, kept in ((1e3, True), (-1e3, False)):
        params = case.params._replace(b_h=case.params.b_h.copy())
        params.b_h[rows] = bias
        trace = unroll_gru(params, case.x, case.h_0, reset)
        expected = np.broadcast_to(case.h_0, trace.h.shape) if kept else trace.n
        np.testing.assert_allclose(trace.h, expected, rtol=0, atol=1e-15 * len(case.x))


# -- how far the conventions lie apart ---------------------------------------------------------


def apart(params: GRUParams, x: np.ndarray, h_0: np.ndarray) -> float:
    """The largest difference between the states of the two conventions."""
    after, before = (unroll_gru(params, x, h_0, reset) for reset in RESETS)
    return np.abs(after.h - before.h).max()


def with_rows(params: GRUParams, gate: str, **values: np.ndarray | float) -> GRUParams:
    """The parameters with one gate's rows of some of W_xh, W_hh, b_h replaced."""
    changed = {name: getattr(params, name).copy() for name in values}
    for name, value in values.items():
        changed[name][gate_rows(params.sizes[1])[gate]] = value
    return params._replace(**changed)


def test_the_same_weights_give_other_states_in_the_other_convention():
    distances = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        params = init_gru_params(3, 5, 2, rng)
        distances.append(apart(params, rng.standard_normal((10, 1, 3)), np.zeros((1, 5))))
    assert min(distances) > 0.02
    assert 0.05 < np.median(distances) < 0.2


@given(cases(), st.integers(0, 2**32 - 1))
def test_the_conventions_agree_for_diagonal_W_hn_without_b_hn(case: Case, seed):
    N = case.h_0.shape[1]
    d = np.random.default_rng(seed).standard_normal(N)
    params = with_rows(case.params._replace(b_hn=np.zeros(N)), "n", W_hh=np.diag(d))
    assert apart(params, case.x, case.h_0) < 1e-11


def test_a_diagonal_W_hn_is_not_enough_with_b_hn_nor_b_hn_zero_without_the_diagonal():
    case = make_case(6, 2, 3, 4, 2)
    diagonal = with_rows(case.params, "n", W_hh=np.diag([1.0, -1.0, 0.5, 2.0]))
    assert apart(diagonal, case.x, case.h_0) > 0.05
    assert apart(case.params._replace(b_hn=np.zeros(4)), case.x, case.h_0) > 0.05


@given(cases())
def test_the_conventions_agree_where_the_reset_gate_is_one(case: Case):
    open_ = with_rows(case.params, "r", W_xh=0, W_hh=0, b_h=40)  # logistic(40) rounds to 1
    assert apart(open_, case.x, case.h_0) < 1e-12


@given(cases(), st.floats(-3, 3))
def test_the_conventions_agree_for_one_reset_gate_common_to_all_units_without_b_hn(case, b):
    common = with_rows(case.params, "r", W_hh=case.params.W_hh[:1], W_xh=case.params.W_xh[:1])
    common = with_rows(common, "r", b_h=b)._replace(b_hn=0 * case.params.b_hn)
    assert apart(common, case.x, case.h_0) < 1e-11


@given(cases())
def test_before_has_one_bias_of_n_too_many_and_after_has_not(case: Case):
    before = case.gradients("before")
    np.testing.assert_array_equal(before.dL_db_hn, before.dL_db_h[gate_rows(len(before[4]))["n"]])
    moved = case.params._replace(b_hn=case.params.b_hn + 1)
    moved = with_rows(moved, "n", b_h=case.params.b_h[gate_rows(len(before[4]))["n"]] - 1)
    y, same = (unroll_gru(p, case.x, case.h_0, "before").y for p in (case.params, moved))
    np.testing.assert_allclose(y, same, rtol=1e-11, atol=1e-11)
    assert np.abs(unroll_gru(moved, case.x, case.h_0).y - case.trace("after").y).max() > 1e-9


# -- Jacobians ---------------------------------------------------------------------------------


@pytest.mark.equation("6.34")
@both_resets
@at_the_edges
def test_the_jacobians_are_those_of_the_step(reset, sizes):
    case = make_case(*sizes, seed=6)
    trace = case.trace(reset)
    for b in range(len(case.h_0)):
        for t, J in enumerate(gru_jacobians(case.params, trace, b)):
            numerical = numerical_jacobian(
                lambda h, t=t, b=b: gru_step(case.params, case.x[t, [b]], h[None], reset).h[0],
                trace.h_prev[t, b], eps=1e-5,
            )  # fmt: skip
            np.testing.assert_allclose(J, numerical, atol=1e-8)


@both_resets
@given(case=cases())
def test_dL_dh_0_is_the_product_of_the_jacobians_with_the_newest_on_the_left(reset, case):
    trace, W_hy = case.trace(reset), case.params.W_hy
    at_the_end = np.zeros_like(case.dL_dy)
    at_the_end[-1] = case.dL_dy[-1]
    found = gru_backward(case.params, trace, at_the_end).dL_dh_0
    for b in range(len(case.h_0)):
        product = np.eye(len(W_hy.T))
        for J in gru_jacobians(case.params, trace, b):
            product = J @ product
        expected = product.T @ W_hy.T @ at_the_end[-1, b]
        np.testing.assert_allclose(found[b], expected, rtol=1e-10, atol=1e-11)


@pytest.mark.equation("6.33")
@both_resets
@given(case=cases())
def test_the_keep_path_is_the_jacobian_product_where_all_recurrent_weights_are_zero(reset, case):
    params = case.params._replace(W_hh=0 * case.params.W_hh)
    trace = unroll_gru(params, case.x, case.h_0, reset)
    path = keep_path(trace)
    T, B, N = trace.h.shape
    assert path.shape == (T + 1, B, N)
    for b in range(B):
        product = np.eye(N)
        for lag, J in enumerate(gru_jacobians(params, trace, b)[::-1], start=1):
            product = product @ J  # from the newest to the oldest
            np.testing.assert_allclose(product, np.diag(path[T - lag, b]), rtol=1e-12, atol=1e-300)
    assert (path[T] == 1).all()


def test_with_recurrent_weights_the_keep_path_misses_most_of_the_jacobian():
    rng = np.random.default_rng(0)
    params = init_gru_params(3, 20, 2, rng)
    trace = unroll_gru(params, rng.standard_normal((10, 1, 3)))
    J = np.linalg.multi_dot(gru_jacobians(params, trace)[::-1])
    direct = np.diag(keep_path(trace)[0, 0])
    assert np.linalg.norm(J - direct) > 0.5 * np.linalg.norm(J)


# -- the model ---------------------------------------------------------------------------------


@both_resets
@given(case=cases())
def test_the_models_gradients_and_contributions_are_those_of_the_cell(reset, case: Case):
    model = GRUModel(case.params, reset=reset)
    record = model.run(case.x)
    np.testing.assert_array_equal(model.forward(case.x), record.y)
    gradients = model.gradients(record, case.dL_dy)
    expected = case._replace(h_0=0 * case.h_0).gradients(reset).of_params()
    for found, right, param in zip(gradients, expected, model.params, strict=True):
        np.testing.assert_array_equal(found, right)
        assert found.shape == param.shape
    C = model.contributions(record, case.dL_dy)
    assert C.shape == (len(case.x), *model.params.W_hh.shape)
    np.testing.assert_allclose(C.sum(axis=0), gradients[1], rtol=1e-10, atol=1e-10)


@both_resets
def test_a_contribution_is_the_gradient_by_that_steps_own_copy_of_the_weights(reset):
    case = make_case(4, 2, 3, 3, 2, seed=9)
    model = GRUModel(case.params, reset=reset)
    C = model.contributions(model.run(case.x), case.dL_dy)

    def loss(k: int, W_k: np.ndarray) -> complex:
        h, total = np.zeros_like(case.h_0), 0
        for i, x_i in enumerate(case.x):
            own = case.params._replace(W_hh=W_k) if i == k else case.params
            step = gru_step(own, x_i, h, reset)
            h, total = step.h, total + (case.dL_dy[i] * step.y).sum()
        return total

    for k in range(4):
        expected = complex_step_gradient(lambda W, k=k: loss(k, W), case.params.W_hh)
        np.testing.assert_allclose(C[k], expected, rtol=1e-10, atol=1e-11)


@both_resets
def test_the_model_trains(reset):
    rng = np.random.default_rng(0)
    task = adding(20, (256, 32, 32), rng=rng)
    D, K = task.train.x.shape[2], 1
    params = init_gru_params(D, 16, K, rng, update_bias=1.0, dtype=task.train.x.dtype.type)
    model = GRUModel(params, reset)
    before = model.loss_and_gradients(task, task.train)[0]
    result = fit(model, task, Adam(0.01), steps=100, rng=rng, progress=False)
    assert result.model.loss_and_gradients(task, task.train)[0] < 0.8 * before
    assert model.describe() == f"GRUModel(reset={reset})"


def test_a_higher_update_bias_reaches_further_back():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 1, 3))
    far = [
        contribution_by_lag(
            GRUModel(init_gru_params(3, 10, 2, np.random.default_rng(1), update_bias=bias)),
            x, np.ones((1, 2)),
        )[58]  # from step 2: at step 1 the state that W_hh multiplies is zero
        for bias in (-2.0, 0.0, 2.0, 4.0)
    ]  # fmt: skip
    assert far == sorted(far)
    assert far[3] > 1e4 * far[1]


# -- boundary ----------------------------------------------------------------------------------


@both_resets
def test_float32_in_gives_float32_out(reset):
    params = init_gru_params(3, 5, 2, np.random.default_rng(0), dtype=np.float32)
    trace = unroll_gru(params, np.ones((4, 2, 3), np.float32), None, reset)
    arrays = [*params, *trace[1:5], *gru_backward(params, trace, np.ones_like(trace.y))]
    arrays += [gru_jacobians(params, trace), keep_path(trace)]
    arrays += gru_step(params, trace.x[0], trace.h_0, reset)
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@both_resets
def test_neither_the_trace_nor_the_upstream_gradient_is_changed(reset):
    case = make_case(6, 2, 3, 5, 2)
    trace = case.trace(reset)
    arrays = (*case.params, *trace[:5], case.dL_dy, case.h_0)
    kept = [a.copy() for a in arrays]
    gru_backward(case.params, trace, case.dL_dy)
    gru_jacobians(case.params, trace, 1)
    keep_path(trace)
    for a, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(a, copy)


def test_the_start_has_the_scale_and_the_biases_that_are_asked_for():
    params = init_gru_params(30, 200, 40, np.random.default_rng(0), gain=0.5, update_bias=1.5)
    assert check_gru_params(params).sizes == (30, 200, 40)
    for W in params[:3]:
        assert abs(W.std() * np.sqrt(W.shape[1]) - 0.5) < 0.02
    z = gate_rows(200)["z"]
    assert (params.b_h[z] == 1.5).all()
    assert not np.delete(params.b_h, z).any()
    assert not params.b_hn.any()
    assert not params.b_y.any()


def test_bad_arguments_are_named():
    case = make_case(6, 2, 3, 5, 2)
    params, trace = case.params, case.trace("after")
    for call, error, message in (
        (lambda: check_gru_params(params._replace(W_hh=params.W_hh[:10])), ValueError,
         r"W_hh has shape \(10, 5\); expected \(3N, N\) with 3N = 15 and N = 5"),
        (lambda: check_gru_params(params._replace(W_xh=params.W_xh[:5])), ValueError,
         r"W_xh has shape \(5, 3\); expected \(3N, D\) with 3N = 15"),
        (lambda: check_gru_params(params._replace(b_h=params.b_hn)), ValueError, "b_h has shape"),
        (lambda: check_gru_params(tuple(params)), TypeError, "expected GRUParams"),
        (lambda: unroll_gru(params, case.x[..., :2]), ValueError, "x has shape"),
        (lambda: unroll_gru(params, case.x, case.h_0[:1]), ValueError, "h_0 has shape"),
        (lambda: unroll_gru(params, case.x, reset="middle"), ValueError, "reset is 'middle'"),
        (lambda: gru_step(params, case.x[0], case.h_0, "v3"), ValueError, "reset is 'v3'"),
        (lambda: gru_step(params, case.x[0], case.h_0[:1]), ValueError, "h_prev has shape"),
        (lambda: GRUModel(params, "v1"), ValueError, "reset is 'v1'"),
        (lambda: gru_backward(params, trace, case.dL_dy[:5]), ValueError, "dL_dy has shape"),
        (lambda: gru_backward(params, trace.h, case.dL_dy), TypeError, "expected the GRUTrace"),
        (lambda: gru_backward(make_case(6, 2, 3, 4, 2).params, trace, case.dL_dy), ValueError,
         r"params have sizes .*\(3, 4, 2\), the trace \(3, 5, 2\)"),
        (lambda: gru_jacobians(params, trace, 2), ValueError, "b is 2; expected .* 0 to 1"),
        (lambda: keep_path(trace.z), TypeError, "expected the GRUTrace"),
        (lambda: gate_rows(0), ValueError, "N is 0"),
        (lambda: init_gru_params(3, 0, 2, np.random.default_rng(0)), ValueError, "N is 0"),
        (lambda: init_gru_params(3, 5, 2, 0), TypeError, "rng is 0"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            call()
