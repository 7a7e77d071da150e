"""Arrays in, a matplotlib Figure out; nothing is computed here.

One colour, one meaning, throughout the course (after Okabe & Ito's palette, which colour-blind
readers can tell apart, with line styles as a second sign). Signed values are drawn from
purple over white to orange, magnitudes from dark to light on a logarithmic scale.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

STYLE = Path(__file__).with_name("course.mplstyle")

# quantity: colour, line style, marker
LOOK = {
    "state": ("#0072B2", "-", "o"),  # forward: h, forward passes
    "gradient": ("#D55E00", "-", "s"),  # backward: the sweep, exact gradients
    "definition": ("#000000", "--", "^"),  # what something is checked against, or compared to
    "truncated": ("#CC79A7", "-.", "v"),  # gradients with something cut off
    "output": ("#009E73", "-", "D"),
    "train": ("#5B4B8A", "-", ""),
    "validation": ("#A86400", "--", ""),
    "guide": ("#777777", ":", ""),
}
SIGNED = "PuOr_r"
GREY = "Greys"
MAGNITUDE = "viridis"


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Use the course's style, whatever the reader's own settings are, and put those back."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.style.use(STYLE)
        yield


class _CourseFigure(Figure):
    """A figure that is drawn in the course's style: matplotlib makes the ticks only then."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure and all that is in it."""
        with _style():
            super().draw(renderer)


def _line(
    ax: Axes, x: np.ndarray, y: np.ndarray, quantity: str, label: str, **more: object
) -> None:
    """Plot a quantity in its own colour, line style and marker, unless told otherwise."""
    colour, style, marker = LOOK[quantity]
    look = {"color": colour, "linestyle": style, "marker": marker}
    ax.plot(x, y, label=label, **look | more)


def _cells(ax: Axes, values: np.ndarray, centre: tuple, size: tuple, **look: object) -> None:
    """Draw a (rows, columns) block of coloured cells around a centre, in data coordinates."""
    (x, y), (width, height) = centre, size
    extent = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
    ax.imshow(values, extent=extent, aspect="auto", zorder=2, **look)
    ax.add_patch(
        Rectangle(
            extent[::2], width, height, fill=False, edgecolor="#444444", linewidth=0.8, zorder=3
        )
    )


def _plain_log(axis: mpl.axis.Axis) -> None:
    """Label a logarithmic axis in plain numbers: at 1, 2 and 5 if it is short, else at decades."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _arrow(ax: Axes, start: tuple, end: tuple, colour: str = "#444444") -> None:
    """Draw an arrow between two points, in data coordinates."""
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=12, color=colour, linewidth=1.5,
            shrinkA=0, shrinkB=0, zorder=1,
        )
    )  # fmt: skip


@_style()
def digit_as_sequence(image: np.ndarray, label: int) -> Figure:
    """Draw an image beside the rows that the network reads one after the other.

    Parameters
    ----------
    image : numpy.ndarray
        (8, 8), grey values in [0, 1].
    label : int
        The digit that it shows.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: the image, and its rows in the order of time.
    """
    figure = _CourseFigure(figsize=(9, 3))
    whole, rows = figure.subplots(1, 2, width_ratios=(1, 2.6))
    whole.imshow(image, cmap=GREY, vmin=0, vmax=1)
    whole.set_title(f"the image: a {label}")
    whole.set_xlabel("column (pixels)")
    whole.set_ylabel("row (pixels)")
    rows.imshow(image.T, cmap=GREY, vmin=0, vmax=1, aspect="auto")
    rows.set_title("the sequence: one row a step")
    rows.set_xlabel("time step t")
    rows.set_ylabel("input unit")
    rows.set_xticks(range(len(image)), range(1, len(image) + 1))
    for ax in (whole, rows):
        ax.grid(False)
    return figure


@_style()
def unrolled_graph(x: np.ndarray, states: np.ndarray, p: np.ndarray) -> Figure:
    """Draw the unrolled network with the values of a real run as colour.

    Parameters
    ----------
    x : numpy.ndarray
        (T, D), the inputs of one sequence, in [0, 1].
    states : numpy.ndarray
        (T+1, N), h_0 and then every hidden state, in [-1, 1].
    p : numpy.ndarray
        (T, K), the probabilities of the classes after each step.

    Returns
    -------
    matplotlib.figure.Figure
        Time from left to right; inputs below, states in the middle, outputs above.
    """
    T, N = len(x), states.shape[1]
    columns = 4 if N % 4 == 0 else 1
    figure = _CourseFigure(figsize=(1.35 * (T + 2), 5))
    ax = figure.subplots()
    block = (0.46, 1.3)
    for t in range(T + 1):
        values = states[t].reshape(-1, columns)
        _cells(ax, values, (t, 0), block, cmap=SIGNED, vmin=-1, vmax=1)
        ax.text(t - 0.23, 0.7, f"$h_{{{t}}}$", ha="left", va="bottom", fontsize=12)
        if t == 0:
            continue
        _cells(ax, x[t - 1][None], (t, -1.9), (0.8, 0.25), cmap=GREY, vmin=0, vmax=1)
        _cells(ax, p[t - 1][None], (t, 1.6), (0.8, 0.25), cmap="Greens", vmin=0, vmax=1)
        _arrow(ax, (t - 1 + 0.25, 0), (t - 0.25, 0), LOOK["state"][0])
        _arrow(ax, (t, -1.75), (t, -0.68))
        _arrow(ax, (t, 0.68), (t, 1.44), LOOK["output"][0])
        ax.text(t, -2.1, f"$x_{{{t}}}$", ha="center", va="top", fontsize=12)
        ax.text(t, 1.8, f"$y_{{{t}}}$", ha="center", va="bottom", fontsize=12)
        ax.text(t - 0.5, 0.08, "$W_{hh}$", ha="center", va="bottom", fontsize=11)
        ax.text(t - 0.05, -1.2, "$W_{xh}$", ha="right", va="center", fontsize=11)
        ax.text(t + 0.05, 1.12, "$W_{hy}$", ha="left", va="center", fontsize=11)
    ax.set(xlim=(-0.7, T + 0.6), ylim=(-2.45, 2.25), yticks=(-1.9, 0, 1.6), aspect="auto")
    ax.set_yticklabels(["input", "state", "class\nprobability"])
    ax.set_xticks(range(T + 1))
    ax.set_xlabel("time step t")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(-1, 1), SIGNED)
    figure.colorbar(scale, ax=ax, label="hidden state $h_{t,i}$", shrink=0.6, pad=0.01)
    return figure


@_style()
def class_probabilities(p: np.ndarray, label: int) -> Figure:
    """Draw how the probability of each class develops over the time steps.

    Parameters
    ----------
    p : numpy.ndarray
        (T, K), the probabilities after each step.
    label : int
        The right class.

    Returns
    -------
    matplotlib.figure.Figure
        A heat map, the right class marked.
    """
    T, K = p.shape
    figure = _CourseFigure(figsize=(7, 3.6))
    ax = figure.subplots()
    picture = ax.imshow(p.T, cmap="Greens", vmin=0, vmax=1, aspect="auto", origin="lower")
    frame = Rectangle(
        (-0.5, label - 0.5), T, 1, fill=False, edgecolor="black", linewidth=2, linestyle="--"
    )
    ax.add_patch(frame)
    ax.set_xticks(range(T), range(1, T + 1))
    ax.set_yticks(range(K))
    ax.set_xlabel("rows read so far (time step t)")
    ax.set_ylabel("class (dashed: right)")
    ax.grid(False)
    figure.colorbar(picture, ax=ax, label="probability")
    return figure


@_style()
def error_against_step(eps: np.ndarray, errors: Mapping[str, np.ndarray]) -> Figure:
    """Draw the error of numerical derivatives against the step ε.

    Parameters
    ----------
    eps : numpy.ndarray
        (M,), steps, in the units of the variable.
    errors : Mapping
        Name of the method to (M,) relative errors; the first is drawn as a truncated quantity,
        the second as the definition.

    Returns
    -------
    matplotlib.figure.Figure
        Both axes logarithmic.
    """
    figure = _CourseFigure(figsize=(7.5, 4))
    ax = figure.subplots()
    for (name, error), quantity in zip(errors.items(), ("truncated", "definition"), strict=True):
        _line(ax, eps, np.maximum(error, 1e-17), quantity, name)
    ax.set(xscale="log", yscale="log", xlabel="step ε", ylabel="largest relative error")
    ax.invert_xaxis()
    ax.legend()
    return figure


@_style()
def gradient_flow(dL_dh: np.ndarray) -> Figure:
    """Draw the gradient at the hidden states as it flows back through time.

    Parameters
    ----------
    dL_dh : numpy.ndarray
        (T, N), ∂L/∂h_t of one sequence.

    Returns
    -------
    matplotlib.figure.Figure
        Above the entries as colour, below their norm at each step.
    """
    T, N = dL_dh.shape
    limit = np.abs(dL_dh).max()
    figure = _CourseFigure(figsize=(9, 5))
    entries, norms = figure.subplots(2, 1, height_ratios=(1.5, 1), sharex=True)
    picture = entries.imshow(dL_dh.T, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto",
                             extent=(0.5, T + 0.5, N - 0.5, -0.5))  # fmt: skip
    entries.set_ylabel("hidden unit i")
    entries.set_title("the gradient is computed from right to left")
    entries.grid(False)
    figure.colorbar(picture, ax=entries, label=r"$\partial L/\partial h_{t,i}$ (units of the loss)")
    _line(norms, np.arange(1, T + 1), np.linalg.norm(dL_dh, axis=1), "gradient", "")
    norms.set(xlabel="time step t", ylabel=r"$\|\partial L/\partial h_t\|_2$", yscale="log")
    norms.set_xticks(range(1, T + 1, max(1, T // 8)))
    _plain_log(norms.yaxis)
    return figure


@_style()
def contribution_matrix(norms: np.ndarray) -> Figure:
    """Draw how much the loss at each step t owes to the weights' use at each step k.

    Parameters
    ----------
    norms : numpy.ndarray
        (T, T), Frobenius norms of the contributions C_tk; zero for k > t.

    Returns
    -------
    matplotlib.figure.Figure
        A heat map, colour on a logarithmic scale; what is exactly zero stays white.
    """
    T = len(norms)
    shown = np.ma.masked_equal(norms, 0)
    figure = _CourseFigure(figsize=(6.6, 5))
    ax = figure.subplots()
    top = shown.max()
    picture = ax.imshow(shown, cmap=MAGNITUDE, norm=LogNorm(max(shown.min(), 1e-8 * top), top),
                        extent=(0.5, T + 0.5, T + 0.5, 0.5))  # fmt: skip
    ax.set_xlabel("k: the step at which $W_{hh}$ acted")
    ax.set_ylabel("t: the step whose loss is explained")
    ax.grid(False)
    ax.text(T * 0.7, T * 0.3, "k > t: zero\n(the future cannot\nact on the past)", ha="center")
    figure.colorbar(picture, ax=ax, label=r"$\|C_{tk}\|_F$ (units of the loss)")
    return figure


@_style()
def cost_against_length(
    T: np.ndarray, seconds: Mapping[str, np.ndarray], pairs: Mapping[str, np.ndarray]
) -> Figure:
    """Draw the cost of the double sum and of the sweep against the length of the sequence.

    Parameters
    ----------
    T : numpy.ndarray
        (M,), lengths, in time steps.
    seconds : Mapping
        Name of the method to (M,) run times in seconds, the definition first, the sweep second.
    pairs : Mapping
        Name of the method to (M,) numbers of Jacobian products, in the same order.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, all axes logarithmic.
    """
    figure = _CourseFigure(figsize=(10, 3.9))
    counted, timed = figure.subplots(1, 2)
    for ax, values, label in (
        (counted, pairs, "products with a Jacobian"),
        (timed, seconds, "run time (s)"),
    ):
        for (name, cost), quantity in zip(values.items(), ("definition", "gradient"), strict=True):
            _line(ax, T, cost, quantity, name)
        ax.set(xscale="log", yscale="log", xlabel="sequence length T (steps)", ylabel=label)
        ax.set_xticks(T, T)
        ax.minorticks_off()
    counted.set_title("counted")
    timed.set_title("measured on this machine")
    counted.legend()
    return figure


@_style()
def memory_against_segment(
    segment: np.ndarray, states: np.ndarray, megabytes: np.ndarray, full: float
) -> Figure:
    """Draw the memory of checkpointing against the length of a segment.

    Parameters
    ----------
    segment : numpy.ndarray
        (M,), steps per segment.
    states : numpy.ndarray
        (M,), hidden states in memory at the worst moment, counted.
    megabytes : numpy.ndarray
        (M,), peak of the memory allocated, measured.
    full : float
        The same peak without checkpoints, in MB.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: counted and measured.
    """
    figure = _CourseFigure(figsize=(10, 3.9))
    counted, measured = figure.subplots(1, 2)
    _line(counted, segment, states, "state", "checkpointed")
    _line(measured, segment, megabytes, "state", "checkpointed")
    colour, style, _ = LOOK["guide"]
    measured.axhline(full, color=colour, linestyle=style, label="everything kept")
    counted.set_title("counted")
    measured.set_title("measured")
    counted.set_ylabel("hidden states in memory")
    measured.set_ylabel("peak memory (MB)")
    measured.legend(loc="upper center", bbox_to_anchor=(0.5, 0.92))
    for ax in (counted, measured):
        ax.set(xscale="log", xlabel="segment length s (steps)", ylim=(0, None))
        ax.set_xticks(segment, segment)
        ax.minorticks_off()
    return figure


@_style()
def bias_against_window(
    window: np.ndarray, bias: Mapping[str, np.ndarray], cosine: Mapping[str, np.ndarray]
) -> Figure:
    """Draw what truncation throws away against the length of the window.

    Parameters
    ----------
    window : numpy.ndarray
        (M,), steps that a loss is sent back, at most.
    bias : Mapping
        Name of the form of truncation to (M,) relative errors of the gradient; two forms, the
        sliding window first.
    cosine : Mapping
        Name of the form to (M,) cosines of the angle to the full gradient, in the same order.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: size of the error, and direction.
    """
    figure = _CourseFigure(figsize=(10, 3.9))
    sizes, directions = figure.subplots(1, 2)
    for ax, values in ((sizes, bias), (directions, cosine)):
        for (name, value), style in zip(values.items(), ("-", "--"), strict=True):
            colour, _, marker = LOOK["truncated"]
            ax.plot(window, value, color=colour, linestyle=style, marker=marker, label=name,
                    markerfacecolor=colour if style == "-" else "white")  # fmt: skip
        ax.set(xlabel="window (steps)", xticks=window[:: max(1, len(window) // 8)])
    sizes.set_ylabel("what is missing,\nshare of the full gradient's norm")
    directions.set_ylabel("cosine of the angle\nto the full gradient")
    sizes.set_ylim(0, None)
    directions.axhline(1, color=LOOK["guide"][0], linestyle=":")
    sizes.legend()
    return figure


@_style()
def learning_curves(
    epochs: np.ndarray, loss: Mapping[str, np.ndarray], accuracy: Mapping[str, np.ndarray]
) -> Figure:
    """Draw loss and accuracy over a training.

    Parameters
    ----------
    epochs : numpy.ndarray
        (M,), passes through the training data.
    loss : Mapping
        ``"train"`` and ``"validation"`` to (M,) mean losses, in nats.
    accuracy : Mapping
        ``"train"`` and ``"validation"`` to (M,) shares of right answers.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels.
    """
    figure = _CourseFigure(figsize=(10, 3.9))
    losses, accuracies = figure.subplots(1, 2)
    for name in ("train", "validation"):
        _line(losses, epochs, loss[name], name, name)
        _line(accuracies, epochs, 100 * accuracy[name], name, name)
    losses.set(xlabel="epoch", ylabel="mean cross-entropy (nats)", yscale="log")
    accuracies.set(xlabel="epoch", ylabel="right answers (%)", ylim=(0, 102))
    accuracies.axhline(10, color=LOOK["guide"][0], linestyle=":")
    accuracies.text(epochs[-1], 8, "guessing", ha="right", va="top")
    _plain_log(losses.yaxis)
    losses.legend()
    return figure


@_style()
def gradient_explorer(
    log_norm: np.ndarray,
    log_compared: Mapping[str, np.ndarray],
    log_singular_values: np.ndarray,
    figure: Figure | None = None,
) -> Figure:
    """Draw the norm of the Jacobian product and its singular values against the lag.

    Parameters
    ----------
    log_norm : numpy.ndarray
        (T,), natural logarithm of the measured norm; entry ℓ-1 is that of lag ℓ.
    log_compared : Mapping
        Label to (T,) logarithms of what it is compared with: two upper bounds, then ρ^ℓ.
    log_singular_values : numpy.ndarray
        (T, N), logarithms, the largest first; nan where lost in rounding.
    figure : matplotlib.figure.Figure, optional
        One that this function made: its curves are replaced, which takes less time.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, logarithmic. The bounds may leave the first one at its top.
    """
    if figure is None:
        figure = _CourseFigure(figsize=(10, 4.3), layout="none")
        figure.subplots_adjust(left=0.075, right=0.985, bottom=0.13, top=0.78, wspace=0.2)
        for ax, title in zip(figure.subplots(1, 2), ("the norm", "all directions"), strict=True):
            ax.axhline(0, color="#444444", linewidth=0.8)
            looks = [("definition", "--"), ("definition", "-."), ("guide", ":"), ("gradient", "-")]
            for quantity, style in looks if ax is figure.axes[0] else looks[3:]:
                ax.plot([], [], color=LOOK[quantity][0], linestyle=style)
            ax.set_title(title, y=1.2)
            ax.set_xlabel(r"lag $\ell$ (steps back from the last)")
            ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
            ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
            small = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
            ax.yaxis.set_major_formatter(
                lambda value, _, small=small: "10" + f"{value:.0f}".translate(small)
            )
        fan = LineCollection([], colors=LOOK["gradient"][0], linewidths=0.8, alpha=0.45)
        figure.axes[1].add_collection(fan, autolim=False)
        names = [*log_compared, r"measured $\|J_{T:T-\ell}\|_2$"]
        figure.axes[0].legend(
            figure.axes[0].lines[1:], names, ncols=2, loc="lower left", bbox_to_anchor=(-0.02, 0.99)
        )
        names = [r"largest, $\sigma_1$", "the others, until lost in rounding"]
        figure.axes[1].legend(
            [figure.axes[1].lines[1], fan], names, loc="lower left", bbox_to_anchor=(-0.02, 0.99)
        )
        figure.axes[0].set_ylabel("2-norm, or bound (no unit)")
        figure.axes[1].set_ylabel(r"singular value $\sigma_i(J_{T:T-\ell})$ (no unit)")

    norms, directions = figure.axes
    lags = np.arange(1, len(log_norm) + 1)
    curves = [curve / np.log(10) for curve in (*log_compared.values(), log_norm)]
    for line, curve in zip(norms.lines[1:], curves, strict=True):
        line.set_data(lags, curve)
    values = log_singular_values / np.log(10)
    directions.lines[1].set_data(lags, curves[-1])
    directions.collections[0].set_segments([np.stack([lags, v], 1) for v in values.T[1:]])
    for ax, shown, above in ((norms, curves[2:], 0.5), (directions, [values], 0.08)):
        shown = np.concatenate([np.ravel(curve) for curve in shown] + [[0]])
        low, high = (f(shown[np.isfinite(shown)]) for f in (np.min, np.max))
        span = max(high - low, 1)
        ax.set(xlim=(0, lags[-1] + 0.02 * lags[-1]), ylim=(low - 0.08 * span, high + above * span))
    return figure
