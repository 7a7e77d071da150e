"""The parts of a card, and how they look: as text in a terminal, as HTML in a notebook."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from rnncourse.checks.verdict import Outcome

WIDTH = 88  # characters of a line of text
MARKS = {"✓": "ok", "✗": "x ", "–": "- ", "·": "-", "…": "...", "’": "'"}


@dataclass(frozen=True)
class Head:
    """The first line.

    Parameters
    ----------
    mark, word : str
        ✓, ✗ or –, and the same as a word; both empty for a hint.
    name, title : str
        Of the exercise.
    summary : str
        What came out, in a few words.
    """

    mark: str
    word: str
    name: str
    title: str
    summary: str


@dataclass(frozen=True)
class Words:
    """A paragraph.

    Parameters
    ----------
    text : str
        What stands between backticks is code.
    strong : str
        What stands before it, in bold.
    faint : bool
        Whether it is less important.
    """

    text: str
    strong: str = ""
    faint: bool = False


@dataclass(frozen=True)
class Code:
    """Lines of code, or of an exception.

    Parameters
    ----------
    lines : tuple of str
        Shown as they are.
    """

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Items:
    """Names with shapes and values.

    Parameters
    ----------
    title : str
        What stands above; may be empty.
    rows : tuple of tuple of str
        One for each name, all of one length.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Beside:
    """Two matrices side by side.

    Parameters
    ----------
    title : str
        The name of the output.
    yours, expected : tuple of tuple of str
        The entries.
    differs : tuple of tuple of bool
        Which entries are wrong.
    """

    title: str
    yours: tuple[tuple[str, ...], ...]
    expected: tuple[tuple[str, ...], ...]
    differs: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class Grid:
    """A table with a head.

    Parameters
    ----------
    title : str
        The name of the output; may be empty.
    head : tuple of str
        The names of the columns.
    rows : tuple of tuple of str
        The cells.
    after : str
        What stands below; may be empty.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    after: str = ""


@dataclass(frozen=True)
class Tried:
    """The list of all tests.

    Parameters
    ----------
    outcomes : tuple of Outcome
        What became of each.
    folded : bool
        Whether a notebook shows the list only when asked to.
    """

    outcomes: tuple[Outcome, ...]
    folded: bool


Block = Head | Words | Code | Items | Beside | Grid | Tried


def printable(words: str, encoding: str | None) -> str:
    """Replace the signs that a terminal cannot show.

    Parameters
    ----------
    words : str
        Any text.
    encoding : str or None
        The terminal's; None if it is not known.

    Returns
    -------
    str
        The same text where it can be shown; else with ``ok`` and ``x`` for the marks.

    Notes
    -----
    Where the output of Windows goes into a file it often has no ✓. Notebooks have all signs.

    Examples
    --------
    >>> printable("✓ 02.bptt · all hold", "ascii")
    'ok 02.bptt - all hold'
    """
    encoding = encoding or "utf-8"
    try:
        words.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        for sign, instead in MARKS.items():
            words = words.replace(sign, instead)
        return words.encode("ascii", "replace").decode("ascii")
    return words


# --- as text ---


def as_text(blocks: Iterable[Block]) -> str:
    """Return blocks as text.

    Parameters
    ----------
    blocks : iterable of Block
        From top to bottom.

    Returns
    -------
    str
        Paragraphs with an empty line between them.

    Notes
    -----
    Used for the exercises of notebooks 01 to 07, outside of a notebook.

    Examples
    --------
    >>> print(as_text([Words("the weight is `w`.", "Note: ")]))
    Note: the weight is w.
    """
    paragraphs = [_text_of(block) for block in blocks]
    return "\n\n".join(p for p in paragraphs if p)


def _wrapped(words: str) -> str:
    return "\n".join(
        textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in words.splitlines()
    )


def _text_of(block: Block) -> str:
    match block:
        case Head(mark, _, name, title, summary):
            return f"{mark} {name} · {title} · {summary}".strip()
        case Words(words, strong):
            return _wrapped(f"{strong}{words}".replace("`", ""))
        case Code(lines):
            return "\n".join(f"    {part}" for line in lines for part in line.splitlines())
        case Items(title, rows):
            body = _columns(rows)
            return "\n".join([*([title] if title else []), *(f"  {line}" for line in body)])
        case Beside(title, yours, expected, differs):
            return "\n".join((title, *_beside_text(yours, expected, differs)))
        case Grid(title, head, rows, after):
            body = [f"  {line}" for line in _columns((head, *rows))]
            above, below = ([title] if title else []), ([f"  {after}"] if after else [])
            return "\n".join((*above, *body, *below))
        case Tried(outcomes):
            lines = [f"  {_mark(o)} {o.case}{_why(o)}" for o in outcomes]
            return "\n".join(("what was tried", *lines))


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "   ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _beside_text(
    yours: Sequence[Sequence[str]],
    expected: Sequence[Sequence[str]],
    differs: Sequence[Sequence[bool]],
) -> list[str]:
    mine = [
        "  ".join(f"{'*' if d else ' '}{cell}" for cell, d in zip(row, marks, strict=True))
        for row, marks in zip(yours, differs, strict=True)
    ]
    right = ["  ".join(row) for row in expected]
    body = _columns((("yours", "expected"), *zip(mine, right, strict=True)))
    partly = any(map(any, differs)) and not all(map(all, differs))
    return [f"  {line}" for line in body] + ["  * differs"] * partly


def _mark(outcome: Outcome) -> str:
    return {"holds": "✓", "not run": "–", "not implemented": "–"}.get(outcome.state, "✗")


def _why(outcome: Outcome) -> str:
    """What became of a test that does not simply hold or fail, in a few words."""
    if outcome.state in ("holds", "differs"):
        return ""
    if outcome.state == "raised" and outcome.failure is not None:
        return f" ({outcome.failure.kind})"
    return f" ({outcome.state})"


# --- as HTML ---

FAINT = "opacity: 0.75; font-size: 0.92em"
MONO = "font-family: var(--jp-code-font-family, ui-monospace, Consolas, Menlo, monospace)"
EDGE = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.4))"
SHADE = "rgba(128, 128, 128, 0.13)"
WRONG = "background: rgba(213, 94, 0, 0.22); font-weight: 700; border-radius: 2px"
# dark enough for white letters, told apart by those who see no red or no green
ACCENTS = {"passed": "#00629b", "failed": "#b34700", "hint": "#6a5a8c"}
CELL = "padding: 1px 8px; text-align: left; white-space: pre; border: none; background: none"


def as_html(blocks: Iterable[Block], state: str) -> str:
    """Return blocks as HTML for a notebook with a light or a dark theme.

    Parameters
    ----------
    blocks : iterable of Block
        From top to bottom.
    state : str
        That of a verdict, or ``"hint"``: it decides the colour of the edge.

    Returns
    -------
    str
        One element with inline styles; all words are escaped.

    Notes
    -----
    Used for the exercises of notebooks 01 to 07.

    Examples
    --------
    >>> "a &lt; b" in as_html([Words("a < b")], "hint")
    True
    """
    accent = ACCENTS.get(state, "#5c6670")
    body = "".join(_html_of(block, accent) for block in blocks)
    return (
        f'<div role="group" aria-label="report" style="max-width: 760px; box-sizing: border-box; '
        f"margin: 4px 0; padding: 8px 14px 10px; border: {EDGE}; border-left: 5px solid {accent}; "
        f"border-radius: 4px; line-height: 1.45; "
        f'color: var(--jp-content-font-color1, inherit)">{body}</div>'
    )


def _html_of(block: Block, accent: str) -> str:
    match block:
        case Head(mark, word, name, title, summary):
            badge = (
                f'<span style="background: {accent}; color: #fff; font-weight: 600; '
                f'padding: 1px 8px; border-radius: 9px; white-space: nowrap">'
                f"{mark} {escape(word)}</span> "
            )
            return (
                f'<div style="margin: 2px 0 4px">{badge if mark else ""}'
                f'<b style="margin-left: {4 if mark else 0}px">{escape(name)}</b> · '
                f"{escape(title)} · <b>{escape(summary)}</b></div>"
            )
        case Words(words, strong, faint):
            style = f"margin: 7px 0; {FAINT}" if faint else "margin: 7px 0"
            bold = f"<b>{_rich(strong.rstrip())}</b> " if strong else ""
            return f'<div style="{style}">{bold}{_rich(words)}</div>'
        case Code(lines):
            return (
                f'<pre style="margin: 7px 0; padding: 6px 10px; background: {SHADE}; {MONO}; '
                f"font-size: 0.92em; white-space: pre-wrap; overflow-wrap: anywhere; "
                f'color: inherit; border: none">{escape(chr(10).join(lines))}</pre>'
            )
        case Items(title, rows):
            cells = [
                "".join(
                    _cell(cell, "th" if i == 0 else "td", f"{MONO}; font-weight: 400")
                    for i, cell in enumerate(row)
                )
                for row in rows
            ]
            return _table_html(title, "", cells)
        case Beside(title, yours, expected, differs):
            return _beside_html(title, yours, expected, differs)
        case Grid(title, head, rows, after):
            names = "".join(_cell(c, "th", "font-weight: 600", "col") for c in head)
            cells = ["".join(_cell(c, "td", MONO) for c in row) for row in rows]
            below = f'<div style="{FAINT}">{escape(after)}</div>' if after else ""
            return _table_html(title, names, cells, mono=True) + below
        case Tried(outcomes, folded):
            return _tests_html(outcomes, folded)


def _rich(words: str) -> str:
    """Escape a text; what stands between backticks becomes code."""
    code = rf'<code style="{MONO}; background: {SHADE}; padding: 0 3px; color: inherit">\1</code>'
    return re.sub(r"`([^`\n]+)`", code, escape(words)).replace("\n", "<br>")


def _cell(words: str, tag: str, style: str, scope: str = "row") -> str:
    scoped = f' scope="{scope}"' if tag == "th" else ""
    return f'<{tag}{scoped} style="{CELL}; {style}">{escape(words)}</{tag}>'


def _table_html(title: str, head: str, rows: Sequence[str], mono: bool = False) -> str:
    above = f'<div style="{MONO if mono else FAINT}">{escape(title)}</div>' if title else ""
    first = f'<thead><tr style="background: none">{head}</tr></thead>' if head else ""
    body = "".join(f'<tr style="background: none">{row}</tr>' for row in rows)
    return (
        f'<div style="margin: 7px 0 2px; overflow-x: auto">{above}<table style="margin: 1px 0; '
        f"border-collapse: collapse; border: none; font-size: 0.95em; table-layout: auto; "
        f'color: inherit; line-height: 1.35">{first}<tbody>{body}</tbody></table></div>'
    )


def _beside_html(
    title: str,
    yours: Sequence[Sequence[str]],
    expected: Sequence[Sequence[str]],
    differs: Sequence[Sequence[bool]],
) -> str:
    count = len(yours[0])
    gap = "padding-right: 28px"
    head = "".join(
        f'<th scope="colgroup" colspan="{count}" style="{CELL}; font-weight: 600; {space}">'
        f"{words}</th>"
        for words, space in (("yours", gap), ("expected", ""))
    )
    rows = []
    for mine, right, marks in zip(yours, expected, differs, strict=True):
        cells = [
            _value_cell(c, d, gap if i == count - 1 else "")
            for i, (c, d) in enumerate(zip(mine, marks, strict=True))
        ]
        rows.append("".join((*cells, *(_value_cell(c, False, "") for c in right))))
    return _table_html(title, head, rows, mono=True)


def _value_cell(words: str, wrong: bool, space: str) -> str:
    style = WRONG if wrong else ""
    label = ' title="differs"' if wrong else ""
    return (
        f'<td style="{CELL}; {MONO}; {space}"><span{label} style="padding: 0 3px; {style}">'
        f"{escape(words)}</span></td>"
    )


def _tests_html(outcomes: Sequence[Outcome], folded: bool) -> str:
    words = {"✓": "holds", "✗": "fails", "–": "not run"}
    count = f"{len(outcomes)} test{'s' * (len(outcomes) > 1)}"
    lines = "".join(
        f'<div style="padding-left: 1.6em; text-indent: -1.4em">'
        f'<span role="img" aria-label="{words[_mark(o)]}" style="display: inline-block; '
        f'width: 1.4em; text-indent: 0">{_mark(o)}</span>{_rich(o.case + _why(o))}</div>'
        for o in outcomes
    )
    if not folded:
        return f'<div style="margin: 6px 0; font-size: 0.95em">{lines}</div>'
    return (
        f'<details style="margin: 7px 0; font-size: 0.95em"><summary style="cursor: pointer">'
        f"What was tried: {count}</summary>{lines}</details>"
    )
