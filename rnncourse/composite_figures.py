"""The figures of notebook 07, on the continuous-time network and its composite loss.

As in `rnncourse.figures`: arrays in, a matplotlib Figure out; nothing is computed here but what
a histogram counts. Where networks are compared in small panels, the first one is the reference:
it stands in all others too, as a grey outline.
"""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from rnncourse.figures import LOOK, MAGNITUDE, SIGNED, _CourseFigure, _line, _style
from rnncourse.gradient_figures import PATCH, _each_its_look
from rnncourse.trick_figures import BAND, TECHNIQUES
from rnncourse.validation import check_array

TERMS = ("mse", "in", "hid", "out", "fr", "fr_sd", "fr_cv")  # each its colour, in all figures
CHANNELS = (  # choice 0 and choice 1
    {"linestyle": "--", "linewidth": 1.8, "alpha": 0.75, "marker": ""},
    {"linestyle": "-", "linewidth": 2.2, "marker": ""},
)
STEPS = (  # of several dt, the finest first: a line, and marks that lie on it or do not
    {"linestyle": "-", "marker": "", "linewidth": 2.0},
    {"linestyle": "", "marker": "o", "markerfacecolor": "white", "markersize": 6},
    {"linestyle": "", "marker": "^", "markersize": 6},
    {"linestyle": "", "marker": "s", "markerfacecolor": "white", "markersize": 9},
)
REFERENCE = "#777777"


def _group(name: str, group: Mapping, axes: str, most: int, **sizes: int) -> None:
    """Refuse no array, too many, and arrays that differ in shape from the first."""
    if not 1 <= len(group) <= most:
        raise ValueError(f"{name} holds {len(group)} entries; expected 1 to {most}.")
    for key, values in group.items():
        check_array(f"{name}[{key!r}]", values, axes, **sizes)
        sizes |= dict(zip(axes.split(), values.shape, strict=True))


def _panels(n: int, width: float, height: float, **shared: object) -> tuple[Figure, list[Axes]]:
    """Make n panels, up to four in a row; what is left over of the last row is hidden."""
    columns = n if n <= 4 else (n + 1) // 2 if n <= 8 else 4
    rows = -(-n // columns)
    figure = _CourseFigure(figsize=(0.8 + width * columns, 0.8 + height * rows))
    every = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for ax in every[n:]:
        ax.remove()
    panels = list(every[:n])
    for ax in panels[:-columns]:  # named and numbered is the lowest one of each column
        ax.xaxis.label.set_visible(False)
    for ax in panels[-columns:]:
        ax.tick_params(labelbottom=True)
    return figure, panels


@_style()
def decision_trial(
    x: np.ndarray,
    target: np.ndarray,
    output: np.ndarray,
    mask: np.ndarray,
    epochs: Mapping[str, slice],
    dt: float,
) -> Figure:
    r"""Draw one trial of the decision task: inputs above, targets and outputs below.

    Parameters
    ----------
    x : numpy.ndarray
        (T, 2), the inputs: evidence for choice 0, left, and for choice 1, right.
    target : numpy.ndarray
        (T, 2), what the outputs are to be.
    output : numpy.ndarray
        (T, 2), what they are.
    mask : numpy.ndarray
        (T,) of bool, true where the loss is scored.
    epochs : Mapping
        Name of each epoch to its slice of the steps.
    dt : float
        Length of a step in ms.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels over time in ms; the epochs are named on top, what is not scored is hatched.
    """
    T = len(check_array("x", x, "T K", K=2))
    check_array("target", target, "T K", T=T, K=2)
    check_array("output", output, "T K", T=T, K=2)
    check_array("mask", mask, "T", kind="bool", T=T)
    _above_zero("dt", dt)
    figure = _CourseFigure(figsize=(9.5, 5))
    inputs, outputs = figure.subplots(2, 1, sharex=True)
    edges, ends = dt * np.arange(T + 1), dt * np.arange(1, T + 1)
    for k, name in enumerate(("left", "right")):
        _line(inputs, ends, x[:, k], "state", name, **CHANNELS[k])
        _line(outputs, ends, output[:, k], "output", f"output {name}", **CHANNELS[k])
        scored = np.where(mask, target[:, k], np.nan)
        style = CHANNELS[k]["linestyle"] if k else (0, (2, 1.5))
        outputs.stairs(scored, edges, baseline=None, color="black", linestyle=style, zorder=1.5,
                       linewidth=1.3, label=f"target {name}")  # fmt: skip
    for start, stop in np.flatnonzero(np.diff(np.r_[0, ~mask, 0])).reshape(-1, 2):
        outputs.axvspan(edges[start], edges[stop], facecolor="#F6F6F6", edgecolor="#D0D0D0",
                        hatch="//", linewidth=0, zorder=0)  # fmt: skip
        outputs.text((edges[start] + edges[stop]) / 2, 0.97, "not scored", ha="center", va="top",
                     transform=outputs.get_xaxis_transform(), bbox=PATCH | {"pad": 3},
                     color="#555555")  # fmt: skip
    for i, (name, epoch) in enumerate(epochs.items()):
        start, stop, _ = epoch.indices(T)
        inputs.axvspan(edges[start], edges[stop], facecolor=BAND if i % 2 else "white", zorder=0)
        inputs.text((edges[start] + edges[stop]) / 2, 1.02, name, ha="center", va="bottom",
                    transform=inputs.get_xaxis_transform(), color="#333333")  # fmt: skip
        for ax in (inputs, outputs):
            ax.axvline(edges[start], color="#AAAAAA", linewidth=0.8, zorder=0.5)
    inputs.set(ylabel="input (no unit)", xlim=(0, edges[-1]))
    outputs.set(ylabel="output (no unit)", xlabel="time (ms)")
    for ax in (inputs, outputs):
        ax.grid(axis="x", visible=False)
        ax.margins(y=0.12)
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=3)
    figure.align_ylabels()
    return figure


@_style()
def psychometric_curve(
    coherence: np.ndarray,
    share_correct: Mapping[str, np.ndarray],
    standard_error: Mapping[str, np.ndarray],
    best: np.ndarray | None = None,
) -> Figure:
    r"""Draw the share of correct choices against the coherence, for several networks.

    Parameters
    ----------
    coherence : numpy.ndarray
        (C,), coherences in per cent, above 0, ascending.
    share_correct : Mapping
        Name of the network to its (C,) shares; at most eight.
    standard_error : Mapping
        The same names to the (C,) standard errors, drawn as bars of one error up and down.
    best : numpy.ndarray, optional
        (C,), the shares that no observer of the inputs can exceed.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; the coherence is logarithmic, as each one is twice the one before.
    """
    C = len(check_array("coherence", coherence, "C"))
    if coherence[0] <= 0 or (np.diff(coherence) <= 0).any():
        raise ValueError(f"coherence is {coherence}; expected positive numbers, ascending.")
    _group("share_correct", share_correct, "C", len(TECHNIQUES), C=C)
    _group("standard_error", standard_error, "C", len(TECHNIQUES), C=C)
    _same_names("standard_error", standard_error, share_correct)
    figure = _CourseFigure(figsize=(9.5, 4.8))
    ax = figure.subplots()
    if best is not None:
        check_array("best", best, "C", C=C)
        ax.plot(coherence, best, color="#333333", linestyle=":", linewidth=1.8,
                label="best possible", zorder=1)  # fmt: skip
    n = len(share_correct)
    for i, (name, share, look) in enumerate(_each_its_look(share_correct, TECHNIQUES)):
        at = coherence * 1.022 ** (i - (n - 1) / 2)  # side by side, so that no bar is covered
        ax.errorbar(at, share, standard_error[name], label=name, capsize=3, elinewidth=1.4, **look)
    lowest = min(share.min() for share in share_correct.values())
    ax.axhline(0.5, color=LOOK["guide"][0], linestyle="-", linewidth=1, zorder=1)
    ax.annotate("chance", (0.99, 0.5), (0, 4), xycoords=ax.get_yaxis_transform(), ha="right",
                textcoords="offset points", color="#555555")  # fmt: skip
    ax.set(xscale="log", xlabel="coherence |c| (%)", ylabel="share of correct choices")
    ax.set_ylim(min(0.46, lowest - 0.05), 1.025)
    ax.set_xlim(coherence[0] / 1.2, coherence[-1] * 1.2)
    ax.set_xticks(coherence, [f"{c:g}" for c in coherence])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=3.4)
    return figure


@_style()
def rate_histograms(rates: Mapping[str, np.ndarray], bins: int = 24) -> Figure:
    r"""Draw how the mean rates of the neurons are distributed, for several networks.

    Parameters
    ----------
    rates : Mapping
        Name of the network, such as the term that it was trained with, to the (N,) mean rates of
        its neurons; at most eight. The first one is the reference.
    bins : int
        Number of bins, the same ones in all panels.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each network, on one scale; its mean is marked, mean and standard deviation
        over the neurons are written out.
    """
    _group("rates", rates, "N", 8)
    every = np.concatenate(list(rates.values()))
    edges = np.histogram_bin_edges(every, bins, (min(0, every.min()), every.max() or 1))
    figure, panels = _panels(len(rates), 2.7, 2.2, sharex=True, sharey=True)
    colour, _, _ = LOOK["state"]
    counts = {name: np.histogram(values, edges)[0] for name, values in rates.items()}
    first = next(iter(counts))
    for ax, (name, values) in zip(panels, rates.items(), strict=True):
        ax.stairs(counts[name], edges, fill=True, color=colour, alpha=0.75)
        if name != first:
            ax.stairs(counts[first], edges, color=REFERENCE, linewidth=1.3)
        mean, deviation = values.mean(), values.std()
        ax.axvline(mean, color="black", linewidth=1.6, linestyle="--")
        ax.set_title(name, fontsize=12)
        ax.text(0.98, 0.96, f"mean {mean:.3g}\nSD {deviation:.3g}", ha="right", va="top",
                transform=ax.transAxes, bbox=PATCH)  # fmt: skip
        ax.grid(axis="x", visible=False)
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylabel("neurons" if ax.get_subplotspec().is_first_col() else "")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    note = f" (grey outline: {first})" if len(rates) > 1 else ""
    figure.supxlabel("mean rate of a neuron (no unit)" + note, fontsize=12, color="#222222")
    return figure


@_style()
def trade_off(
    weight: Mapping[str, np.ndarray],
    error: Mapping[str, np.ndarray],
    mean_rate: Mapping[str, np.ndarray],
    error_label: str = "mean squared error (no unit)",
) -> Figure:
    r"""Draw what a lower rate costs: the error against the mean rate along sweeps of λ.

    Parameters
    ----------
    weight : Mapping
        Name of the term to its (P,) weights λ, ascending; at most eight terms.
    error : Mapping
        The same names to the (P,) errors.
    mean_rate : Mapping
        The same names to the (P,) mean rates.
    error_label : str
        Label of the error, with its unit.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; each point has its λ beside it, or as a range where points lie too close.
    """
    if not weight:
        raise ValueError("weight is empty; expected at least one name with its values of λ.")
    for name, values in weight.items():
        P = len(check_array(f"weight[{name!r}]", values, "P"))
        for group, curves in (("error", error), ("mean_rate", mean_rate)):
            _same_names(group, curves, weight)
            check_array(f"{group}[{name!r}]", curves[name], "P", P=P)
    figure = _CourseFigure(figsize=(9.5, 5))
    ax = figure.subplots()
    for name, _, look in _each_its_look(weight, TECHNIQUES):
        ax.plot(mean_rate[name], error[name], label=name, **look)
    ax.set(xlabel="mean rate over neurons, time and trials (no unit)", ylabel=error_label)
    every = np.concatenate(list(error.values()))
    if every.min() > 0 and every.max() > 20 * every.min():
        ax.set_yscale("log")
    ax.margins(0.09, 0.12)
    ax.legend(title=r"$\lambda$ grows along each curve", handlelength=3.4, loc="center left",
              bbox_to_anchor=(1.01, 0.5), alignment="left")  # fmt: skip
    ax.autoscale_view()
    size = 0.68 * figure.get_size_inches() * 72  # of the axes, about, in points
    taken: list[np.ndarray] = []
    for i, name in enumerate(weight):
        points = np.stack([mean_rate[name], error[name]], axis=1)
        places = ax.transAxes.inverted().transform(ax.transData.transform(points)) * size
        for place, point, text in _merged(places, points, weight[name]):
            offset = next(
                (o for o in ((7, 6), (7, -13), (7, 18), (7, -25))
                 if all((abs(place + o - t) > (46, 11)).any() for t in taken)), None,
            )  # fmt: skip
            if offset is not None:
                taken.append(place + offset)
                ax.annotate(text, point, offset, textcoords="offset points", fontsize=9.5,
                            color=TECHNIQUES[i]["color"], bbox=PATCH | {"pad": 0.5})  # fmt: skip
    return figure


def _merged(places: np.ndarray, points: np.ndarray, weight: np.ndarray) -> list[tuple]:
    """Return place, point and text of each label; neighbours too close together share one."""
    groups = [[0]]
    for i in range(1, len(places)):
        near = np.linalg.norm(places[i] - places[groups[-1][0]]) < 16
        groups[-1].append(i) if near else groups.append([i])
    texts = [f"{weight[g[0]]:g}" + (f" … {weight[g[-1]]:g}" if len(g) > 1 else "") for g in groups]
    return [(places[g[-1]], points[g[-1]], text) for g, text in zip(groups, texts, strict=True)]


@_style()
def trajectories(
    paths: Mapping[float, np.ndarray],
    epochs: Mapping[str, slice] | None = None,
    explained: np.ndarray | None = None,
) -> Figure:
    r"""Draw the paths of the mean rates in the plane, or the space, of their first components.

    Parameters
    ----------
    paths : Mapping
        Signed coherence in per cent to the (T, 2) or (T, 3) principal components of the rates.
    epochs : Mapping, optional
        Name of each epoch to its slice of the steps; where a path enters "stimulus" and
        "decision" is marked.
    explained : numpy.ndarray, optional
        (2,) or (3,), the share of the variance along each component.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; colour for the coherence, solid lines for right, dashed ones for left.
    """
    if not paths:
        raise ValueError("paths is empty; expected at least one coherence with its path.")
    k = np.shape(next(iter(paths.values())))[-1:]
    if k not in ((2,), (3,)):
        raise ValueError(f"paths have {k[0] if k else 'no'} components; expected 2 or 3.")
    _group("paths", paths, "T k", 40, k=k[0])
    sizes = sorted({abs(c) for c in paths})
    tones = np.linspace(0.9, 0.0, len(sizes)) if len(sizes) > 1 else [0.0]  # stronger is darker
    tone = dict(zip(sizes, mpl.colormaps[MAGNITUDE](tones), strict=True))
    figure = _CourseFigure(figsize=(8.6, 5.6))
    ax = figure.add_subplot(projection="3d" if k == (3,) else None)
    marks = {"state at the start": (0, "o", "black")}
    for name, marker in (("stimulus", "s"), ("decision", "D")):
        if epochs and name in epochs and (epochs[name].start or 0) > 0:
            marks[f"{name} begins"] = (epochs[name].start - 1, marker, "white")
    for c, path in paths.items():
        ax.plot(*path.T, color=tone[abs(c)], linestyle="-" if c >= 0 else (0, (3, 1.2)), zorder=2,
                linewidth=2)  # fmt: skip
        for at, marker, filling in marks.values():
            ax.plot(*path[at : at + 1].T, marker=marker, color="black", markerfacecolor=filling,
                    markersize=6 if at == 0 else 5, markeredgewidth=1, zorder=4)  # fmt: skip
        ax.plot(*path[-1:].T, marker="X", color=tone[abs(c)], markeredgecolor="black",
                markersize=8, markeredgewidth=0.7, zorder=4)  # fmt: skip
    for i, axis in enumerate("xyz"[: k[0]]):
        share = "no unit" if explained is None else f"{100 * explained[i]:.0f} %"
        of = "" if explained is None or k == (3,) else " of the variance"
        ax.set(**{f"{axis}label": f"component {i + 1} ({share}{of})"})
    if k == (3,):
        ax.set_box_aspect(None, zoom=0.85)
        ax.zaxis.labelpad = 8
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_major_locator(MaxNLocator(4))
    handles = [Line2D([], [], color=tone[c], label=f"|c| = {c:g} %") for c in sizes]
    for style, name in (("-", "right (c > 0)"), ((0, (3, 1.2)), "left (c < 0)")):
        handles.append(Line2D([], [], color="#444444", linestyle=style, label=name))
    for name, (_, marker, filling) in marks.items():
        handles.append(Line2D([], [], color="black", marker=marker, markerfacecolor=filling,
                              linestyle="", markersize=6, label=name))  # fmt: skip
    handles.append(Line2D([], [], color="#888888", marker="X", linestyle="", markersize=8,
                          markeredgecolor="black", label="end of the trial"))  # fmt: skip
    figure.legend(handles=handles, loc="outside right center", handlelength=2.6)
    return figure


def _term_looks(names: Mapping | list) -> dict[str, dict]:
    """Return the look of each term: the seven have their own, others what is left."""
    looks = dict(zip(TERMS, TECHNIQUES, strict=False))
    others = [name for name in names if name not in looks]
    spare = ("#777777", "#A9A9A9", "#56B4E9")
    if len(others) > len(spare):
        raise ValueError(f"components has {len(others)} terms besides {', '.join(TERMS)}; at most "
                         f"{len(spare)} fit.")  # fmt: skip
    return looks | {n: {"color": c, "linestyle": ":"} for n, c in zip(others, spare, strict=False)}


@_style()
def term_shares(components: Mapping[str, np.ndarray], average: int = 1) -> Figure:
    r"""Draw the terms of a loss over a training, and the share of the total that each one is.

    Parameters
    ----------
    components : Mapping
        Name of the term to its (steps,) weighted values, at least zero. Terms that are zero
        throughout are left out.
    average : int
        Shares are those of the sum over so many updates.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: the values on a logarithmic axis, and the shares, stacked.
    """
    _group("components", components, "steps", 12)
    for name, values in components.items():
        if values.min() < 0:
            raise ValueError(
                f"components[{name!r}] has a value of {values.min():.4g}; expected values of at "
                f"least zero, of which shares can be taken."
            )
    shown = {name: values for name, values in components.items() if values.any()}
    if not shown:
        raise ValueError("components are zero throughout; expected a term that is not.")
    looks = _term_looks(shown)
    total = np.sum(list(shown.values()), axis=0)
    updates = np.arange(1, len(total) + 1)
    figure = _CourseFigure(figsize=(10.5, 4.2))
    values_of, shares = figure.subplots(1, 2)
    if not 1 <= average <= len(total):
        raise ValueError(f"average is {average}; expected 1 to {len(total)}, the updates.")
    starts = np.arange(0, len(total), average)
    edges = np.r_[starts, len(total)] + 1
    whole = np.add.reduceat(total, starts)
    low = np.zeros(len(starts))
    for name, values in shown.items():
        look = {k: v for k, v in looks[name].items() if k in ("color", "linestyle")}
        values_of.plot(updates, np.where(values > 0, values, np.nan), label=name, linewidth=1.6,
                       **look)  # fmt: skip
        part = np.add.reduceat(values, starts)
        share = 100 * np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
        shares.stairs(low + share, edges, baseline=low, fill=True, color=look["color"], alpha=0.8)
        low = low + share
    values_of.set(yscale="log", ylabel=r"$\lambda \times$ term (no unit)")
    values_of.set_title("the terms")
    shares.set(ylabel="share of the total (%)", ylim=(0, 100))
    shares.set_title("their shares")
    shares.grid(False)
    for ax in (values_of, shares):
        ax.set(xlabel="update", xlim=(1, max(len(total), 2)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    figure.legend(*values_of.get_legend_handles_labels(), loc="outside right center")
    return figure


@_style()
def cosines(matrix: np.ndarray, names: list[str]) -> Figure:
    r"""Draw the cosines of the angles between the gradients of the terms.

    Parameters
    ----------
    matrix : numpy.ndarray
        (M, M), from -1, opposed, to 1, the same direction; symmetric. A term without a gradient
        has nan.
    names : list of str
        (M,), of the terms.

    Returns
    -------
    matplotlib.figure.Figure
        A heat map with the numbers in its cells.
    """
    M = len(names)
    there = np.isfinite(matrix)
    check_array("matrix", np.where(there, matrix, 0.0), "M M", M=M)
    if (np.abs(matrix[there]) > 1 + 1e-6).any():
        raise ValueError(
            f"matrix holds {matrix[there].min():.4g} to {matrix[there].max():.4g}; expected "
            f"cosines, from -1 to 1."
        )
    figure = _CourseFigure(figsize=(3 + 0.8 * M, 2.2 + 0.55 * M))
    ax = figure.subplots()
    picture = ax.imshow(np.ma.masked_where(~there, matrix), cmap=SIGNED, vmin=-1, vmax=1,
                        aspect="auto")  # fmt: skip
    ax.set_facecolor("#E6E6E6")
    for row, column in np.ndindex(M, M):
        value = matrix[row, column]
        text = (
            f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−") if there[row, column] else "–"
        )
        dark = there[row, column] and abs(value) > 0.6
        ax.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
    ax.hlines(np.arange(1, M) - 0.5, -0.5, M - 0.5, color="white", linewidth=1)
    ax.vlines(np.arange(1, M) - 0.5, -0.5, M - 0.5, color="white", linewidth=1)
    ax.set_xticks(range(M), names)
    ax.set_yticks(range(M), names)
    ax.set(xlabel="gradient of the term", ylabel="gradient of the term")
    ax.grid(False)
    ax.tick_params(length=0)
    bar = figure.colorbar(picture, ax=ax, label="cosine (no unit)", aspect=25)
    bar.set_ticks((-1, -0.5, 0, 0.5, 1))
    return figure


@_style()
def spectra(eigenvalues: Mapping[str, np.ndarray], alpha: float | None = None) -> Figure:
    r"""Draw the eigenvalues λ of W_hid in the complex plane, for several networks.

    With all units active and no noise, the voltages obey τ dv/dt = (-I + W_hid) v + input, which
    is stable where Re λ < 1. Its Euler step multiplies by 1 - α + αλ, and that is less than 1 in
    size in the disc of radius 1/α around 1 - 1/α, which touches the line Re λ = 1 from the left.

    Parameters
    ----------
    eigenvalues : Mapping
        Name of the network, such as "before" and "after", to its (N,) eigenvalues; at most
        eight. The first one is the reference.
    alpha : float, optional
        α = Δt/τ in (0, 1]; if given, the disc is drawn too.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each network with equal scales; to the right of the line is shaded.
    """
    _group("eigenvalues", eigenvalues, "N", 8)
    if alpha is not None and not 0 < alpha <= 1:
        raise ValueError(f"alpha is {alpha!r}; expected a number above 0 and at most 1.")
    every = np.concatenate(list(eigenvalues.values()))
    low, high = min(every.real.min(), -0.2), max(every.real.max(), 1.2)
    centre, reach = (low + high) / 2, 0.57 * max(high - low, 2 * np.abs(every.imag).max())
    figure, panels = _panels(len(eigenvalues), 3.1, 3.3, sharex=True, sharey=True)
    first = next(iter(eigenvalues))
    for ax, (name, values) in zip(panels, eigenvalues.items(), strict=True):
        ax.axvspan(1, 2 + abs(centre) + 2 * reach, color=BAND, zorder=0)
        ax.axvline(1, color="black", linewidth=1.8)
        if alpha is not None:
            ax.add_patch(Circle((1 - 1 / alpha, 0), 1 / alpha, fill=False, linestyle="--",
                                edgecolor=LOOK["gradient"][0], linewidth=1.8))  # fmt: skip
        if name != first:
            old = eigenvalues[first]
            ax.plot(old.real, old.imag, "o", markersize=4, markerfacecolor="none",
                    color="#A0A0A0", markeredgewidth=0.9)  # fmt: skip
        ax.plot(values.real, values.imag, "o", color=LOOK["state"][0], markersize=4.5,
                markeredgecolor="white", markeredgewidth=0.4)  # fmt: skip
        ax.set_title(name, fontsize=12)
        ax.set(xlim=(centre - reach, centre + reach), ylim=(-reach, reach), aspect="equal")
        ax.set_ylabel(r"Im $\lambda$ (no unit)" if ax.get_subplotspec().is_first_col() else "")
        ax.set_xlabel(r"Re $\lambda$ (no unit)")
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_locator(MaxNLocator(5))
    dots = {"linestyle": "", "marker": "o", "markersize": 6}
    handles = [Line2D([], [], color="black", label=r"Re $\lambda$ = 1: unstable to the right")]
    if alpha is not None:
        text = rf"Euler step, $\alpha$ = {alpha:g}: unstable outside"
        handles.append(Line2D([], [], color=LOOK["gradient"][0], linestyle="--", label=text))
    if len(eigenvalues) > 1:
        handles.append(Line2D([], [], color="#A0A0A0", markerfacecolor="none", label=first, **dots))
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if len(panels) > 2 else 1)
    return figure


@_style()
def dt_invariance(
    times: Mapping[float, np.ndarray],
    curves: Mapping[float, np.ndarray],
    lags: Mapping[float, np.ndarray],
    gradient: Mapping[float, np.ndarray],
    curve_label: str = "rate of one neuron (no unit)",
) -> Figure:
    r"""Draw that the step dt changes neither the path of a state nor how far a gradient reaches.

    Parameters
    ----------
    times : Mapping
        dt in ms to its (T,) times in ms; at most four values of dt.
    curves : Mapping
        The same dt to the (T,) values at those times.
    lags : Mapping
        The same dt to the (L,) lags in units of τ.
    gradient : Mapping
        The same dt to the (L,) norms of the gradient over those lags, above zero, relative to
        that at lag zero.
    curve_label : str
        Label of the values, with their unit.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels; the finest dt is a line, the others are marks that should lie on it.
    """
    for group, values in (("curves", curves), ("lags", lags), ("gradient", gradient)):
        _same_names(group, values, times)
    if not 1 <= len(times) <= len(STEPS):
        raise ValueError(f"times holds {len(times)} values of dt; expected 1 to {len(STEPS)}.")
    for dt in times:
        T = len(check_array(f"times[{dt}]", times[dt], "T"))
        check_array(f"curves[{dt}]", curves[dt], "T", T=T)
        L = len(check_array(f"lags[{dt}]", lags[dt], "L"))
        if check_array(f"gradient[{dt}]", gradient[dt], "L", L=L).min() <= 0:
            raise ValueError(f"gradient[{dt}] has a value that is not above zero.")
    figure = _CourseFigure(figsize=(10.5, 4.2))
    paths, fading = figure.subplots(1, 2)
    for i, dt in enumerate(sorted(times)):
        for ax, x, y, quantity in ((paths, times, curves, "state"),
                                   (fading, lags, gradient, "gradient")):  # fmt: skip
            every = max(1, len(x[dt]) // 14)
            some = {"markevery": (i * every // 4, every), "zorder": 3 - 0.1 * i}
            _line(ax, x[dt], y[dt], quantity, f"dt = {dt:g} ms", **STEPS[i] | some)
    paths.set(xlabel="time (ms)", ylabel=curve_label)
    paths.set_title("forward: a state")
    fading.set(xlabel=r"lag (units of $\tau$)", ylabel="norm of the gradient (lag 0: 1)")
    fading.set(yscale="log")
    fading.set_title("backward: the gradient")
    for ax in (paths, fading):
        ax.legend()
    return figure


def _same_names(name: str, group: Mapping, expected: Mapping) -> None:
    if set(group) != set(expected):
        raise ValueError(
            f"{name} is given for {', '.join(map(str, group)) or 'nothing'}; expected "
            f"{', '.join(map(str, expected))}."
        )


def _above_zero(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"{name} is {value!r}; expected a finite number above 0.")
