"""Each term against an explicit loop of the document's formula, and the gradient by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.loss_terms import (
    check_sequence,
    mean_squared_error,
    other_readings,
    rate_cv,
    rate_mean_square,
    rate_sd,
    rate_terms,
    soft_threshold,
    weight_l1,
    weight_square,
)

SIZES = [(5, 3, 4), (3, 3, 3), (1, 3, 4), (5, 1, 4), (5, 3, 1), (1, 1, 1), (1, 2, 2), (40, 30, 900)]
HAND = torch.tensor([[[0.0, 4.0], [2.0, 2.0]]], dtype=torch.float64)  # T = 1, B = 2, N = 2
COMPOSED = (rate_mean_square, rate_sd, rate_cv)

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5))


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rates_and_mask(seed: int, T: int, B: int, N: int, masked: bool):
    """Rates with exact zeros among them, and a mask with a step that is valid."""
    rates = (normal(seed, T, B, N) + 0.5).relu()
    rates[0, 0, 0] = 1.5
    mask = normal(seed + 1, T, B) > 0
    mask[0, 0] = True
    return rates, mask if masked else None


def valid_steps(mask, T, B):
    return [(t, b) for t in range(T) for b in range(B) if mask is None or mask[t, b]]


def by_loops(rates: torch.Tensor, mask) -> tuple[float, float, float]:
    """The document's formulas over b, t, i."""
    T, B, N = rates.shape
    r, steps = rates.tolist(), valid_steps(mask, T, B)
    M = len(steps)
    squares = total = 0.0
    mean_rates = []
    for i in range(N):
        of_neuron = 0.0
        for t, b in steps:
            squares += r[t][b][i] ** 2
            of_neuron += r[t][b][i]
        total += of_neuron
        mean_rates.append(of_neuron / M)
    mu = total / (M * N)
    sigma = math.sqrt(sum((mean_rate - mu) ** 2 for mean_rate in mean_rates) / N)
    return squares / (M * N), sigma, sigma / mu


@pytest.mark.equation("7.17")
@pytest.mark.equation("7.18")
@pytest.mark.equation("7.19")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_rate_terms_are_the_documents_formulas(size, masked):
    rates, mask = rates_and_mask(0, *size, masked)
    for fused, function, expected in zip(
        rate_terms(rates, mask), COMPOSED, by_loops(rates, mask), strict=True
    ):
        assert fused.item() == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert function(rates, mask).item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.equation("7.15")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", SIZES[:-1])
def test_the_error_is_the_documents_formula(size, masked):
    T, B, K = size
    pred, label, mask = normal(1, *size), normal(2, *size), rates_and_mask(0, *size, masked)[1]
    expected, steps = 0.0, valid_steps(mask, T, B)
    for t, b in steps:
        for k in range(K):
            expected += (pred[t, b, k].item() - label[t, b, k].item()) ** 2
    found = mean_squared_error(pred, label, mask).item()
    assert found == pytest.approx(expected / (len(steps) * K), rel=1e-12)


@pytest.mark.equation("7.16")
@pytest.mark.equation("7.23")
@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (1, 3), (4, 1), (1, 1)])
def test_the_weight_terms_are_their_formulas(shape):
    W = normal(3, *shape)
    entries = [W[i, j].item() for i in range(shape[0]) for j in range(shape[1])]
    assert weight_square(W).item() == pytest.approx(sum(w**2 for w in entries) / len(entries))
    assert weight_l1(W).item() == pytest.approx(sum(map(abs, entries)) / len(entries))


def test_the_hand_example_is_six_one_and_a_half():
    assert [term.item() for term in rate_terms(HAND)] == [6.0, 1.0, 0.5]


@pytest.mark.equation("7.20")
def test_other_readings_of_the_hand_example_differ_in_all_three_terms():
    found = other_readings(HAND)
    assert list(found["fr"].values()) == [5.0, 2.0]
    assert list(found["fr_sd"].values()) == pytest.approx([2**0.5, 4 * 2**0.5])
    assert list(found["fr_cv"].values()) == pytest.approx([0.5**0.5, (2 / 3) ** 0.5])
    one = other_readings(torch.ones(2, 1, 1))
    assert all(map(math.isnan, one["fr_sd"].values()))  # N - 1 = 0
    assert math.isnan(other_readings(torch.zeros(2, 1, 3))["fr_cv"]["N - 1"])
    signed = other_readings(torch.tensor([[[-1.0, 1.0]], [[1.0, -1.0]]]))
    assert list(signed["fr"].values()) == [0.0, 1.0]  # the square of the mean misses the rates


@pytest.mark.equation("7.21")
@pytest.mark.equation("7.22")
@given(seeds, sizes, st.booleans(), st.sampled_from((0.0, 1.0, -0.7)))
def test_the_gradient_by_hand_is_that_of_the_composed_terms(seed, size, masked, weight):
    rates, mask = rates_and_mask(seed, *size, masked)
    weights = (weight, *normal(seed + 2, 2).tolist())
    rates.requires_grad_()
    one_pass = sum(w * term for w, term in zip(weights, rate_terms(rates, mask), strict=True))
    composed = sum(w * term(rates, mask) for w, term in zip(weights, COMPOSED, strict=True))
    [found], [expected] = (torch.autograd.grad(total, rates) for total in (one_pass, composed))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [(3, 2, 4), (3, 3, 3), (1, 2, 3), (2, 1, 3), (3, 2, 1)])
@pytest.mark.parametrize("k", range(3))
def test_each_rate_term_passes_gradcheck(k, size, masked):
    rates = normal(5, *size).abs() + 0.1
    mask = rates_and_mask(5, *size, masked)[1]
    rates.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: rate_terms(r, mask)[k], rates)
    assert torch.autograd.gradcheck(lambda r: COMPOSED[k](r, mask), rates)


def test_error_and_weight_terms_pass_gradcheck():
    pred, label = normal(0, 3, 2, 4).requires_grad_(), normal(1, 3, 2, 4)
    mask = torch.tensor([[True, False], [True, True], [False, True]])
    W = normal(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: mean_squared_error(p, label, mask), pred)
    assert torch.autograd.gradcheck(weight_square, W)
    assert torch.autograd.gradcheck(weight_l1, W)


@given(seeds, sizes, st.booleans())
def test_what_stands_at_steps_that_are_not_valid_has_no_effect(seed, size, with_nan):
    rates, mask = rates_and_mask(seed, *size, True)
    other = torch.where(mask[..., None], rates, math.nan if with_nan else 7.0).requires_grad_()
    found = rate_terms(other, mask)
    assert found == rate_terms(rates, mask)
    sum(found).backward()
    assert (other.grad[~mask] == 0).all()
    assert other.grad.isfinite().all()
    label = torch.where(mask[..., None], 0.5, math.nan).expand(size).double()
    pred = rates.clone().requires_grad_()
    mean_squared_error(pred, label, mask).backward()
    assert pred.grad.isfinite().all()


@given(seeds, sizes)
def test_a_sequence_cut_short_by_the_mask_counts_as_the_short_sequence(seed, size):
    rates, _ = rates_and_mask(seed, *size, False)
    T = max(1, size[0] - 2)
    mask = (torch.arange(size[0]) < T)[:, None].expand(size[:2])
    for found, expected in zip(rate_terms(rates, mask), rate_terms(rates[:T]), strict=True):
        assert found.item() == pytest.approx(expected.item(), rel=1e-12, abs=1e-15)


@given(sizes, st.floats(1e-3, 1e3), st.sampled_from((torch.float32, torch.float64)))
def test_equal_rates_have_no_spread_and_gradient_zero_not_nan(size, rate, dtype):
    for functions in ((rate_sd, rate_cv), (lambda r: rate_terms(r)[1], lambda r: rate_terms(r)[2])):
        spread, relative = functions
        rates = torch.full(size, rate, dtype=dtype, requires_grad=True)
        total = spread(rates) + relative(rates)
        total.backward()
        assert total.item() == 0
        assert (rates.grad == 0).all()


def test_equal_rates_in_a_large_batch_have_no_spread_either():
    rates = torch.full((300, 50, 77), 0.1, requires_grad=True)  # sums of 15000 rounded numbers
    terms = rate_terms(rates)
    (terms.fr_sd + terms.fr_cv).backward()
    assert terms.fr_sd.item() == terms.fr_cv.item() == 0
    assert (rates.grad == 0).all()


def test_a_spread_of_a_few_parts_in_a_million_is_no_rounding():
    rates = torch.full((3, 2, 2), 1.0)
    rates[..., 1] += 1e-5
    assert rate_terms(rates).fr_sd.item() == pytest.approx(5e-6, rel=1e-2)
    assert rate_sd(rates).item() == pytest.approx(5e-6, rel=1e-2)


@pytest.mark.parametrize("rates", [torch.zeros(3, 2, 4), -torch.ones(3, 2, 4), HAND - 2])
def test_the_cv_is_refused_where_the_mean_rate_is_not_positive(rates):
    with pytest.raises(ValueError, match=r"the mean rate is (0|-1); expected a positive one"):
        rate_cv(rates)


def test_the_message_tells_a_silent_network_from_signed_rates():
    with pytest.raises(ValueError, match=r"the network is silent.*larger b_hid"):
        rate_cv(torch.zeros(3, 2, 4))
    with pytest.raises(ValueError, match=r"both signs.*lambda_fr_sd"):
        rate_cv(HAND - 2)


@pytest.mark.parametrize("rates", [torch.zeros(3, 2, 4), HAND - 2, HAND - 3])
def test_where_the_cv_is_undefined_the_other_terms_keep_a_finite_gradient(rates):
    rates = rates.clone().requires_grad_()
    terms = rate_terms(rates)
    assert terms.fr_cv.isnan()
    (terms.fr + terms.fr_sd).backward()
    assert rates.grad.isfinite().all()


@given(seeds, sizes, st.floats(0.01, 100))
def test_the_cv_ignores_the_scale_and_is_at_most_the_root_of_n_minus_one(seed, size, scale):
    rates, _ = rates_and_mask(seed, *size, False)
    rates.requires_grad_()
    cv = rate_cv(rates)
    assert rate_cv(scale * rates).item() == pytest.approx(cv.item(), rel=1e-9, abs=1e-12)
    assert cv.item() <= math.sqrt(size[2] - 1) * (1 + 1e-12)
    [gradient] = torch.autograd.grad(cv, rates)
    assert abs((gradient * rates).sum().item()) < 1e-12  # so it does not control the rate


def test_one_neuron_that_fires_alone_attains_the_bound_of_the_cv():
    rates = torch.zeros(3, 2, 5, dtype=torch.float64)
    rates[..., 2] = 0.7
    assert rate_cv(rates).item() == pytest.approx(2.0)


def test_a_mean_rate_of_minus_a_thousandth_would_reward_spread_without_bound():
    mean_rates = HAND[0].mean(0) - 2.001
    mu, sd = mean_rates.mean(), mean_rates.std(correction=0)
    assert (sd / mu).item() == pytest.approx(-1000, rel=1e-6)


def test_float32_rates_give_the_float64_terms_to_six_digits():
    rates, mask = rates_and_mask(0, 200, 40, 60, True)
    for found, expected in zip(
        rate_terms(rates.float(), mask), rate_terms(rates, mask), strict=True
    ):
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(expected.item(), rel=2e-6)


def test_rates_that_are_not_contiguous_give_the_same():
    rates, mask = rates_and_mask(0, 5, 3, 4, True)
    swapped = rates.swapaxes(0, 1).contiguous().swapaxes(0, 1).requires_grad_()
    found = rate_terms(swapped, mask)
    assert [t.item() for t in found] == pytest.approx([t.item() for t in rate_terms(rates, mask)])
    assert torch.autograd.gradcheck(lambda r: rate_terms(r, mask).fr, swapped)


def test_torch_func_differentiates_the_fused_terms():
    rates, mask = rates_and_mask(0, 5, 3, 4, True)
    found = torch.func.grad(lambda r: rate_terms(r, mask).fr_cv)(rates)
    expected = torch.func.grad(lambda r: rate_cv(r, mask))(rates)
    torch.testing.assert_close(found, expected)


@pytest.mark.equation("7.24")
@given(st.floats(-3, 3), st.floats(0, 2))
def test_the_soft_threshold_is_the_minimum_of_its_definition(w, threshold):
    found = soft_threshold(torch.tensor([w], dtype=torch.float64), threshold).item()
    sign = (w > 0) - (w < 0)
    assert found == pytest.approx(sign * max(abs(w) - threshold, 0), abs=1e-15)
    X = torch.linspace(-4, 4, 801, dtype=torch.float64)
    objective = (X - w).square() / 2 + threshold * X.abs()
    assert (found - w) ** 2 / 2 + threshold * abs(found) <= objective.min().item() + 1e-12


def proximal_fit(penalty: str, weight: float) -> torch.Tensor:
    """Thirty weights of which four are not zero, fitted to noisy data by proximal steps."""
    X, truth = normal(0, 60, 30), torch.zeros(30, 1, dtype=torch.float64)
    truth[:4, 0] = torch.tensor([2.0, -1.5, 1.0, -0.8])
    y, W, rate = X @ truth + 0.1 * normal(1, 60, 1), torch.zeros_like(truth), 0.2
    for _ in range(500):
        W = W - rate * X.T @ (X @ W - y) / len(X)
        W = soft_threshold(W, rate * weight) if penalty == "l1" else W / (1 + 2 * rate * weight)
    return W


@pytest.mark.parametrize("weight", [0.05, 0.5])
def test_the_absolute_weight_sparsifies_and_the_squared_weight_only_shrinks(weight):
    by_l1, by_square = (proximal_fit(penalty, weight) for penalty in ("l1", "square"))
    assert (by_l1 == 0).sum() >= 20
    assert (by_square == 0).sum() == 0
    assert by_square.norm() < proximal_fit("square", 0.0).norm()


ONES = torch.ones(4, 3, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mean_squared_error(ONES, ONES[..., 0]), ValueError, "label has shape (4, 3)"),
        (lambda: mean_squared_error(ONES, ONES[:1]), ValueError, "with T = 4 and B = 3 and K = 2"),
        (lambda: mean_squared_error(ONES, ONES.swapaxes(0, 1)), ValueError,
         "Time and batch are swapped: label.swapaxes(0, 1) would fit"),
        (lambda: mean_squared_error(ONES, ONES.double()), TypeError, "label has dtype"),
        (lambda: mean_squared_error(ONES, ONES.long()), TypeError, "label has dtype torch.int64"),
        (lambda: mean_squared_error(ONES.long(), ONES), TypeError, "pred has dtype torch.int64"),
        (lambda: mean_squared_error(ONES.numpy(), ONES), TypeError, "pred is a ndarray"),
        (lambda: mean_squared_error(ONES, ONES.to("meta")), ValueError, "label is on meta"),
        (lambda: rate_terms(ONES[0]), ValueError, "rates has shape (3, 2); expected (T, B, N)"),
        (lambda: rate_sd(ONES[:0]), ValueError, "rates has shape (0, 3, 2)"),
        (lambda: rate_sd(ONES, torch.ones(4, 3)), TypeError, "mask is torch.float32"),
        (lambda: rate_sd(ONES, [[True]]), TypeError, "mask is list"),
        (lambda: rate_sd(ONES, torch.ones(3, 4) > 0), ValueError, "mask.T would fit"),
        (lambda: rate_sd(ONES, torch.ones(4, 3) < 0), ValueError, "no valid step"),
        (lambda: weight_square(torch.ones(3)), ValueError, "W has shape (3,)"),
        (lambda: weight_l1(3.0), TypeError, "W is a float"),
        (lambda: soft_threshold(ONES, -1.0), ValueError, "threshold is -1.0"),
        (lambda: soft_threshold(ONES, math.nan), ValueError, "threshold is nan"),
        (lambda: other_readings(ONES[0]), ValueError, "rates has shape (3, 2)"),
    ],
)  # fmt: skip
def test_the_message_says_what_was_seen_and_what_is_expected(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


def test_a_tensor_that_fits_is_returned_itself():
    assert check_sequence("x", ONES, "T B N", N=2) is ONES
