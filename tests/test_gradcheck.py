"""Numerical derivatives and the report of where two gradients differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.gradcheck import (
    compare_gradients,
    complex_step_gradient,
    numerical_gradient,
    numerical_jacobian,
    relative_error,
)

RNG = np.random.default_rng(5)


@pytest.mark.equation("2.1")
@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from([2, 4]), st.integers(0, 1000))
def test_the_jacobian_of_a_linear_map_is_its_matrix(m, n, order, seed):
    A = np.random.default_rng(seed).standard_normal((m, n))
    J = numerical_jacobian(lambda x: A @ x, np.ones(n), order=order)
    assert J.shape == (m, n)
    np.testing.assert_allclose(J, A, atol=1e-8)


def test_the_jacobians_axes_are_the_outputs_then_the_inputs():
    J = numerical_jacobian(lambda x: np.outer(x.sum(axis=1), [1, 2, 3]), np.ones((4, 5)))
    assert J.shape == (4, 3, 4, 5)
    np.testing.assert_allclose(J[2, 1], 2 * np.outer([0, 0, 1, 0], np.ones(5)), atol=1e-8)


@pytest.mark.equation("2.1")
@pytest.mark.parametrize(("order", "bound"), [(2, 1e-9), (4, 1e-11)])
def test_central_differences_find_the_gradient_of_a_nonlinear_function(order, bound):
    x = RNG.standard_normal((3, 2))
    eps = {2: 1e-5, 4: 1e-3}[order]
    found = numerical_gradient(lambda x: np.sin(x).prod(), x, eps=eps, order=order)
    exact = np.sin(x).prod() * np.cos(x) / np.sin(x)
    np.testing.assert_allclose(found, exact, atol=bound)


@pytest.mark.parametrize("order", [2, 4])
def test_the_truncation_error_falls_with_the_promised_order(order):
    x = np.array([0.7])
    errors = [
        abs(numerical_gradient(lambda x: np.exp(x).sum(), x, eps=eps, order=order)[0] - np.exp(0.7))
        for eps in (0.2, 0.1)
    ]
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.05


@pytest.mark.equation("2.2")
@pytest.mark.parametrize("eps", [1e-8, 1e-20, 1e-100])
def test_the_complex_step_is_exact_to_rounding_for_any_tiny_step(eps):
    x = RNG.standard_normal((3, 2)) + 3
    found = complex_step_gradient(lambda x: np.exp(x).sum() / np.sqrt(x).prod(), x, eps=eps)
    f, root = np.exp(x).sum(), np.sqrt(x).prod()
    exact = np.exp(x) / root - f / root / (2 * x)
    assert relative_error(found, exact).max() < 1e-13


def test_a_function_that_drops_the_imaginary_part_is_refused():
    with pytest.raises(TypeError, match=r"expected a complex number.*abs"):
        complex_step_gradient(lambda x: np.abs(x).sum(), np.ones(2))


@pytest.mark.equation("2.3")
def test_relative_error_is_taken_entry_by_entry():
    a, b = np.array([1.0, 1e-9, 0.0, 3.0]), np.array([1.0, 2e-9, 0.0, -3.0])
    np.testing.assert_allclose(relative_error(a, b), [0, 0.5, 0, 2])
    np.testing.assert_allclose(relative_error(a, b, floor=1e-6), [0, 1e-3, 0, 2])
    norm_wise = np.linalg.norm(a[:3] - b[:3]) / np.linalg.norm(b[:3])
    assert norm_wise < 1e-8  # one norm hides the entry that is off by half


def test_shapes_are_not_broadcast_in_a_comparison():
    with pytest.raises(ValueError, match=r"actual has shape \(3,\), expected has shape \(1, 3\)"):
        relative_error(np.ones(3), np.ones((1, 3)))


def test_float32_is_refused_as_its_differences_are_rounding():
    x = np.array([0.3, 1.2], np.float32)
    rough = (np.exp(x + np.float32(1e-6)) - np.exp(x - np.float32(1e-6))) / np.float32(2e-6)
    assert relative_error(rough, np.exp(x)).max() > 0.01
    with pytest.raises(TypeError, match=r"float32.*x.astype\(np.float64\)"):
        numerical_gradient(lambda x: np.exp(x).sum(), x)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x, r"f returns an array of shape \(2,\); expected one number"),
        (lambda x: np.nan, r"f is nan or inf near x\[0\]"),
    ],
)
def test_a_function_without_a_finite_number_is_refused(f, message):
    with pytest.raises(ValueError, match=message):
        numerical_gradient(f, np.ones(2))


def test_the_point_is_left_as_it_was_and_may_be_a_single_number():
    x = np.array(2.0)
    assert abs(numerical_gradient(lambda x: x**2, x) - 4) < 1e-8
    assert complex_step_gradient(lambda x: x**2, x) == 4
    assert x == 2.0


W = np.array([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0], [7.0, 8.0, 1e-3]])
V = np.arange(1.0, 9.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (W.T, W, ["It is the transpose", "6 of 9 entries"]),
        (-W, W, ["The sign is the opposite"]),
        (W / 154, W, ["0.00649351 times"]),
        (0 * W, W, ["It is zero everywhere"]),
        (W * [[1], [np.nan], [1]], W, ["It holds nan or inf"]),
        (V + [[0], [0], [1], [1]], V, ["Only these indices of the first axis are wrong: 2, 3."]),
        (
            W + [[0, 0, 0], [0, 0, 0.5], [0, 0, 0]],
            W,
            ["1 of 9 entries, worst at [1, 2]: 6.5 for 6"],
        ),
        (V, V.T, ["has shape (4, 2) for (2, 4)"]),
    ],
)
def test_the_report_names_the_array_the_entry_and_the_pattern(actual, expected, words):
    report = compare_gradients({"dL_dW": actual}, {"dL_dW": expected})
    assert not report.ok
    for word in ["1 of 1 differ", "DIFFERS dL_dW", *words]:
        assert word in str(report)


def test_the_report_passes_what_agrees_and_only_that():
    good = {"dL_dW": W, "dL_db": V[:, 0]}
    report = compare_gradients({**good, "unused": V}, good)
    assert report.ok
    assert "all agree" in str(report)
    tiny_error = {**good, "dL_dW": W * (1 + 2e-6)}
    assert not compare_gradients(tiny_error, good).ok
    assert compare_gradients(tiny_error, good, tolerance=1e-5).ok


def test_a_small_entry_that_is_wrong_is_found_beside_large_ones():
    wrong = W.copy()
    wrong[2, 2] = 2e-3
    assert not compare_gradients({"dL_dW": wrong}, {"dL_dW": W}).ok


def test_a_report_without_the_expected_names_is_refused():
    with pytest.raises(ValueError, match="expected all of"):
        compare_gradients({"dL_dW": W}, {"dL_db": V})
    with pytest.raises(ValueError, match="expected all of"):
        compare_gradients({"dL_dW": W}, {})
