"""The figures on tricks and gated cells: labelled, legible, and showing what was put in."""

import io
import itertools

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rnncourse import trick_figures as tricks
from rnncourse.figures import LOOK

LAGS = np.arange(7.0)
NAMES = ("tanh", "orthogonal", "layer norm", "batch norm", "Omega", "LSTM", "GRU", "chrono LSTM")
CURVES = {name: 0.9 ** (LAGS * i) for i, name in enumerate(NAMES)}
PATHS = {
    "full": np.linspace(0.5, -0.2, 9),
    "window": 0.5 * 2.0 ** np.arange(9),
    "ARTBP": np.stack([np.linspace(0.5, end, 6) for end in (-0.1, -0.3, -0.2)]),
    "down": -(3.0 ** np.arange(9)) + 1.5,
}
WINDOWS = np.arange(1, 9)
MASK = np.arange(35).reshape(7, 5) % 3 > 0
GATES = {"forget": np.linspace(0, 1, 35).reshape(7, 5), "input": np.full((7, 5), 0.5)}
NAN = float("nan")
SOLVED = {
    "order": {"SGD": [NAN, NAN, NAN], "GRU": [300.0, 700.0, NAN]},
    "adding": {"GRU": [400.0], "LSTM": [50.0, 5000.0]},
}
BUDGET = {"order": 20_000, "adding": 5_000}
DRAW = {
    "contribution_curves": lambda: tricks.contribution_curves(CURVES),
    "influence_paths": lambda: tricks.influence_paths(PATHS, -1 / 6),
    "bias_of_windows": lambda: tricks.bias_of_windows(
        WINDOWS, {"window": (WINDOWS - 3.5) / 4, "segments": (WINDOWS - 6.5) / 4}
    ),
    "dropout_masks": lambda: tricks.dropout_masks({"every step": MASK, "one mask": MASK * 2.0}),
    "statistics_over_time": lambda: tricks.statistics_over_time(CURVES, "mean of $h_t$"),
    "validation_losses": lambda: tricks.validation_losses(
        CURVES, 100, "loss (nats)", {"best guess": 0.5}
    ),
    "gate_heat_map": lambda: tricks.gate_heat_map((LAGS == 2).astype(float), GATES),
    "success_table": lambda: tricks.success_table(SOLVED, BUDGET),
}


def public_functions() -> set[str]:
    return {
        name
        for name, value in vars(tricks).items()
        if callable(value) and not name.startswith("_") and value.__module__ == tricks.__name__
    }


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def curve(figure: Figure, name: str) -> np.ndarray:
    [line] = [line for line in figure.axes[0].lines if line.get_label() == name]
    return line.get_ydata()


def test_every_figure_is_drawn_here():
    assert public_functions() == set(DRAW)


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_has_labelled_axes_and_does_not_depend_on_the_readers_settings(name):
    before = {key: value for key, value in mpl.rcParams.items() if key != "backend"}
    figure = DRAW[name]()
    assert before == {key: value for key, value in mpl.rcParams.items() if key != "backend"}
    for ax in figure.axes:
        assert ax.get_xlabel() or ax.get_ylabel(), "an axis without a label"
    plain = png(figure)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        assert png(DRAW[name]()) == plain


@pytest.mark.parametrize("name", DRAW)
def test_nothing_that_is_written_leaves_the_figure_or_covers_other_words(name):
    figure = DRAW[name]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    for ax in figure.axes:
        boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
        for box in boxes:
            assert box.x0 >= 0
            assert box.x1 <= width
            assert box.y0 >= 0
            assert box.y1 <= height
        for one, other in itertools.combinations(boxes, 2):
            assert not one.padded(-1).overlaps(other.padded(-1))


def test_curves_differ_in_colour_in_line_or_marker_and_are_legible_on_white():
    looks = tricks.TECHNIQUES
    assert len({look["color"] for look in looks}) == len(looks) == 8
    signs = {(str(k["linestyle"]), k["marker"], k.get("markerfacecolor")) for k in looks}
    assert len(signs) == len(looks)
    for look in looks:
        channels = np.array(mpl.colors.to_rgb(look["color"]))
        low = channels <= 0.03928
        linear = np.where(low, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 2.9, look


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.14))
def test_labels_are_moved_apart_within_the_axes_and_keep_their_order(wanted, gap):
    wanted = np.array(wanted)
    placed = tricks._spread(wanted, gap)
    gap = min(gap, 1 / max(len(wanted) - 1, 1))
    assert placed.min() >= -1e-12
    assert placed.max() <= 1 + 1e-12
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(placed[order]) >= gap - 1e-9).all()
    if len(wanted) == 1 or (np.diff(wanted[order]) >= gap).all():
        np.testing.assert_allclose(placed, wanted, atol=1e-12)


def test_labels_that_want_one_place_lie_around_it():
    np.testing.assert_allclose(tricks._spread(np.full(3, 0.5), 0.1), [0.4, 0.5, 0.6])
    np.testing.assert_allclose(tricks._spread(np.zeros(3), 0.1), [0.0, 0.1, 0.2])
    np.testing.assert_allclose(tricks._spread(np.ones(2), 0.1), [0.9, 1.0])
    crowded_top = tricks._spread(np.array([0.79, 1.0, 1.0, 1.0]), 0.1)
    np.testing.assert_allclose(crowded_top, [0.7, 0.8, 0.9, 1.0])


def test_contributions_are_drawn_at_their_lags_and_zero_is_left_out():
    figure = tricks.contribution_curves({"a": np.array([1.0, 0.1, 0.0]), "b": np.ones(3)})
    [ax] = figure.axes
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(curve(figure, "a"), [1.0, 0.1, np.nan])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0, 1, 2])
    assert texts(figure) == [r"a $\downarrow$", "b"]


def test_below_the_floor_nothing_is_shown_and_the_name_says_so():
    curves = {"fast": 1e-3**LAGS, "slow": 0.9**LAGS}
    figure = tricks.contribution_curves(curves, floor=1e-12)
    assert figure.axes[0].get_ylim()[0] == pytest.approx(1e-12)
    assert texts(figure) == [r"fast $\downarrow$", "slow"]
    assert texts(tricks.contribution_curves(curves)) == ["fast", "slow"]


@pytest.mark.parametrize("curves", [{"a": np.ones(1)}, {"a": np.zeros(3)}, {"a": np.full(2, 1e9)}])
def test_one_lag_no_contribution_and_huge_ones_are_drawn(curves):
    png(tricks.contribution_curves(curves))
    png(tricks.contribution_curves(curves, floor=1e-3))


def test_a_path_that_leaves_the_picture_has_an_arrow_in_its_direction():
    figure = tricks.influence_paths(PATHS, -1 / 6)
    names = [text for text in texts(figure) if text != "optimum"]
    assert names == ["full", r"window $\uparrow$", "ARTBP", r"down $\downarrow$"]
    low, high = figure.axes[0].get_ylim()
    assert low < -1 / 6 < 0.5 < high
    runs = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 6]
    assert [line.get_ydata()[-1] for line in runs] == [-0.1, -0.3, -0.2]
    upward = tricks.influence_paths({"full": np.array([-1.0, 0.0])}, 0.0)
    assert upward.axes[0].get_ylim() == (-2, 1)
    png(tricks.influence_paths({"diverged": np.array([0.5, 1e300])}, 0.5))


def test_the_change_of_sign_is_marked_where_it_is_right_from_then_on():
    figure = DRAW["bias_of_windows"]()
    assert {"right from\n4 steps", "right from\n7 steps"} <= set(texts(figure))
    twice = {"window": np.array([-1.0, 0.5, -0.5, 0.0, 1.0, 1.0, 1.0, 1.0])}
    assert "right from\n4 steps" in texts(tricks.bias_of_windows(WINDOWS, twice))
    for share in (-1.0, 1.0):
        figure = tricks.bias_of_windows(WINDOWS, {"window": np.full(8, share)})
        assert not any("right" in text for text in texts(figure))


def test_a_mask_is_drawn_with_time_to_the_right_and_units_upward_in_two_greys():
    figure = DRAW["dropout_masks"]()
    kept, dropped = (tricks._rgb(colour) for colour in (tricks.KEPT, tricks.DROPPED))
    for ax in figure.axes:
        [picture] = ax.images
        np.testing.assert_array_equal(
            picture.get_array(), np.where(MASK.T[..., None], kept, dropped)
        )
        assert picture.origin == "lower"
    assert dropped.max() < 0.4 < 0.7 < kept.min()


def test_statistics_start_at_step_1_on_either_scale():
    figure = tricks.statistics_over_time({"a": LAGS + 1}, "variance", log=True)
    assert figure.axes[0].get_yscale() == "log"
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), np.arange(1, 8))
    np.testing.assert_array_equal(curve(DRAW["statistics_over_time"](), "GRU"), CURVES["GRU"])
    png(tricks.statistics_over_time({"a": np.ones(1)}, "variance"))


def test_a_validation_loss_stands_at_its_update_and_ends_where_its_training_ended():
    losses = {"LSTM": np.array([0.3, 0.1]), "tanh": np.array([0.3, 0.2, 0.2])}
    figure = tricks.validation_losses(losses, 50, "loss (nats)", {"best guess": 0.25})
    for name, values in losses.items():
        [line] = [line for line in figure.axes[0].lines if line.get_label() == name]
        np.testing.assert_array_equal(line.get_xdata(), 50 * np.arange(1, len(values) + 1))
        np.testing.assert_array_equal(line.get_ydata(), values)
    [level] = [line for line in figure.axes[0].lines if line.get_label() == "best guess"]
    assert set(level.get_ydata()) == {0.25}


def test_gates_are_drawn_between_0_and_1_below_their_input():
    figure = DRAW["gate_heat_map"]()
    inputs, forget, entry = figure.axes[:3]
    assert forget.get_title(loc="left") == "forget"
    np.testing.assert_array_equal(forget.images[0].get_array(), GATES["forget"].T)
    for ax in (forget, entry):
        assert ax.images[0].get_clim() == (0, 1)
    np.testing.assert_array_equal(inputs.lines[0].get_xdata(), [3])  # Python row 2 is step 3


def test_a_seed_is_a_dot_where_it_solved_the_task_and_else_a_cross_in_the_band():
    figure = DRAW["success_table"]()
    order, adding = figure.axes
    names = [label.get_text() for label in order.get_yticklabels()]
    assert names == ["SGD", "GRU", "LSTM"]
    assert [text.get_text() for text in order.texts] == ["not run", "not solved\nin 20,000"]
    assert order.texts[0].get_position()[1] == names.index("LSTM")

    def marks(ax, marker):
        lines = [line for line in ax.lines if line.get_marker() == marker]
        return {(float(x), round(float(y))) for line in lines for x, y in line.get_xydata()}

    assert marks(order, "o") == {(300, 1), (700, 1)}
    assert marks(adding, "o") == {(400, 1), (50, 2), (5000, 2)}
    assert not marks(adding, "x")
    crosses = marks(order, "x")
    assert {row for _, row in crosses} == {0, 1}
    assert all(x > BUDGET["order"] for x, _ in crosses)
    rows = [y for line in order.lines for y in line.get_ydata() if round(y) == 0]
    assert len(set(rows)) == 3  # seeds of one row do not cover each other
    assert order.get_xscale() == "log"
    assert order.lines[0].get_color() == LOOK["output"][0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tricks.contribution_curves({}), ValueError, "curves is empty"),
        (lambda: tricks.contribution_curves({"a": LAGS, "b": LAGS[1:]}), ValueError,
         r"curves\['b'\] has shape \(6,\); expected \(T,\) with T = 7"),
        (lambda: tricks.contribution_curves({"a": -LAGS}), ValueError, "expected norms"),
        (lambda: tricks.contribution_curves({"a": [1.0]}), TypeError, "is a list"),
        (lambda: tricks.contribution_curves({str(i): LAGS for i in range(9)}), ValueError,
         "9 curves .* at most 8 fit"),
        (lambda: tricks.influence_paths({}, 0.0), ValueError, "theta is empty"),
        (lambda: tricks.influence_paths({"a": np.ones((2, 2, 2))}, 0.0), ValueError, "has shape"),
        (lambda: tricks.influence_paths({"a": np.array([0.5, np.inf])}, 0.0), ValueError, "inf"),
        (lambda: tricks.bias_of_windows(WINDOWS, {"a": LAGS}), ValueError, "M = 8"),
        (lambda: tricks.bias_of_windows(LAGS, {"a": LAGS}), TypeError, "expected integers"),
        (lambda: tricks.dropout_masks({}), ValueError, "expected one to five"),
        (lambda: tricks.dropout_masks({"a": MASK[0]}), ValueError, r"expected \(T, N\)"),
        (lambda: tricks.statistics_over_time({"a": LAGS}, "y", log=True), ValueError, "positive"),
        (lambda: tricks.validation_losses({}, 1, "y", {}), ValueError, "losses is empty"),
        (lambda: tricks.gate_heat_map(LAGS[:3], GATES), ValueError, "T = 3"),
        (lambda: tricks.gate_heat_map(LAGS, {"f": 2 * GATES["forget"]}), ValueError,
         "between 0 and 1"),
        (lambda: tricks.gate_heat_map(LAGS, {}), ValueError, "expected one to four"),
        (lambda: tricks.success_table({}, {}), ValueError, "no task"),
        (lambda: tricks.success_table(SOLVED, {"order": 9}), ValueError, "budget is given for"),
        (lambda: tricks.success_table(SOLVED, {"order": 20_000, "adding": 4_000}), ValueError,
         "up to the budget of 4000"),
        (lambda: tricks.success_table({"a": {"SGD": []}}, {"a": 9}), ValueError, "each seed"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
