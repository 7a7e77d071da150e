"""The figures of notebook 04, on training.

As in `rnncourse.figures`: arrays in, a matplotlib Figure out; nothing is computed here. Training
and validation, targets and outputs have the same colours in all of them.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator

from rnncourse.figures import (
    GREY,
    LOOK,
    MAGNITUDE,
    SIGNED,
    _CourseFigure,
    _line,
    _plain_log,
    _style,
)
from rnncourse.gradient_figures import _each_its_look

FORECASTS = (
    {"quantity": "output"},
    {"quantity": "state", "linestyle": "--"},
    {"quantity": "truncated", "linestyle": "-."},
    {"quantity": "guide", "linestyle": ":"},
)
DESCENTS = (
    {"quantity": "gradient", "marker": "s"},
    {"quantity": "truncated", "marker": "v", "linestyle": "--"},
    {"quantity": "state", "marker": "o", "linestyle": "-."},
    {"quantity": "definition", "marker": "^", "linestyle": ":"},
)
OUTLINE = [Stroke(linewidth=4, foreground="white"), Normal()]


def _whole(ax: Axes, label: str) -> None:
    """Set up a horizontal axis that counts."""
    ax.set_xlabel(label)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _luminance(colour: tuple) -> float:
    """Relative luminance of a colour; above 0.18 black is easier to read on it than white."""
    channels = np.array(colour[:3])
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def _level(ax: Axes, value: float, label: str) -> None:
    """Draw a horizontal line that the legend explains, with room for it on the axis."""
    ax.axhline(value, color=LOOK["definition"][0], linestyle=":", linewidth=1.6, label=label)
    low, high = ax.get_ylim()
    if ax.get_yscale() == "linear":
        ax.set_ylim(min(low, value), max(high, value + 0.05 * (value - low)))


def _both(ax: Axes, epochs: np.ndarray, train: np.ndarray, validation: np.ndarray) -> None:
    """Draw what is measured on the training data and on the validation data."""
    _line(ax, epochs, train, "train", "training")
    _line(ax, epochs, validation, "validation", "validation")


@_style()
def training_history(
    loss: Mapping[str, np.ndarray],
    metric: Mapping[str, np.ndarray],
    gradient_norm: np.ndarray,
    rate: np.ndarray,
    *,
    threshold: float | None = None,
    baseline: float | None = None,
    best: int | None = None,
    loss_label: str = "loss (nats)",
    metric_label: str = "share of right answers",
) -> Figure:
    r"""Draw what is watched while a network is trained.

    Parameters
    ----------
    loss : Mapping
        ``"train"`` and ``"validation"`` to (E,) losses, one for each epoch.
    metric : Mapping
        The same for the metric.
    gradient_norm : numpy.ndarray
        (S,), norm of the gradient before clipping, one for each step; what is not finite is left
        out.
    rate : numpy.ndarray
        (S,), learning rate of each step.
    threshold : float, optional
        The norm to which gradients are clipped; the steps above it are marked, and their share
        is in the title.
    baseline : float, optional
        The loss of the best memoryless guess, in the units of the loss.
    best : int, optional
        The epoch, from 1, whose weights were kept.
    loss_label : str
        Label of the loss, with its unit.
    metric_label : str
        Label of the metric, with its unit.

    Returns
    -------
    matplotlib.figure.Figure
        Four panels: loss and metric against the epoch, gradient norm and learning rate against
        the step.
    """
    figure = _CourseFigure(figsize=(11, 6.4))
    (losses, metrics), (norms, rates) = figure.subplots(2, 2)
    for ax, curves, label in ((losses, loss, loss_label), (metrics, metric, metric_label)):
        epochs = np.arange(1, len(curves["train"]) + 1)
        _both(ax, epochs, curves["train"], curves["validation"])
        if best is not None:
            ax.axvline(best, color=LOOK["guide"][0], linestyle="-.", lw=1.4, label="weights kept")
        ax.set_ylabel(label)
        _whole(ax, "epoch")
    losses.set_title("the loss: what is minimised")
    metrics.set_title("the metric: what is wanted")
    if baseline is not None:
        _level(losses, baseline, "memoryless guess")
    handles, labels = losses.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4)

    steps = np.arange(1, len(gradient_norm) + 1)
    norm = np.where(np.isfinite(gradient_norm) & (gradient_norm > 0), gradient_norm, np.nan)
    clipped = gradient_norm > (np.inf if threshold is None else threshold)
    _line(norms, steps, norm, "gradient", "", marker="", linewidth=0.8)
    norms.set(yscale="log", ylabel=r"gradient norm $\|g\|_2$")
    norms.set_title("the gradient, before clipping")
    if threshold is not None:
        look = {"linestyle": "", "marker": "v", "markersize": 4.5, "markeredgewidth": 0}
        _line(norms, steps[clipped], norm[clipped], "truncated", "clipped step", **look)
        _level(norms, threshold, f"threshold {threshold:g}")
        norms.set_title(f"before clipping: {clipped.mean():.0%} of steps clipped")
        norms.legend(loc="upper right")
    _line(rates, steps, rate, "guide", "", linestyle="-")
    rates.set(ylabel=r"learning rate $\eta$", ylim=(0, 1.08 * rate.max()))
    rates.set_title("the schedule")
    for ax in (norms, rates):
        _whole(ax, "step (one mini-batch each)")
    _plain_log(norms.yaxis)
    return figure


@_style()
def loss_regimes(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    baseline: float | Mapping[str, float | None] | None = None,
    label: str = "loss (nats)",
) -> Figure:
    r"""Draw loss curves beside each other, one panel for each way in which training can go.

    Parameters
    ----------
    curves : Mapping
        Name of the regime to epochs, training loss and validation loss, each (E,); what is not
        finite is left out and marked as the end.
    baseline : float or Mapping, optional
        The loss of the best memoryless guess, for all panels or by name.
    label : str
        Label of the loss, with its unit.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each regime; the loss is logarithmic where it explodes.
    """
    columns = len(curves) if len(curves) < 4 else math.ceil(len(curves) / 2)
    rows = math.ceil(len(curves) / columns)
    figure = _CourseFigure(figsize=(max(4.8, 4.2 * columns), 0.5 + 3 * rows))
    panels = figure.subplots(rows, columns, squeeze=False)
    for i, (name, (epochs, train, validation)) in enumerate(curves.items()):
        ax = panels.flat[i]
        finite = np.logical_and.accumulate(np.isfinite(train) & np.isfinite(validation))
        _both(ax, epochs[finite], train[finite], validation[finite])
        ax.set_title(name)
        ax.set_ylabel("" if i % columns else label)
        _whole(ax, "epoch")
        level = baseline.get(name) if isinstance(baseline, Mapping) else baseline
        shown = np.concatenate([train[finite], validation[finite]])
        if len(shown) and shown.min() > 0 and shown.max() > 20 * max(train[0], level or 0):
            ax.set_yscale("log")
            _plain_log(ax.yaxis)
        elif len(shown):
            ax.set_ylim(min(0, shown.min()), None)
        if level is not None:
            _level(ax, level, "memoryless guess")
        if not finite.all():
            last = slice(finite.sum() - 1, finite.sum()) if finite.any() else slice(0)
            look = {"linestyle": "", "marker": "X", "markersize": 12}
            _line(ax, epochs[last], train[last], "gradient", "then nan or inf", **look)
    for ax in panels.flat[len(curves) :]:
        ax.remove()
    labelled = {}
    for ax in figure.axes:
        labelled |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(labelled.values(), labelled, loc="outside upper left", ncols=4)
    return figure


@_style()
def study_heat_map(
    median: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    rows: Sequence,
    columns: Sequence,
    *,
    row_name: str,
    column_name: str,
    value_name: str,
    largest: bool = False,
    title: str = "",
) -> Figure:
    r"""Draw the result of a study as a heat map with the spread over the seeds in its cells.

    Parameters
    ----------
    median : numpy.ndarray
        (P, Q), median over the seeds; infinite where most runs failed.
    low : numpy.ndarray
        (P, Q), lowest value of any seed.
    high : numpy.ndarray
        (P, Q), highest value of any seed.
    rows : Sequence
        (P,), values of the hyper-parameter of the rows.
    columns : Sequence
        (Q,), values of the hyper-parameter of the columns.
    row_name : str
        Name of the hyper-parameter of the rows, with its unit.
    column_name : str
        Name of the hyper-parameter of the columns, with its unit.
    value_name : str
        What the values are, with their unit.
    largest : bool
        True if a larger value is better; the best cell is framed.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; in each cell the median above the lowest and the highest value.
    """
    finite = np.isfinite(median)
    shown = np.ma.masked_where(~finite, median)
    P, Q = median.shape
    figure = _CourseFigure(figsize=(3.2 + 1.5 * Q, 1.9 + 0.85 * P))
    ax = figure.subplots()
    ends = (shown.min(), shown.max()) if finite.any() else (0, 1)
    norm = (LogNorm if 0 < 10 * ends[0] < ends[1] else Normalize)(*ends)
    cmap = MAGNITUDE if largest else f"{MAGNITUDE}_r"  # the better, the lighter
    picture = ax.imshow(shown, cmap=cmap, norm=norm, aspect="auto")
    ax.set_facecolor("#e6e6e6")

    def text(value: float) -> str:
        return f"{value:.3g}" if np.isfinite(value) else "failed"

    for p, q in np.ndindex(P, Q):
        light = not finite[p, q] or _luminance(picture.to_rgba(median[p, q])) > 0.18
        look = {"ha": "center", "color": "black" if light else "white"}
        ax.text(q, p - 0.02, text(median[p, q]), va="bottom", fontsize=14, weight="bold", **look)
        spread = f"{text(low[p, q])} … {text(high[p, q])}" if finite[p, q] else ""
        ax.text(q, p + 0.08, spread, va="top", fontsize=10, **look)
    if finite.any():
        best = np.ma.argmax(shown) if largest else np.ma.argmin(shown)
        p, q = np.unravel_index(best, shown.shape)
        frame = {"fill": False, "edgecolor": LOOK["gradient"][0], "linewidth": 4}
        ax.add_patch(Rectangle((q - 0.46, p - 0.46), 0.92, 0.92, **frame))
    ax.set_xticks(range(Q), [str(c) for c in columns])
    ax.set_yticks(range(P), [str(r) for r in rows])
    ax.set(xlabel=column_name, ylabel=row_name, title=title)
    ax.grid(False)
    bar = figure.colorbar(picture, ax=ax, label=value_name)
    if isinstance(norm, LogNorm):
        _plain_log(bar.ax.yaxis)
    return figure


@_style()
def sequence_example(
    x: np.ndarray,
    target: int | np.ndarray,
    mask: np.ndarray | None = None,
    title: str = "",
    *,
    symbols: Sequence[str] | None = None,
    input_names: Sequence[str] | None = None,
) -> Figure:
    r"""Draw one example of a task: what goes in at each step, and what should come out.

    Parameters
    ----------
    x : numpy.ndarray
        (T, D), the inputs of one sequence.
    target : int or numpy.ndarray
        The class of the sequence, or (T,) classes, one for each step, or (T, K) numbers.
    mask : numpy.ndarray, optional
        (T,) of bool, True where a step counts; the targets of the others are left out. By
        default, all steps count, and for one class the last.
    title : str
        Title of the figure.
    symbols : Sequence of str, optional
        What the classes are called; by default, their numbers.
    input_names : Sequence of str, optional
        (D,), what the inputs are called; by default, their numbers.

    Returns
    -------
    matplotlib.figure.Figure
        The inputs above, a curve for each of up to three, else as colour; the targets below.
    """
    T, D = x.shape
    one_class, numbers = np.ndim(target) == 0, np.ndim(target) == 2
    counts = np.arange(T) == T - 1 if one_class else np.ones(T, bool)
    counts = counts if mask is None else mask
    steps = np.arange(1, T + 1)
    figure = _CourseFigure(figsize=(10, 4.4 if numbers or D > 3 else 3.8))
    inputs, outputs = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1.4 if numbers else 0.5))
    names = input_names or [f"input {d + 1}" for d in range(D)]
    if D <= 3:
        for d, (name, marker) in enumerate(zip(names, "os^", strict=False)):
            more = {"marker": marker if T <= 60 else "", "linestyle": ("-", "--", "-.")[d]}
            more |= {"color": ("#0072B2", "#444444", "#7FA8C9")[d], "markersize": 5}
            _line(inputs, steps, x[:, d], "state", name, **more)
        if D > 1 or input_names:
            inputs.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        inputs.set_ylabel("input")
    else:
        limit = np.abs(x).max()
        signed = {"cmap": SIGNED, "vmin": -limit, "vmax": limit}
        look = signed if x.min() < 0 else {"cmap": GREY, "vmin": 0, "vmax": limit}
        inputs.imshow(x.T, aspect="auto", extent=(0.5, T + 0.5, D + 0.5, 0.5), **look)
        inputs.grid(False)
        inputs.set_ylabel("input unit")
        inputs.yaxis.set_major_locator(MaxNLocator(8, integer=True))
        if input_names and D <= 14:
            inputs.set_yticks(range(1, D + 1), input_names)
    inputs.set_title(title)

    colour = LOOK["output"][0]
    if numbers:
        for k, values in enumerate(target.T):
            more = {"linestyle": ("-", "--", "-.", ":")[k % 4], "marker": "D" if T <= 60 else ""}
            shown = np.where(counts, values, np.nan)
            _line(outputs, steps, shown, "output", f"target {k + 1}", **more | {"markersize": 5})
        outputs.set_ylabel("target")
        if counts.sum() == 1:
            outputs.set_ylim(*sorted((0, 1.3 * target[counts].ravel()[0] or 1)))
    else:
        classes = np.full(T, target) if one_class else target
        look = {"ha": "center", "va": "center", "fontsize": 12, "clip_on": True}
        for t in np.flatnonzero(counts):
            box = Rectangle((t + 0.5, 0), 1, 1, facecolor=colour, alpha=0.3, edgecolor=colour)
            outputs.add_patch(box)
            name = symbols[classes[t]] if symbols else str(classes[t])
            room = 60 / max(len(name), 2) >= T / 2 or counts.sum() <= 12
            outputs.text(t + 1, 0.5, name if room else "", **look)
        outputs.set(ylim=(0, 1), yticks=())
        outputs.set_ylabel("target", rotation=0, ha="right", va="center")
        outputs.grid(False)
    edges = np.flatnonzero(np.diff(np.r_[0, ~counts, 0]))
    for start, end in edges.reshape(-1, 2):
        outputs.axvspan(start + 0.5, end + 0.5, facecolor="#ececec", zorder=0)
    outputs.set_xlim(0.5, T + 0.5)
    _whole(outputs, "time step t" + ("" if counts.all() else " (grey: does not count)"))
    if T <= 12:
        outputs.set_xticks(steps)
    return figure


@_style()
def forecast(
    years: np.ndarray,
    truth: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    label: str = "value",
    held_out: float | None = None,
) -> Figure:
    r"""Draw a series and what was predicted of it.

    Parameters
    ----------
    years : numpy.ndarray
        (M,), the time, in years.
    truth : numpy.ndarray
        (M,), what was observed.
    predictions : Mapping
        Name of the model to (M,) predictions, nan where there is none; at most four.
    label : str
        Label of the series, with its unit.
    held_out : float, optional
        The year from which on nothing was trained on; it is shaded.

    Returns
    -------
    matplotlib.figure.Figure
        Above the series and the predictions, below the errors.
    """
    figure = _CourseFigure(figsize=(10.5, 5))
    series, errors = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    plain = {"linestyle": "-", "marker": "o", "markersize": 3, "linewidth": 1.4}
    _line(series, years, truth, "definition", "observed", **plain)
    errors.axhline(0, color=LOOK["definition"][0], linewidth=1.2)
    for name, values, look in _each_its_look(predictions, FORECASTS):
        more = {"marker": "", "linewidth": 1.8} | look
        _line(series, years, values, label=name, **more)
        _line(errors, years, values - truth, label="", **more)
    series.set_ylabel(label)
    errors.set(xlabel="year", ylabel="predicted\n− observed", xlim=(years[0], years[-1]))
    errors.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=(1, 2, 5, 10)))
    for ax in (series, errors) if held_out is not None else ():
        ax.axvspan(held_out, years[-1], color="#f3efe2", zorder=0,
                   label="held out" if ax is series else "")  # fmt: skip
    series.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.align_ylabels()
    return figure


@_style()
def optimiser_paths(
    w: np.ndarray,
    b: np.ndarray,
    loss: np.ndarray,
    paths: Mapping[str, np.ndarray],
    *,
    minimum: tuple[float, float] | None = None,
    names: tuple[str, str] = ("weight $w$", "bias $b$"),
) -> Figure:
    r"""Draw the paths of optimisers over the map of a loss of two parameters.

    Parameters
    ----------
    w : numpy.ndarray
        (P,), values of the first parameter.
    b : numpy.ndarray
        (Q,), values of the second parameter.
    loss : numpy.ndarray
        (Q, P), the loss at each second (row) and first (column) parameter.
    paths : Mapping
        Name of the optimiser to its (S, 2) points, the start first; at most four. A path may
        leave its picture.
    minimum : tuple of float, optional
        Where the loss is least; marked by a star.
    names : tuple of str
        What the parameters are called, with their units.

    Returns
    -------
    matplotlib.figure.Figure
        A map for each optimiser; its colour and its contours are logarithmic.
    """
    norm = LogNorm(max(loss.min(), 1e-4 * loss.max()), loss.max(), clip=True)
    figure = _CourseFigure(figsize=(1.2 + 3.6 * len(paths), 4))
    panels = figure.subplots(1, len(paths), sharex=True, sharey=True, squeeze=False)[0]
    for i, (name, path, look) in enumerate(_each_its_look(paths, DESCENTS)):
        ax = panels[i]
        picture = ax.pcolormesh(w, b, loss, norm=norm, cmap=MAGNITUDE, rasterized=True)
        levels = np.geomspace(norm.vmin, norm.vmax, 10)
        ax.contour(w, b, loss, levels=levels, colors="white", linewidths=0.6, alpha=0.6)
        every = {"markevery": max(1, len(path) // 25), "markersize": 5, "path_effects": OUTLINE}
        _line(ax, *path.T, label=name, **every | look)
        ax.plot(*path[0], "o", markersize=11, color="white", markeredgecolor="black", zorder=4)
        if minimum is not None:
            ax.plot(*minimum, "*", markersize=17, color="white", markeredgecolor="black", zorder=5)
        ax.set(title=name, xlabel=names[0], xlim=w[[0, -1]], ylim=b[[0, -1]])
        ax.set_ylabel("" if i else names[1])
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.grid(False)
    extend = "min" if loss.min() < norm.vmin else "neither"
    figure.colorbar(picture, ax=panels, label="loss", extend=extend, pad=0.02)
    return figure


@_style()
def clipping_picture(
    vectors: np.ndarray, by_norm: np.ndarray, by_value: np.ndarray, threshold: float
) -> Figure:
    r"""Draw gradients of two parameters before and after they are clipped in two ways.

    Parameters
    ----------
    vectors : numpy.ndarray
        (M, 2), gradients before clipping.
    by_norm : numpy.ndarray
        (M, 2), the same clipped by norm.
    by_value : numpy.ndarray
        (M, 2), the same clipped by value.
    threshold : float
        The largest norm, or the largest absolute value of an entry.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with equal scales, with the circle and the square that nothing leaves.
    """
    figure = _CourseFigure(figsize=(10.5, 5.4))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    reach = 1.12 * max(np.abs(vectors).max(), threshold)
    region = {
        "facecolor": "#f3efe2",
        "edgecolor": LOOK["guide"][0],
        "linewidth": 1.6,
        "zorder": 0.9,
    }
    panels[0].add_patch(Circle((0, 0), threshold, **region, label="where it may end"))
    panels[1].add_patch(Rectangle((-threshold, -threshold), 2 * threshold, 2 * threshold, **region))
    titles = ("by norm: the direction stays", "by value: the direction may change")
    for ax, clipped, title in zip(panels, (by_norm, by_value), titles, strict=True):
        for points, quantity, width, size in (
            (vectors, "gradient", 1.6, 7),
            (clipped, "truncated", 3.4, 8),
        ):
            colour, _, marker = LOOK[quantity]
            for point in points:
                ax.plot(*zip((0, 0), point, strict=True), color=colour, linewidth=width,
                        linestyle="--" if quantity == "gradient" else "-")  # fmt: skip
            ax.plot(*points.T, linestyle="", marker=marker, color=colour, markersize=size,
                    label="before" if quantity == "gradient" else "after")  # fmt: skip
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
        ax.set_xlabel("gradient of the first parameter")
    panels[0].set_ylabel("gradient of the second parameter")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
