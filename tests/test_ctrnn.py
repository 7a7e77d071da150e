"""The continuous-time network: against its plain loop, gradcheck, formulas and exact cases."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import make_network

from rnncourse.ctrnn import CTRNN, ctrnn_loop, stationary_variance
from rnncourse.ctrnn_sweep import RATE_FUNCTIONS, sweep
from rnncourse.ctrnn_weights import ConstrainedWeight, check_tensor, dale_signs, draw_weights
from rnncourse.unroll import unroll

FORMS = ("voltage", "rate")
seeds = st.integers(0, 2**31)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(D=3, N=5, K=2, seed=0, **options) -> CTRNN:
    """A model in float64 whose biases and learned initial state are not zero."""
    g = seeded(seed)
    model = CTRNN(D, N, K, generator=g, dtype=torch.float64, **options)
    with torch.no_grad():
        for p in (model.b_hid, model.b_out, model.state_0):
            if isinstance(p, torch.nn.Parameter):
                p.normal_(generator=g)
    return model


def normal(seed: int, *shape: int, **options) -> torch.Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64, **options)


def same(found, expected, bound=1e-12) -> None:
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= bound * max(1, expected.abs().max())


def compare_with_the_loop(model, x, use=(True, True), **given_) -> None:
    """Values, and the gradients of a random functional of the outputs and the rates."""
    results = []
    for run in (model, lambda *a, **k: ctrnn_loop(model, *a, **k)):
        noise = {} if model.sigma_pre == model.sigma_post == 0 else {"generator": seeded(7)}
        out = run(x, **noise, **given_)
        weight = [normal(8 + i, *o.shape) for i, o in enumerate(out)]
        value = sum((o * w).sum() for o, w, used in zip(out, weight, use, strict=True) if used)
        leaves = [x, *model.parameters(), *given_.values()]
        leaves = [leaf for leaf in leaves if getattr(leaf, "requires_grad", False)]
        gradients = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
        results.append((*out, *gradients))
    for found, expected in zip(*results, strict=True):
        same(found, expected)


@pytest.mark.equation("7.2")
@pytest.mark.equation("7.3")
@pytest.mark.equation("7.4")
@pytest.mark.equation("7.7")
@pytest.mark.equation("7.8")
@pytest.mark.equation("7.9")
@pytest.mark.equation("7.10")
@pytest.mark.equation("7.11")
@pytest.mark.parametrize("activation", RATE_FUNCTIONS)
@pytest.mark.parametrize("form", FORMS)
@given(st.data(), seeds)
def test_values_and_all_gradients_are_those_of_the_plain_loop(form, activation, data, seed):
    T = data.draw(st.sampled_from((1, 2, 5, 40)))  # 40 steps are several blocks
    B, D, N, K = (data.draw(st.integers(1, 4)) for _ in range(4))
    pick = lambda *of: data.draw(st.sampled_from(of))  # noqa: E731
    model = make(
        D, N, K, seed, form=form, activation=activation, dt=20.0,
        tau=pick(20.0, 50.0, normal(seed, N).abs() * 100 + 20),
        initial=pick("zero", "learned", normal(seed + 1, N)),
        sigma_pre=pick(0.0, 0.3), sigma_post=pick(0.0, 0.3),
        bias=pick(True, False), batch_first=pick(True, False),
        excitatory=pick(None, 0.7), self_connections=pick(True, False),
        mask_hid=pick(None, normal(seed + 2, N, N) > 0), learn_hid=pick(None, False),
        learn_in=pick(None, normal(seed + 3, N, D) > 0), mask_in=pick(None, normal(5, N, D) > 0),
    )  # fmt: skip
    x = normal(seed + 4, *((B, T, D) if model.batch_first else (T, B, D)), requires_grad=True)
    options = {}
    if pick(True, False):
        options["initial"] = normal(seed + 5, *pick((N,), (B, N)), requires_grad=True)
    if model.sigma_pre or model.sigma_post:
        options["noise"] = pick(True, False, None)
    compare_with_the_loop(model, x, pick((True, False), (False, True), (True, True)), **options)


@pytest.mark.parametrize("form", FORMS)
def test_the_loop_is_the_equations_unit_by_unit(form):
    T, B, (D, N, K) = 3, 2, (4, 5, 3)
    model = make(D, N, K, form=form, tau=normal(0, N).abs() * 100 + 20, activation="tanh")
    x, state = normal(1, T, B, D), normal(2, B, N)
    pred, rates = ctrnn_loop(model, x, initial=state)
    W_in, W_hid, W_out, b_hid, b_out = (
        getattr(model, name).tolist() for name in ("W_in", "W_hid", "W_out", "b_hid", "b_out")
    )
    for b in range(B):
        s = state[b].tolist()
        r = [math.tanh(v) for v in s] if form == "voltage" else s
        for t in range(T):
            a = [
                sum(W_hid[i][j] * r[j] for j in range(N))
                + sum(W_in[i][d] * x[t, b, d].item() for d in range(D)) + b_hid[i]
                for i in range(N)
            ]  # fmt: skip
            alpha = [20.0 / tau for tau in model.tau.tolist()]
            if form == "voltage":
                s = [(1 - c) * v + c * u for c, v, u in zip(alpha, s, a, strict=True)]
                r = [math.tanh(v) for v in s]
            else:
                r = [(1 - c) * q + c * math.tanh(u) for c, q, u in zip(alpha, r, a, strict=True)]
            y = [sum(W_out[k][i] * r[i] for i in range(N)) + b_out[k] for k in range(K)]
            assert rates[t, b].tolist() == pytest.approx(r, abs=1e-13)
            assert pred[t, b].tolist() == pytest.approx(y, abs=1e-13)


OPTIONS = {
    "plain": {},
    "tau of each unit": {"tau": torch.tensor([20.0, 35.0, 100.0, 200.0])},
    "no leak": {"tau": 20.0},
    "learned initial state": {"initial": "learned"},
    "fixed initial state": {"initial": torch.tensor([0.5, -1.0, 2.0, 0.1])},
    "masks": {"mask_hid": normal(0, 4, 4) > -0.5, "mask_in": normal(1, 4, 3) > -0.5,
              "mask_out": normal(2, 2, 4) > -0.5, "self_connections": False},
    "frozen entries": {"learn_hid": normal(3, 4, 4) > 0, "learn_in": False},
    "Dale's law": {"excitatory": 0.75, "learn_hid": normal(4, 4, 4) > -1},
    "noise": {"sigma_pre": 0.2, "sigma_post": 0.1},
    "noise in rates": {"sigma_post": 0.1, "tau": torch.tensor([20.0, 35.0, 100.0, 200.0])},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False},
}  # fmt: skip


# each option with two activations, each activation with two options
CHECKED = [
    *itertools.product(OPTIONS, ("tanh", "softplus")),
    *itertools.product(("plain", "noise"), ("relu", "logistic")),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("option", "activation"), CHECKED)
def test_gradcheck(option, activation, form):
    model = make(3, 4, 2, seed=2, form=form, activation=activation, **OPTIONS[option])
    names, values = zip(*model.named_parameters(), strict=True)
    x = normal(5, 3, 2, 3, requires_grad=True)

    def run(x, *values):
        arguments = dict(zip(names, values, strict=True))
        return torch.func.functional_call(model, arguments, (x,), {"generator": seeded(3)})

    assert torch.autograd.gradcheck(run, (x, *values), eps=1e-6, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_without_leak_both_forms_are_the_basic_network(form):
    network = make_network(6, 3, 2, 5, 4)
    params = network.params
    model = make(2, 5, 4, form=form, dt=20.0, tau=20.0, activation="tanh").set_weights(
        W_in=torch.tensor(params.W_xh), W_hid=torch.tensor(params.W_hh),
        W_out=torch.tensor(params.W_hy), b_hid=torch.tensor(params.b_h),
        b_out=torch.tensor(params.b_y),
    )  # fmt: skip
    trace = unroll(params, network.x)
    pred, rates = model(torch.tensor(network.x))
    same(rates, torch.tensor(trace.h))
    same(pred, torch.tensor(trace.y))


# --- time ---


@pytest.mark.equation("7.1")
def test_alpha_is_dt_over_tau_for_each_unit():
    assert make(dt=20.0, tau=80.0).alpha == 0.25
    assert make(dt=20.0, tau=torch.tensor([20.0, 40, 80, 160, 25])).alpha.tolist() == [
        1, 0.5, 0.25, 0.125, 0.8,
    ]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_halving_dt_halves_the_distance_to_the_trajectory_of_the_differential_equation(form):
    def end(dt: float) -> torch.Tensor:
        model = make(tau=100.0, dt=dt, form=form, activation="tanh")
        x = normal(1, 1, 1, 3).expand(round(200 / dt), 1, 3)
        return model(x, initial=normal(2, 5))[1][-1]

    exact = end(0.02)
    error = [(end(dt) - exact).norm().item() for dt in (10.0, 5.0, 2.5)]
    assert error[0] < 0.1 * exact.norm()
    assert error[0] / error[1] == pytest.approx(2, abs=0.15)
    assert error[1] / error[2] == pytest.approx(2, abs=0.15)


# --- noise ---


def silent(**options) -> CTRNN:
    """Units without weights: what moves them is noise alone."""
    model = CTRNN(1, 200, 1, dtype=torch.float64, **options)
    zeros = {name: torch.zeros_like(getattr(model, name)) for name in ("W_in", "W_hid")}
    return model.set_weights(**zeros)


@pytest.mark.equation("7.5")
@pytest.mark.equation("7.6")
@pytest.mark.parametrize("dt", [20.0, 5.0, 1.0])
@pytest.mark.parametrize(
    ("form", "sigmas", "leaky"),
    [
        ("voltage", {"sigma_pre": 0.5}, True),
        ("voltage", {"sigma_post": 0.5}, False),
        ("rate", {"sigma_pre": 0.5}, True),
        ("rate", {"sigma_post": 0.5}, True),
    ],
)
def test_the_variance_of_noise_is_sigma_squared_at_every_dt(form, sigmas, leaky, dt):
    # softplus far above 0 is linear to 1e-9: b_hid lifts v and a to 20 without any other effect
    model = silent(form=form, activation="softplus", dt=dt, tau=100.0, **sigmas)
    model.set_weights(b_hid=torch.full((200,), 20.0, dtype=torch.float64))
    x = torch.zeros(200 + int(1000 / dt) * 2, 20, 1, dtype=torch.float64)
    with torch.no_grad():
        start = torch.full((200,), 20.0, dtype=torch.float64)
        rates = model(x, initial=start, generator=seeded(0))[1][-1]
    alpha = dt / 100.0
    expected = stationary_variance(0.5, alpha) if leaky else 0.25
    assert rates.mean() == pytest.approx(20, abs=0.05)
    assert rates.var().item() == pytest.approx(expected, rel=0.07)  # 4000 numbers: sd 2.2 %
    assert abs(expected / 0.25 - 1) <= 0.12 * min(1, alpha / 0.2)  # 1 to first order in dt


def test_the_stationary_variance_is_the_fixed_point_of_the_step():
    for alpha in (1.0, 0.2, 0.01):
        V = stationary_variance(0.7, alpha)
        assert V == pytest.approx((1 - alpha) ** 2 * V + 2 * alpha * 0.7**2)
    assert round(stationary_variance(1, 0.2), 2) == 1.11
    assert round(stationary_variance(1, 0.01), 3) == 1.005


@pytest.mark.parametrize("sigmas", [{"sigma_pre": 0.5}, {"sigma_post": 0.5}])
def test_there_is_noise_exactly_in_training_mode_or_when_asked_for(sigmas):
    model, x = make(**sigmas), normal(1, 4, 2, 3)
    quiet = make()(x)[1]

    def noisy(**options) -> bool:
        return not torch.equal(model(x, generator=seeded(0), **options)[1], quiet)

    assert model.training
    assert noisy()
    assert not noisy(noise=False)
    model.eval()
    assert not noisy()
    assert noisy(noise=True)
    model.train()
    assert noisy()


def test_equal_seeds_give_equal_noise_and_other_seeds_give_other():
    model, x = make(sigma_pre=0.3, sigma_post=0.2), normal(1, 4, 2, 3)
    one, two, three = (model(x, generator=seeded(s))[1] for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    before = torch.get_rng_state()
    model(x, generator=seeded(0))
    assert torch.equal(torch.get_rng_state(), before)  # a given generator is the only source


# --- constraints ---


def assert_constraints(model, masks, signs) -> None:
    W = model.W_hid
    assert (W[:, signs] >= 0).all()
    assert (W[:, ~signs] <= 0).all()
    assert (model.W_out[:, ~signs] == 0).all()
    for name, mask in masks.items():
        assert (getattr(model, name)[~mask] == 0).all()
    assert (W.diagonal() == 0).all()


@pytest.mark.equation("7.12")
@pytest.mark.parametrize("optimiser", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
@given(seeds)
def test_constraints_hold_after_every_optimiser_step_and_frozen_weights_do_not_move(
    optimiser, seed
):
    D, N, K = 3, 8, 2
    masks = {
        "W_in": normal(seed, N, D) > 0,
        "W_hid": normal(seed + 1, N, N) > -0.5,
        "W_out": normal(seed + 2, K, N) > -0.5,
    }
    learn = {"learn_in": normal(seed + 3, N, D) > 0, "learn_hid": normal(seed + 4, N, N) > 0,
             "learn_out": normal(seed + 5, K, N) > 0}  # fmt: skip
    signs = normal(seed + 6, N) > -0.5
    signs[0] = True
    model = make(
        D, N, K, seed, excitatory=signs, self_connections=False, **learn,
        **{name.replace("W", "mask"): mask for name, mask in masks.items()},
    )  # fmt: skip
    step = optimiser(model.parameters(), lr=0.3, weight_decay=0.2)
    before = {name: getattr(model, name).detach().clone() for name in masks}
    assert_constraints(model, masks, signs)
    x = normal(seed, 4, 3, D)
    for _ in range(20):
        step.zero_grad()
        model(x)[0].square().mean().backward()
        step.step()
        assert_constraints(model, masks, signs)
        for name in masks:
            frozen = ~learn[name.replace("W", "learn")]
            assert torch.equal(getattr(model, name)[frozen], before[name][frozen])
    moved = model.W_hid - before["W_hid"]
    free = masks["W_hid"] & learn["learn_hid"] & ~torch.eye(N, dtype=torch.bool)
    assert (moved[free] != 0).all()


@pytest.mark.parametrize("excitatory", [None, 0.5])
def test_weight_decay_shrinks_a_constrained_weight_as_it_would_a_free_one(excitatory):
    model = make(N=6, excitatory=excitatory)
    before = model.W_hid.detach().clone()
    step = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)
    (0 * model.W_hid.sum()).backward()
    step.step()
    same(model.W_hid.detach(), 0.95 * before)


def test_a_weight_pushed_through_zero_keeps_its_sign_and_its_gradient():
    weight = ConstrainedWeight(normal(0, 4, 3).abs(), column_sign=torch.ones(3))
    with torch.no_grad():
        weight.raw.sub_(10)
    weight().sum().backward()
    assert (weight() > 0).all()
    assert (weight.raw.grad.abs() == 1).all()


@pytest.mark.equation("7.13")
@given(seeds, st.integers(2, 30), st.floats(0.1, 0.9))
def test_excitation_and_inhibition_balance_at_every_unit_at_the_start(seed, N, share):
    number = min(max(round(share * N), 1), N - 1)
    signs = dale_signs(number / N, N)
    W = draw_weights(N, N, column_sign=signs, generator=seeded(seed))
    assert (signs > 0).sum() == number
    assert (W * signs >= 0).all()
    assert W.sum(1).abs().max() <= 1e-12 * W.abs().sum(1).max()
    assert W[:, signs > 0].sum(1).min() > 0
    model = make(N=N, excitatory=number / N, seed=seed)
    same(model.W_hid.sum(1), torch.zeros(N, dtype=torch.float64), 1e-11)


def test_what_hears_one_kind_only_has_weights_of_sum_one_and_what_hears_none_has_none():
    present = torch.tensor([[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1]]) > 0
    W = draw_weights(4, 3, present=present, column_sign=torch.tensor([1.0, 1.0, -1.0]))
    assert W.sum(1).tolist() == pytest.approx([1, -1, 0, 0])
    assert (W[~present] == 0).all()


@pytest.mark.parametrize("share", [None, 0.8, 0.5])
@pytest.mark.parametrize("density", [1.0, 0.2])
def test_the_starting_radius_is_near_one_with_and_without_dales_law_and_masks(share, density):
    present = torch.rand(400, 400, generator=seeded(0)) < density
    signs = None if share is None else dale_signs(share, 400)
    W = draw_weights(400, 400, present=present, column_sign=signs, generator=seeded(1))
    assert torch.linalg.eigvals(W).abs().max().item() == pytest.approx(1, abs=0.15)


def test_without_constraints_the_weights_are_the_parameters_themselves():
    model = make()
    assert isinstance(model.W_hid, torch.nn.Parameter)
    assert sum(p.numel() for p in model.parameters()) == 5 * 3 + 5 * 5 + 2 * 5 + 5 + 2


# --- a module among modules ---


def full(**options) -> CTRNN:
    return CTRNN(
        3, 5, 2, tau=torch.tensor([20.0, 30, 40, 100, 200]), initial="learned", excitatory=0.6,
        mask_in=torch.eye(5, 3) == 0, learn_hid=torch.eye(5) == 0, self_connections=False,
        **options,
    )  # fmt: skip


def test_the_state_dict_carries_the_whole_model_into_another():
    one, two = full(generator=seeded(1)), full(generator=seeded(2))
    x = torch.ones(4, 2, 3)
    with torch.no_grad():
        one.state_0.normal_()
    assert not torch.equal(one(x)[0], two(x)[0])
    two.load_state_dict(one.state_dict())
    assert torch.equal(one(x)[0], two(x)[0])
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert torch.equal(one(x)[0], other(x)[0])


def test_dtype_and_device_follow_the_module():
    model = full().double()
    pred, rates = model(torch.ones(4, 2, 3, dtype=torch.float64))
    assert pred.dtype == rates.dtype == model.W_hid.dtype == model.alpha.dtype == torch.float64
    assert full()(torch.ones(4, 2, 3))[0].dtype == torch.float32
    assert {t.device.type for t in full(device="meta").state_dict().values()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_numbers_of_the_cpu():
    model, x = full(sigma_pre=0.1).double(), normal(0, 40, 2, 3)
    pred, rates = model(x, noise=False)
    (pred.sum() + rates.square().sum()).backward()
    other = copy.deepcopy(model).to("cuda")
    other.zero_grad()
    found, found_rates = other(x.cuda(), noise=False)
    (found.sum() + found_rates.square().sum()).backward()
    same(found.cpu(), pred)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        same(q.grad.cpu(), p.grad)
    other(x.cuda(), noise=True, generator=torch.Generator("cuda").manual_seed(0))


@pytest.mark.parametrize("form", FORMS)
def test_torch_func_gives_the_gradients_of_backward(form):
    model, x = make(form=form, excitatory=0.6, initial="learned"), normal(0, 6, 2, 3)

    def loss(params):
        return torch.func.functional_call(model, params, (x,))[0].square().mean()

    params = dict(model.named_parameters())
    found = torch.func.grad(loss)(params)
    loss(params).backward()
    for name, p in params.items():
        same(found[name], p.grad)


def test_a_gradient_of_a_gradient_is_refused_and_the_loop_gives_it():
    model, x = make(activation="tanh"), normal(0, 3, 1, 3, requires_grad=True)

    def penalty(run):
        [g] = torch.autograd.grad(run(x)[0].sum(), x, create_graph=True)
        return torch.autograd.grad(g.square().sum(), x)

    with pytest.raises(RuntimeError, match="run ctrnn_loop"):
        penalty(model)
    assert penalty(lambda x: ctrnn_loop(model, x))[0].abs().max() > 0


def saved_bytes(run) -> int:
    """The memory that autograd holds between the two passes, each storage counted once."""
    held = {}

    def pack(t):
        held[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        out = run()  # kept to the end: what is saved keeps its place
    del out
    return sum(held.values())


@pytest.mark.parametrize("form", FORMS)
def test_without_gradients_nothing_is_kept(form):
    model, x = make(form=form), normal(0, 6, 2, 3)
    with torch.no_grad():
        assert saved_bytes(lambda: model(x)) == 0
        pred, rates = model(x)
    assert not pred.requires_grad
    assert not rates.requires_grad
    same(pred, model(x)[0])
    assert saved_bytes(lambda: model(x)) > 0


def peak_bytes(run) -> int:
    """The most memory that is held at once during `run`, beyond what was held before."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        run()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    return int(np.cumsum([e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]).max())


@pytest.mark.parametrize(
    ("form", "activation", "share"),
    [("voltage", "relu", 0.5), ("voltage", "tanh", 0.5), ("rate", "relu", 0.5),
     ("rate", "tanh", 0.65)],
)  # fmt: skip
def test_forward_and_backward_need_at_most_half_the_memory_of_the_plain_loop(
    form, activation, share
):
    T, B, N = 100, 32, 100
    model = CTRNN(4, N, 2, form=form, activation=activation)
    x, label = torch.ones(T, B, 4), torch.zeros(T, B, 2)

    def step(run):
        torch.nn.functional.mse_loss(run(x)[0], label).backward()
        model.zero_grad(set_to_none=True)

    loop = lambda x: ctrnn_loop(model, x)  # noqa: E731
    step(model)
    ours, loops = peak_bytes(lambda: step(model)), peak_bytes(lambda: step(loop))
    assert T * B * N * 4 < ours  # the rates themselves: the measurement measures
    assert ours <= share * loops
    kept = [saved_bytes(lambda run=run: run(x)) for run in (model, loop)]
    assert kept[0] < 0.75 * kept[1]


def test_a_subclass_is_a_ctrnn():
    class Own(CTRNN):
        def forward(self, x, **options):
            pred, rates = super().forward(x, **options)
            return pred.tanh(), rates

    model, x = Own(3, 5, 2, generator=seeded(0)), torch.ones(4, 2, 3)
    torch.testing.assert_close(model(x)[0], CTRNN(3, 5, 2, generator=seeded(0))(x)[0].tanh())
    assert model.sizes == (3, 5, 2)
    assert "activation=relu" in repr(model)


def test_set_weights_sets_frozen_entries_too_and_refuses_what_breaks_a_constraint():
    model = make(excitatory=0.6, learn_hid=False, self_connections=False)
    W = 2 * model.W_hid.detach()
    assert torch.equal(model.set_weights(W_hid=W).W_hid, W)
    with pytest.raises(ValueError, match="W_hid has entries of the wrong sign"):
        model.set_weights(W_hid=-W)
    with pytest.raises(ValueError, match="W_hid is not 0 where there is no connection"):
        model.set_weights(W_hid=W + dale_signs(0.6, 5) * torch.eye(5))


X = torch.ones(4, 2, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CTRNN(0, 5, 2), "D is 0"),
        (lambda: CTRNN(3, 5.0, 2), "N is 5.0"),
        (lambda: CTRNN(3, 5, 2, dt=200.0), "0 < dt <= tau"),
        (lambda: CTRNN(3, 5, 2, dt=0.0), "0 < dt <= tau"),
        (lambda: CTRNN(3, 2, 2, tau=torch.tensor([100.0, 10.0])), "shortest tau 10.0 ms"),
        (lambda: CTRNN(3, 5, 2, tau=torch.ones(4)), "tau has shape (4,)"),
        (lambda: CTRNN(3, 5, 2, dt="20"), "expected numbers of ms"),
        (lambda: CTRNN(3, 5, 2, activation="gelu"), "relu, tanh, softplus, logistic"),
        (lambda: CTRNN(3, 5, 2, form="current"), "voltage, rate"),
        (lambda: CTRNN(3, 5, 2, sigma_pre=-1.0), "sigma_pre is -1.0"),
        (lambda: CTRNN(3, 5, 2, sigma_post=math.nan), "sigma_post is nan"),
        (lambda: CTRNN(3, 5, 2, initial="random"), "initial is 'random'"),
        (lambda: CTRNN(3, 5, 2, initial=torch.ones(4)), "initial has shape (4,)"),
        (lambda: CTRNN(3, 5, 2, excitatory=1.5), "excitatory is 1.5"),
        (lambda: CTRNN(3, 5, 2, excitatory=0.0), "none is excitatory"),
        (lambda: CTRNN(3, 5, 2, excitatory=torch.ones(5)), "expected bool"),
        (lambda: CTRNN(3, 5, 2, mask_hid=torch.ones(5, 5)), "mask_hid has dtype"),
        (lambda: CTRNN(3, 5, 2, mask_in=torch.ones(3, 5) > 0), "mask_in has shape (3, 5)"),
        (lambda: CTRNN(3, 5, 2, learn_out=torch.ones(2, 4) > 0), "learn_out has shape (2, 4)"),
        (lambda: CTRNN(3, 5, 2)(X.double()), "write x.to(torch.float32)"),
        (lambda: ctrnn_loop(CTRNN(3, 5, 2), X.double()), "write x.to(torch.float32)"),
        (lambda: CTRNN(3, 5, 2)(X[0]), "expected (T, B, D) with D = 3"),
        (lambda: CTRNN(4, 5, 2, batch_first=True)(X), "expected (B, T, D) with D = 4"),
        (lambda: CTRNN(3, 5, 2)(X.numpy()), "x is a ndarray; expected a torch.Tensor"),
        (lambda: CTRNN(3, 5, 2)(X / 0), "nan or inf"),
        (lambda: CTRNN(3, 5, 2)(X[:0]), "x has shape (0, 2, 3)"),
        (lambda: CTRNN(3, 5, 2)(X, initial=torch.ones(3, 5)), "expected (B, N) with B = 2"),
        (lambda: CTRNN(3, 5, 2)(X, initial=torch.ones(4)), "expected (N,) with N = 5"),
        (lambda: CTRNN(3, 5, 2)(X.to("meta")), "x is on meta, the model on cpu"),
        (lambda: CTRNN(3, 5, 2).set_weights(W_hh=X), "W_hh is no weight"),
        (lambda: CTRNN(3, 5, 2).set_weights(state_0=X), "state_0 is no weight"),
        (lambda: CTRNN(3, 5, 2).set_weights(W_in=X[0]), "W_in has shape (2, 3)"),
        (lambda: stationary_variance(1.0, 0.0), "alpha is 0.0"),
        (lambda: check_tensor("x", None, "T"), "x is None"),
        (lambda: ConstrainedWeight(X[0], column_sign=torch.ones(2)), "column_sign has shape (2,)"),
    ],
)  # fmt: skip
def test_the_message_says_what_was_seen_and_what_is_expected(call, message):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert message in str(error.value)


def test_blocks_of_any_length_give_the_same_numbers(monkeypatch):
    model, x = make(initial="learned"), normal(0, 70, 2, 3, requires_grad=True)
    results = []
    for numbers in (1, 50, 2**18):
        monkeypatch.setattr("rnncourse.ctrnn_sweep.BLOCK", numbers)
        pred, rates = model(x)
        gradients = torch.autograd.grad(pred.sum() + rates.square().sum(), [x, *model.parameters()])
        results.append((pred, rates, *gradients))
    for other, first in itertools.chain(
        zip(results[1], results[0], strict=True), zip(results[2], results[0], strict=True)
    ):
        same(other, first)


def test_the_sweep_by_itself_is_what_the_model_runs():
    model, x = make(), normal(0, 6, 2, 3)
    weights = (model.W_in, model.b_hid, model.W_hid, model.W_out, model.b_out)
    found = sweep(x, torch.zeros(2, 5, dtype=x.dtype), *weights, 0.2, "relu", "voltage")
    assert all(torch.equal(a, b) for a, b in zip(found, model(x), strict=True))
