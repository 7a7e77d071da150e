"""The explorer of notebook 03: from a moved slider to the new picture, at N = 64 and T = 100."""

import itertools

from rnncourse.explore import explorer


def test_from_slider_to_redraw(benchmark):
    """The goal is 100 ms on two cores: then a figure seems to follow the hand."""
    controls, picture = explorer().children
    gain, values = controls.children[0], itertools.cycle((0.8, 1.0, 1.2, 1.4))
    before = picture.value

    def move():
        gain.value = next(values)

    benchmark.pedantic(move, rounds=40, warmup_rounds=4)
    assert picture.value != before
