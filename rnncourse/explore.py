"""The interactive explorer of the gradient's norm: sliders in JupyterLab.

Three parts: `explore_gradients` computes, `describe` says in words what came out, `explorer` joins
both with a figure and sliders. Only the last needs ipywidgets. A leaf: no other module imports it.
"""

import base64
import html
import io
import threading
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from rnncourse.bounds import growth_conditions, slope_bound
from rnncourse.cell import ACTIVATIONS, RNNParams
from rnncourse.figures import gradient_explorer
from rnncourse.jacobians import log_singular_values_by_lag, step_jacobians
from rnncourse.unroll import unroll

DPI = 150  # of the explorer's figure: sharp enough for a projector, quick enough for a slider
COLOURS = 64


class Exploration(NamedTuple):
    """What `explore_gradients` found; entry ℓ-1 of each curve belongs to lag ℓ.

    Parameters
    ----------
    W_hh : numpy.ndarray
        (N, N), the recurrent weights.
    norm : float
        ‖W_hh‖₂, the largest singular value.
    radius : float
        ρ(W_hh), the largest modulus of an eigenvalue.
    gamma : float
        γ = sup |φ'|.
    log_norm : numpy.ndarray
        (lag,), ln ‖J_{T:T-ℓ}‖₂, measured; minus infinity where the product is exactly zero.
    log_factors : numpy.ndarray
        (lag,), ln of the product of the step norms ‖J_t‖₂: an upper bound.
    log_bound : numpy.ndarray
        (lag,), ℓ ln(γ‖W_hh‖₂): a looser upper bound.
    log_radius : numpy.ndarray
        (lag,), ℓ ln ρ: no bound; what the eigenvalues alone would say.
    log_singular_values : numpy.ndarray
        (lag, N), ln σ_i(J_{T:T-ℓ}), the largest first; nan where lost in rounding.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> found = explore_gradients(0.9, 1.0, "tanh", 0.5, 20, rng=np.random.default_rng(0))
    >>> bool((found.log_norm <= found.log_factors + 1e-9).all())
    True
    """

    W_hh: np.ndarray
    norm: float
    radius: float
    gamma: float
    log_norm: np.ndarray
    log_factors: np.ndarray
    log_bound: np.ndarray
    log_radius: np.ndarray
    log_singular_values: np.ndarray


def explore_gradients(
    gain: float,
    nonnormality: float,
    activation: str,
    input_strength: float,
    lag: int,
    *,
    N: int = 64,
    T: int = 100,
    rng: np.random.Generator,
) -> Exploration:
    """Measure how the norm of the Jacobian product changes with the lag, beside its bounds.

    Parameters
    ----------
    gain : float
        g > 0, the spectral radius of the recurrent weights.
    nonnormality : float
        ν >= 0. At 0 the weights are normal: their norm is their spectral radius. At 1 they depart
        from that about as much as independent Gaussian entries. The eigenvalues stay the same.
    activation : str
        ``"tanh"``, ``"relu"``, ``"logistic"`` or ``"identity"``.
    input_strength : float
        Standard deviation of each unit's input, at least 0.
    lag : int
        How many steps to look back, from 1 to T.
    N, T : int
        Numbers of hidden units and of time steps.
    rng : numpy.random.Generator
        The source of all draws. With the same seed they are the same at every setting.

    Returns
    -------
    Exploration
        The weights, the curves and the singular values.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range.

    Notes
    -----
    The weights are W = g Q (Λ + ν U) Qᵀ, a real Schur form. Q is orthogonal; Λ holds rotations
    times r <= 1 in blocks of two, the first with r = 1; U is strictly upper triangular outside of
    these blocks, with entries of variance 1/N, so that Henrici's departure from normality
    ‖W‖_F² - Σ|λ|² is g²ν²‖U‖_F². There are no biases, and the first state is random: without input
    the network is left to its own dynamics. The bounds are (3.4); notebook 03.

    Examples
    --------
    >>> found = explore_gradients(1.0, 0.0, "identity", 0.5, 50, rng=np.random.default_rng(0))
    >>> bool(np.allclose(found.log_norm, found.log_radius))   # normal and linear: ρ^ℓ, no more
    True
    """
    _check_range("gain", gain, 0, open_below=True)
    _check_range("nonnormality", nonnormality, 0)
    _check_range("input_strength", input_strength, 0)
    _check_range("N", N, 1, whole=True)
    _check_range("T", T, 1, whole=True)
    _check_range("lag", lag, 1, T, whole=True)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; expected a Generator: np.random.default_rng(0).")
    gamma = slope_bound(activation)
    W_hh = _weights(N, gain, nonnormality, rng)
    x, h_0 = rng.standard_normal((T, 1, N)), 0.5 * rng.standard_normal((1, N))
    params = RNNParams(
        input_strength * np.eye(N), W_hh, np.zeros((1, N)), np.zeros(N), np.zeros(1)
    )
    J = step_jacobians(params, unroll(params, x, h_0, activation))[T - lag :, 0]

    norm, lags = growth_conditions(W_hh, gamma).norm, np.arange(1, lag + 1)
    singular_values = log_singular_values_by_lag(J)
    log_norm = np.nan_to_num(singular_values[:, 0], nan=-np.inf, neginf=-np.inf)
    with np.errstate(divide="ignore"):
        log_factors = np.cumsum(np.log(np.linalg.norm(J, 2, axis=(1, 2))[::-1]))
    log_bound, log_radius = lags * np.log(gamma * norm), lags * np.log(gain)
    return Exploration(
        W_hh, norm, gain, gamma, log_norm, log_factors, log_bound, log_radius, singular_values
    )


def draw(found: Exploration, figure: Figure | None = None) -> Figure:
    """Draw the norm beside its bounds, and all singular values, against the lag.

    Parameters
    ----------
    found : Exploration
        What `explore_gradients` returned.
    figure : matplotlib.figure.Figure, optional
        One that this function made: its curves are replaced, which takes less time.

    Returns
    -------
    matplotlib.figure.Figure
        That of `rnncourse.figures.gradient_explorer`.

    Notes
    -----
    Notebook 03.

    Examples
    --------
    >>> found = explore_gradients(0.9, 1.0, "tanh", 0.5, 20, rng=np.random.default_rng(0))
    >>> figure = draw(found)
    >>> draw(found, figure) is figure
    True
    """
    compared = {
        r"bound $\prod\,\|J_i\|_2$": found.log_factors,
        r"bound $(\gamma\|W_{hh}\|_2)^\ell$": found.log_bound,
        r"$\rho(W_{hh})^\ell$ (no bound)": found.log_radius,
    }
    return gradient_explorer(found.log_norm, compared, found.log_singular_values, figure)


def describe(found: Exploration) -> str:
    """Say in words what the figure shows.

    Parameters
    ----------
    found : Exploration
        What `explore_gradients` returned.

    Returns
    -------
    str
        Two to four sentences.

    Notes
    -----
    "Grows" and "falls" compare the first with the last lag: by more than a factor of two. The
    factor per step is the geometric mean. Notebook 03.

    Examples
    --------
    >>> found = explore_gradients(0.9, 1.0, "tanh", 0.5, 100, rng=np.random.default_rng(0))
    >>> describe(found).split(": ")[0]
    '‖W‖ = 1.73 > 1, but the measured norm falls (× 0.732 per step)'
    """
    lag, last, limit = len(found.log_norm), found.log_norm[-1], found.gamma * found.norm
    head = "‖W‖ = " if found.gamma == 1 else f"γ‖W‖ = {found.gamma:g} · {found.norm:.2f} = "
    sign = 0 if abs(limit - 1) < 1e-9 else np.sign(limit - 1)
    head += "1" if sign == 0 else f"{limit:.2f} {'>' if sign > 0 else '<'} 1"
    pace = f"(× {np.exp(last / lag):.3g} per step)"
    falls, grows = last < -np.log(2), last > np.log(2)
    if last == -np.inf:
        gone = int(np.argmax(np.isneginf(found.log_norm))) + 1
        trend = f"is exactly zero from lag {gone} on"
    elif falls:
        trend = f"falls {pace}"
    elif grows:
        trend = f"grows {pace}"
    else:
        trend = f"is within a factor of 2 of 1 at lag {lag}"
    if grows:
        sentences = [f"{head} allows growth, and the measured norm {trend}."]
    elif sign > 0:
        sentences = [
            f"{head}, but the measured norm {trend}: the upper bound is not a prediction."
        ]
    else:
        must = f"has to vanish, at least like {limit:.2f}^ℓ" if sign < 0 else "cannot grow"
        sentences = [f"{head}: the norm {must}. Measured, it {trend}."]

    peak = int(np.argmax(found.log_norm))
    if grows and found.radius < 1:
        sentences.append(f"That ρ = {found.radius:.2f} < 1 does not prevent it.")
    elif falls and found.radius > 1:
        sentences.append(f"That ρ = {found.radius:.2f} > 1 does not prevent it.")
    if not grows and found.log_norm[peak] > np.log(2):
        high = _plain(found.log_norm[peak])
        sentences.append(f"On the way it is as large as {high}, at lag {peak + 1}.")
    sentences.append(
        f"At lag {lag}: measured {_plain(last)}, bounds {_plain(found.log_factors[-1])} and "
        f"{_plain(found.log_bound[-1])}, ρ^ℓ {_plain(found.log_radius[-1])}."
    )
    values = found.log_singular_values[-1]
    lost = int(np.isnan(values).sum())
    sentences.append(
        f"{lost} of the {len(values)} singular values are zero or lost in rounding."
        if lost
        else f"The smallest singular value is {_plain(values[-1])}."
    )
    return " ".join(sentences)


def explorer(seed: int = 0, *, N: int = 64, T: int = 100) -> Any:
    """Show how the Jacobian product depends on the network, with sliders.

    Parameters
    ----------
    seed : int
        For the draws of weights, inputs and initial state: the same at every setting.
    N, T : int
        Numbers of hidden units and of time steps.

    Returns
    -------
    ipywidgets.VBox
        Sliders, figure and words; as the last line of a cell it is shown.

    Raises
    ------
    ImportError
        If ipywidgets is not installed.

    Notes
    -----
    All controls work with the keyboard: Tab moves to the next, the arrow keys change it. A page
    without a kernel shows a sentence in its place. Notebook 03.

    Examples
    --------
    >>> explorer(N=4, T=5)
    Interactive figure: run this cell in JupyterLab to see its sliders.
    """
    widgets = _widgets()

    class Explorer(widgets.VBox):
        """A box whose text form is the same at every run, for pages without a kernel."""

        def __repr__(self) -> str:
            return "Interactive figure: run this cell in JupyterLab to see its sliders."

    def slider(kind: type, words: str, value: float, low: float, high: float, step: float) -> Any:
        return kind(
            value=value, min=low, max=high, step=step, description=words,
            style={"description_width": "11em"}, layout={"width": "30em"},
        )  # fmt: skip

    controls = {
        "gain": slider(widgets.FloatSlider, "gain g = ρ(W)", 1.2, 0.5, 2, 0.05),
        "nonnormality": slider(widgets.FloatSlider, "non-normality ν", 1, 0, 4, 0.1),
        "input_strength": slider(widgets.FloatSlider, "input strength", 0.5, 0, 2, 0.05),
        "lag": slider(widgets.IntSlider, "lag ℓ (steps)", T, min(2, T), T, 1),
        "activation": widgets.Dropdown(
            options=list(ACTIVATIONS), value="tanh", description="activation φ",
            style={"description_width": "11em"}, layout={"width": "30em"},
        ),
    }  # fmt: skip
    picture, figure = widgets.HTML(), None
    one_at_a_time = threading.Lock()  # JupyterLab may send each control's changes to its own thread

    def redraw(_: object = None) -> None:
        nonlocal figure
        with one_at_a_time:
            settings = {name: control.value for name, control in controls.items()}
            found = explore_gradients(**settings, N=N, T=T, rng=np.random.default_rng(seed))
            figure = draw(found, figure)
            words = html.escape(describe(found))
            picture.value = _image(figure, words) + f'<p style="max-width: 70em">{words}</p>'

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    rows = widgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"})
    return Explorer([rows, picture])


def _plain(log: float) -> str:
    """Write exp(log) shortly, also where it is no floating-point number."""
    if log == -np.inf:
        return "0"
    if -3 <= log / np.log(10) < 4:
        return f"{float(f'{np.exp(log):.2g}'):g}"  # 450, not 4.5e+02
    return "10" + f"{log / np.log(10):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _image(figure: Figure, alt: str) -> str:
    """Draw a figure as an HTML image, in half the time of ``savefig``, which draws twice."""
    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure).figure.set_dpi(DPI)  # kept, with its cache of texts
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    png = io.BytesIO()
    few = picture.quantize(COLOURS, Image.Quantize.FASTOCTREE)  # a third of the bytes
    few.save(png, "PNG", compress_level=1)
    data = base64.b64encode(png.getvalue()).decode()
    size = f"width: {100 * figure.get_figwidth():g}px; max-width: 100%"
    return f'<img src="data:image/png;base64,{data}" alt="{alt}" decoding="sync" style="{size}">'


def _widgets() -> ModuleType:
    """Import ipywidgets, which the rest of the package does not need."""
    try:
        import ipywidgets
    except ImportError as error:
        raise ImportError(
            "The explorer needs ipywidgets, which is not installed. Run 'make lab', which installs "
            "it, or in a cell: %pip install 'ipywidgets>=8.1,<9'"
        ) from error
    return ipywidgets


def _weights(N: int, gain: float, nonnormality: float, rng: np.random.Generator) -> np.ndarray:
    """Draw W = g Q (Λ + ν U) Qᵀ, with the same Λ, U and Q at every g and ν."""
    pairs = N // 2
    r, angle = np.sqrt(rng.random(pairs)), np.pi * rng.random(pairs)  # uniform in the disc
    r[:1] = 1
    schur = np.triu(nonnormality * rng.standard_normal((N, N)) / np.sqrt(N), k=1)
    schur[-1, -1] = 1  # the real eigenvalue that is left if N is odd, else overwritten
    even, odd = 2 * np.arange(pairs), 2 * np.arange(pairs) + 1
    schur[even, even] = schur[odd, odd] = r * np.cos(angle)
    schur[odd, even], schur[even, odd] = r * np.sin(angle), -r * np.sin(angle)
    Q, _ = np.linalg.qr(rng.standard_normal((N, N)))
    return gain * Q @ schur @ Q.T


def _check_range(
    name: str, value: Any, low: float, high: float = np.inf, *, whole=False, open_below=False
) -> None:
    """Raise if a number is out of its range; T, N and lag have to be whole."""
    kind = int | np.integer if whole else int | float | np.integer | np.floating
    right = isinstance(value, kind) and low <= value <= high and np.isfinite(value)
    if not right or (open_below and value == low):
        what = "a whole number" if whole else "a finite number"
        reach = "above" if open_below else "of at least"
        end = f" and at most {high}" if high < np.inf else ""
        raise ValueError(f"{name} is {value!r}; expected {what} {reach} {low}{end}.")
