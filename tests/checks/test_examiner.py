import functools
import os
import re

import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from rnncourse.checks import check, examiner, example, hint, progress, record
from rnncourse.checks.catalogue import load


def right(x, w):
    return w * x, float(np.sum(w * x))


def added(x, w):
    y = w + x
    return y, y.sum()


def unwritten(x, w):
    raise NotImplementedError


class Layer:
    """A function of the package, as far as its module says."""

    def method(self, x, w):
        return right(x, w)

    def __call__(self, x, w):
        return right(x, w)


Layer.__module__ = Layer.method.__module__ = "rnncourse.layer"


# --- check ---


def test_a_right_answer_passes_and_gets_all_points(made_up, capsys):
    report = check("01.twice", right)
    assert report.passed
    assert report.points == made_up.twice.points
    assert repr(report) == "<01.twice: 3 of 3 tests hold>"
    printed = capsys.readouterr()
    assert printed.out.startswith("✓ 01.twice · A weight times <inputs> · all 3 tests hold\n")
    assert printed.err == ""


def test_what_is_printed_for_a_right_answer_is_the_same_for_all_seeds(made_up, capsys):
    printed = set()
    for seed in (None, None, 3):
        check("01.twice", right, seed=seed)
        printed.add(capsys.readouterr().out)
    assert len(printed) == 1


def test_a_wrong_answer_is_named_and_gets_no_points(made_up, capsys):
    report = check("01.twice", added)
    assert not report.passed
    assert report.points == 0
    assert repr(report) == "<01.twice: 0 of 3 tests hold>"
    assert [named.mistake for named in report.verdict.named] == ["the weight added"]
    printed = capsys.readouterr()
    assert "the weight added" in printed.out
    assert printed.err == ""


def test_the_instances_are_fresh_each_time_and_a_seed_repeats_a_report(made_up, capsys):
    one, other = check("01.twice", added), check("01.twice", added)
    assert one.verdict.seed != other.verdict.seed
    capsys.readouterr()
    again = check("01.twice", added, seed=one.verdict.seed)
    assert capsys.readouterr().out == one.text + "\n"
    assert again.text == one.text != other.text


def test_an_answer_yet_to_come_is_not_yet_implemented(made_up, capsys):
    for name, answer in (("01.twice", unwritten), ("01.twice", ...), ("01.guess", None)):
        report = check(name, answer)
        assert report.verdict.state == "not implemented"
        assert repr(report) == f"<{name}: not yet implemented>"
        assert "not yet implemented" in capsys.readouterr().out


def test_a_value_is_an_answer_where_there_are_no_inputs(made_up, capsys):
    assert check("01.guess", 42.125).passed
    assert not check("01.guess", 41.0).passed
    assert check("01.measure", 42.5).passed


@pytest.mark.parametrize(
    "answer",
    [
        Layer,
        Layer(),
        Layer.method,
        Layer().method,
        functools.partial(Layer().method),
        functools.partial(functools.partial(Layer.method, None)),
        functools.wraps(Layer.method)(lambda *a: right(*a)),
        functools.lru_cache(Layer.method),
    ],
)
def test_the_packages_own_function_is_declined_in_every_wrapping(made_up, capsys, answer):
    report = check("01.twice", answer)
    assert report.verdict.state == "declined"
    assert report.points == 0
    assert repr(report) == "<01.twice: declined>"
    assert "the package's own" in capsys.readouterr().out


def test_a_wrapping_of_the_learners_own_function_is_the_learners(made_up):
    assert check("01.twice", functools.partial(right)).passed
    assert check("01.twice", lambda x, w: right(x, w)).passed
    assert check("01.twice", functools.wraps(right)(lambda *a, **k: right(*a, **k))).passed


def test_a_wrapper_that_wraps_itself_ends(made_up):
    def circle(x, w):
        return right(x, w)

    circle.__wrapped__ = circle
    assert check("01.twice", circle).verdict.state in ("passed", "failed")


def test_the_examiners_own_functions_are_no_learners_either(made_up):
    assert check("01.twice", examiner.check).verdict.state == "declined"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("01.twcie", right), ValueError, "Did you mean '01.twice'"),
        ((3, right), TypeError, "name"),
        (("01.twice",), TypeError, r'check\("01.twice", my_twice\)'),
        ((right, "01.twice"), TypeError, r"the name comes first: check\('01.twice', right\)"),
        (("01.twice", np.ones(3)), TypeError, "without calling it.*ndarray"),
        (("01.twice", None), TypeError, "got None"),
        (("01.twice", right, "0"), TypeError, "seed is '0'; expected a whole number"),
        (("01.twice", right, -1), ValueError, "seed is -1; expected 0 or more"),
    ],
)
def test_a_wrong_call_says_what_to_write_in_one_frame(made_up, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        check(*arguments[:2], **({"seed": arguments[2]} if len(arguments) > 2 else {}))
    assert len(raised.traceback) == 2  # this line, and one of the examiner
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_checks_and_hints_are_recorded(made_up, own_record):
    check("01.twice", added)
    check("01.twice", right)
    check("01.twice", unwritten)
    hint("01.twice")
    row = progress().rows[0]
    assert (row.attempts, row.hints) == (2, 1)
    assert row.passed[:2] == "20"
    assert len(own_record.read_text().splitlines()) == 3


def test_a_record_that_cannot_be_written_does_not_stop_a_check(made_up, tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(tmp_path))  # a folder
    assert check("01.twice", right).passed


# --- hint ---


def test_hints_come_one_at_a_time_and_only_when_asked_for(made_up, capsys):
    for step, words in enumerate(made_up.twice.hints, 1):
        hint("01.twice")
        printed = capsys.readouterr().out
        assert f"hint {step} of 3" in printed
        assert words.replace("`", "") in printed
        for other in set(made_up.twice.hints) - {words}:
            assert other.replace("`", "") not in printed
    for _ in range(2):
        hint("01.twice")
        printed = capsys.readouterr().out
        assert "there are no more hints" in printed
        assert "solutions/" in printed
    assert record.last_hint("01.twice") == 3


def test_a_step_can_be_asked_for_again(made_up, capsys):
    hint("01.twice", 2)
    hint("01.twice", 1)
    assert "hint 1 of 3" in capsys.readouterr().out
    hint("01.twice")
    assert "hint 3 of 3" in capsys.readouterr().out


@pytest.mark.parametrize("step", [0, 4, "1", 1.5, True, [1]])
def test_a_step_that_does_not_exist_is_refused(made_up, step):
    with pytest.raises(ValueError, match="expected 1, 2 or 3"):
        hint("01.twice", step)


def test_hints_are_counted_in_memory_where_nothing_can_be_written(made_up, tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(tmp_path))
    hint("01.twice")
    hint("01.twice")
    assert record.last_hint("01.twice") == 2


# --- example ---


def test_an_example_shows_the_smallest_case_with_the_right_outputs(made_up, capsys):
    example("01.twice")
    first = capsys.readouterr().out
    x = made_up.twice.instances(0)[0]["x"].item()
    assert f"x (T, N)  [[{x:.3f}]]" in first
    assert f"y (T, N)  [[{2 * x:.3f}]]" in first
    assert f"total     {2 * x:.3f}" in first
    example("01.twice")
    assert capsys.readouterr().out == first
    example("01.twice", seed=1)
    assert capsys.readouterr().out != first


@pytest.mark.parametrize("name", ["01.guess", "01.measure"])
def test_no_example_gives_a_prediction_or_a_measurement_away(made_up, capsys, name):
    example(name)
    printed = capsys.readouterr().out
    assert "would be the answer" in printed
    assert "4" not in printed


def test_where_many_answers_are_right_the_example_shows_none(made_up, capsys):
    example("01.mask")
    assert "many right answers" in capsys.readouterr().out


@pytest.mark.parametrize("call", [hint, example])
def test_hint_and_example_name_the_nearest_exercise(made_up, call):
    with pytest.raises(ValueError, match=r"Did you mean '01\.twice'"):
        call("01.twce")
    with pytest.raises(TypeError, match="name"):
        call(right)


# --- in IPython ---


@pytest.fixture
def shell():
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("store_history", [True, False])
def test_a_card_appears_once_in_its_cell_and_again_when_asked_for(
    made_up, shell, capsys, store_history
):
    shell.push({"check": check, "right": right})

    def shown(code):
        result = shell.run_cell(code, store_history=store_history)
        assert result.success
        return capsys.readouterr().out.count("all 3 tests hold")

    assert shown('check("01.twice", right)') == 1
    assert shown('report = check("01.twice", right)') == 1
    assert shown('report = check("01.twice", right)\nreport') == 1
    assert shown("report") == 1
    assert shown("report") == 1
    assert shown('check("01.twice", right); check("01.twice", right)') == 2
    assert not [f for f in shell.events.callbacks["post_execute"] if "end_of_the" in f.__name__]


KERNEL_CELLS = [
    "from rnncourse.checks import check, hint\n"
    "from rnncourse.checks.catalogue import load\n"
    'def right(*inputs):\n    return load("02.bptt").attempt(*inputs)\n'
    "def wrong(*inputs):\n    return (0.0,) * 7",
    'check("02.bptt", right)',
    'report = check("02.bptt", right)',
    "report",
    'failed = check("02.bptt", wrong, seed=1)\nfailed.points',
    'report = check("02.bptt", right)\nreport.points',
    'hint("02.bptt", 1)',
    "failed",
]


def run_cells(tmp_path, store_history):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in KERNEL_CELLS])
    client = NotebookClient(notebook, kernel_name="python3", timeout=120)
    with client.setup_kernel(env={**os.environ, "RNNCOURSE_PROGRESS": str(tmp_path / "p")}):
        for i, cell in enumerate(notebook.cells):
            client.execute_cell(cell, i, store_history=store_history)
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.parametrize("store_history", [True, False])
def test_a_notebook_shows_one_card_a_cell_and_nbgrader_reads_the_points(tmp_path, store_history):
    outputs = run_cells(tmp_path, store_history)
    kinds = [[o.output_type for o in cell] for cell in outputs]
    card = ["display_data"]
    points = ["display_data", "execute_result"]
    assert kinds == [[], card, card, card, points, points, card, card]
    for cell in outputs[1:]:
        assert set(cell[0].data) == {"text/html", "text/plain"}
    assert [outputs[i][1].data["text/plain"] for i in (4, 5)] == ["0", str(load("02.bptt").points)]
    assert outputs[1] == outputs[2] == outputs[3]  # nothing that changes from run to run
    assert outputs[4][0] == outputs[7][0]
    assert "✗" in outputs[7][0].data["text/plain"]


def test_outside_of_a_notebook_the_text_can_be_printed_by_any_terminal(made_up, monkeypatch):
    import io

    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="cp1252", write_through=True))
    check("01.twice", right)
    assert re.match(rb"ok 01.twice - A weight", raw.getvalue())


@pytest.mark.parametrize(
    "names",
    [
        ("numpy.testing.assert_allclose", "numpy.testing.assert_array_equal"),
        ("numpy.allclose", "numpy.isclose", "numpy.array_equal"),
        ("builtins.AssertionError",),
    ],
)
def test_a_wrong_answer_stays_wrong_when_comparisons_are_patched(
    made_up, monkeypatch, capsys, names
):
    for name in names:
        monkeypatch.setattr(name, lambda *values, **named: True)
    assert not check("01.twice", lambda x, w: (w + x, 0.0)).passed


def test_an_answer_that_knows_the_instances_of_one_seed_fails_on_those_of_another(made_up, capsys):
    known = [repr(i) for i in made_up.twice.instances(1)]
    right = made_up.twice.attempt

    def cheat(x, w):
        return right(x, w) if repr({"x": x, "w": w}) in known else (0 * x, 0.0)

    assert check("01.twice", cheat, seed=1).passed
    assert not check("01.twice", cheat).passed
