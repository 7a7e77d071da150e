"""Real data as sequences."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from rnncourse.tasks import digits


@pytest.mark.parametrize(("read_by", "T", "D"), [("row", 8, 8), ("pixel", 64, 1)])
def test_a_sequence_is_the_image_read_in_order(read_by, T, D):
    task = digits(read_by)
    images, target = load_digits(return_X_y=True)
    splits = task[:3]
    assert {(s.x.shape[0], s.x.shape[2]) for s in splits} == {(T, D)}
    x = np.concatenate([s.x for s in splits], axis=1)
    for n in (0, 1077, 1078, 1500, 1796):
        np.testing.assert_array_equal(x[:, n].ravel(), (images[n] / 16).astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([s.target for s in splits]), target)


def test_the_parts_share_no_image_and_hold_every_class():
    task = digits()
    assert [s.size for s in task[:3]] == [1078, 359, 360]
    seen = [{s.x[:, n].tobytes() for n in range(s.size)} for s in task[:3]]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    for split in task[:3]:
        assert set(split.target) == set(range(task.classes))


def test_a_mini_batch_holds_the_examples_asked_for():
    train = digits().train
    batch = train.take(np.array([5, 2]))
    np.testing.assert_array_equal(batch.x[:, 1], train.x[:, 2])
    np.testing.assert_array_equal(batch.target, train.target[[5, 2]])


def test_grey_values_lie_between_zero_and_one():
    x = digits().train.x
    assert x.min() == 0
    assert x.max() == 1


def test_an_unknown_way_of_reading_is_refused():
    with pytest.raises(ValueError, match="read_by is 'column'; expected 'row' or 'pixel'"):
        digits("column")
