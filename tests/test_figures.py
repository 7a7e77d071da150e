"""Figures: arrays in, a labelled Figure out."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from rnncourse import figures

RNG = np.random.default_rng(0)
SERIES = np.linspace(0.1, 1, 5)
BOTH = {"one": SERIES, "other": SERIES / 2}
CURVES = {"train": SERIES, "validation": SERIES / 2}
DRAW = {
    "digit_as_sequence": lambda: figures.digit_as_sequence(RNG.random((8, 8)), 3),
    "unrolled_graph": lambda: figures.unrolled_graph(
        RNG.random((3, 8)), RNG.uniform(-1, 1, (4, 12)), RNG.random((3, 10))
    ),
    "class_probabilities": lambda: figures.class_probabilities(RNG.random((8, 10)), 3),
    "error_against_step": lambda: figures.error_against_step(10.0 ** -np.arange(1, 6), BOTH),
    "gradient_flow": lambda: figures.gradient_flow(RNG.standard_normal((7, 5))),
    "contribution_matrix": lambda: figures.contribution_matrix(np.tril(RNG.random((6, 6)))),
    "cost_against_length": lambda: figures.cost_against_length(2 ** np.arange(5), BOTH, BOTH),
    "memory_against_segment": lambda: figures.memory_against_segment(
        2 ** np.arange(5), SERIES, SERIES, 2.0
    ),
    "bias_against_window": lambda: figures.bias_against_window(np.arange(1, 6), BOTH, BOTH),
    "learning_curves": lambda: figures.learning_curves(np.arange(1, 6), CURVES, CURVES),
}


def public_functions() -> set[str]:
    return {
        name
        for name, value in vars(figures).items()
        if callable(value) and not name.startswith("_") and value.__module__ == figures.__name__
    }


def test_every_figure_of_the_course_is_drawn_here():
    assert public_functions() == set(DRAW)


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_has_labelled_axes_and_leaves_the_readers_settings_alone(name):
    def settings() -> dict:
        return {key: value for key, value in mpl.rcParams.items() if key != "backend"}

    before = settings()
    figure = DRAW[name]()
    assert settings() == before
    assert isinstance(figure, Figure)
    for ax in figure.axes:
        assert ax.get_xlabel() or ax.get_ylabel(), "an axis without a label"
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_looks_the_same_whatever_the_reader_has_set(name):
    def picture() -> bytes:
        global RNG
        RNG = np.random.default_rng(0)
        png = io.BytesIO()
        DRAW[name]().savefig(png, format="png", metadata={"Software": None})
        return png.getvalue()

    plain = picture()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        assert picture() == plain


def test_different_data_make_a_different_picture():
    pictures = []
    for scale in (1, 2):
        png = io.BytesIO()
        curves = {"train": scale * SERIES, "validation": SERIES}
        figures.learning_curves(np.arange(5), curves, CURVES).savefig(png, format="png")
        pictures.append(png.getvalue())
    assert pictures[0] != pictures[1]


def contrast(colour: str) -> float:
    """Contrast ratio of a colour against white, after the web content accessibility guidelines."""
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


def test_quantities_differ_in_colour_and_are_legible_on_white():
    colours = [colour for colour, _, _ in figures.LOOK.values()]
    assert len(set(colours)) == len(colours)
    for colour in colours:
        assert contrast(colour) >= 2.9, colour
