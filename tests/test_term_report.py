"""The report of the terms, against autograd term by term, and the warning about weight decay."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from rnncourse.composite_loss import RNNLoss
from rnncourse.ctrnn import CTRNN
from rnncourse.term_report import report_terms, warn_about_weight_decay

T, B, D, N, K = 6, 3, 2, 5, 4
WEIGHTS = {"lambda_in": 0.2, "lambda_hid": 0.3, "lambda_fr": 0.4, "lambda_fr_cv": 0.5,
           "lambda_l1_hid": 0.6}  # fmt: skip
NAMES = ("mse", "in", "hid", "fr", "fr_cv", "l1_hid")
GROUPS = {
    "input": ["layer_in.raw"],
    "hidden": ["layer_hid.raw", "b_hid"],
    "readout": ["layer_out.raw", "b_out"],
    "initial": ["state_0"],
}


def make(kind=CTRNN, **options):
    generator = torch.Generator().manual_seed(0)
    options = {"initial": "learned", "activation": "softplus", "dtype": torch.float64} | options
    model = kind(D, N, K, generator=generator, **options)
    x, label = (torch.randn(T, B, n, generator=generator).double() for n in (D, K))
    return model, x, label


def evaluate(weights=WEIGHTS, **options):
    model, x, label = make(**options)
    loss = RNNLoss(model, **weights)
    pred, rates = model(x)
    return loss, *loss(pred, label, states=rates)


@pytest.mark.equation("7.33")
@pytest.mark.parametrize("excitatory", [None, 0.6])
def test_values_and_shares_add_up_to_the_total(excitatory):
    loss, total, components = evaluate(excitatory=excitatory)
    report = report_terms(loss, components)
    assert report.names == NAMES  # "out" and "fr_sd" are off
    assert sum(report.value.values()) == pytest.approx(total.item())
    assert sum(report.share.values()) == pytest.approx(1)
    for name in NAMES:
        assert report.share[name] == pytest.approx(components[name].item() / total.item())


@pytest.mark.equation("7.34")
@pytest.mark.parametrize("excitatory", [None, 0.6])
def test_norms_and_cosines_are_those_of_autograd_term_by_term(excitatory):
    loss, _, components = evaluate(excitatory=excitatory)
    report = report_terms(loss, components)
    flat = []
    for name in NAMES:
        loss.model.zero_grad()
        components[name].backward(retain_graph=True)
        gradients = {
            n: np.zeros(p.shape) if p.grad is None else p.grad.numpy().copy()
            for n, p in loss.model.named_parameters()
        }
        assert list(report.gradient_norm[name]) == list(GROUPS)
        for group, members in GROUPS.items():
            expected = sum((gradients[m] ** 2).sum() for m in members) ** 0.5
            assert report.gradient_norm[name][group] == pytest.approx(expected, abs=1e-14)
        flat.append(np.concatenate([gradients[n].ravel() for n in sorted(gradients)]))
    for k, g_k in enumerate(flat):
        for l, g_l in enumerate(flat):  # noqa: E741
            expected = g_k @ g_l / np.sqrt((g_k @ g_k) * (g_l @ g_l))
            assert report.cosine[k, l] == pytest.approx(expected, abs=1e-12)


def test_a_report_writes_no_grad_and_keeps_the_graph():
    loss, total, components = evaluate()
    first, second = (report_terms(loss, components) for _ in range(2))
    assert all(p.grad is None for p in loss.model.parameters())
    np.testing.assert_array_equal(first.cosine, second.cosine)
    total.backward()
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.names = ()


def test_a_term_without_a_gradient_has_norm_zero_and_no_cosine():
    loss, _, components = evaluate({"lambda_hid": 0.1})
    loss.model.layer_hid.raw.requires_grad_(False)
    model, x, label = loss.model, *make()[1:]
    pred, rates = model(x)
    _, components = loss(pred, label, states=rates)
    report = report_terms(loss, components)
    assert set(report.gradient_norm["hid"].values()) == {0.0}
    assert np.isnan(report.cosine[1]).all()
    assert report.cosine[0, 0] == pytest.approx(1)
    assert "-" in str(report).splitlines()[2].split()


def test_shares_of_a_total_of_zero_are_zero():
    model, x, _ = make()
    pred, rates = model(x)
    loss = RNNLoss(model)
    report = report_terms(loss, loss(pred, pred.detach(), states=rates)[1])
    assert report.share == {"mse": 0.0}


def test_parameters_of_a_subclass_are_the_group_other():
    class Scaled(CTRNN):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.gain = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

    model, x, label = make(Scaled, initial="zero")
    pred, rates = model(x)
    loss = RNNLoss(model)
    report = report_terms(loss, loss(model.gain * pred, label, states=rates)[1])
    assert list(report.gradient_norm["mse"]) == ["input", "hidden", "readout", "other"]
    assert report.gradient_norm["mse"]["other"] > 0


def test_the_table_has_a_line_for_each_term_and_columns_that_align():
    loss, _, components = evaluate()
    lines = str(report_terms(loss, components)).splitlines()
    assert [line.split()[0] for line in lines] == ["term", *NAMES]
    assert len({len(line) for line in lines}) == 1
    assert "%" in lines[1]


def no_grad_components():
    with torch.no_grad():
        return evaluate()[2]


LOSS, _, COMPONENTS = evaluate()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: report_terms(LOSS.model, COMPONENTS), TypeError, "loss is a CTRNN"),
        (lambda: report_terms(LOSS, dict(COMPONENTS)), TypeError, "components is a dict"),
        (lambda: report_terms(RNNLoss(LOSS.model), COMPONENTS), ValueError, "the terms of the"),
        (lambda: report_terms(LOSS, no_grad_components()), ValueError, "outside torch.no_grad"),
        (lambda: warn_about_weight_decay(LOSS.model, None), TypeError, "loss is a CTRNN"),
        (lambda: warn_about_weight_decay(LOSS, 0.1), TypeError, "optimizer is a float"),
    ],
)
def test_the_message_says_what_was_seen_and_what_is_expected(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


OPTIMISERS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_weight_decay_on_weights_that_a_term_shrinks_is_reported(optimiser):
    decayed = optimiser(LOSS.model.parameters(), lr=0.1, weight_decay=0.01)
    with pytest.warns(UserWarning, match=r"W_in: lambda_in = 0.2.*W_hid: lambda_hid = 0.3") as seen:
        assert warn_about_weight_decay(LOSS, decayed) == ("in", "hid")
    assert "W_out" not in str(seen[0].message)  # its term is off
    assert "as much as a lambda of 0.05;" in str(seen[0].message)  # 0.01 · 10 entries / 2
    assert seen[0].filename == __file__


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_weight_decay_that_doubles_nothing_is_not_reported(optimiser):
    model, _, _ = make()
    rest = [p for name, p in model.named_parameters() if name != "layer_hid.raw"]
    groups = [
        {"params": rest, "weight_decay": 0.1},
        {"params": [model.layer_hid.raw], "weight_decay": 0.0},
    ]
    none_at_all = optimiser(model.parameters(), lr=0.1, weight_decay=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert warn_about_weight_decay(RNNLoss(model, **WEIGHTS), none_at_all) == ()
        on_others = optimiser(groups, lr=0.1)
        assert warn_about_weight_decay(RNNLoss(model, lambda_hid=0.1), on_others) == ()


@pytest.mark.equation("7.35")
@pytest.mark.parametrize("excitatory", [None, 0.6])
def test_weight_decay_in_sgd_is_a_weight_term_of_half_decay_times_the_number_of_entries(excitatory):
    decay, rate, weight = 0.03, 0.1, 0.2
    after = []
    for own, in_optimiser in ((weight, decay), (weight + decay * N * N / 2, 0.0)):
        model, x, label = make(excitatory=excitatory)
        layer = [{"params": [model.layer_hid.raw], "weight_decay": in_optimiser}]
        optimiser = torch.optim.SGD(layer, lr=rate)
        for _ in range(3):
            pred, rates = model(x)
            total, _ = RNNLoss(model, lambda_hid=own)(pred, label, states=rates)
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
        after.append(model.W_hid.detach())
    torch.testing.assert_close(*after, rtol=1e-12, atol=1e-14)
