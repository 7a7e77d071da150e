"""The cliff, checked against the recursion, the complex step, and counted fixed points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.cliff import cliff_edge, cliff_gradient, cliff_loss, saddle_nodes
from rnncourse.gradcheck import complex_step_gradient

W_RANGE, B_RANGE = st.floats(4.0, 6.0), st.floats(-2.8, -2.2)


def scalar_step(w: float, b: float, x: np.ndarray) -> np.ndarray:
    return w / (1 + np.exp(-x)) + b


@pytest.mark.equation("3.25")
@given(W_RANGE, B_RANGE, st.integers(1, 60))
def test_the_cliff_loss_is_the_recursion_written_out(w, b, steps):
    x = 0.5
    for _ in range(steps):
        x = scalar_step(w, b, x)
    expected = (scalar_step(1, 0, x) - 0.7) ** 2
    # on the cliff itself the slopes multiply rounding as well
    loose = 1e-15 * np.abs(cliff_gradient(w, b, steps)).max() * 100
    np.testing.assert_allclose(cliff_loss(w, b, steps), expected, rtol=1e-10, atol=1e-14 + loose)


@given(W_RANGE, B_RANGE, st.integers(1, 60))
def test_the_cliff_gradient_is_the_complex_step_of_the_loss(w, b, steps):
    expected = complex_step_gradient(lambda z: cliff_loss(z[0], z[1], steps), np.array([w, b]))
    np.testing.assert_allclose(cliff_gradient(w, b, steps), expected, rtol=1e-9, atol=1e-15)


def test_the_cliff_is_computed_on_a_grid_as_at_each_point():
    w, b = np.linspace(4, 6, 5)[None, :], np.linspace(-2.8, -2.2, 4)[:, None]
    E, (dE_dw, dE_db) = cliff_loss(w, b), cliff_gradient(w, b)
    assert E.shape == dE_dw.shape == dE_db.shape == (4, 5)
    for i, j in np.ndindex(4, 5):
        assert E[i, j] == cliff_loss(w[0, j], b[i, 0])
        assert (dE_dw[i, j], dE_db[i, j]) == cliff_gradient(w[0, j], b[i, 0])


def fixed_points(w: float, b: float) -> int:
    """Count the fixed points by the changes of sign of the step minus x."""
    x = np.linspace(-20, 20, 400_001)
    return int((np.diff(np.sign(scalar_step(w, b, x) - x)) != 0).sum())


@pytest.mark.equation("3.26")
@pytest.mark.parametrize("w", [4.2, 5.0, 9.0])
def test_at_each_saddle_node_two_fixed_points_appear(w):
    lower, upper = saddle_nodes(w)
    counts = [fixed_points(w, b) for b in (lower - 1e-7, lower + 1e-7, upper - 1e-7, upper + 1e-7)]
    assert counts == [1, 3, 3, 1]


def test_the_saddle_nodes_of_w_five_are_those_of_the_text_and_a_grid_gives_each():
    lower, upper = saddle_nodes(np.array([4.5, 5.0]))
    assert (lower[1], upper[1]) == pytest.approx((-2.6556, -2.3444), abs=5e-5)
    assert (lower[0], upper[0]) == saddle_nodes(4.5)


@pytest.mark.parametrize("w", [4.8, 5.0, 5.8])
def test_the_cliff_stands_where_the_start_changes_its_basin_not_at_a_saddle_node(w):
    edge, (lower, upper) = cliff_edge(w), saddle_nodes(w)
    assert lower < edge < upper
    assert scalar_step(w, edge, 0.5) == pytest.approx(0.5)
    below, above = cliff_loss(w, edge - 0.002, 2000), cliff_loss(w, edge + 0.002, 2000)
    assert below - above > 0.1
    b = np.linspace(lower - 0.2, upper + 0.2, 100_001)
    steepest = b[np.abs(cliff_gradient(w, b)[1]).argmax()]
    assert abs(steepest - edge) < 0.02 * (edge - lower)
    dE_db = cliff_gradient(w, np.array([lower, edge, upper]))[1]
    assert np.abs(dE_db[1]) > 20 * np.abs(dE_db[[0, 2]]).max()


@given(st.floats(-1.5, 1.5), st.floats(-2, 2), st.integers(1, 60))
def test_linear_scalar_the_state_grows_with_w_like_t_w_to_the_t_minus_1(w, x_0, t):
    def state(weight: np.ndarray) -> complex:
        x = x_0 * np.ones_like(weight[0])
        for _ in range(t):
            x = weight[0] * x
        return x

    found = complex_step_gradient(state, np.array([w]))[0]
    np.testing.assert_allclose(found, t * x_0 * w ** (t - 1), rtol=1e-12, atol=1e-35)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cliff_loss(np.ones(3), np.ones(2)), "w[None, :], b[:, None]"),
        (lambda: cliff_loss(5.0, np.nan), "b has 1 entries that are nan"),
        (lambda: cliff_gradient(5.0, -2.5, steps=0), "steps is 0"),
        (lambda: saddle_nodes(np.array([5.0, 4.0])), "w holds 4; expected w > 4"),
        (lambda: cliff_edge(4.2), "expected w > 4.2553"),
    ],
)  # fmt: skip
def test_the_message_says_what_was_seen_and_what_is_expected(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        call()
    assert message in str(error.value)
