"""Figures: arrays in, a labelled Figure out."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnncourse import figures, gradient_figures, training_figures

MODULES = (figures, gradient_figures, training_figures)
RNG = np.random.default_rng(0)
SERIES = np.linspace(0.1, 1, 5)
BOTH = {"one": SERIES, "other": SERIES / 2}
LAGS = np.arange(1, 8)
FALLING = -0.7 * LAGS
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
    "gradient_explorer": lambda: figures.gradient_explorer(
        FALLING,
        {"bound": LAGS, "tighter": LAGS / 2, "radius": -LAGS},
        np.outer(LAGS, [-0.7, -1, -2]),
    ),
}
FOUR = {name: 0.3 * i * LAGS for i, name in enumerate(("one", "two", "three", "four"), start=1)}
PATHS = {"plain": np.array([[1.0, 2.0], [9.0, 9.0]]), "clipped": np.array([[1.0, 2.0], [1.5, 2.5]])}
GRADIENTS = {
    "norm_against_lag": lambda: gradient_figures.norm_against_lag(
        FALLING, FOUR, {"below": 3 * FALLING, "far below": 4 * FALLING}, 2 * FALLING
    ),
    "singular_value_fan": lambda: gradient_figures.singular_value_fan(
        np.sort(RNG.standard_normal((7, 5)))[:, ::-1] - np.outer(LAGS, np.arange(5))
    ),
    "hump": lambda: gradient_figures.hump(3 + FALLING, FALLING, 3 * LAGS),
    "eigenvalue_cloud": lambda: gradient_figures.eigenvalue_cloud(
        RNG.standard_normal(7) + 1j * RNG.standard_normal(7), 0.25
    ),
    "lyapunov_against_gain": lambda: gradient_figures.lyapunov_against_gain(LAGS, FOUR),
    "growth_against_scale": lambda: gradient_figures.growth_against_scale(LAGS / 4, FOUR),
    "saturation_brake": lambda: gradient_figures.saturation_brake(
        LAGS / 2, 1 / LAGS, np.full(len(LAGS), 0.5)
    ),
    "cliff_surface": lambda: gradient_figures.cliff_surface(
        np.linspace(0, 3, 6), np.linspace(1, 3, 5), 1e-9 + RNG.random((5, 6)), PATHS
    ),
}
GOES_ON = (LAGS, 0.5 + 2.0**-LAGS, 0.6 + 2.0**-LAGS)
BREAKS = (LAGS, np.where(LAGS == 5, np.nan, 10.0**LAGS), 20.0**LAGS)
MEDIAN = np.array([[3.0, 2.0, np.inf], [0.1, 40.0, 5.0]])
TRAINING = {
    "training_history": lambda: training_figures.training_history(
        CURVES, CURVES, np.array([0.5, 4.0, 0.9, np.inf, 2.0, 0.1, 0.2, 1.0]), np.arange(8) / 100,
        threshold=1.0, baseline=2.3, best=3,
    ),
    "loss_regimes": lambda: training_figures.loss_regimes(
        {"underfitting": GOES_ON, "overfitting": GOES_ON, "divergence": BREAKS}, 2.3
    ),
    "study_heat_map": lambda: training_figures.study_heat_map(
        MEDIAN, MEDIAN - 1, MEDIAN + 1, [3, 5], [0.1, 1, 10], row_name="units",
        column_name="rate", value_name="loss", title="T = 5",
    ),
    "sequence_example": lambda: training_figures.sequence_example(
        RNG.standard_normal((7, 5)), LAGS % 3, LAGS > 2, "a task", symbols=["a", "b", "c"]
    ),
    "forecast": lambda: training_figures.forecast(LAGS + 1900, LAGS % 4, FOUR, held_out=1905),
    "optimiser_paths": lambda: training_figures.optimiser_paths(
        np.linspace(0, 3, 6), np.linspace(1, 3, 5), 0.1 + RNG.random((5, 6)), PATHS,
        minimum=(1.0, 2.0),
    ),
    "clipping_picture": lambda: training_figures.clipping_picture(
        np.array([[3.0, 1.0], [0.2, 0.3]]), np.array([[0.9, 0.3], [0.2, 0.3]]),
        np.array([[1.0, 1.0], [0.2, 0.3]]), 1.0,
    ),
}  # fmt: skip
DRAW |= GRADIENTS | TRAINING


def public_functions() -> set[str]:
    return {
        name
        for module in MODULES
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and value.__module__ == module.__name__
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


# --- the growth and the decay of gradients ---


def in_decades(*powers: float) -> np.ndarray:
    """Natural logarithms of powers of ten."""
    return np.log(10) * np.array(powers)


def curve(figure: Figure, label: str) -> np.ndarray:
    [line] = [line for line in figure.axes[0].lines if line.get_label() == label]
    return line.get_ydata()


def ticks(figure: Figure) -> dict[str, float]:
    axis = figure.axes[0].yaxis
    places = axis.get_majorticklocs()
    return dict(zip(axis.get_major_formatter().format_ticks(places), places, strict=True))


def test_natural_logarithms_are_drawn_at_their_powers_of_ten():
    figure = gradient_figures.norm_against_lag(in_decades(0, -3, -6), {"b": in_decades(1, 2, 3)})
    assert np.allclose(curve(figure, "measured"), [0, -3, -6])
    assert np.allclose(curve(figure, "b"), [1, 2, 3])
    labels = ticks(figure)
    assert len(labels) >= 3
    assert all(label == f"$10^{{{place:.0f}}}$" for label, place in labels.items())


@pytest.mark.parametrize("span", [1e-16, 0.1, 0.5, 1.5])
def test_a_short_axis_of_powers_of_ten_is_labelled_in_plain_numbers(span):
    figure = gradient_figures.norm_against_lag(in_decades(0.3, 0.3 + span), {})
    low, high = figure.axes[0].get_ylim()
    labels = {text: place for text, place in ticks(figure).items() if low <= place <= high}
    assert len(labels) >= 2
    assert all(10**place == pytest.approx(float(text)) for text, place in labels.items())


def test_the_slack_lies_between_the_measured_norm_and_the_loosest_bound():
    crossing = {"first": in_decades(3, 3, 3), "second": in_decades(1, 2, 5)}
    figure = gradient_figures.norm_against_lag(in_decades(0, -1, -2), crossing)
    [patch] = figure.axes[0].collections
    x, y = patch.get_paths()[0].vertices.T
    for lag, low, high in ((1, 0, 3), (2, -1, 3), (3, -2, 5)):
        here = y[x == lag]
        assert here.min() == pytest.approx(low)
        assert here.max() == pytest.approx(high)


def test_the_legend_is_in_the_order_in_which_the_curves_end():
    figure = gradient_figures.norm_against_lag(
        in_decades(0, -1), {"b": in_decades(1, 2), "a": in_decades(1, 3)},
        {"c": in_decades(-9, -99)}, np.array([-5.0, np.nan]),
    )  # fmt: skip
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[:3] == ["a", "b", "measured"]
    assert labels[3:5] == [r"measured: $\sigma_{\min}$", "c"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda gone: gradient_figures.norm_against_lag(gone, {"b": LAGS}, {"l": gone}, gone),
        lambda gone: gradient_figures.norm_against_lag(gone, {"b": gone}),
        lambda gone: gradient_figures.singular_value_fan(np.stack([FALLING, gone, gone], 1)),
        lambda gone: gradient_figures.hump(gone, FALLING, LAGS),
        lambda gone: gradient_figures.growth_against_scale(LAGS, {"relu": gone}),
    ],
)
@pytest.mark.parametrize("value", [-np.inf, np.nan])
@pytest.mark.parametrize("left", [0, 1, 4])
def test_what_is_exactly_zero_or_lost_in_rounding_is_left_out(draw, value, left):
    figure = draw(np.where(left >= LAGS, FALLING, value))
    assert np.isfinite(figure.axes[0].get_ylim()).all()
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (6, 1), (6, 2), (6, 3)])
def test_the_fan_shows_every_singular_value(shape):
    values = np.arange(np.prod(shape), dtype=float)[::-1].reshape(shape)
    ax = gradient_figures.singular_value_fan(values).axes[0]
    drawn = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == shape[0]]
    drawn = [y for y in drawn if not np.array_equal(y, [0, 0])]
    assert sorted(y[0] for y in drawn) == pytest.approx(sorted(values[0] / np.log(10)))


def test_the_smallest_singular_value_is_drawn_as_the_smallest():
    figure = gradient_figures.singular_value_fan(np.log(10) * np.array([[3.0, 2, 1], [2, 1, 0]]))
    assert np.allclose(curve(figure, "the largest"), [3, 2])
    assert np.allclose(curve(figure, "the smallest"), [1, 0])


def test_a_bound_that_leaves_the_picture_does_not_flatten_the_hump():
    norms, radius = in_decades(1, 1.6, -2), in_decades(-1, -2, -3)
    figure = gradient_figures.hump(norms, radius, in_decades(1, 1000, 1e6))
    low, high = figure.axes[0].get_ylim()
    assert low < -3 < 1.6 < high < 3


def test_each_curve_shows_what_its_label_says():
    w, slope, growth = np.arange(1.0, 4), np.array([0.9, 0.5, 0.1]), np.array([0.2, 0.3, 0.4])
    brake = gradient_figures.saturation_brake(w, slope, growth)
    assert np.array_equal(curve(brake, "the weight alone: $w$"), w)
    assert np.array_equal(curve(brake, r"the slope: $\varphi'(a^*)$"), slope)
    assert np.array_equal(curve(brake, r"their product: $w\,\varphi'(a^*)$"), growth)
    hump = gradient_figures.hump(in_decades(1, 2), in_decades(-1, -2), in_decades(3, 4))
    assert np.allclose(curve(hump, r"$\|W^t\|$: measured"), [1, 2])
    assert np.allclose(curve(hump, r"$\rho(W)^t$: lower bound"), [-1, -2])
    assert np.allclose(curve(hump, r"$\|W\|^t$: upper bound"), [3, 4])
    for draw in (gradient_figures.lyapunov_against_gain, gradient_figures.growth_against_scale):
        figure = draw(w, {"one": slope, "other": growth})
        assert np.array_equal(curve(figure, "one"), slope)
        assert np.array_equal(curve(figure, "other"), growth)


@pytest.mark.parametrize(("gamma", "radii"), [(1.0, [1]), (0.25, [1, 4]), (1.6, [1, 0.625])])
def test_the_circles_have_the_radii_one_and_one_over_gamma(gamma, radii):
    eigenvalues = np.array([5.0 + 1j, 5.0 - 1j, -0.5])
    ax = gradient_figures.eigenvalue_cloud(eigenvalues, gamma).axes[0]
    assert [circle.radius for circle in ax.patches] == radii
    assert len(ax.texts) == len(radii)
    assert ax.get_aspect() == 1
    points = ax.lines[0].get_xydata()
    assert np.array_equal(points[:, 0] + 1j * points[:, 1], eigenvalues)
    assert (np.abs(points) < ax.get_xlim()[1]).all()


@pytest.mark.parametrize("name", ["lyapunov_against_gain", "growth_against_scale"])
def test_the_line_between_growing_and_shrinking_is_at_zero(name):
    ax = GRADIENTS[name]().axes[0]
    [text] = ax.texts
    assert text.get_text() == "neither grows nor shrinks"
    assert text.xy[1] == 0
    assert any(np.array_equal(line.get_ydata(), [0, 0]) for line in ax.lines)


def test_a_path_that_jumps_off_the_cliff_does_not_move_the_picture():
    figure = GRADIENTS["cliff_surface"]()
    _, plain, clipped, _ = figure.axes
    assert plain.get_xlim() == clipped.get_xlim() == (0, 3)
    assert plain.get_ylim() == clipped.get_ylim() == (1, 3)
    for ax, (name, path) in zip((plain, clipped), PATHS.items(), strict=True):
        assert ax.get_title(loc="left") == name
        assert np.array_equal(ax.lines[0].get_xydata(), path)


@pytest.mark.parametrize("name", GRADIENTS | TRAINING)
def test_curves_are_told_apart_without_their_colours(name):
    for ax in DRAW[name]().axes:
        looks = [
            (line.get_linestyle(), line.get_marker(), line.get_markerfacecolor() == "white",
             line.get_linewidth() < 1)
            for line in ax.lines
            if not line.get_label().startswith("_")
        ]  # fmt: skip
        assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("name", GRADIENTS | TRAINING)
def test_no_text_covers_another_or_leaves_the_picture(name):
    figure = DRAW[name]()
    figure.savefig(io.BytesIO(), format="png")  # lays it out
    boxes = []
    for ax in figure.axes:
        axes = [ax.xaxis, ax.yaxis] + ([ax.zaxis] if ax.name == "3d" else [])
        texts = [*ax.texts, ax.title, ax._left_title] + [axis.label for axis in axes]
        legend = ax.get_legend()
        texts += legend.get_texts() if legend else []
        boxes += [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text()]
    width, height = figure.bbox.size
    for i, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 <= box.y0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
        for other, second in boxes[:i]:
            assert not box.overlaps(second), (text, other)


@pytest.mark.parametrize(
    "draw",
    [
        lambda five: gradient_figures.norm_against_lag(FALLING, five),
        lambda five: gradient_figures.norm_against_lag(FALLING, {}, five),
        lambda five: gradient_figures.lyapunov_against_gain(LAGS, five),
        lambda five: gradient_figures.growth_against_scale(LAGS, five),
        lambda five: training_figures.forecast(LAGS, LAGS, five),
    ],
)
def test_more_curves_than_can_be_told_apart_are_refused(draw):
    with pytest.raises(ValueError, match=r"5 curves \(one, .*, five\); at most 4 fit"):
        draw(FOUR | {"five": LAGS})


# --- training ---


def lines(ax: Axes) -> dict[str, np.ndarray]:
    return {line.get_label(): line.get_xydata() for line in ax.lines}


def test_the_history_marks_the_steps_that_were_clipped_and_counts_them():
    norm = np.array([0.5, 4.0, 1.0, np.inf, 2.0, 0.1, 0.2, 0.9])
    figure = training_figures.training_history(
        CURVES, BOTH | {k: v + 1 for k, v in CURVES.items()}, norm, np.ones(8), threshold=1.0,
        baseline=2.3, best=3,
    )  # fmt: skip
    losses, metrics, norms, rates = figure.axes
    for ax, shift in ((losses, 0), (metrics, 1)):
        drawn = lines(ax)
        for label, name in (("training", "train"), ("validation", "validation")):
            np.testing.assert_array_equal(drawn[label].T, [np.arange(1, 6), CURVES[name] + shift])
        assert set(drawn["weights kept"][:, 0]) == {3}
    np.testing.assert_array_equal(lines(losses)["memoryless guess"][:, 1], 2.3)
    assert losses.get_ylim()[1] > 2.3
    np.testing.assert_array_equal(lines(norms)["clipped step"].T, [[2, 4, 5], [4, np.nan, 2]])
    assert norms.get_title(loc="left") == "before clipping: 38% of steps clipped"
    assert rates.get_ylim()[0] == 0


def test_a_history_without_clipping_says_nothing_of_it():
    figure = training_figures.training_history(CURVES, CURVES, LAGS.astype(float), LAGS / 10)
    assert "clipped step" not in lines(figure.axes[2])
    assert "%" not in figure.axes[2].get_title(loc="left")


def test_a_curve_that_breaks_off_is_drawn_to_its_last_finite_loss():
    figure = training_figures.loss_regimes({"a": GOES_ON, "b": BREAKS}, {"a": 3.0, "b": None})
    left, right = figure.axes
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a", "b"]
    assert [ax.get_yscale() for ax in figure.axes] == ["linear", "log"]
    np.testing.assert_array_equal(lines(left)["training"][:, 1], GOES_ON[1])
    np.testing.assert_array_equal(lines(left)["validation"][:, 1], GOES_ON[2])
    assert "then nan or inf" not in lines(left)
    assert lines(left)["memoryless guess"][0, 1] == 3
    assert "memoryless guess" not in lines(right)
    np.testing.assert_array_equal(lines(right)["training"][:, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(lines(right)["then nan or inf"], [[4, 1e4]])


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7])
def test_each_regime_has_its_panel(number):
    figure = training_figures.loss_regimes({f"r{i}": GOES_ON for i in range(number)})
    assert len(figure.axes) == number


def test_a_training_that_was_never_finite_is_drawn_too():
    nothing = np.full(7, np.nan)
    figure = training_figures.loss_regimes({"a": (LAGS, nothing, nothing)}, 2.0)
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize(("largest", "best"), [(False, (1, 0)), (True, (1, 1))])
def test_each_cell_of_the_heat_map_says_its_median_and_spread_and_the_best_is_framed(largest, best):
    figure = training_figures.study_heat_map(
        MEDIAN, MEDIAN - 1, np.where(MEDIAN == 2, np.inf, MEDIAN + 1), [3, 5], [0.1, 1, 10],
        row_name="units", column_name="rate", value_name="loss", largest=largest,
    )  # fmt: skip
    ax = figure.axes[0]
    cells = {(round(t.get_position()[1]), t.get_position()[0]): [] for t in ax.texts}
    for text in ax.texts:
        cells[round(text.get_position()[1]), text.get_position()[0]].append(text.get_text())
    assert cells == {
        (0, 0): ["3", "2 … 4"], (0, 1): ["2", "1 … failed"], (0, 2): ["failed", ""],
        (1, 0): ["0.1", "-0.9 … 1.1"], (1, 1): ["40", "39 … 41"], (1, 2): ["5", "4 … 6"],
    }  # fmt: skip
    [frame] = ax.patches
    x, y = frame.get_center()
    assert (round(y, 9), round(x, 9)) == best
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0.1", "1", "10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["3", "5"]


def test_every_text_in_the_heat_map_is_legible_on_its_cell():
    values = np.linspace(0, 1, 20).reshape(4, 5)
    names = {"row_name": "r", "column_name": "c", "value_name": "v"}
    for largest in (False, True):
        ax = training_figures.study_heat_map(
            values, values, values, range(4), range(5), **names, largest=largest
        ).axes[0]
        for text in ax.texts:
            x, y = text.get_position()
            white = contrast(ax.images[0].to_rgba(values[round(y), x])[:3])
            assert {"white": white, "black": 21 / white}[text.get_color()] >= 4.5


def test_a_study_in_which_every_run_failed_is_drawn_too():
    nothing = np.full((2, 3), np.inf)
    figure = training_figures.study_heat_map(
        nothing, nothing, nothing, [1, 2], [1, 2, 3], row_name="r", column_name="c", value_name="v"
    )
    figure.savefig(io.BytesIO(), format="png")
    assert not figure.axes[0].patches


def cells_of(figure: Figure) -> dict[int, str]:
    return {round(t.get_position()[0]): t.get_text() for t in figure.axes[1].texts}


def grey_steps(figure: Figure) -> list[int]:
    spans = [p for p in figure.axes[1].patches if mpl.colors.to_hex(p.get_facecolor()) == "#ececec"]
    return [t for t in range(1, 99) for p in spans if p.get_x() < t < p.get_x() + p.get_width()]


def test_the_target_stands_at_the_steps_that_count():
    x = RNG.standard_normal((7, 4))
    one = training_figures.sequence_example(x, 2, symbols=["a", "b", "c"])
    assert (cells_of(one), grey_steps(one)) == ({7: "c"}, [1, 2, 3, 4, 5, 6])
    every = training_figures.sequence_example(x, LAGS + 10)
    assert cells_of(every) == {t: str(t + 10) for t in range(1, 8)}
    assert grey_steps(every) == []
    some = training_figures.sequence_example(x, LAGS + 10, (LAGS == 2) | (LAGS > 5))
    assert cells_of(some) == {2: "12", 6: "16", 7: "17"}
    assert grey_steps(some) == [1, 3, 4, 5]
    target = np.stack([LAGS, -LAGS], 1).astype(float)
    numbers = training_figures.sequence_example(x[:, :2], target, LAGS % 2 == 0)
    first, second = numbers.axes[1].lines
    np.testing.assert_array_equal(second.get_ydata(), [np.nan, -2, np.nan, -4, np.nan, -6, np.nan])
    np.testing.assert_array_equal(np.nan_to_num(first.get_ydata()), [0, 2, 0, 4, 0, 6, 0])
    assert grey_steps(numbers) == [1, 3, 5, 7]
    np.testing.assert_array_equal(numbers.axes[0].lines[1].get_ydata(), x[:, 1])


@pytest.mark.parametrize("value", [-0.5, 0.0, 1.5])
def test_a_single_number_as_target_is_inside_its_panel(value):
    target = np.full((7, 1), value)
    figure = training_figures.sequence_example(np.ones((7, 1)), target, LAGS == 7)
    low, high = figure.axes[1].get_ylim()
    assert low <= min(0, value) <= max(0, value) <= high


def test_the_error_of_a_forecast_is_predicted_minus_observed():
    figure = training_figures.forecast(LAGS, 2.0 * LAGS, {"model": LAGS**2.0}, held_out=4)
    series, errors = figure.axes
    np.testing.assert_array_equal(lines(series)["observed"][:, 1], 2 * LAGS)
    np.testing.assert_array_equal(lines(series)["model"][:, 1], LAGS**2)
    np.testing.assert_array_equal(errors.lines[1].get_ydata(), LAGS**2 - 2 * LAGS)


def test_each_optimiser_has_a_map_of_the_same_part_of_the_plane():
    figure = TRAINING["optimiser_paths"]()
    for ax, (name, path) in zip(figure.axes[:2], PATHS.items(), strict=True):
        assert ax.get_title(loc="left") == name
        np.testing.assert_array_equal(ax.lines[0].get_xydata(), path)
        assert (ax.get_xlim(), ax.get_ylim()) == ((0, 3), (1, 3))


def test_clipped_gradients_are_drawn_with_the_region_that_they_are_clipped_to():
    left, right = TRAINING["clipping_picture"]().axes
    assert left.patches[0].radius == 1
    assert right.patches[0].get_bbox().extents.tolist() == [-1, -1, 1, 1]
    for ax, first in ((left, [0.9, 0.3]), (right, [1.0, 1.0])):
        np.testing.assert_array_equal(lines(ax)["after"], [first, [0.2, 0.3]])
        np.testing.assert_array_equal(lines(ax)["before"], [[3, 1], [0.2, 0.3]])
        assert ax.get_aspect() == 1
