"""The figures of notebook 03, on the growth and the decay of gradients.

As in `rnncourse.figures`: arrays in, a matplotlib Figure out; nothing is computed here. What is
measured has the colour of gradients, what it is compared to is black; line styles tell apart what
shares a colour. Growth comes in as natural logarithms (nats), which neither overflow nor
underflow, and is drawn in powers of ten, which are easier to read.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from rnncourse.figures import LOOK, MAGNITUDE, _CourseFigure, _line, _plain_log, _style

GRADIENT = LOOK["gradient"][0]
SERIES = (  # what shares a colour differs in line style, marker and its filling
    {"linestyle": "-", "marker": "s"},
    {"linestyle": "--", "marker": "o", "markerfacecolor": "white"},
    {"linestyle": "-.", "marker": "^"},
    {"linestyle": ":", "marker": "D", "markerfacecolor": "white"},
)
BOUNDS = (
    {"linestyle": "--", "marker": "^"},
    {"linestyle": "-.", "marker": "v"},
    {"linestyle": ":", "marker": "D"},
    {"linestyle": (0, (7, 1.5, 1, 1.5, 1, 1.5)), "marker": "P"},
)
PATHS = ("gradient", "truncated")
PATCH = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}  # behind a text
ROOM = 0.06  # share of an axis that is kept free above and below the curves


def _decades(nats: np.ndarray) -> np.ndarray:
    """Change the unit of a logarithm from nats to powers of ten."""
    return np.asarray(nats) / np.log(10)


def _powers_of_ten(axis: Axis) -> None:
    """Label an axis of decimal logarithms with the numbers themselves."""
    low, high = axis.get_view_interval()
    if high - low < 2:
        steps = (1, 2, 5) if high - low > 0.8 else (1, 1.5, 2, 3, 4, 5, 7)
        marks = np.log10(np.outer(10.0 ** np.arange(np.floor(low), high), steps)).ravel()
        axis.set_ticks(marks[(low <= marks) & (marks <= high)])
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{10**value:.3g}"))
    else:
        axis.set_major_locator(MaxNLocator(7, integer=True, steps=(1, 2, 3, 5, 10)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{value:.0f}}}$"))


def _marked(x: np.ndarray, start: int = 0) -> dict:
    """Thin out the markers of a curve of many points; `start` sets those of two curves apart."""
    every = max(1, len(x) // 10)
    return {"markevery": (start % every, every)}


def _each_its_look(curves: Mapping[str, np.ndarray], looks: tuple) -> Iterator[tuple]:
    """Go through name, values and look of some curves; refuse more than there are looks."""
    if len(curves) > len(looks):
        raise ValueError(f"{len(curves)} curves ({', '.join(curves)}); at most {len(looks)} fit.")
    for (name, values), look in zip(curves.items(), looks, strict=False):
        yield name, values, look


def _lags(ax: Axes, T: int) -> None:
    """Set up the axis of lags 1 … T."""
    ax.set(xlabel=r"lag $\ell$ (steps back)", xlim=(0, 1.02 * T))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=(1, 2, 5, 10)))


def _limits(*curves: np.ndarray, least: float = 0.6) -> tuple[float, float]:
    """The limits of an axis, `least` apart or more, on which all that is finite has room."""
    values = np.concatenate([np.ravel(curve) for curve in curves])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    room = max(ROOM * (high - low), (least - (high - low)) / 2)
    return low - room, high + room


def _guide(ax: Axes, y: float, text: str, place: str = "") -> None:
    """Draw a horizontal line; its meaning is above its left or right end, else in the legend."""
    colour, style, _ = LOOK["guide"]
    ax.axhline(y, color=colour, linestyle=style, zorder=1, label="" if place else text)
    if place:
        ax.annotate(
            text, (0.01 if place == "left" else 0.99, y), (0, 4), ha=place, va="bottom",
            xycoords=ax.get_yaxis_transform(), textcoords="offset points", color="#555555",
        )  # fmt: skip


def _legend_beside(ax: Axes) -> None:
    """Put the legend to the right of the curves, the curve that ends highest first."""

    def end(handle: Artist) -> float:
        y = np.array(handle.get_ydata() if isinstance(handle, Line2D) else [])
        return y[np.isfinite(y)][-1] if np.isfinite(y).any() else -np.inf

    handles, _ = ax.get_legend_handles_labels()
    ax.legend(handles=sorted(handles, key=end, reverse=True), loc="center left",
              bbox_to_anchor=(1.01, 0.5), handlelength=3.4)  # fmt: skip


@_style()
def norm_against_lag(
    measured: np.ndarray,
    bounds: Mapping[str, np.ndarray],
    lower: Mapping[str, np.ndarray] | None = None,
    smallest: np.ndarray | None = None,
) -> Figure:
    r"""Draw the norm of the Jacobian over ℓ steps against the lag ℓ, between its bounds.

    Parameters
    ----------
    measured : numpy.ndarray
        (T,), ln ‖J_{T:T-ℓ}‖ for ℓ = 1 … T, in nats; -inf, a norm of exactly zero, is left out.
    bounds : Mapping
        What an upper bound is called to its (T,) values, in nats; at most four. Between the
        measured norm and the largest of them the picture is shaded: the slack.
    lower : Mapping, optional
        The same for bounds from below; at most four.
    smallest : numpy.ndarray, optional
        (T,), ln σ_min(J_{T:T-ℓ}), in nats, which is what the bounds from below are about.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; the norm in powers of ten.
    """
    lag = np.arange(1, len(measured) + 1)
    figure = _CourseFigure(figsize=(9, 4.5))
    ax = figure.subplots()
    for group, filling in ((bounds, "white"), (lower or {}, "black")):
        for i, (label, bound, look) in enumerate(_each_its_look(group, BOUNDS)):
            more = look | {"markerfacecolor": filling, "linewidth": 1.8} | _marked(lag, i)
            _line(ax, lag, _decades(bound), "definition", label, **more)
    _line(ax, lag, _decades(measured), "gradient", "measured", **SERIES[0] | _marked(lag))
    if smallest is not None:
        more = SERIES[1] | _marked(lag)
        _line(ax, lag, _decades(smallest), "gradient", r"measured: $\sigma_{\min}$", **more)
    low, high = _limits(*(line.get_ydata() for line in ax.lines))
    if bounds:
        loosest = np.max([_decades(bound) for bound in bounds.values()], axis=0)
        ax.fill_between(lag, np.maximum(_decades(measured), low), loosest, color="#EAEAEA",
                        zorder=0, label="slack of the loosest bound")  # fmt: skip
    ax.set(ylabel=r"$\|J_{T:T-\ell}\|$ (no unit)", ylim=(low, high))
    _lags(ax, len(lag))
    _powers_of_ten(ax.yaxis)
    _legend_beside(ax)
    return figure


@_style()
def singular_value_fan(log_singular_values: np.ndarray) -> Figure:
    r"""Draw all singular values of the Jacobian over ℓ steps against the lag ℓ.

    Parameters
    ----------
    log_singular_values : numpy.ndarray
        (T, N), natural logarithms of the singular values of J_{T:T-ℓ} for ℓ = 1 … T, in nats, the
        largest first; nan, where a value is lost in rounding, is left out.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; the largest and the smallest thick, the others thin.
    """
    values = _decades(log_singular_values)
    T, N = values.shape
    lag = np.arange(1, T + 1)
    figure = _CourseFigure(figsize=(9, 4.5))
    ax = figure.subplots()
    ax.plot(lag, values[:, 1:-1], color=GRADIENT, linewidth=0.8, alpha=0.55)
    if N > 2:
        ax.lines[0].set_label("the others")
    for i, label in ((0, "the largest"), (-1, "the smallest"))[: min(N, 2)]:
        _line(ax, lag, values[:, i], "gradient", label, **SERIES[-i] | _marked(lag))
    if np.isnan(values).any():
        ax.set_title("a curve ends where rounding hides the value", fontweight="normal")
    _guide(ax, 0, "length kept")
    ax.set(ylabel=r"singular values of $J_{T:T-\ell}$ (no unit)", ylim=_limits(values, np.zeros(1)))
    _lags(ax, T)
    _powers_of_ten(ax.yaxis)
    _legend_beside(ax)
    return figure


@_style()
def hump(log_norms: np.ndarray, log_radius_power: np.ndarray, log_norm_power: np.ndarray) -> Figure:
    r"""Draw the norm of the powers of a matrix, which may rise before it decays.

    Parameters
    ----------
    log_norms : numpy.ndarray
        (T,), ln ‖Wᵗ‖ for t = 1 … T, in nats.
    log_radius_power : numpy.ndarray
        (T,), t ln ρ(W), in nats.
    log_norm_power : numpy.ndarray
        (T,), t ln ‖W‖, in nats; it may leave the picture.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; the norm in powers of ten.
    """
    t = np.arange(1, len(log_norms) + 1)
    figure = _CourseFigure(figsize=(9, 4.5))
    ax = figure.subplots()
    _line(ax, t, _decades(log_norms), "gradient", r"$\|W^t\|$: measured", **_marked(t))
    for values, style, label in (
        (log_norm_power, "--", r"$\|W\|^t$: upper bound"),
        (log_radius_power, ":", r"$\rho(W)^t$: lower bound"),
    ):
        more = {"linestyle": style, "marker": ""}
        _line(ax, t, _decades(values), "definition", label, **more)
    _guide(ax, 0, "length kept")
    low, high = _limits(_decades(log_norms), _decades(log_radius_power), np.zeros(1))
    ax.set(xlabel="power $t$ (steps)", ylabel="norm (no unit)", xlim=(0, 1.02 * len(t)))
    ax.set_ylim(low, high + ROOM * (high - low))
    _powers_of_ten(ax.yaxis)
    _legend_beside(ax)
    return figure


@_style()
def eigenvalue_cloud(eigenvalues: np.ndarray, gamma: float) -> Figure:
    r"""Draw eigenvalues in the complex plane with the circles that they are compared to.

    Parameters
    ----------
    eigenvalues : numpy.ndarray
        (N,), real or complex, without unit.
    gamma : float
        γ = sup|φ'| of the activation, without unit; the second circle has radius 1/γ.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with equal scales; the circles are labelled where they are.
    """
    figure = _CourseFigure(figsize=(6, 6))
    ax = figure.subplots()
    same = np.isclose(gamma, 1)
    ax.plot(np.real(eigenvalues), np.imag(eigenvalues), "o", color=LOOK["state"][0], alpha=0.75)
    circles = [(1.0, "guide", "-", "radius 1 = 1/γ" if same else "radius 1", -1, "left", "top")]
    if not same:
        text = f"radius 1/γ = {1 / gamma:.3g}"
        circles.append((1 / gamma, "definition", "--", text, 1, "right", "bottom"))
    for radius, quantity, style, text, side, ha, va in circles:
        colour, _, _ = LOOK[quantity]
        ax.add_patch(
            Circle((0, 0), radius, fill=False, color=colour, linestyle=style, lw=2.5, zorder=3)
        )
        point = np.array([side, -side]) * radius * np.sqrt(0.5)
        corner = (0.5 + 0.48 * side, 0.5 - 0.48 * side)
        ax.annotate(
            text, point, corner, textcoords="axes fraction", ha=ha, va=va, fontsize=12,
            arrowprops={"arrowstyle": "-", "color": "#444444"}, bbox=PATCH, zorder=4,
        )  # fmt: skip
    reach = 1.25 * max(1, 1 / gamma, np.abs(eigenvalues).max())
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set(xlabel="real part of the eigenvalue", ylabel="imaginary part of the eigenvalue")
    return figure


def _growth_curves(ax: Axes, x: np.ndarray, growth: Mapping[str, np.ndarray]) -> None:
    """Draw growths per step with the line between growing and shrinking."""
    for label, values, look in _each_its_look(growth, SERIES):
        _line(ax, x, values, "gradient", label, **look | _marked(x))
    ax.set_ylim(_limits(*growth.values(), np.zeros(1), least=0.1))
    _guide(ax, 0, "neither grows nor shrinks", "left")
    _legend_beside(ax)


@_style()
def lyapunov_against_gain(gains: np.ndarray, exponents: Mapping[str, np.ndarray]) -> Figure:
    r"""Draw the largest Lyapunov exponent of networks against the gain of their weights.

    Parameters
    ----------
    gains : numpy.ndarray
        (M,), gains g, without unit: the entries of W_hh have the standard deviation g/√N.
    exponents : Mapping
        How the network is driven, for example ``"no input"``, to its (M,) exponents λ₁, in nats
        per step; at most four.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with a line at zero.
    """
    figure = _CourseFigure(figsize=(9, 4.5))
    ax = figure.subplots()
    _growth_curves(ax, gains, exponents)
    ax.set(xlabel="gain $g$ of the recurrent weights")
    ax.set_ylabel("largest Lyapunov exponent\n$\\lambda_1$ (nats per step)")
    return figure


@_style()
def growth_against_scale(scales: np.ndarray, growth: Mapping[str, np.ndarray]) -> Figure:
    r"""Draw how fast gradients grow on their way back against the scale of the first weights.

    Parameters
    ----------
    scales : numpy.ndarray
        (M,), scales of the initial recurrent weights, positive, without unit.
    growth : Mapping
        Name of the activation to (M,) measured growths of the gradient's norm, in nats per step;
        at most four. -inf, a gradient that became exactly zero, is left out.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with a line at zero; the scale is logarithmic.
    """
    figure = _CourseFigure(figsize=(9, 4.5))
    ax = figure.subplots()
    ax.set(xscale="log", xlabel="scale of the initial recurrent weights")
    ax.set_ylabel("growth of the gradient\n(nats per step back)")
    _growth_curves(ax, scales, growth)
    _plain_log(ax.xaxis)
    return figure


@_style()
def saturation_brake(w: np.ndarray, slope: np.ndarray, growth: np.ndarray) -> Figure:
    r"""Draw the growth per step of a scalar network at its fixed point against its weight.

    Parameters
    ----------
    w : numpy.ndarray
        (M,), recurrent weights, without unit, in ascending order.
    slope : numpy.ndarray
        (M,), φ'(a*) at the fixed point.
    growth : numpy.ndarray
        (M,), w φ'(a*), the factor by which a gradient changes in one step.

    Returns
    -------
    matplotlib.figure.Figure
        One panel: the weight, the slope, and their product.
    """
    figure = _CourseFigure(figsize=(9, 4.5))
    ax = figure.subplots()
    _guide(ax, 1, "length kept", "right")
    more = _marked(w)
    _line(ax, w, slope, "state", r"the slope: $\varphi'(a^*)$", **more | {"linestyle": "-."})
    _line(ax, w, growth, "gradient", r"their product: $w\,\varphi'(a^*)$", **more)
    _line(ax, w, w, "definition", "the weight alone: $w$", **more | {"marker": ""})
    ax.set(xlabel="recurrent weight $w$", ylabel="factor per step")
    ax.set(xlim=(min(0, w[0]), 1.01 * w[-1]), ylim=(0, 1.6))
    _legend_beside(ax)
    return figure


@_style()
def cliff_surface(
    w: np.ndarray,
    b: np.ndarray,
    loss: np.ndarray,
    paths: Mapping[str, np.ndarray],
    view: float = 55,
) -> Figure:
    r"""Draw a loss with a cliff, and what gradient descent does at it.

    Parameters
    ----------
    w : numpy.ndarray
        (P,), recurrent weights, without unit.
    b : numpy.ndarray
        (Q,), biases, without unit.
    loss : numpy.ndarray
        (Q, P), the loss at each bias (row) and weight (column).
    paths : Mapping
        How the descent is done to its (S, 2) points (w, b), the start first; one or two, the
        plain one and the clipped one. A path may leave its picture.
    view : float
        From where the surface is seen, in degrees: 0 is from large w, 90 from large b.

    Returns
    -------
    matplotlib.figure.Figure
        The loss as a map with each of the paths, and as a surface; its colour is logarithmic.
    """
    norm = LogNorm(max(loss.min(), 1e-5 * loss.max()), loss.max(), clip=True)
    figure = _CourseFigure(figsize=(12, 4.2))
    grid = figure.add_gridspec(1, 1 + len(paths), width_ratios=[1.3] + [1] * len(paths))
    solid = figure.add_subplot(grid[0], projection="3d")
    solid.plot_surface(*np.meshgrid(w, b), loss, norm=norm, cmap=MAGNITUDE, shade=False,
                       rcount=200, ccount=200, linewidth=0, antialiased=False)  # fmt: skip
    solid.set_xlabel("weight $w$", labelpad=8)
    solid.set_ylabel("bias $b$", labelpad=8)
    solid.set_title("the loss, as height")
    solid.view_init(elev=30, azim=view)
    solid.set_box_aspect((1, 1, 0.7), zoom=0.95)
    for axis in (solid.xaxis, solid.yaxis, solid.zaxis):
        axis.set_major_locator(MaxNLocator(4))
    outline = [Stroke(linewidth=4, foreground="white"), Normal()]
    for i, (name, path, quantity) in enumerate(_each_its_look(paths, PATHS)):
        ax = figure.add_subplot(grid[1 + i])
        picture = ax.pcolormesh(w, b, loss, norm=norm, cmap=MAGNITUDE, rasterized=True)
        _line(ax, *path.T, quantity, name, path_effects=outline, markersize=5)
        ax.plot(*path[0], "o", markersize=11, color="white", markeredgecolor="black")
        ax.annotate("start", path[0], (10, 0), textcoords="offset points", va="center",
                    fontsize=13, path_effects=outline)  # fmt: skip
        ax.set(title=name, xlabel="weight $w$", xlim=w[[0, -1]], ylim=b[[0, -1]])
        ax.set_ylabel("" if i else "bias $b$")
        ax.tick_params(labelleft=not i)
        ax.grid(False)
    extend = "min" if loss.min() < norm.vmin else "neither"
    figure.colorbar(picture, ax=figure.axes[1:], label="loss", extend=extend, pad=0.02)
    return figure
