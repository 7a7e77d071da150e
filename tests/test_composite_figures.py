"""The figures on the composite loss: labelled, legible, and showing what was put in."""

import io
import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rnncourse import composite_figures as composite
from rnncourse.composite_loss import RNNLoss
from rnncourse.decision_task import decision_network, decision_trials
from rnncourse.figures import LOOK

TRIALS = decision_trials(1, dt=20.0, rng=np.random.default_rng(0), coherences=[8])
X, TARGET, MASK = TRIALS.x[:, 0], TRIALS.target[:, 0], TRIALS.mask[:, 0]
OUTPUT = TARGET + 0.1
C = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
SHARES = {"MSE": 1 - 0.4 / C, "with fr": 1 - 0.5 / C}
ERRORS = {"MSE": 0.1 / C, "with fr": 0.2 / C}
RATES = {name: np.linspace(0, top, 23) ** 2 for name, top in (("MSE", 1.0), ("fr", 0.5))}
NAMES = ("mse", "in", "hid", "out", "fr", "fr_sd", "fr_cv", "l1_hid")
WEIGHT = {name: np.array([0.0, 0.1, 1.0]) for name in ("fr", "hid")}
ERROR = {"fr": np.array([0.01, 0.02, 0.05]), "hid": np.array([0.012, 0.03, 0.045])}
RATE = {"fr": np.array([0.3, 0.2, 0.1]), "hid": np.array([0.31, 0.22, 0.15])}
T = np.linspace(0, 1, 60)
PATHS = {c: np.stack([np.sign(c) * T**2, T * abs(c), T**3], 1) for c in (-8.0, -1.0, 1.0, 8.0)}
COMPONENTS = {name: (i + 1) * 0.9 ** np.arange(30.0) for i, name in enumerate(NAMES)}
COSINES = np.array([[1.0, -0.5, np.nan], [-0.5, 1.0, np.nan], [np.nan] * 3])
EIGENVALUES = {name: s * np.array([1, 1j, -1j, -0.5 + 0j, 2]) for name, s in
               (("before", 1.0), ("after", 0.5), ("with fr", 0.8))}  # fmt: skip
DTS = (20.0, 5.0, 50.0)
TIMES = {dt: dt * np.arange(1, round(400 / dt) + 1) for dt in DTS}
CURVES = {dt: 1 - np.exp(-t / 100) for dt, t in TIMES.items()}
LAGS = {dt: t / 100 for dt, t in TIMES.items()}
FADE = {dt: np.exp(-lag) for dt, lag in LAGS.items()}
DRAW = {
    "decision_trial": lambda: composite.decision_trial(X, TARGET, OUTPUT, MASK, TRIALS.epochs, 20),
    "psychometric_curve": lambda: composite.psychometric_curve(C, SHARES, ERRORS, np.ones(5)),
    "rate_histograms": lambda: composite.rate_histograms(RATES),
    "trade_off": lambda: composite.trade_off(WEIGHT, ERROR, RATE),
    "trajectories": lambda: composite.trajectories(
        {c: p[:, :2] for c, p in PATHS.items()}, TRIALS.epochs, np.array([0.7, 0.2])
    ),
    "term_shares": lambda: composite.term_shares(COMPONENTS),
    "cosines": lambda: composite.cosines(COSINES, ["mse", "fr", "in"]),
    "spectra": lambda: composite.spectra(EIGENVALUES, 0.2),
    "dt_invariance": lambda: composite.dt_invariance(TIMES, CURVES, LAGS, FADE),
}


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def curve(ax: mpl.axes.Axes, name: str) -> mpl.lines.Line2D:
    [line] = [line for line in ax.lines if line.get_label() == name]
    return line


def test_every_figure_is_drawn_here():
    public = {
        name
        for name, value in vars(composite).items()
        if callable(value) and not name.startswith("_") and value.__module__ == composite.__name__
    }
    assert public == set(DRAW)


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_has_labelled_axes_and_does_not_depend_on_the_readers_settings(name):
    before = {key: value for key, value in mpl.rcParams.items() if key != "backend"}
    figure = DRAW[name]()
    assert before == {key: value for key, value in mpl.rcParams.items() if key != "backend"}
    for ax in figure.axes:
        assert ax.get_ylabel() or figure.axes[0].get_ylabel()
        assert ax.get_xlabel() or figure.get_supxlabel() or ax.get_ylabel()
    plain = png(figure)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        assert png(DRAW[name]()) == plain


@pytest.mark.parametrize("name", DRAW)
def test_nothing_that_is_written_leaves_the_figure_or_covers_other_words(name):
    figure = DRAW[name]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    frames = [legend.get_window_extent() for legend in legends]
    for ax in figure.axes:
        words = [*ax.texts, ax.xaxis.label, ax.yaxis.label, ax._left_title]
        boxes = [w.get_window_extent() for w in words if w.get_text() and w.get_visible()]
        for box in boxes + frames:
            assert box.x0 >= 0
            assert box.x1 <= width
            assert box.y0 >= 0
            assert box.y1 <= height
        for one, other in itertools.combinations(boxes, 2):
            assert not one.padded(-1).overlaps(other.padded(-1))


def test_three_components_are_drawn_in_space_with_nothing_cut_off():
    figure = composite.trajectories(PATHS, TRIALS.epochs, np.array([0.7, 0.2, 0.1]))
    [ax] = figure.axes
    assert ax.name == "3d"
    assert ax.get_zlabel() == "component 3 (10 %)"
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        box = axis.label.get_window_extent()
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0


def test_a_trial_is_drawn_in_ms_and_unscored_steps_are_hatched():
    figure = DRAW["decision_trial"]()
    inputs, outputs = figure.axes
    np.testing.assert_array_equal(curve(inputs, "right").get_xdata(), 20.0 * np.arange(1, 61))
    np.testing.assert_array_equal(curve(inputs, "left").get_ydata(), X[:, 0])
    np.testing.assert_array_equal(curve(outputs, "output right").get_ydata(), OUTPUT[:, 1])
    assert curve(inputs, "right").get_color() == LOOK["state"][0]
    assert curve(outputs, "output left").get_color() == LOOK["output"][0]
    [hatched] = [p for p in outputs.patches if p.get_hatch()]
    assert (hatched.get_x(), hatched.get_x() + hatched.get_width()) == (100, 900)
    [target] = [p for p in outputs.patches if p.get_label() == "target right"]
    values, edges, _ = target.get_data()
    np.testing.assert_array_equal(np.isnan(values), ~MASK)
    np.testing.assert_array_equal(values[MASK], TARGET[MASK, 1])
    np.testing.assert_array_equal(edges, 20.0 * np.arange(61))
    assert [t.get_text() for t in inputs.texts] == ["fixation", "stimulus", "decision"]


def test_the_psychometric_curve_has_bars_of_one_standard_error():
    figure = composite.psychometric_curve(C, {"MSE": SHARES["MSE"]}, {"MSE": ERRORS["MSE"]})
    [ax] = figure.axes
    [container] = ax.containers
    line, _, (bars,) = container
    np.testing.assert_allclose(line.get_xdata(), C)
    np.testing.assert_array_equal(line.get_ydata(), SHARES["MSE"])
    ends = np.array([s[:, 1] for s in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 2 * ERRORS["MSE"])
    assert ax.get_xscale() == "log"
    assert "chance" in texts(figure)


def test_a_share_below_chance_stays_in_the_picture():
    figure = composite.psychometric_curve(C, {"a": np.full(5, 0.1)}, {"a": np.zeros(5)})
    assert figure.axes[0].get_ylim()[0] < 0.1


def test_histograms_share_their_bins_and_show_the_first_in_all_others():
    figure = composite.rate_histograms(RATES, bins=10)
    first, second = figure.axes
    expected, edges = np.histogram(RATES["MSE"], 10, (0, 1))
    np.testing.assert_array_equal(first.patches[0].get_data().values, expected)
    assert len(first.patches) == 1
    filled, outline = second.patches
    np.testing.assert_array_equal(filled.get_data().edges, edges)
    np.testing.assert_array_equal(outline.get_data().values, expected)
    assert filled.get_data().values.sum() == 23
    assert second.lines[0].get_xdata()[0] == RATES["fr"].mean()
    assert texts(figure)[1] == f"mean {RATES['fr'].mean():.3g}\nSD {RATES['fr'].std():.3g}"


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8])
def test_the_lowest_panel_of_each_column_has_numbers(n):
    figure = composite.rate_histograms({str(i): RATES["fr"] for i in range(n)})
    assert len(figure.axes) == n
    FigureCanvasAgg(figure).draw()
    columns = n if n <= 4 else (n + 1) // 2
    for i, ax in enumerate(figure.axes):
        shown = [t for t in ax.get_xticklabels() if t.get_visible() and t.get_text()]
        assert bool(shown) == (i >= n - columns)


def test_silent_and_signed_rates_are_drawn():
    png(composite.rate_histograms({"silent": np.zeros(5)}))
    low, _ = composite.rate_histograms({"tanh": np.linspace(-1, 1, 9)}).axes[0].get_xlim()
    assert low == -1


def test_the_trade_off_shows_each_point_and_its_weight():
    figure = DRAW["trade_off"]()
    [ax] = figure.axes
    np.testing.assert_array_equal(curve(ax, "hid").get_xydata(),
                                  np.stack([RATE["hid"], ERROR["hid"]], 1))  # fmt: skip
    assert sorted(texts(figure)) == ["0", "0", "0.1", "0.1", "1", "1"]


def test_points_that_coincide_share_one_label():
    rate, error = np.array([0.3, 0.3, 0.1]), np.array([0.01, 0.01, 0.05])
    figure = composite.trade_off({"a": WEIGHT["fr"]}, {"a": error}, {"a": rate})
    assert texts(figure) == ["0 … 0.1", "1"]


def test_errors_over_more_than_a_decade_get_a_logarithmic_axis():
    wide = {"a": np.array([0.001, 0.1, 0.5])}
    figure = composite.trade_off({"a": WEIGHT["fr"]}, wide, {"a": RATE["fr"]})
    assert figure.axes[0].get_yscale() == "log"
    assert DRAW["trade_off"]().axes[0].get_yscale() == "linear"


def test_a_path_has_the_colour_of_its_coherence_and_the_line_of_its_sign():
    figure = DRAW["trajectories"]()
    paths = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 60]
    for line, (_, path) in zip(paths, PATHS.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), path[:, :2])
    left_8, left_1, right_1, right_8 = paths
    assert left_8.get_color() == pytest.approx(right_8.get_color())
    assert left_1.get_color() == pytest.approx(right_1.get_color())
    assert sum(left_8.get_color()[:3]) < sum(left_1.get_color()[:3])  # stronger is darker
    assert left_8.get_linestyle() == left_1.get_linestyle() == "--"
    assert right_8.get_linestyle() == right_1.get_linestyle() == "-"


def test_a_path_is_marked_where_it_starts_where_the_epochs_begin_and_where_it_ends():
    figure = DRAW["trajectories"]()
    marks = {}
    for line in figure.axes[0].lines:
        if len(line.get_xdata()) == 1:
            marks.setdefault(line.get_marker(), []).append(line.get_xydata()[0])
    for marker, at in (("o", 0), ("s", 4), ("D", 44), ("X", -1)):
        np.testing.assert_array_equal(marks[marker], [p[at, :2] for p in PATHS.values()])
    plain = composite.trajectories({4.0: PATHS[8.0]})
    assert {line.get_marker() for line in plain.axes[0].lines} == {"None", "o", "X"}


def test_terms_are_shown_as_they_are_and_their_shares_fill_the_height():
    figure = composite.term_shares(COMPONENTS | {"in": np.zeros(30)}, average=7)
    values, shares = figure.axes
    assert values.get_yscale() == "log"
    assert [line.get_label() for line in values.lines] == [n for n in NAMES if n != "in"]
    np.testing.assert_array_equal(curve(values, "fr").get_ydata(), COMPONENTS["fr"])
    low = np.zeros(5)
    whole = sum(values.sum() for name, values in COMPONENTS.items() if name != "in")
    for name, patch in zip([n for n in NAMES if n != "in"], shares.patches, strict=True):
        top, edges, base = patch.get_data()
        np.testing.assert_allclose(base, low)
        np.testing.assert_allclose(top - low, 100 * COMPONENTS[name].sum() / whole)
        np.testing.assert_array_equal(edges, [1, 8, 15, 22, 29, 31])
        low = top
    np.testing.assert_allclose(low, 100)


def test_a_term_has_its_own_colour_whatever_else_is_shown():
    whole = composite.term_shares(COMPONENTS).axes[0]
    alone = composite.term_shares({"fr": COMPONENTS["fr"]}).axes[0]
    assert curve(whole, "fr").get_color() == curve(alone, "fr").get_color()
    assert len({line.get_color() for line in whole.lines}) == 8
    loss = RNNLoss(decision_network(3, rng=np.random.default_rng(0)))
    assert tuple(loss.lambdas) == composite.TERMS


def test_one_update_and_updates_without_any_loss_are_drawn():
    png(composite.term_shares({"mse": np.ones(1)}))
    png(composite.term_shares({"mse": np.array([1.0, 0.0, 0.5])}))


def test_cosines_are_written_into_their_cells():
    figure = DRAW["cosines"]()
    assert texts(figure) == ["1.00", "−0.50", "–", "−0.50", "1.00", "–", "–", "–", "–"]
    picture = figure.axes[0].images[0]
    np.testing.assert_array_equal(picture.get_array().filled(np.nan), COSINES)
    assert picture.get_clim() == (-1, 1)
    tiny = composite.cosines(np.array([[1.0, -1e-9], [-1e-9, 1.0]]), ["a", "b"])
    assert texts(tiny) == ["1.00", "0.00", "0.00", "1.00"]


def test_eigenvalues_stand_at_their_place_beside_the_borders_of_stability():
    figure = DRAW["spectra"]()
    for ax, (name, values) in zip(figure.axes, EIGENVALUES.items(), strict=True):
        np.testing.assert_array_equal(ax.lines[-1].get_xydata().T, [values.real, values.imag])
        assert set(ax.lines[0].get_xdata()) == {1}
        [circle] = [p for p in ax.patches if isinstance(p, mpl.patches.Circle)]
        assert circle.center == (-4, 0)
        assert circle.radius == 5
        assert len(ax.lines) == (2 if name == "before" else 3)
        low, high = ax.get_xlim()
        assert low < -0.5 < 2 < high
    np.testing.assert_array_equal(figure.axes[1].lines[1].get_xdata(), EIGENVALUES["before"].real)
    for ax in composite.spectra({"one": np.zeros(1)}).axes:
        assert not any(isinstance(p, mpl.patches.Circle) for p in ax.patches)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0])
def test_the_disc_is_where_an_euler_step_of_the_voltages_shrinks(alpha):
    [ax] = composite.spectra({"one": np.array([0.5 + 0j])}, alpha).axes
    [circle] = [p for p in ax.patches if isinstance(p, mpl.patches.Circle)]
    rng = np.random.default_rng(0)
    eigenvalue = circle.center[0] + 2 * circle.radius * (
        rng.uniform(-1, 1, 500) + 1j * rng.uniform(-1, 1, 500)
    )
    inside = np.abs(eigenvalue - circle.center[0]) < circle.radius
    np.testing.assert_array_equal(inside, np.abs(1 - alpha + alpha * eigenvalue) < 1)
    assert circle.center[0] + circle.radius == pytest.approx(1)


def test_the_finest_step_is_a_line_and_the_others_are_marks():
    figure = DRAW["dt_invariance"]()
    for ax, x, y, quantity in zip(figure.axes, (TIMES, LAGS), (CURVES, FADE),
                                  ("state", "gradient"), strict=True):  # fmt: skip
        assert [line.get_label() for line in ax.lines] == [f"dt = {d} ms" for d in (5, 20, 50)]
        assert [line.get_linestyle() for line in ax.lines] == ["-", "None", "None"]
        for line, dt in zip(ax.lines, sorted(DTS), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), x[dt])
            np.testing.assert_array_equal(line.get_ydata(), y[dt])
            assert line.get_color() == LOOK[quantity][0]
    assert figure.axes[1].get_yscale() == "log"


NINE = {str(i): RATES["fr"] for i in range(9)}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: composite.decision_trial(X[1:], TARGET, OUTPUT, MASK, {}, 20), ValueError,
         "target has shape .* T = 59"),
        (lambda: composite.decision_trial(X, TARGET, OUTPUT, MASK * 1, {}, 20), TypeError,
         "expected bool"),
        (lambda: composite.decision_trial(X, TARGET, OUTPUT, MASK, {}, 0), ValueError, "dt is 0"),
        (lambda: composite.psychometric_curve(C - 1, SHARES, ERRORS), ValueError, "ascending"),
        (lambda: composite.psychometric_curve(C[::-1], SHARES, ERRORS), ValueError, "ascending"),
        (lambda: composite.psychometric_curve(C, SHARES, {"a": C}), ValueError,
         "standard_error is given for a; expected MSE, with fr"),
        (lambda: composite.psychometric_curve(C, {"a": C[1:]}, {"a": C}), ValueError, "C = 5"),
        (lambda: composite.psychometric_curve(C, {}, {}), ValueError, "holds 0 entries"),
        (lambda: composite.rate_histograms({}), ValueError, "holds 0 entries; expected 1 to 8"),
        (lambda: composite.rate_histograms(NINE), ValueError, "holds 9 entries; expected 1 to 8"),
        (lambda: composite.trade_off({}, {}, {}), ValueError, "weight is empty"),
        (lambda: composite.trade_off(WEIGHT, ERROR, {"fr": C}), ValueError, "mean_rate is given"),
        (lambda: composite.trade_off({"a": C}, {"a": C}, {"a": C[1:]}), ValueError, "P = 5"),
        (lambda: composite.trajectories({}), ValueError, "paths is empty"),
        (lambda: composite.trajectories({1.0: np.ones((3, 4))}), ValueError, "4 components"),
        (lambda: composite.trajectories({1.0: PATHS[1.0], 2.0: PATHS[1.0][1:]}), ValueError,
         "T = 60"),
        (lambda: composite.term_shares({"mse": -C}), ValueError, "at least zero"),
        (lambda: composite.term_shares({"mse": 0 * C}), ValueError, "zero throughout"),
        (lambda: composite.term_shares({"mse": C}, average=6), ValueError, "expected 1 to 5"),
        (lambda: composite.term_shares({str(i): C for i in range(4)}), ValueError, "at most 3"),
        (lambda: composite.cosines(2 * np.eye(2), ["a", "b"]), ValueError, "from -1 to 1"),
        (lambda: composite.cosines(np.eye(2), ["a"]), ValueError, "M = 1"),
        (lambda: composite.spectra({}), ValueError, "holds 0 entries"),
        (lambda: composite.spectra(EIGENVALUES, 0.0), ValueError, "alpha is 0.0"),
        (lambda: composite.dt_invariance(TIMES, CURVES, LAGS, {}), ValueError, "gradient is given"),
        (lambda: composite.dt_invariance(TIMES, LAGS, LAGS, {d: 0 * v for d, v in FADE.items()}),
         ValueError, "not above zero"),
        (lambda: composite.dt_invariance({}, {}, {}, {}), ValueError, "expected 1 to 4"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
