"""The figures of notebooks 05 and 06, on tricks and gated cells.

As in `rnncourse.figures`: arrays in, a matplotlib Figure out; nothing is computed here. Curves of
several techniques differ in colour, line style and marker, and each is named at its own end.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from rnncourse.figures import LOOK, MAGNITUDE, _CourseFigure, _line, _style
from rnncourse.gradient_figures import PATCH, _each_its_look
from rnncourse.validation import check_array

TECHNIQUES = (  # colour, line style, marker and its filling: three signs for each curve
    {"color": "#000000", "linestyle": "-", "marker": "o"},
    {"color": "#0072B2", "linestyle": "--", "marker": "s"},
    {"color": "#D55E00", "linestyle": "-.", "marker": "^"},
    {"color": "#009E73", "linestyle": "-", "marker": "D"},
    {"color": "#B0508A", "linestyle": "--", "marker": "v", "markerfacecolor": "white"},
    {"color": "#5B4B8A", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "P"},
    {"color": "#A86400", "linestyle": "-", "marker": "s", "markerfacecolor": "white"},
    {"color": "#777777", "linestyle": ":", "marker": "o", "markerfacecolor": "white"},
)
KEPT, DROPPED = "#D4D4D4", "#4A4A4A"
BAND = "#ECECEC"
SMALLEST_LABEL = 0.068  # share of the height of the axes that one label needs


def _series(name: str, group: Mapping[str, np.ndarray], axes: str, **sizes: int) -> None:
    """Refuse an empty group, and arrays that differ in shape from the first or are no floats."""
    if not group:
        raise ValueError(f"{name} is empty; expected at least one name with its array.")
    for key, values in group.items():
        check_array(f"{name}[{key!r}]", values, axes, **sizes)
        sizes |= dict(zip(axes.split(), values.shape, strict=True))


def _spread(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Move positions in [0, 1] apart, as little as it takes, to be `gap` away from each other."""
    order = np.argsort(wanted, kind="stable")
    gap = min(gap, 1 / max(len(wanted) - 1, 1))
    blocks = []  # of neighbours that touch: [sum of (wanted - offset), how many]
    for y in wanted[order]:
        blocks.append([y, 1])
        while len(blocks) > 1:
            (low, m), (high, n) = blocks[-2:]
            if high / n - low / m >= m * gap:
                break
            blocks[-2:] = [[low + high - m * n * gap, m + n]]
    placed, free = [], 0.0
    for total, n in blocks:
        start = max(free, min(total / n, 1 - (n - 1) * gap))
        placed += [start + i * gap for i in range(n)]
        free = placed[-1] + gap
    placed = np.array(placed)
    for i in reversed(range(len(placed))):  # what was pushed over the top comes back
        placed[i] = min(placed[i], 1 - (len(placed) - 1 - i) * gap)
    result = np.empty(len(wanted))
    result[order] = placed
    return result


def _names_at_the_ends(ax: Axes, ends: Mapping[str, tuple[float, dict, str]]) -> None:
    """Name each curve to the right of the axes, as close to its end as the others allow."""
    low, high = ax.get_ylim()
    log = np.log if ax.get_yscale() == "log" else np.asarray
    with np.errstate(divide="ignore"):
        y = np.array([log(end) for end, _, _ in ends.values()])
    share = np.clip((y - log(low)) / (log(high) - log(low)), 0, 1)
    places = _spread(share, SMALLEST_LABEL)
    across = ax.transAxes
    for (name, (_, look, note)), at, place in zip(ends.items(), share, places, strict=True):
        plain = {"transform": across, "clip_on": False, "color": look["color"]}
        if 0 < at < 1:
            ax.add_line(Line2D((1, 1.03), (at, place), linewidth=0.8, **plain))
        sample = look | plain | {"markevery": [1]}
        ax.add_line(Line2D((1.035, 1.065, 1.095), (place,) * 3, **sample))
        ax.text(1.11, place, name + note, va="center", color=look["color"], transform=across)


def _few(x: np.ndarray, i: int) -> dict:
    """Thin out the markers of curve number i, apart from those of the others."""
    every = max(1, len(x) // 8)
    return {"markevery": (i * every // 8, every)}


def _updates(axis: object) -> None:
    """Label a logarithmic axis of counts with whole numbers."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high > 30 * low else (1, 3)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


@_style()
def contribution_curves(
    curves: Mapping[str, np.ndarray],
    lag_label: str = r"lag $\ell$ (steps back)",
    *,
    floor: float | None = None,
    ylabel: str = "norm of the contribution\n(units of the loss)",
) -> Figure:
    r"""Draw the norm of the contribution to the gradient against the lag, for several techniques.

    Parameters
    ----------
    curves : Mapping
        Name of the technique to (T,) norms at lag 0 … T-1, at least zero; at most eight. Zero is
        left out of the logarithmic axis.
    lag_label : str
        Label of the axis of lags, with its unit.
    floor : float, optional
        The lowest norm that is shown, for example what rounding leaves; curves that go below it
        are marked with an arrow at their name.
    ylabel : str
        Label of the norm, with its unit.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; the norm is logarithmic.
    """
    _series("curves", curves, "T")
    for name, values in curves.items():
        if values.min() < 0:
            raise ValueError(f"curves[{name!r}] has a value of {values.min()}; expected norms.")
    T = len(next(iter(curves.values())))
    every = np.concatenate(list(curves.values()))
    least = every[every > 0].min(initial=1.0)
    least, most = max(least, floor or 0), max(every.max(), least)
    figure = _CourseFigure(figsize=(9.5, 4.8))
    ax = figure.subplots()
    lag, ends = np.arange(T), {}
    for i, (name, values, look) in enumerate(_each_its_look(curves, TECHNIQUES)):
        shown = np.where(values > 0, values, np.nan)
        ax.plot(lag, shown, label=name, **look | _few(lag, i))
        ends[name] = (values[-1], look, r" $\downarrow$" if values[-1] < least else "")
    room = (most / least) ** 0.04 * 1.1
    ax.set(yscale="log", xlabel=lag_label, ylabel=ylabel, xlim=(0, max(T - 1, 1)))
    ax.set_ylim(least if floor else least / room, most * room)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    _names_at_the_ends(ax, ends)
    return figure


@_style()
def influence_paths(
    theta: Mapping[str, np.ndarray],
    optimum: float,
    *,
    limits: tuple[float, float] | None = None,
    xlabel: str = "update",
) -> Figure:
    r"""Draw the path of a parameter in training for several gradients.

    Parameters
    ----------
    theta : Mapping
        Name of the gradient to (steps,) values of θ, or to (runs, steps) of several seeds; at most
        eight. Paths may have different lengths and may leave the picture.
    optimum : float
        The θ of the least loss.
    limits : tuple of float, optional
        Ends of the axis of θ; by default from the optimum twice the way to the first start, and
        once the other way.
    xlabel : str
        What is counted along the paths.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; the name of a path that leaves the picture has an arrow.
    """
    _series_of_runs(theta)
    start = next(iter(theta.values())).flat[0]
    reach = abs(start - optimum) or 1.0
    side = 1.0 if start >= optimum else -1.0
    low, high = limits or sorted((optimum - side * reach, optimum + 2 * side * reach))
    figure = _CourseFigure(figsize=(9.5, 4.6))
    ax = figure.subplots()
    ends = {}
    for i, (name, values, look) in enumerate(_each_its_look(theta, TECHNIQUES)):
        runs = np.atleast_2d(values)
        updates = np.arange(runs.shape[1])
        for run in runs:
            shown = np.clip(run, low - 10 * reach, high + 10 * reach)  # what no one sees
            more = {"alpha": 0.55, "linewidth": 1.3} if len(runs) > 1 else {}
            ax.plot(updates, shown, **look | _few(updates, i) | more)
        end = np.median(runs[:, -1])
        note = r" $\uparrow$" if end > high else r" $\downarrow$" if end < low else ""
        ends[name] = (end, look, note)
    colour, style, _ = LOOK["guide"]
    ax.axhline(optimum, color=colour, linestyle=style, zorder=1)
    steps = max(np.shape(values)[-1] for values in theta.values()) - 1
    ax.annotate("optimum", (0.01, optimum), (0, -6), xycoords=ax.get_yaxis_transform(),
                textcoords="offset points", va="top", color="#555555", bbox=PATCH)  # fmt: skip
    ax.set(xlabel=xlabel, ylabel=r"parameter $\theta$", xlim=(0, max(steps, 1)), ylim=(low, high))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _names_at_the_ends(ax, ends)
    return figure


def _series_of_runs(theta: Mapping[str, np.ndarray]) -> None:
    """Refuse what is neither one path nor several of one length."""
    if not theta:
        raise ValueError("theta is empty; expected at least one name with its path.")
    for name, values in theta.items():
        axes = "runs steps" if np.ndim(values) == 2 else "steps"
        check_array(f"theta[{name!r}]", values, axes)


@_style()
def bias_of_windows(windows: np.ndarray, gradient_share: Mapping[str, np.ndarray]) -> Figure:
    r"""Draw the truncated gradient as a share of the true one against the length that is kept.

    Parameters
    ----------
    windows : numpy.ndarray
        (M,), lengths in steps, ascending.
    gradient_share : Mapping
        Name of the form of truncation to (M,) ratios of the truncated to the true gradient; at
        most four.

    Returns
    -------
    matplotlib.figure.Figure
        One panel: where the sign is wrong is shaded, and from where on it is right is marked.
    """
    M = len(check_array("windows", windows, "M", kind="int"))
    _series("gradient_share", gradient_share, "M", M=M)
    looks = ({"linestyle": "-"}, {"linestyle": "--", "markerfacecolor": "white", "marker": "o"},
             {"linestyle": "-.", "marker": "s"}, {"linestyle": ":", "marker": "D"})  # fmt: skip
    figure = _CourseFigure(figsize=(9.5, 4.4))
    ax = figure.subplots()
    ends = {}
    colour, _, marker = LOOK["truncated"]
    for i, (name, share, look) in enumerate(_each_its_look(gradient_share, looks)):
        look = {"color": colour, "marker": marker} | look
        _line(ax, windows, share, "truncated", name, **look | _few(windows, i))
        ends[name] = (share[-1], look | {"color": "#8A3B66"}, "")
        wrong = np.flatnonzero(share < 0)
        if len(wrong) and wrong[-1] + 1 < M:
            first = windows[wrong[-1] + 1]
            ax.plot(first, 0, "|", color="black", markersize=16, markeredgewidth=2, zorder=4)
            ax.annotate(f"right from\n{first} steps", (first, 0), (8, -10), va="top",
                        textcoords="offset points")  # fmt: skip
    every = np.concatenate(list(gradient_share.values()))
    low, high = min(every.min(), -0.2), max(every.max(), 1.0)
    room = 0.08 * (high - low)
    ax.axhline(0, color="#444444", linewidth=1)
    ax.axhspan(low - 2 * room, 0, color=BAND, zorder=0)
    ax.text(0.99, 0.03, "wrong sign", transform=ax.transAxes, ha="right", color="#555555")
    ax.axhline(1, color=LOOK["guide"][0], linestyle=":", zorder=1)
    ax.annotate("the true gradient", (0.01, 1), (0, 4), xycoords=ax.get_yaxis_transform(),
                textcoords="offset points", color="#555555")  # fmt: skip
    ax.set(xlabel="steps that are kept", ylabel="truncated gradient / true gradient")
    ax.set(xlim=(0, windows[-1]), ylim=(low - room, high + 1.5 * room))
    ax.grid(False)
    _names_at_the_ends(ax, ends)
    return figure


@_style()
def dropout_masks(masks: Mapping[str, np.ndarray]) -> Figure:
    r"""Draw which units are left out at which step, for several forms of dropout.

    Parameters
    ----------
    masks : Mapping
        Name of the form to its (T, N) mask: zero or false where a unit is dropped. At most five.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each form, time to the right and units upward.
    """
    if not 1 <= len(masks) <= 5:
        raise ValueError(f"masks holds {len(masks)} forms; expected one to five.")
    kept = {name: np.asarray(mask) != 0 for name, mask in masks.items()}
    for name, mask in kept.items():
        check_array(f"masks[{name!r}]", mask, "T N", kind="bool")
    figure = _CourseFigure(figsize=(1.2 + 2.9 * len(masks), 3.4))
    panels = figure.subplots(1, len(masks), squeeze=False)[0]
    for ax, (name, mask) in zip(panels, kept.items(), strict=True):
        T, N = mask.shape
        picture = np.where(mask.T[..., None], _rgb(KEPT), _rgb(DROPPED))
        ax.imshow(picture, origin="lower", aspect="auto", extent=(0.5, T + 0.5, 0.5, N + 0.5))
        ax.hlines(np.arange(1, N) + 0.5, 0.5, T + 0.5, color="white", linewidth=0.6)
        if T <= 40:
            ax.vlines(np.arange(1, T) + 0.5, 0.5, N + 0.5, color="white", linewidth=0.6)
        ax.set_title(name, fontsize=12)
        ax.set(xlabel="time step t", ylabel="unit" if ax is panels[0] else "")
        ax.grid(False)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(5, integer=True))
    handles = [Patch(color=KEPT, label="kept"), Patch(color=DROPPED, label="dropped")]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _rgb(colour: str) -> np.ndarray:
    """Return the three channels of a colour, from 0 to 1."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


@_style()
def statistics_over_time(
    series: Mapping[str, np.ndarray],
    ylabel: str,
    xlabel: str = "time step t",
    *,
    log: bool = False,
) -> Figure:
    r"""Draw a statistic of the states or of the gradients step by step, for several networks.

    Parameters
    ----------
    series : Mapping
        Name of the network or statistic to its (T,) values, one for each step; at most eight.
    ylabel : str
        Label of the values, with their unit.
    xlabel : str
        Label of the steps.
    log : bool
        If true, the values are positive and their axis is logarithmic.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; each curve is named at its end.
    """
    _series("series", series, "T")
    every = np.concatenate(list(series.values()))
    if log and every.min() <= 0:
        raise ValueError(f"series holds {every.min()}; expected positive values if log is true.")
    T = len(next(iter(series.values())))
    steps, ends = np.arange(1, T + 1), {}
    figure = _CourseFigure(figsize=(9.5, 4.2))
    ax = figure.subplots()
    ax.set(yscale="log" if log else "linear", xlabel=xlabel, ylabel=ylabel, xlim=(1, max(T, 2)))
    for i, (name, values, look) in enumerate(_each_its_look(series, TECHNIQUES)):
        ax.plot(steps, values, label=name, **look | _few(steps, i))
        ends[name] = (values[-1], look, "")
    ax.margins(y=0.08)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    _names_at_the_ends(ax, ends)
    return figure


@_style()
def validation_losses(
    losses: Mapping[str, np.ndarray],
    every: int,
    ylabel: str,
    levels: Mapping[str, float],
) -> Figure:
    r"""Draw the validation loss of several networks while they were trained.

    Parameters
    ----------
    losses : Mapping
        Name of the network to its (n,) losses; n may differ. At most eight.
    every : int
        Updates from one validation to the next.
    ylabel : str
        Label of the loss, with its unit.
    levels : Mapping
        Name of a level of the loss, such as the best guess without memory, to its value; at most
        three.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; each curve ends, with its name in the legend, where its training ended.
    """
    if not losses:
        raise ValueError("losses is empty; expected at least one name with its array.")
    for name, values in losses.items():
        check_array(f"losses[{name!r}]", values, "n")
    figure = _CourseFigure(figsize=(9.5, 4.2))
    ax = figure.subplots()
    for i, (name, values, look) in enumerate(_each_its_look(losses, TECHNIQUES)):
        updates = every * np.arange(1, len(values) + 1)
        ax.plot(updates, values, label=name, **look | _few(updates, i))
    ax.set(ylim=(0, None), xlim=(0, None))
    colour, _, _ = LOOK["guide"]
    for (name, value), style in zip(levels.items(), (":", (0, (1, 3)), (0, (6, 2))), strict=False):
        ax.axhline(value, color=colour, linestyle=style, linewidth=1.8, label=name, zorder=1)
    ax.set(xlabel="updates", ylabel=ylabel)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=3.4)
    return figure


@_style()
def gate_heat_map(
    x: np.ndarray, gates: Mapping[str, np.ndarray], input_label: str = "input"
) -> Figure:
    r"""Draw the gates of a trained cell over time, below the input that they react to.

    Parameters
    ----------
    x : numpy.ndarray
        (T,), the input of one sequence, or marks: 1 where something happens, else 0.
    gates : Mapping
        Name of the gate to its (T, N) values, from 0, closed, to 1, open; at most four.
    input_label : str
        Label of the input, with its unit.

    Returns
    -------
    matplotlib.figure.Figure
        The input on top, a heat map of units and time for each gate, and one scale.
    """
    T = len(check_array("x", x, "T"))
    if not 1 <= len(gates) <= 4:
        raise ValueError(f"gates holds {len(gates)} gates; expected one to four.")
    _series("gates", gates, "T N", T=T)
    for name, values in gates.items():
        if values.min() < 0 or values.max() > 1:
            raise ValueError(
                f"gates[{name!r}] runs from {values.min():.4g} to {values.max():.4g}; expected "
                f"values between 0 and 1."
            )
    figure = _CourseFigure(figsize=(9.5, 1.5 + 1.7 * len(gates)))
    heights = (0.55, *(1,) * len(gates))
    inputs, *panels = figure.subplots(1 + len(gates), 1, sharex=True, height_ratios=heights)
    colour, _, _ = LOOK["state"]
    steps = np.arange(1, T + 1)
    inputs.vlines(steps, 0, x, color=colour, linewidth=1.6)
    there = x != 0
    inputs.plot(steps[there], x[there], "o", color=colour, markersize=4)
    inputs.axhline(0, color="#444444", linewidth=0.8)
    inputs.set_ylabel(input_label)
    inputs.margins(y=0.15)
    for ax, (name, values) in zip(panels, gates.items(), strict=True):
        N = values.shape[1]
        picture = ax.imshow(values.T, cmap=MAGNITUDE, vmin=0, vmax=1, aspect="auto",
                            origin="lower", extent=(0.5, T + 0.5, 0.5, N + 0.5))  # fmt: skip
        ax.set_title(name, fontsize=12)
        ax.set_ylabel("unit")
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.grid(False)
    panels[-1].set(xlabel="time step t", xlim=(0.5, T + 0.5))
    panels[-1].xaxis.set_major_locator(MaxNLocator(10, integer=True))
    bar = figure.colorbar(picture, ax=panels, label="gate: 0 closed, 1 open", pad=0.02, aspect=30)
    bar.set_ticks((0, 0.5, 1))
    figure.align_ylabels()
    return figure


@_style()
def success_table(
    solved: Mapping[str, Mapping[str, Sequence[float]]], budget: Mapping[str, float]
) -> Figure:
    r"""Draw after how many updates each technique solved each task, seed by seed.

    Parameters
    ----------
    solved : Mapping
        Name of the task to a mapping of the name of the technique to one number for each seed:
        the update at which the task was solved, nan if it was not. A technique may be missing
        from a task.
    budget : Mapping
        Name of the task to the number of updates after which a run was stopped.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each task, a row for each technique; each seed is a dot, or a cross in the
        band on the right if it did not solve the task.
    """
    techniques = _check_solved(solved, budget)
    rows = {name: row for row, name in enumerate(techniques)}
    figure = _CourseFigure(figsize=(2.4 + 3.3 * len(solved), 1.5 + 0.42 * len(rows)))
    panels = figure.subplots(1, len(solved), sharey=True, squeeze=False)[0]
    colour, _, _ = LOOK["output"]
    for ax, (task, runs) in zip(panels, solved.items(), strict=True):
        every = np.concatenate([np.asarray(steps, float) for steps in runs.values()])
        least = min(np.nanmin(every, initial=budget[task]), budget[task] / 100) / 1.4
        width = (budget[task] / least) ** 0.3  # of the band, as a factor
        ax.set(xscale="log", xlim=(least, budget[task] * width), ylim=(len(rows) - 0.5, -0.5))
        ax.axvspan(budget[task], budget[task] * width, color=BAND, zorder=0)
        for name, row in rows.items():
            if name not in runs:
                ax.text(np.sqrt(least * budget[task]), row, "not run", ha="center", va="center",
                        color="#777777", fontsize=10)  # fmt: skip
                continue
            steps = np.asarray(runs[name], float)
            n = len(steps)
            y = row + np.linspace(-0.24, 0.24, n) if n > 1 else np.array([float(row)])
            done = np.isfinite(steps)
            ax.plot(steps[done], y[done], "o", color=colour, markeredgecolor="white",
                    markeredgewidth=0.7, markersize=8)  # fmt: skip
            ax.plot(np.full((~done).sum(), budget[task] * np.sqrt(width)), y[~done], "x",
                    color="#333333", markersize=6, markeredgewidth=1.6)  # fmt: skip
        ax.hlines(np.arange(1, len(rows)) - 0.5, *ax.get_xlim(), color="#DDDDDD", linewidth=0.8)
        ax.set_title(task, fontsize=12, pad=30)
        ax.text(budget[task] * np.sqrt(width), 1.02, f"not solved\nin {budget[task]:,}",
                transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=9,
                color="#555555")  # fmt: skip
        ax.set_xlabel("updates until solved")
        _updates(ax.xaxis)
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(rows)), list(rows))
    panels[0].set_ylabel("technique")
    return figure


def _check_solved(
    solved: Mapping[str, Mapping[str, Sequence[float]]], budget: Mapping[str, float]
) -> list[str]:
    """Return the techniques in the order in which they first appear; refuse what cannot be."""
    if not solved or not all(solved.values()):
        raise ValueError("solved has a task without a technique, or no task.")
    if set(solved) != set(budget):
        raise ValueError(
            f"budget is given for {', '.join(sorted(budget)) or 'no task'}; expected one for each "
            f"of {', '.join(sorted(solved))}."
        )
    for task, runs in solved.items():
        for name, steps in runs.items():
            steps = np.asarray(steps, float)
            right = np.isnan(steps) | ((steps > 0) & (steps <= budget[task]))
            if steps.ndim != 1 or not len(steps) or not right.all():
                raise ValueError(
                    f"solved[{task!r}][{name!r}] is {steps.tolist()}; expected for each seed a "
                    f"number above 0 and up to the budget of {budget[task]}, or nan."
                )
    return list(dict.fromkeys(name for runs in solved.values() for name in runs))
