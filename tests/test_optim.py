"""Optimisers against torch's, and what is claimed of them, as theorems."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.bptt import bptt
from rnncourse.cell import RNNParams, init_params
from rnncourse.clipping import NonFiniteGradient
from rnncourse.optim import SGD, Adam, AdamState, AdamW, RMSProp, SGDState

SHAPES = ((3, 2), (4,), (1, 5, 2))
ALL = [SGD(0.1, momentum=0.9), RMSProp(0.1, momentum=0.5), Adam(0.1), AdamW(0.1)]
seeds = st.integers(0, 2**32 - 1)
rates = st.floats(1e-4, 0.3)
betas = st.floats(0, 0.9999)
decays = st.sampled_from([0.0, 1e-3, 0.3])
epsilons = st.sampled_from([1e-8, 1e-3, 1e-15])


@st.composite
def gradient_runs(draw):
    """A start and 50 gradients: of any size, from 1e-300, with rates that change on the way."""
    rng = np.random.default_rng(draw(seeds))
    scale = draw(st.sampled_from([1e-300, 1e-160, 1e-30, 1e-12, 1e-8, 1e-3, 1.0, 1e6]))
    spread = draw(st.sampled_from([0, 3]))
    start = tuple(draw(st.sampled_from([0, 1])) * rng.standard_normal(s) for s in SHAPES)
    gradients = [
        tuple(scale * 10 ** rng.uniform(-spread, spread) * rng.standard_normal(s) for s in SHAPES)
        for _ in range(50)
    ]
    changing = draw(st.booleans())
    rate = draw(rates)
    return start, gradients, [rate * (rng.uniform(0, 2) if changing else 1) for _ in range(50)]


def run(optimiser, start, gradients, rates):
    params, state = start, optimiser.init(start)
    for g, rate in zip(gradients, rates, strict=True):
        params, state = optimiser.step(params, g, state, rate)
    assert state.step == len(gradients)
    return params


class Torch:
    """An optimiser of torch on copies of the given arrays."""

    def __init__(self, make, start, **options):
        self.params = [torch.tensor(theta, requires_grad=True) for theta in start]
        self.optimiser = make(self.params, lr=1.0, **options)

    def step(self, gradients, rate):
        for theta, g in zip(self.params, gradients, strict=True):
            theta.grad = torch.tensor(g)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        return [theta.detach().numpy() for theta in self.params]


def torch_run(make, start, gradients, rates, **options):
    twin = Torch(make, start, **options)
    for g, rate in zip(gradients, rates, strict=True):
        params = twin.step(g, rate)
    return params


def assert_same_step_by_step(optimiser, make, start, gradients, rates, **options):
    """Compare 50 steps, with torch's parameters set to ours before each; the states run on.

    Weight decay in g makes the next step depend on θ. Divided by its own size it is a step of fixed
    length around θ = 0, which is chaotic: rounding errors grow until nothing can be compared.
    """
    params, state = start, optimiser.init(start)
    twin = Torch(make, start, **options)
    for g, rate in zip(gradients, rates, strict=True):
        for theta, ours in zip(twin.params, params, strict=True):
            theta.data = torch.tensor(ours)
        params, state = optimiser.step(params, g, state, rate)
        assert_same(params, twin.step(g, rate))


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * np.abs(b).max())


@pytest.mark.equation("4.1")
@pytest.mark.equation("4.2")
@pytest.mark.equation("4.8")
@given(gradient_runs(), st.sampled_from([0.0, 0.5, 0.99]), decays)
def test_sgd_and_momentum_are_torchs(draws, momentum, decay):
    ours = run(SGD(1.0, momentum, weight_decay=decay), *draws)
    theirs = torch_run(torch.optim.SGD, *draws, momentum=momentum, weight_decay=decay)
    assert_same(ours, theirs)


@pytest.mark.equation("4.6")
@given(gradient_runs(), st.floats(0.01, 0.99), decays)
def test_nesterov_is_torchs(draws, momentum, decay):
    ours = run(SGD(1.0, momentum, True, decay), *draws)
    options = {"momentum": momentum, "weight_decay": decay, "nesterov": True}
    assert_same(ours, torch_run(torch.optim.SGD, *draws, **options))


@pytest.mark.equation("4.7")
@pytest.mark.equation("4.8")
@given(gradient_runs(), betas, epsilons, st.sampled_from([0.0, 0.9]), decays)
def test_rmsprop_is_torchs(draws, beta, eps, momentum, decay):
    options = {"alpha": beta, "eps": eps, "momentum": momentum}
    ours = run(RMSProp(1.0, beta, eps, momentum), *draws)
    assert_same(ours, torch_run(torch.optim.RMSprop, *draws, **options))
    ours, options = RMSProp(1.0, beta, eps, momentum, decay), options | {"weight_decay": decay}
    assert_same_step_by_step(ours, torch.optim.RMSprop, *draws, **options)


@pytest.mark.equation("4.8")
@pytest.mark.equation("4.3")
@pytest.mark.equation("4.4")
@pytest.mark.equation("4.5")
@given(gradient_runs(), betas, betas, epsilons, decays)
def test_adam_is_torchs(draws, beta1, beta2, eps, decay):
    options = {"betas": (beta1, beta2), "eps": eps}
    ours = run(Adam(1.0, beta1, beta2, eps), *draws)
    assert_same(ours, torch_run(torch.optim.Adam, *draws, **options))
    ours, options = Adam(1.0, beta1, beta2, eps, decay), options | {"weight_decay": decay}
    assert_same_step_by_step(ours, torch.optim.Adam, *draws, **options)


@pytest.mark.equation("4.8")
@pytest.mark.parametrize("seed", range(5))
def test_with_weight_decay_too_50_steps_on_their_own_end_where_torchs_do(seed):
    rng = np.random.default_rng(seed)
    start = tuple(rng.standard_normal(s) for s in SHAPES)
    gradients = [tuple(rng.standard_normal(s) for s in SHAPES) for _ in range(50)]
    draws = (start, gradients, rng.uniform(0, 0.1, 50).tolist())
    for ours, theirs in [(Adam, torch.optim.Adam), (RMSProp, torch.optim.RMSprop)]:
        found = run(ours(1.0, weight_decay=0.01), *draws)
        assert_same(found, torch_run(theirs, *draws, weight_decay=0.01))


@pytest.mark.equation("4.9")
@given(gradient_runs(), betas, betas, epsilons, decays)
def test_adamw_is_torchs(draws, beta1, beta2, eps, decay):
    ours = run(AdamW(1.0, beta1, beta2, eps, decay), *draws)
    options = {"betas": (beta1, beta2), "eps": eps, "weight_decay": decay}
    assert_same(ours, torch_run(torch.optim.AdamW, *draws, **options))


def test_the_defaults_are_torchs():
    pairs = [(SGD, torch.optim.SGD), (RMSProp, torch.optim.RMSprop), (Adam, torch.optim.Adam)]
    for ours, theirs in [*pairs, (AdamW, torch.optim.AdamW)]:
        options = theirs([torch.zeros(1)], lr=1.0).defaults
        options["beta"] = options.get("alpha")
        options["beta1"], options["beta2"] = options.get("betas", (None, None))
        for name, value in ours(1.0)._asdict().items():
            if name not in ("rate", "bias_correction"):
                assert options[name] == value, (ours, name)


# -- what is claimed of them ----------------------------------------------------------------------


def first_step(optimiser, g, start=0.0):
    start = (np.full_like(g, start),)
    return optimiser.step(start, (g,), optimiser.init(start))[0][0] - start[0]


sizes = st.builds(lambda sign, power: sign * 10**power, st.sampled_from([-1, 1]), st.floats(-5, 5))


@pytest.mark.equation("4.5")
@given(st.lists(sizes, min_size=1, max_size=5), betas, betas)
def test_adams_first_step_is_the_rate_times_the_sign_up_to_eps(g, beta1, beta2):
    g = np.array(g)
    step = first_step(Adam(0.1, beta1, beta2), g)
    np.testing.assert_allclose(step, -0.1 * g / (np.abs(g) + 1e-8), rtol=1e-10)
    np.testing.assert_allclose(step, -0.1 * np.sign(g), rtol=1.01e-3)  # eps/|g| <= 1e-3


@pytest.mark.equation("4.5")
def test_where_the_gradient_is_far_below_eps_adam_stands_still():
    """ε beside the root: with |g| = 1e-12 the step is 1e-4 of the rate; under it, it is 1e-8."""
    assert first_step(Adam(0.1), np.array([1e-12]))[0] == pytest.approx(-0.1 * 1e-4, rel=1e-3)
    assert first_step(Adam(0.1), np.array([1e-8]))[0] == pytest.approx(-0.1 / 2)


@pytest.mark.equation("4.3")
@pytest.mark.equation("4.4")
@given(sizes, st.floats(0, 0.99), st.floats(0, 0.999))
def test_without_bias_correction_the_first_step_is_1_minus_beta1_over_the_root_of_1_minus_beta2(
    g, beta1, beta2
):
    """m = (1 - β₁) g and √v = √(1 - β₂) |g|: the quotient is no longer the sign."""
    plain = Adam(0.1, beta1, beta2, eps=1e-30, bias_correction=False)
    factor = (1 - beta1) / np.sqrt(1 - beta2)
    np.testing.assert_allclose(first_step(plain, np.array([g])), -0.1 * factor * np.sign(g))


def test_with_the_usual_betas_that_is_3_162():
    step = first_step(Adam(0.1, bias_correction=False), np.array([7.0]))
    assert step[0] / -0.1 == pytest.approx(np.sqrt(10), abs=1e-6)


@given(gradient_runs(), st.floats(-100, 100).filter(lambda c: abs(c) > 1e-2))
def test_adam_does_not_see_the_scale_of_the_gradients_up_to_eps(draws, c):
    """A sum in place of a mean over the batch changes SGD's step, but not Adam's."""
    start, gradients, rates = draws
    size = max(np.abs(g).max() for g in gradients[0])
    gradients = [tuple(g / size for g in arrays) for arrays in gradients]
    scaled = [tuple(abs(c) * g for g in arrays) for arrays in gradients]
    adam = Adam(1.0, eps=1e-30)
    for a, b in zip(run(adam, start, gradients, rates), run(adam, start, scaled, rates),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    with_eps = Adam(1.0, eps=1e-8)
    first, second = np.array([1.0]), np.array([154.0])
    assert first_step(with_eps, first) == pytest.approx(first_step(with_eps, second), rel=1.1e-8)


def test_with_a_constant_gradient_momentum_multiplies_the_step_by_1_over_1_minus_mu():
    start, g = (np.zeros(1),), (np.ones(1),)
    for nesterov in (False, True):
        far = run(SGD(0.1, 0.9, nesterov), start, [g] * 500, [0.1] * 500)
        near = run(SGD(0.1, 0.9, nesterov), start, [g] * 499, [0.1] * 499)
        assert (far[0] - near[0])[0] == pytest.approx(-0.1 / (1 - 0.9))


def test_weight_decay_in_the_gradient_is_lost_in_adam_and_not_in_adamw():
    start, nothing = (np.array([1.0, 5.0]),), (np.zeros(2),)
    adam, adamw = Adam(0.1, weight_decay=0.01), AdamW(0.1, weight_decay=0.01)
    after, _ = adam.step(start, nothing, adam.init(start))
    np.testing.assert_allclose(start[0] - after[0], 0.1, rtol=1e-5)  # both by η, λ plays no part
    after, _ = adamw.step(start, nothing, adamw.init(start))
    np.testing.assert_allclose(after[0] / start[0], 1 - 0.1 * 0.01)
    sgd = SGD(0.1, weight_decay=0.01)
    np.testing.assert_allclose(sgd.step(start, nothing, sgd.init(start))[0][0], after[0])


@pytest.mark.parametrize("optimiser", ALL)
def test_every_optimiser_finds_the_minimum_of_a_bowl(optimiser):
    target = init_params(2, 4, 3, np.random.default_rng(0))
    params = init_params(2, 4, 3, np.random.default_rng(1))
    state = optimiser.init(params)
    for n in range(400):
        gradients = tuple(theta - t for theta, t in zip(params, target, strict=True))
        params, state = optimiser.step(params, gradients, state, rate=0.1 * 0.98**n)
    for theta, t in zip(params, target, strict=True):
        np.testing.assert_allclose(theta, t, atol=0.02)


# -- pure functions -------------------------------------------------------------------------------


def a_step(optimiser, dtype=np.float64):
    """Parameters, gradients and a state that is not zero."""
    params = init_params(2, 4, 3, np.random.default_rng(0), dtype=dtype)
    gradients = tuple(np.asarray(theta + 0.5, dtype) for theta in params)
    _, state = optimiser.step(params, gradients, optimiser.init(params))
    return params, gradients, state


def flat(*things):
    for thing in things:
        yield from flat(*thing) if isinstance(thing, tuple) else [np.array(thing)]


@pytest.mark.parametrize("optimiser", ALL)
def test_a_step_changes_none_of_its_inputs(optimiser):
    inputs = a_step(optimiser)
    for array in flat(*inputs):
        array.setflags(write=False)
    before = list(flat(*inputs))
    params, state = optimiser.step(*inputs)
    for a, b in zip(flat(*inputs), before, strict=True):
        np.testing.assert_array_equal(a, b)
    for new in (*params, *(a for field in state[:-1] for a in field)):
        assert not any(np.shares_memory(new, old) for old in (*inputs[0], *inputs[1]))


@pytest.mark.parametrize("optimiser", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_type_dtype_and_shapes_are_kept(optimiser, dtype):
    """Also if rates and other numbers come as np.float64, as from np.logspace."""
    numbers = {k: np.float64(v) for k, v in optimiser._asdict().items() if isinstance(v, float)}
    optimiser = optimiser._replace(**numbers)
    params, gradients, state = a_step(optimiser, dtype)
    new, state = optimiser.step(params, gradients, state, rate=np.float64(0.1))
    assert type(new) is RNNParams
    assert [a.shape for a in new] == [a.shape for a in params]
    assert {a.dtype for a in (*new, *(a for field in state[:-1] for a in field))} == {
        np.dtype(dtype)
    }
    assert type(optimiser.step(list(params), gradients, state)[0]) is list
    assert type(optimiser.step(tuple(params), gradients, state)[0]) is tuple


@pytest.mark.parametrize("optimiser", ALL)
def test_the_given_rate_takes_the_place_of_the_optimisers_own(optimiser):
    inputs = a_step(optimiser)
    other, _ = optimiser._replace(rate=0.03).step(*inputs)
    given_rate, _ = optimiser.step(*inputs, rate=0.03)
    own, _ = optimiser.step(*inputs)
    np.testing.assert_array_equal(other.W_hh, given_rate.W_hh)
    assert (own.W_hh != other.W_hh).all()


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("optimiser", ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_refused_and_nothing_changes(optimiser, bad):
    params, gradients, state = a_step(optimiser)
    gradients[1][2, 3] = bad
    before = list(flat(params, state))
    with pytest.raises(NonFiniteGradient, match=r"gradient of W_hh has 1 entries .* is refused"):
        optimiser.step(params, gradients, state)
    for a, b in zip(flat(params, state), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimiser", ALL[1:])
def test_a_finite_gradient_whose_square_overflows_is_refused(optimiser):
    """Let in, v would be inf for good, and the parameters would never move again."""
    params, gradients, state = a_step(optimiser, np.float32)
    gradients[3][0] = 1e30
    with pytest.raises(NonFiniteGradient, match=r"of b_h is finite, but .* overflows"):
        optimiser.step(params, gradients, state)


def test_a_step_that_overflows_a_parameter_is_refused():
    params = (np.array([1.5e308]),)
    sgd = SGD(1.0)
    with pytest.raises(NonFiniteGradient, match=r"gradient of params\[0\] is finite"):
        sgd.step(params, (np.array([-1.5e308]),), sgd.init(params))


@pytest.mark.parametrize(
    ("optimiser", "message"),
    [
        (SGD(-0.1), "rate is -0.1; expected a finite number, at least 0"),
        (SGD(np.nan), "rate is nan"),
        (SGD(np.inf), "rate is inf"),
        (SGD("0.1"), "rate is '0.1'"),
        (SGD(0.1, momentum=1.0), "momentum is 1.0; expected a finite number, 0 <= momentum < 1"),
        (SGD(0.1, nesterov=True), "nesterov is True and momentum is 0"),
        (SGD(0.1, weight_decay=-1.0), "weight_decay is -1.0"),
        (RMSProp(0.1, beta=1.0), "beta is 1.0"),
        (Adam(0.1, beta1=1.0), "beta1 is 1.0"),
        (Adam(0.1, beta2=1), "beta2 is 1"),
        (Adam(0.1, beta2=-0.1), "beta2 is -0.1"),
        (AdamW(0.1, eps=0.0), "eps is 0.0; expected a finite number, above 0"),
    ],
)
def test_a_number_outside_its_range_is_named(optimiser, message):
    params = (np.zeros(2),)
    with pytest.raises(ValueError, match=message):
        optimiser.init(params)
    state = SGDState((np.zeros(2),), 0)
    with pytest.raises(ValueError, match=message):
        optimiser.step(params, (np.zeros(2),), state)


@pytest.mark.parametrize("optimiser", ALL)
def test_gradients_and_states_that_do_not_fit_are_named(optimiser):
    params, gradients, state = a_step(optimiser)
    for wrong, error, message in [
        (gradients[:4], ValueError, "4 gradient arrays for 5 parameter arrays"),
        ((gradients[0].T, *gradients[1:]), ValueError,
         r"the gradient of W_xh has shape \(2, 4\); expected \(4, 2\)"),
        ((gradients[0][:, :1], *gradients[1:]), ValueError, r"of W_xh has shape \(4, 1\)"),
        (tuple(g.astype(np.float32) for g in gradients), TypeError, "W_xh has dtype float32"),
        ((1.0, *gradients[1:]), TypeError, "the gradient of W_xh is a float; expected an array"),
        (tuple(map(torch.tensor, gradients)), TypeError, "is a torch.Tensor; expected an array"),
        (gradients[0], TypeError, "gradients is a ndarray; expected a tuple"),
        (None, TypeError, "gradients is a NoneType; expected a tuple"),
    ]:  # fmt: skip
        with pytest.raises(error, match=message):
            optimiser.step(params, wrong, state)
    with pytest.raises(TypeError, match=r"state is a NoneType; expected the \w+ that init"):
        optimiser.step(params, gradients, None)
    other = optimiser.init(params._replace(W_hh=np.zeros((3, 3))))
    with pytest.raises(ValueError, match=r"the state's \w+ of W_hh has shape \(3, 3\)"):
        optimiser.step(params, gradients, other)
    with pytest.raises(TypeError, match="params is a ndarray; expected a NamedTuple or tuple"):
        optimiser.init(params.W_hh)
    with pytest.raises(TypeError, match="params is empty"):
        optimiser.init(())
    with pytest.raises(TypeError, match=r"params\[0\] is a int64; expected an array of float32"):
        optimiser.init((np.arange(3),))


def test_the_state_of_another_optimiser_is_refused():
    params, gradients, _ = a_step(SGD(0.1))
    with pytest.raises(TypeError, match="state is a AdamState; expected the SGDState"):
        SGD(0.1).step(params, gradients, Adam(0.1).init(params))
    assert isinstance(AdamW(0.1).init(params), AdamState)  # Adam and AdamW share theirs


def test_the_gradients_of_bptt_go_in_by_of_params():
    from networks import make_network

    network = make_network(4, 2, 3, 5, 2)
    trace = network.trace()
    gradients = bptt(network.params, trace, network.loss(trace.y).dL_dy)
    sgd = SGD(0.1)
    with pytest.raises(TypeError, match=r"no parameters; write gradients.of_params\(\)"):
        sgd.step(network.params, gradients, sgd.init(network.params))
    new, _ = sgd.step(network.params, gradients.of_params(), sgd.init(network.params))
    np.testing.assert_allclose(new.W_hh, network.params.W_hh - 0.1 * gradients.dL_dW_hh)
