"""The composite loss: what is summed, what is refused, what is left alone."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.composite_loss import TERMS, RNNLoss
from rnncourse.ctrnn import CTRNN
from rnncourse.loss_terms import (
    mean_squared_error,
    rate_cv,
    rate_mean_square,
    rate_sd,
    weight_l1,
    weight_square,
)

T, B, D, N, K = 6, 3, 2, 5, 4
EXTENSIONS = ("l1_in", "l1_hid", "l1_out")


def make(seed=0, sizes=(T, B, D, N, K), dtype=torch.float64, **options):
    """A model whose rates have a positive mean, its outputs, its rates, and labels."""
    T, B, D, N, K = sizes
    generator = torch.Generator().manual_seed(seed)
    options.setdefault("activation", "softplus")
    model = CTRNN(D, N, K, generator=generator, dtype=dtype, **options)
    axes = (B, T) if model.batch_first else (T, B)
    x = torch.randn(*axes, D, generator=generator, dtype=dtype)
    pred, rates = model(x)
    return model, pred, rates, torch.randn(*axes, K, generator=generator, dtype=dtype)


def every(value: float = 0.1) -> dict[str, float]:
    return {f"lambda_{name}": value * (1 + i) for i, name in enumerate((*TERMS, *EXTENSIONS))}


def composed(model, pred, label, rates, mask=None) -> dict[str, torch.Tensor]:
    W = {"in": model.W_in, "hid": model.W_hid, "out": model.W_out}
    return {
        "mse": mean_squared_error(pred, label, mask),
        **{name: weight_square(matrix) for name, matrix in W.items()},
        "fr": rate_mean_square(rates, mask),
        "fr_sd": rate_sd(rates, mask),
        "fr_cv": rate_cv(rates, mask),
        **{f"l1_{name}": weight_l1(matrix) for name, matrix in W.items()},
    }


@pytest.mark.equation("7.14")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "sizes", [(6, 3, 2, 5, 4), (3, 3, 3, 3, 3), (1, 3, 2, 5, 4), (6, 1, 2, 5, 4), (6, 3, 2, 1, 4)]
)
def test_the_total_is_the_weighted_sum_of_the_terms_and_so_is_its_gradient(sizes, masked):
    model, pred, rates, label = make(sizes=sizes, initial="learned")
    mask = None
    if masked:
        mask = torch.arange(sizes[0])[:, None] < 1 + torch.arange(sizes[1])
    weights = every()
    total, components = RNNLoss(model, **weights)(pred, label, states=rates, mask=mask)
    terms = composed(model, pred, label, rates, mask)
    assert list(components) == list(terms)
    for name, term in terms.items():
        expected = weights[f"lambda_{name}"] * term.item()
        assert components[name].item() == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert components.unweighted[name].item() == pytest.approx(term.item(), abs=1e-12)
    reference = sum(weights[f"lambda_{name}"] * term for name, term in terms.items())
    assert total.item() == pytest.approx(reference.item(), rel=1e-12)
    leaves = list(model.parameters())
    found = torch.autograd.grad(total, leaves, retain_graph=True)
    for own, other in zip(found, torch.autograd.grad(reference, leaves), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-9, atol=1e-12)


@given(st.lists(st.sampled_from((0.0, 0.5)), min_size=7, max_size=7).filter(any))
def test_all_seven_terms_are_there_in_order_whatever_is_on(weights):
    model, pred, rates, label = make()
    total, components = RNNLoss(model, *weights)(pred, label, states=rates)
    assert tuple(components) == tuple(components.unweighted) == TERMS
    assert len(components) == 7
    assert total.item() == sum(value.item() for value in components.values())
    for name, weight in zip(TERMS, weights, strict=True):
        term = components.unweighted[name]
        assert not term.requires_grad
        assert components[name].item() == weight * term.item()
        assert components[name].requires_grad == (weight > 0)
        assert term.item() > 0


@pytest.mark.parametrize("name", TERMS)
def test_each_term_through_the_network_passes_gradcheck(name):
    model, _, _, label = make(sizes=(3, 2, 2, 3, 2))
    loss = RNNLoss(model, **{"lambda_mse": 0.0, f"lambda_{name}": 0.7})
    x = torch.randn(3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def value(*_):
        pred, rates = model(x)
        return loss(pred, label, states=rates)[0]

    assert torch.autograd.gradcheck(value, tuple(model.parameters()))


def test_without_states_the_rate_terms_are_zero_and_unweighted_not_a_number():
    model, pred, _, label = make()
    _, components = RNNLoss(model, lambda_in=0.1)(pred, label)
    assert [components[name].item() for name in ("fr", "fr_sd", "fr_cv")] == [0, 0, 0]
    assert components.unweighted["fr"].isnan()


@pytest.mark.parametrize("full", [None, torch.ones(T, B, dtype=torch.bool)])
def test_a_full_mask_gives_the_same_as_none(full):
    model, pred, rates, label = make()
    loss = RNNLoss(model, **every())
    assert loss(pred, label, rates, full)[0] == loss(pred, label, rates)[0]


def test_batch_first_changes_the_axes_and_no_value():
    model, pred, rates, label = make()
    other = make(batch_first=True)[0]
    other.load_state_dict(model.state_dict())
    mask = torch.arange(T)[:, None] < torch.tensor([6, 2, 4])
    expected, _ = RNNLoss(model, **every())(pred, label, rates, mask)
    swapped = (a.swapaxes(0, 1) for a in (pred, label, rates))
    found, _ = RNNLoss(other, **every())(*swapped, mask.T)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_extensions_appear_only_if_asked_for_and_after_the_seven():
    model, pred, _, label = make()
    _, components = RNNLoss(model, lambda_l1_hid=0.0)(pred, label)
    assert tuple(components) == (*TERMS, "l1_hid")
    assert components["l1_hid"].item() == 0
    assert components.unweighted["l1_hid"].item() == weight_l1(model.W_hid).item()


def test_the_loss_has_no_parameters_and_leaves_the_model_alone():
    model, pred, rates, label = make()
    loss = RNNLoss(model, **every())
    assert list(loss.parameters()) == list(loss.state_dict()) == list(loss.children()) == []
    assert not loss.eval().training
    assert model.training
    assert loss.model is model
    assert loss(pred, label, rates)[0] > 0
    loss.lambdas["mse"] = 7.0
    assert loss.lambdas["mse"] == 0.1
    both = copy.deepcopy({"model": model, "loss": loss})
    assert both["loss"].model is both["model"]
    assert "lambda_fr_sd=0.6" in repr(loss)
    assert "mse=" in repr(loss(pred, label, rates)[1])


def test_a_subclass_of_the_network_is_welcome():
    class Own(CTRNN):
        pass

    assert RNNLoss(Own(D, N, K)).lambdas["mse"] == 1


def test_the_weights_at_the_time_of_the_call_enter():
    model, pred, rates, label = make()
    loss = RNNLoss(model, lambda_hid=0.5)
    before = loss(pred, label, rates)[1]
    model.set_weights(W_hid=2 * model.W_hid.detach())
    after = loss(pred, label, rates)[1]
    assert after["hid"].item() == pytest.approx(4 * before["hid"].item())


def silent_model():
    model, _, _, label = make(activation="relu")
    with torch.no_grad():
        model.b_hid.fill_(-100.0)
    x = torch.ones(T, B, D, dtype=torch.float64)
    return model, *model(x), label


def test_a_silent_relu_network_gets_no_gradient_from_the_error_so_the_cv_says_so():
    model, pred, rates, label = silent_model()
    assert not rates.any()
    RNNLoss(model)(pred, label, states=rates)[0].backward(retain_graph=True)
    for layer in (model.layer_in, model.layer_hid):
        assert all((p.grad == 0).all() for p in layer.parameters())
    assert (model.b_hid.grad == 0).all()
    with pytest.raises(ValueError, match="the network is silent"):
        RNNLoss(model, lambda_fr_cv=0.1)(pred, label, states=rates)


def test_a_silent_network_has_a_finite_loss_and_gradient_without_the_cv():
    model, pred, rates, label = silent_model()
    weights = every() | {"lambda_fr_cv": 0.0}
    total, components = RNNLoss(model, **weights)(pred, label, states=rates)
    assert components.unweighted["fr_cv"].isnan()
    total.backward()
    assert total.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_rates_of_both_signs_are_refused_by_the_cv_and_taken_by_the_others():
    model, pred, rates, label = make(activation="tanh")
    signed = rates - rates.mean() - 0.1
    assert RNNLoss(model, lambda_fr=1, lambda_fr_sd=1)(pred, label, signed)[0].isfinite()
    with pytest.raises(ValueError, match="both signs"):
        RNNLoss(model, lambda_fr_cv=1)(pred, label, signed)


def test_a_training_that_diverged_shows_as_nan_not_as_an_error():
    model, pred, rates, label = make()
    assert RNNLoss(model, **every())(pred, label, rates * math.nan)[0].isnan()


def test_one_step_against_the_gradient_lowers_the_total():
    model, _, _, label = make(seed=3)
    loss, x = RNNLoss(model, **every()), torch.ones(T, B, D, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    values = []
    for _ in range(5):
        pred, rates = model(x)
        total, _ = loss(pred, label, states=rates)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        values.append(total.item())
    assert values == sorted(values, reverse=True)


MODEL, PRED, RATES, LABEL = make()
LOSS = RNNLoss(MODEL, lambda_fr=0.1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RNNLoss(torch.nn.RNN(2, 3)), TypeError, "model is of type RNN; expected a CTRNN"),
        (lambda: RNNLoss(CTRNN), TypeError, "model is the class CTRNN"),
        (lambda: RNNLoss(MODEL, lambda_fr_std=1), TypeError, "did you mean lambda_fr_sd?"),
        (lambda: RNNLoss(MODEL, lamda_hid=1), TypeError, "did you mean lambda_hid?"),
        (lambda: RNNLoss(MODEL, fr_cv=1), TypeError, "did you mean lambda_fr_cv?"),
        (lambda: RNNLoss(MODEL, zzz=1), TypeError, "expected one of lambda_mse, lambda_in"),
        (lambda: RNNLoss(MODEL, lambda_in=-1e-9), ValueError, "lambda_in is -1e-09"),
        (lambda: RNNLoss(MODEL, lambda_fr=math.inf), ValueError, "lambda_fr is inf"),
        (lambda: RNNLoss(MODEL, lambda_l1_in=math.nan), ValueError, "lambda_l1_in is nan"),
        (lambda: RNNLoss(MODEL, lambda_out="1"), TypeError, "lambda_out is '1'"),
        (lambda: RNNLoss(MODEL, lambda_out=True), TypeError, "lambda_out is True"),
        (lambda: RNNLoss(MODEL, lambda_mse=0), ValueError, "all weights are 0"),
        (lambda: LOSS(PRED, LABEL), ValueError, "states is None, but lambda_fr is above 0"),
        (lambda: LOSS(PRED, LABEL[..., 0], RATES), ValueError, "label has shape (6, 3)"),
        (lambda: LOSS(PRED, LABEL[..., :1], RATES), ValueError, "label has shape (6, 3, 1)"),
        (lambda: LOSS(PRED, LABEL.swapaxes(0, 1), RATES), ValueError,
         "Time and batch are swapped: label.swapaxes(0, 1)"),
        (lambda: LOSS(PRED, LABEL, RATES.swapaxes(0, 1)), ValueError,
         "Time and batch are swapped: states.swapaxes(0, 1)"),
        (lambda: LOSS(PRED, LABEL, RATES[..., 1:]), ValueError, "states has shape (6, 3, 4)"),
        (lambda: LOSS(PRED, LABEL, RATES[1:]), ValueError, "with T = 6 and B = 3 and N = 5"),
        (lambda: LOSS(PRED[..., 1:], LABEL, RATES), ValueError, "pred has shape (6, 3, 3)"),
        (lambda: LOSS(PRED, LABEL, RATES.float()), TypeError, "states has dtype torch.float32"),
        (lambda: LOSS(PRED, LABEL.float(), RATES), TypeError, "label has dtype torch.float32"),
        (lambda: LOSS(PRED.float(), LABEL.float(), RATES), TypeError, "pred has dtype"),
        (lambda: LOSS(PRED, LABEL, RATES, torch.ones(B, T) > 0), ValueError, "mask.T would fit"),
        (lambda: LOSS(PRED, LABEL, RATES, torch.ones(T, B)), TypeError, "mask is torch.float32"),
    ],
)  # fmt: skip
def test_the_message_says_what_was_seen_and_what_is_expected(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)
