"""The boundary: every message names the argument, what was seen, what was expected."""

import numpy as np
import pytest
import torch

from rnncourse.cell import init_params, step
from rnncourse.unroll import unroll
from rnncourse.validation import check_array

RNG = np.random.default_rng(0)
PARAMS = init_params(3, 5, 2, RNG)
X = RNG.standard_normal((4, 7, 3))


def test_a_good_array_comes_back_as_it_is():
    assert check_array("x", X, "T B D", D=3) is X


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (X[:, 0], ValueError, ["x has shape (4, 3)", "(T, B, D) with D = 3", "x[:, None, :]"]),
        (X[..., :2], ValueError, ["x has shape (4, 7, 2)", "D = 3"]),
        (X[:0], ValueError, ["x has shape (0, 7, 3)", "at least one entry"]),
        (X.tolist(), TypeError, ["x is a list", "np.array"]),
        (None, TypeError, ["x is a NoneType", "needed"]),
        (torch.zeros(4, 7, 3), TypeError, ["x is a torch.Tensor", ".detach().numpy()"]),
        (X.astype(int), TypeError, ["x has dtype int64", "astype(np.float64)"]),
        (X.astype(np.float32), TypeError, ["x has dtype float32", "float64"]),
        (np.where(X == X[2, 1, 0], np.nan, X), ValueError, ["x[2, 1, 0] = nan", "1 entries"]),
        (np.where(X == X[0, 0, 2], np.inf, X), ValueError, ["x[0, 0, 2] = inf"]),
    ],
)
def test_a_bad_input_is_named_with_what_was_seen_and_expected(x, error, words):
    with pytest.raises(error) as raised:
        unroll(PARAMS, x)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("h_0", "words"),
    [
        (np.zeros(5), ["h_0 has shape (5,)", "(B, N) with B = 7 and N = 5"]),
        (np.zeros((5, 7)), ["h_0 has shape (5, 7)", "transpose"]),
        (np.zeros((1, 5)), ["h_0 has shape (1, 5)", "B = 7"]),
    ],
)
def test_an_initial_state_is_never_broadcast(h_0, words):
    with pytest.raises(ValueError, match="h_0") as raised:
        unroll(PARAMS, X, h_0)
    for word in words:
        assert word in str(raised.value)


def test_the_seeds_silent_broadcast_is_refused():
    """Erratum A16: W x_t with x_t of shape (3,) made h a (5, 5) matrix and y a (2, 5) one."""
    W_xh, W_hh, W_hy, b_h, b_y = PARAMS
    h = np.tanh(W_xh @ X[0, 0] + W_hh @ np.zeros((5, 1)) + b_h[:, None])
    assert h.shape == (5, 5)
    assert (W_hy @ h + b_y[:, None]).shape == (2, 5)
    with pytest.raises(ValueError, match=r"x_t has shape \(3,\); expected \(B, D\) with D = 3"):
        step(PARAMS, X[0, 0], np.zeros((1, 5)))


def test_swapped_time_and_batch_are_recognised_when_the_sizes_tell():
    with pytest.raises(ValueError, match="Time comes first"):
        check_array("target", X.swapaxes(0, 1), "T B D", T=4, B=7, D=3)


@pytest.mark.parametrize(("kind", "good"), [("int", int), ("bool", bool)])
def test_classes_are_integers_and_masks_are_bool(kind, good):
    assert check_array("a", np.ones(3, good), "B", kind=kind).dtype == good
    with pytest.raises(TypeError, match=r"a has dtype float64; expected .*astype"):
        check_array("a", np.ones(3), "B", kind=kind)
