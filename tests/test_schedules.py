"""Schedules against torch's, and their ends."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncourse.schedules import constant, cosine, exponential_decay, step_decay, warmup

rates = st.floats(1e-4, 10)
factors = st.floats(0.1, 1)
counts = st.integers(1, 40)


def torch_rates(rate, steps, make):
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=rate)
    scheduler = make(optimiser)
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return found


def of(schedule, steps):
    return [schedule(n) for n in range(steps)]


@pytest.mark.equation("4.10")
@given(rates, factors, counts)
def test_step_decay_is_torchs(rate, q, every):
    theirs = torch_rates(rate, 50, lambda o: torch.optim.lr_scheduler.StepLR(o, every, q))
    np.testing.assert_allclose(of(step_decay(rate, q, every), 50), theirs, rtol=1e-10)


@pytest.mark.equation("4.11")
@given(rates, factors)
def test_exponential_decay_is_torchs_and_its_sum_is_bounded(rate, q):
    theirs = torch_rates(rate, 50, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, q))
    ours = of(exponential_decay(rate, q), 50)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert sum(ours) * (1 - q) <= rate * (1 + 1e-12)


@pytest.mark.equation("4.12")
@given(rates, counts, st.floats(0, 1))
def test_cosine_is_torchs_until_the_end_and_stays_there(rate, steps, share):
    final = share * rate
    theirs = torch_rates(
        rate, steps + 1,
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps, eta_min=final),
    )  # fmt: skip
    schedule = cosine(rate, steps, final)
    np.testing.assert_allclose(of(schedule, steps + 1), theirs, rtol=1e-10, atol=1e-10 * rate)
    assert schedule(steps) == schedule(10 * steps) == pytest.approx(final)
    assert (np.diff(of(schedule, 50)) <= 1e-15 * rate).all()


@pytest.mark.equation("4.13")
@given(rates, st.integers(2, 40), factors)
def test_warmup_is_torchs_linear_rise_and_then_the_schedule_from_its_beginning(rate, steps, q):
    def make(optimiser):
        sched = torch.optim.lr_scheduler
        rise = sched.LinearLR(optimiser, 1 / steps, 1, steps - 1)
        after = sched.ExponentialLR(optimiser, q)
        return sched.SequentialLR(optimiser, [rise, after], [steps])

    theirs = torch_rates(rate, 60, make)
    ours = of(warmup(exponential_decay(rate, q), steps), 60)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert ours[steps - 1] == pytest.approx(rate)
    assert ours[steps] == pytest.approx(rate)
    assert of(warmup(rate, steps), 60)[steps:] == [rate] * (60 - steps)


def test_constant_is_constant_and_warmup_of_one_step_begins_at_the_full_rate():
    assert of(constant(0.3), 5) == [0.3] * 5
    assert warmup(0.3, 1)(0) == 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constant(-1), "rate is -1; expected a finite number, at least 0"),
        (lambda: constant(np.inf), "rate is inf"),
        (lambda: constant(np.nan), "rate is nan"),
        (lambda: constant("a"), "rate is 'a'"),
        (lambda: step_decay(0.1, 1.5, 10), "factor is 1.5; expected .* from 0 to 1"),
        (lambda: step_decay(0.1, 0.5, 0), "every is 0; expected a whole number of at least 1"),
        (lambda: step_decay(0.1, 0.5, 2.5), "every is 2.5"),
        (lambda: exponential_decay(0.1, -0.5), "factor is -0.5"),
        (lambda: cosine(0.1, 0), "steps is 0"),
        (lambda: cosine(0.1, 5, final=-1), "final is -1"),
        (lambda: warmup(-0.1, 5), "rate is -0.1"),
        (lambda: warmup(0.1, 0), "steps is 0"),
        (lambda: constant(0.1)(-1), "the step number is -1; expected a whole number of at least 0"),
        (lambda: warmup(0.1, 3)(0.5), "the step number is 0.5"),
    ],
)
def test_arguments_outside_their_range_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
