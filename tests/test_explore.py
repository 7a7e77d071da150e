"""The explorer: what it computes, what it says, and that its controls move both."""

import builtins
import re
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncourse import explore as explore_module
from rnncourse.bounds import slope_bound, upper_bounds
from rnncourse.cell import ACTIVATIONS, RNNParams, get_activation
from rnncourse.explore import _weights, describe, draw, explore_gradients, explorer
from rnncourse.unroll import unroll

SETTINGS = st.fixed_dictionaries({
    "gain": st.floats(0.3, 2),
    "nonnormality": st.floats(0, 3),
    "activation": st.sampled_from(sorted(ACTIVATIONS)),
    "input_strength": st.floats(0, 2),
    "lag": st.integers(1, 9),
    "N": st.integers(1, 7),
})  # fmt: skip


def explore(gain=0.9, nonnormality=1.0, activation="tanh", input_strength=0.5, lag=9, **more):
    more = {"N": 6, "T": 11, "rng": np.random.default_rng(0)} | more
    return explore_gradients(gain, nonnormality, activation, input_strength, lag, **more)


@pytest.mark.parametrize("N", [1, 2, 5, 8])
@pytest.mark.parametrize("nonnormality", [0.0, 1.0, 3.0])
def test_the_eigenvalues_depend_on_the_gain_and_not_on_the_nonnormality(N, nonnormality):
    normal, other = explore(1.0, 0.0, N=N), explore(0.7, nonnormality, N=N)
    for power in range(1, N + 1):  # the traces of the powers determine the eigenvalues
        first, second = (np.trace(np.linalg.matrix_power(e.W_hh, power)) for e in (normal, other))
        np.testing.assert_allclose(second, 0.7**power * first, rtol=1e-9, atol=1e-9)
    assert np.abs(np.linalg.eigvals(other.W_hh)).max() == pytest.approx(0.7, abs=1e-6)
    assert other.radius == 0.7


def test_at_nonnormality_zero_the_weights_are_normal_and_their_norm_is_their_radius():
    W = explore(0.8, 0.0, N=7).W_hh
    np.testing.assert_allclose(W @ W.T, W.T @ W, atol=1e-14)
    assert not np.allclose(W, W.T)
    assert explore(0.8, 0.0, N=7).norm == pytest.approx(0.8)


def test_at_nonnormality_one_weights_depart_from_normal_as_far_as_independent_gaussian_ones():
    def departure(W: np.ndarray) -> float:
        return (np.sum(W**2) - np.sum(np.abs(np.linalg.eigvals(W)) ** 2)) / len(W)

    N = 200
    gaussian = np.random.default_rng(1).standard_normal((N, N)) / np.sqrt(N)
    ours = explore(1.0, 1.0, N=N, T=1, lag=1).W_hh
    assert departure(ours) == pytest.approx(departure(gaussian), rel=0.1)


def norms_by_definition(settings: dict, T: int) -> list[float]:
    """‖J_{T:T-ℓ}‖: the same draws, and the product of D W written out, the newest on the left."""
    rng, N = np.random.default_rng(0), settings["N"]
    W = _weights(N, settings["gain"], settings["nonnormality"], rng)
    x, h = rng.standard_normal((T, N)), 0.5 * rng.standard_normal(N)
    activation, J = get_activation(settings["activation"]), []
    for t in range(T):
        a = W @ h + settings["input_strength"] * x[t]
        h = activation.phi(a)
        J.append(np.diag(activation.dphi(a)) @ W)
    lags = range(1, settings["lag"] + 1)
    return [np.linalg.norm(np.linalg.multi_dot([np.eye(N), *J[: -ell - 1 : -1], np.eye(N)]), 2)
            for ell in lags]  # fmt: skip


@given(settings=SETTINGS)
def test_the_measured_norm_is_that_of_the_product_and_lies_below_both_bounds(settings):
    found = explore(**settings)
    np.testing.assert_allclose(
        np.exp(found.log_norm), norms_by_definition(settings, T=11), rtol=1e-9, atol=1e-14
    )
    assert (found.log_norm <= found.log_factors + 1e-9).all()
    assert (found.log_factors <= found.log_bound + 1e-9).all()


@given(settings=SETTINGS)
def test_the_bounds_are_those_of_the_chapter(settings):
    settings["lag"], gamma = 11, slope_bound(settings["activation"])
    found = explore(**settings)
    rng = np.random.default_rng(0)
    _weights(settings["N"], 1.0, 0.0, rng)
    x, h_0 = rng.standard_normal((11, 1, settings["N"])), rng.standard_normal((1, settings["N"]))
    N = settings["N"]
    params = RNNParams(settings["input_strength"] * np.eye(N), found.W_hh, np.zeros((1, N)),
                       np.zeros(N), np.zeros(1))  # fmt: skip
    trace = unroll(params, x, 0.5 * h_0, settings["activation"])
    bounds = upper_bounds(trace.activation.dphi(trace.a[:, 0]), found.W_hh, gamma)
    np.testing.assert_allclose(found.log_factors, bounds.factors, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.log_bound, bounds.gamma, rtol=1e-9, atol=1e-9)


def test_without_nonlinearity_and_normal_all_curves_are_the_radius_to_the_lag():
    found = explore(1.3, 0.0, "identity")
    for curve in (found.log_norm, found.log_factors, found.log_bound, found.log_radius):
        np.testing.assert_allclose(curve, np.arange(1, 10) * np.log(1.3))
    np.testing.assert_array_equal(explore(1.3, 2.0, "tanh").log_radius, found.log_radius)


def test_radius_below_one_need_not_vanish_and_radius_above_one_need_not_explode():
    grows = explore(0.9, 4.0, "tanh", 0.0, 100, N=64, T=100)
    falls = explore(1.2, 1.0, "tanh", 0.5, 100, N=64, T=100)
    assert grows.log_norm[-1] > np.log(1e6)
    assert falls.log_norm[-1] < np.log(1e-3)
    assert "That ρ = 0.90 < 1 does not prevent it." in describe(grows)
    assert "That ρ = 1.20 > 1 does not prevent it." in describe(falls)


def test_the_same_seed_gives_the_same_numbers_and_the_lag_only_cuts_them():
    short, long = explore(lag=4), explore(lag=9)
    for one, other, again in zip(short[4:], long[4:], explore(lag=4)[4:], strict=True):
        np.testing.assert_array_equal(one, again)
        np.testing.assert_allclose(one, other[:4], rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("identity", 0.8, 0.0), "‖W‖ = 0.80 < 1: the norm has to vanish, at least like 0.80^ℓ. "
                                 "Measured, it falls (× 0.8 per step)."),
        (("identity", 1.0, 0.0), "‖W‖ = 1: the norm cannot grow. Measured, it is within a factor"),
        (("identity", 1.3, 0.0), "‖W‖ = 1.30 > 1 allows growth, and the measured norm grows "
                                 "(× 1.3 per step)."),
        (("tanh", 1.2, 0.0), "‖W‖ = 1.20 > 1, but the measured norm falls"),
        (("logistic", 0.8, 0.0), "γ‖W‖ = 0.25 · 0.80 = 0.20 < 1: the norm has to vanish"),
        (("identity", 0.9, 4.0), "On the way it is as large as"),
    ],
)  # fmt: skip
def test_the_words_say_what_the_numbers_are(settings, words):
    activation, gain, nonnormality = settings
    found = explore(gain, nonnormality, activation, 1.0, 60, T=60, N=8)
    assert words in describe(found)
    assert "At lag 60: measured " in describe(found)


def test_a_product_that_is_exactly_zero_is_said_to_be_so():
    zero = explore()._replace(log_norm=np.array([0.5, -0.2, -np.inf, -np.inf]))
    assert "the measured norm is exactly zero from lag 3 on" in describe(zero)
    draw(zero._replace(**{name: getattr(zero, name)[:4] for name in zero._fields[5:]}))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"gain": 0.0}, r"gain is 0.0; expected a finite number above 0\."),
        ({"gain": np.nan}, "gain is nan"),
        ({"nonnormality": -1.0}, r"nonnormality is -1.0; expected a finite number of at least 0\."),
        ({"input_strength": np.inf}, "input_strength is inf"),
        ({"lag": 12}, "lag is 12; expected a whole number of at least 1 and at most 11"),
        ({"lag": 2.5}, "lag is 2.5"),
        ({"N": 0}, "N is 0"),
        ({"activation": "selu"}, "activation is 'selu'; expected one of tanh"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_plainly(wrong, message):
    with pytest.raises(ValueError, match=message):
        explore(**wrong)


def test_a_number_in_place_of_a_generator_is_refused_plainly():
    with pytest.raises(TypeError, match="rng is 0; expected a Generator"):
        explore(rng=0)


def test_a_figure_that_is_drawn_again_is_the_same_as_a_new_one():
    first, second = explore(0.8), explore(1.5, 2.0, "relu", lag=5)
    kept = draw(second, draw(first))
    new = draw(second)
    for old_ax, new_ax in zip(kept.axes, new.axes, strict=True):
        assert old_ax.get_xlim() == new_ax.get_xlim()
        assert old_ax.get_ylim() == new_ax.get_ylim()
        for old, line in zip(old_ax.lines, new_ax.lines, strict=True):
            np.testing.assert_array_equal(old.get_xydata(), line.get_xydata())
    segments = (f.axes[1].collections[0].get_segments() for f in (kept, new))
    for old, line in zip(*segments, strict=True):
        np.testing.assert_array_equal(old, line)


def test_the_figure_shows_powers_of_ten_of_what_was_found():
    found = explore()
    norms, directions = draw(found).axes
    shown = [line.get_ydata() for line in (*norms.lines[1:], directions.lines[1])]
    shown += [segment[:, 1] for segment in directions.collections[0].get_segments()]
    curves = (found.log_factors, found.log_bound, found.log_radius, found.log_norm)
    for decades, nats in zip(shown, (*curves, *found.log_singular_values.T), strict=True):
        np.testing.assert_allclose(10**decades, np.exp(nats))


# --- the controls ---


@pytest.mark.parametrize("number", range(5))
def test_every_control_changes_the_picture_its_alt_text_and_the_words(number):
    controls, picture = explorer(N=5, T=8).children
    control = controls.children[number]
    before = picture.value
    control.value = control.options[1] if control.description == "activation φ" else control.min
    image, alt, words = re.fullmatch(r'<img src="(.*?)" alt="(.*?)".*<p.*?>(.*)</p>',
                                     picture.value).groups()  # fmt: skip
    assert image not in before
    assert alt == words
    assert words not in before


def test_every_control_has_a_description():
    controls, _ = explorer(N=3, T=4).children
    assert all(len(control.description) > 8 for control in controls.children)


def test_the_text_form_is_the_same_at_every_run():
    assert repr(explorer(N=3, T=4)) == repr(explorer(seed=1, N=4, T=5))


def test_without_ipywidgets_only_the_widget_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name: str, *more: object) -> object:
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    explore()
    with pytest.raises(ImportError, match="needs ipywidgets, which is not installed"):
        explorer()


def test_controls_that_move_at_the_same_time_are_drawn_one_after_the_other(monkeypatch):
    """JupyterLab hands the changes of several controls to several threads of the kernel."""
    controls, picture = explorer(N=3, T=4).children
    at_work, most = [], []

    def slow_draw(*arguments: object) -> object:
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.05)
        at_work.pop()
        return draw(*arguments)

    monkeypatch.setattr(explore_module, "draw", slow_draw)
    sliders = controls.children[:3]
    threads = [threading.Thread(target=setattr, args=(s, "value", s.min)) for s in sliders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]
    others, expected = explorer(N=3, T=4).children
    for slider, other in zip(sliders, others.children, strict=False):
        other.value = slider.value
    assert picture.value == expected.value
