import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from rnncourse.checks import card
from rnncourse.checks.exercise import Band
from rnncourse.checks.layout import Words, as_html, as_text, printable
from rnncourse.checks.returned import Failure
from rnncourse.checks.verdict import Difference, Named, Outcome, Verdict

HOSTILE = "<script>alert('x')</script> & \"quoted\" `code`"


def value(output, yours, expected):
    return Difference(output, "value", np.asarray(yours), np.asarray(expected), f"{output} differs")


def outcome(*differences, state="differs", **more):
    return Outcome("a few", state, differences, **more)


def verdict(second, **more):
    """The first test holds, the second is given, the third was not run."""
    outcomes = (Outcome("one number", "holds"), second, Outcome("many", "not run"))
    return Verdict("01.twice", 7, "failed", outcomes, **{"shown": 1, **more})


def both(made, exercise):
    """The text, and the words of the HTML without its tags."""
    return card.text(made, exercise), words(card.html(made, exercise))


class _Reader(HTMLParser):
    VOID = ("br",)

    def __init__(self):
        super().__init__()
        self.words, self.open, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(html):
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def words(html):
    return " ".join(" ".join(read(html).words).split())


# --- what stands on a card ---


def test_the_headline_counts_the_tests_that_hold(made_up):
    text, html = both(verdict(outcome(value("y", [[1.0]], [[2.0]]))), made_up.twice)
    assert text.splitlines()[0] == "✗ 01.twice · A weight times <inputs> · 1 of 3 tests holds"
    assert html.startswith("✗ not yet 01.twice · A weight times <inputs> · 1 of 3 tests holds")


def test_a_named_mistake_comes_first_with_its_hint_and_the_test_after_it(made_up):
    made = verdict(
        outcome(value("y", [[1.0]], [[2.0]])),
        named=(Named("the weight added", "Is `w` a factor?"),),
        tells="Do it by hand.",
        notes=("Your function changes x.",),
    )
    for shown in both(made, made_up.twice):
        places = [shown.index(part) for part in (
            "1 of 3", "Recognised: the weight added.", "a factor?", "a few", "called with", "yours",
            "many", "Note: Your function changes x.", 'hint("01.twice")',
        )]  # fmt: skip
        assert places == sorted(places)
        assert "Do it by hand." not in shown
    assert "<code" in card.html(made, made_up.twice)
    assert "`" not in card.text(made, made_up.twice)


def test_a_mistake_that_explains_some_outputs_says_which(made_up):
    named = (Named("the weight added", "hint one", ("y",)), Named("other", "hint two", ("total",)))
    for shown in both(verdict(outcome(value("total", 1.0, 2.0)), named=named), made_up.twice):
        assert "In y: the weight added. hint one" in shown
        assert "In total: other. hint two" in shown


def test_without_a_known_mistake_the_card_says_where_it_is_wrong_and_what_that_means(made_up):
    made = verdict(
        outcome(value("total", 1.0, 2.0)), located=("It is half.",), tells="Do it by hand."
    )
    for shown in both(made, made_up.twice):
        assert shown.index("It is half.") < shown.index("Do it by hand.")


def test_the_report_can_be_repeated_with_the_seed_of_a_failing_card_only(made_up):
    failing = verdict(outcome(value("total", 1.0, 2.0)))
    assert 'check("01.twice", …, seed=7) repeats this report' in card.text(failing, made_up.twice)
    passed = Verdict("01.twice", 7, "passed", (Outcome("one number", "holds"),))
    assert "7" not in card.text(passed, made_up.twice)


def test_a_passing_card_is_the_same_for_every_seed(made_up):
    outcomes = tuple(Outcome(c.name, "holds") for c in made_up.twice.cases)
    cards = {
        both(Verdict("01.twice", seed, "passed", outcomes), made_up.twice) for seed in (0, 1)
    }
    [(text, html)] = cards
    assert text.splitlines()[0].endswith("all 3 tests hold")
    assert "✓ one number" in text
    assert "✓ one number" in html


def test_the_inputs_are_shown_by_name_and_shape_and_tiny_ones_by_value(made_up):
    made = verdict(outcome(value("total", 1.0, 2.0)))
    x = made_up.twice.instances(7)[1]["x"]
    text, html = both(made, made_up.twice)
    assert re.search(r"x +\(T, N\) = \(3, 2\)", text)
    assert re.search(r"w +-3\.000", text)
    assert "x (T, N) = (3, 2)" in html
    assert x.size > 4
    one = replace(made, shown=0, outcomes=made.outcomes[1:])
    assert f"[[{made_up.twice.instances(7)[0]['x'].item():#.4g}]]" in card.text(one, made_up.twice)


def test_a_small_matrix_is_shown_as_one_with_the_wrong_entries_marked(made_up):
    expected = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    yours = expected.copy()
    yours[1, 0] = -3.5
    made = verdict(outcome(value("y", yours, expected)))
    text = card.text(made, made_up.twice)
    assert "*-3.500   4.000   3.000  4.000" in text
    assert text.count("*") == 2  # the entry, and what the star means
    marked = [a for tag, a in read(card.html(made, made_up.twice)).tags if "title" in a]
    assert len(marked) == 1
    assert "font-weight: 700" in marked[0]["style"]  # not by colour alone


def test_of_a_large_array_the_entries_that_differ_most_are_shown_by_their_place(made_up):
    expected = np.ones((7, 6))
    yours = expected.copy()
    yours[2:4] += 0.1
    yours[5, 1], yours[6, 0] = 9.0, np.nan
    text, html = both(verdict(outcome(value("y", yours, expected))), made_up.twice)
    for shown in (text, html):
        assert re.search(r"t=5, n=1 +9\.000 +1\.000", shown)
        assert re.search(r"t=6, n=0 +nan +1\.000", shown)
        assert "14 of 42 entries differ; these 6 the most." in shown
        assert len(re.findall(r"t=\d, n=\d", shown)) == 6
    assert text.index("t=2") < text.index("t=5") < text.index("t=6")


@pytest.mark.parametrize(
    ("axes", "shape", "place"),
    [
        ("N N", (6, 6), "row 2, column 3"),
        ("4N D", (6, 6), "n=2, d=3"),
        ("T B N", (3, 4, 2), "t=2, b=3, n=1"),
        ("T N N", (3, 4, 2), "t=2, n1=3, n2=1"),
        ("N", (9,), "n=5"),
        ("T", (3, 4, 2), "[2, 3, 1]"),
    ],
)
def test_a_place_is_given_by_the_letters_of_the_axes(made_up, axes, shape, place):
    exercise = replace(made_up.twice, outputs={"y": axes})
    expected = np.zeros(shape)
    yours = expected.copy()
    index = {6: (2, 3), 3: (2, 3, 1), 9: (5,)}[shape[0]]
    yours[index] = 1.0
    text = card.text(verdict(outcome(value("y", yours, expected))), exercise)
    assert re.search(rf"{re.escape(place)} +1\.000 +0\n", text)


@pytest.mark.parametrize("shape", [(), (1,), (2, 2), (7, 6)])
@pytest.mark.parametrize("error", [1e-4, 1e-7, 1e-10, 1e-15])
def test_numbers_that_differ_look_different(made_up, shape, error):
    expected = np.full(shape, 1.2345678901234567)
    yours = expected * (1 + error)
    exercise = replace(made_up.twice, outputs={"y": "T N"[: 2 * len(shape)]}, rtol=0.0, atol=0.0)
    text = card.text(verdict(outcome(value("y", yours, expected))), exercise)
    numbers = re.findall(r"1\.23\d+", text)
    assert len(set(numbers)) == 2
    assert max(map(len, numbers)) <= 3 - np.log10(error)  # and no longer than that takes


def test_several_outputs_of_one_number_share_a_table(made_up):
    made = verdict(outcome(value("y", [[1.0]], [[2.0]]), value("total", 10.5, 20.0)))
    text = card.text(made, made_up.twice)
    assert re.search(r"output +yours +expected\n  y +1\.000 +2\.000\n  total +10\.50 +20\.00", text)


def test_outputs_beyond_the_third_are_named_only(made_up):
    exercise = replace(made_up.twice, outputs=dict.fromkeys("abcde", "N"))
    made = verdict(outcome(*(value(n, [1.0, 2.0], [3.0, 4.0]) for n in "abcde")))
    text = card.text(made, exercise)
    assert text.count("yours") == 3
    assert "Wrong too: d, e." in text


@pytest.mark.parametrize(
    ("problem", "yours", "expected"),
    [
        ("shape", np.ones((2, 3)), np.ones((3, 2))),
        ("not finite", np.full((2, 2), np.nan), np.ones((2, 2))),
        ("not finite", np.array([np.inf, 1.0]), np.array([-np.inf, 1.0])),
        ("kind", np.ones((2, 2), dtype=int), np.full((2, 2), 1.5)),
        ("kind", "words", np.ones((2, 2))),
        ("kind", {"a": 1}, np.ones((2, 2))),
        ("missing", None, np.ones((2, 2))),
        ("value", "words", "others"),
        ("value", True, False),
        ("value", ([1], [2, 3]), np.ones(2)),
        ("value", np.ones((0, 3)), np.ones((0, 3))),
        ("value", np.ones((3, 3)), np.ones((3, 3))),
        ("band", np.array(0.5), Band(1.0, 2.0)),
        ("band", np.array([0.5, 1.5]), Band(np.ones(2), np.full(2, 2.0))),
    ],
)
def test_every_kind_of_difference_is_said_in_words(made_up, problem, yours, expected):
    made = verdict(outcome(Difference("y", problem, yours, expected, "y is not as it should be")))
    for shown in both(made, made_up.twice):
        assert "y is not as it should be." in shown or "yours" in shown
    if problem == "band" and np.size(yours) == 1:
        assert "1.000 to 2.000" in card.text(made, made_up.twice)


@pytest.mark.parametrize("word", ["guess", "measure"])
def test_a_card_does_not_give_the_answer_of_a_prediction_or_a_measurement_away(made_up, word):
    exercise = getattr(made_up, word)
    for expected in (np.array(42.125), Band(41.25, 43.75)):
        for yours in (np.array(17.0), np.array([17.0, 3.0])):
            d = Difference("value", "value", yours, expected, "value differs")
            made = Verdict(exercise.name, 0, "failed", (outcome(d),), shown=0)
            for shown in (*both(made, exercise), card.html(made, exercise)):
                assert not re.search(r"42\.1|41\.2|43\.7", shown)
                assert "17.00" in shown or yours.size > 1


def test_an_exception_is_shown_with_the_learners_line(made_up):
    failure = Failure("ValueError", "shapes (3,) and (2,)\nsecond line", 7, "h = x @ W")
    made = verdict(outcome(state="raised", failure=failure), tells="Do it by hand.")
    for shown in both(made, made_up.twice):
        assert "ValueError: shapes (3,) and (2,)" in shown
        assert "line 7: h = x @ W" in shown
        assert "a few (ValueError)" in shown
        assert "Do it by hand." not in shown


def test_an_endless_loop_is_shown_with_the_line_that_was_running(made_up):
    failure = Failure("TimeoutError", "not finished after 1.5 s", 3, "while True:")
    made = verdict(outcome(state="too slow", text=failure.message, failure=failure))
    for shown in both(made, made_up.twice):
        assert "stopped: not finished after 1.5 s. Is a loop endless, or just slow?" in shown
        assert "line 3: while True:" in shown
        assert "– many (not run)" in shown


@pytest.mark.parametrize("state", ["unreadable", "changes its inputs", "differs", "raised"])
def test_what_has_no_values_is_said_in_words(made_up, state):
    for shown in both(verdict(outcome(state=state, text="it returns None")), made_up.twice):
        assert "it returns None." in shown


def test_what_is_not_yet_implemented_says_what_to_write(made_up):
    made = Verdict("01.twice", 0, "not implemented", ())
    for shown in both(made, made_up.twice):
        assert "not yet implemented" in shown
        assert "your_function(x, w)" in shown
        assert "-> y (T, N), total" in shown
        assert re.search(r"w +a number", shown)
    text = card.text(Verdict("01.guess", 0, "not implemented", ()), made_up.guess)
    assert re.search("Write down your answer.*value +a number", text, re.DOTALL)


def test_a_declined_answer_says_why_and_what_counts(made_up):
    made = Verdict("01.twice", 0, "declined", (), notes=("It is the package's own `f`.",))
    for shown in both(made, made_up.twice):
        assert "nothing was tested" in shown
        assert "It is the package's own" in shown
        assert "your_function(x, w)" in shown


# --- how it is written ---


def test_nothing_that_a_learner_or_an_author_writes_becomes_html(made_up):
    exercise = replace(made_up.twice, title=HOSTILE, hints=(HOSTILE,) * 3,
                       outputs={HOSTILE: "N"}, inputs={"x": HOSTILE, "w": ""})  # fmt: skip
    failure = Failure(HOSTILE, HOSTILE, 1, HOSTILE)
    difference = Difference(HOSTILE, "value", np.zeros(9), np.ones(9), HOSTILE)
    small = Difference(HOSTILE, "value", np.zeros(2), np.ones(2), HOSTILE)
    kind = Difference(HOSTILE, "kind", HOSTILE, np.ones(2), HOSTILE)
    made = [
        verdict(outcome(state="raised", failure=failure)),
        verdict(outcome(state="too slow", failure=failure, text=HOSTILE)),
        verdict(outcome(difference, small, kind), located=(HOSTILE,), tells=HOSTILE,
                notes=(HOSTILE,)),
        verdict(Outcome(HOSTILE, HOSTILE, text=HOSTILE),
                named=(Named(HOSTILE, HOSTILE, (HOSTILE,)),)),
        Verdict("01.twice", 0, "declined", (), notes=(HOSTILE,)),
        Verdict("01.twice", 0, "not implemented", ()),
        Verdict("01.twice", 0, "passed", (Outcome(HOSTILE, "holds"),), notes=(HOSTILE,)),
    ]  # fmt: skip
    pages = [card.html(one, exercise) for one in made]
    pages += [card.hint_html(exercise, step) for step in (1, 4)]
    for page in pages:
        assert "script" not in {tag for tag, _ in read(page).tags}
        assert "<script" not in page
        assert "<script>alert" in words(page)


def test_cards_use_inline_styles_only_and_the_fold_is_a_details_element(made_up):
    html = card.html(verdict(outcome(value("total", 1.0, 2.0))), made_up.twice)
    tags = read(html).tags
    assert {"style", "link", "script", "img"}.isdisjoint({tag for tag, _ in tags})
    assert not [a for _, attributes in tags for a in attributes if a.startswith(("on", "class"))]
    assert [tag for tag, _ in tags if tag in ("details", "summary")] == ["details", "summary"]
    labels = [a["aria-label"] for _, a in tags if a.get("role") == "img"]
    assert labels == ["holds", "fails", "not run"]


def test_lines_of_text_are_of_a_readable_length():
    assert max(map(len, as_text([Words("word " * 99, "strong ")]).splitlines())) <= 88


def test_backticks_make_code_after_everything_is_escaped():
    html = as_html([Words("see `a<b` and `c`")], "hint")
    assert words(html) == "see a<b and c"
    assert len([tag for tag, _ in read(html).tags if tag == "code"]) == 2


def test_hints_show_one_step_and_the_end_says_where_the_solution_stands(made_up):
    assert card.hint_text(made_up.twice, 2).endswith("See (1.1).")
    assert "solutions/" in card.hint_text(made_up.twice, 4)
    assert words(card.hint_html(made_up.twice, 1)).endswith("What is y ?")


def test_an_example_has_three_decimals_and_no_minus_before_a_zero(made_up):
    inputs = {"x": np.array([[-1e-17, 1.23456], [2.0, -0.0004]]), "w": 2.0}
    outputs = {"y": np.ones((5, 5)), "total": np.float64(-1e-9)}
    assert card.example_text(made_up.twice, inputs, outputs).splitlines() == [
        "01.twice · A weight times <inputs> · a small example",
        "",
        "inputs",
        "  x (T, N)  [[0.000, 1.235],",
        "             [2.000, 0.000]]",
        "  w         2.000",
        "",
        "right outputs",
        "  y (T, N)  shape (5, 5)",
        "  total     0.000",
    ]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (np.arange(3), "[0, 1, 2]"),
        (np.array([True, False]), "[ True, False]"),
        (np.array(3), "3"),
        (np.array(0.5), "0.500"),
        ("word", "word"),
        (None, "None"),
        (True, "True"),
        ((1, 0.5), "(1, 0.500)"),
        ({"a": 0.25}, "{a: 0.250}"),
        (Band(1.0, 2.0), "from 1.000 to 2.000"),
    ],
)
def test_an_example_shows_every_kind_of_value(made_up, given, shown):
    lines = card.example_text(made_up.twice, {"w": given}, None).splitlines()
    assert lines[3].endswith(f"  {shown}")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", None, "no such encoding"])
def test_every_terminal_can_print_a_card(made_up, encoding):
    text = card.text(verdict(outcome(value("total", 1.0, 2.0))), made_up.twice)
    printed = printable(text, encoding)
    printed.encode(encoding if encoding in ("cp1252", "ascii") else "utf-8")
    assert ("✗" in printed) == (encoding in ("utf-8", None))
    assert "1 of 3 tests" in printed
