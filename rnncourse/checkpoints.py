"""A file that holds a training run: written whole or not at all, read without pickle."""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "rnncourse checkpoint 1"


def save_checkpoint(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping) -> None:
    """Write arrays and facts to a file, which at every moment is the old one or the new one.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder exists.
    arrays : mapping of str to numpy.ndarray
        Any arrays without Python objects.
    facts : mapping
        Whatever JSON can hold.

    Notes
    -----
    The text goes to ``<path>.part`` in the same folder, is forced to the disk (fsync), and takes
    the place of the old file in one go (os.replace). A process killed at any moment leaves a whole
    file, and perhaps a part that the next call overwrites. Notebook 04.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save_checkpoint(path, {"W": np.eye(2)}, {"step": 3})
    >>> load_checkpoint(path)[1]
    {'step': 3}
    """
    text = json.dumps({"format": FORMAT, "facts": facts}, default=np.ndarray.tolist)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.savez(file, **arrays, facts=np.array(text))
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    if os.name == "posix":  # the new name, too, has to reach the disk
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Read what `save_checkpoint` wrote.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    tuple of dict and dict
        The arrays and the facts.

    Raises
    ------
    ValueError
        If the file is something else, or is damaged.

    Notes
    -----
    Without pickle: a file from elsewhere can hold wrong numbers, but runs no code. Notebook 04.

    Examples
    --------
    >>> load_checkpoint(Path(__file__))   # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: ... is no checkpoint of a training run ...
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        content = json.loads(arrays.pop("facts").item())
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        return arrays, content["facts"]
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is no checkpoint of a training run ({error}). It was left as it is: choose "
            f"another file name, or delete it."
        ) from error


def leaves(tree: Any) -> Iterator[np.ndarray]:
    """Yield the arrays and numbers of nested tuples in their order.

    Parameters
    ----------
    tree : tuple, numpy.ndarray, number or None
        Parameters, gradients or an optimiser's state.

    Yields
    ------
    numpy.ndarray
        Each array; a number as an array of no axes.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> [leaf.shape for leaf in leaves((np.ones(2), (3, None)))]
    [(2,), ()]
    """
    if isinstance(tree, tuple):
        for part in tree:
            yield from leaves(part)
    elif tree is not None:
        yield np.asarray(tree)


def rebuild(template: Any, arrays: Iterable[np.ndarray]) -> Any:
    """Put arrays back into the nesting of a template: the reverse of `leaves`.

    Parameters
    ----------
    template : tuple, numpy.ndarray, number or None
        A tree of the wanted nesting; its values do not matter.
    arrays : iterable of numpy.ndarray
        As many as `leaves` yields for the template.

    Returns
    -------
    tuple, numpy.ndarray, number or None
        A tree of the template's types.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> rebuild((np.ones(2), (3, None)), [np.zeros(2), np.array(4)])
    (array([0., 0.]), (4, None))
    """
    arrays = iter(arrays)
    if isinstance(template, tuple):
        parts = [rebuild(part, arrays) for part in template]
        return type(template)(*parts) if hasattr(template, "_fields") else tuple(parts)
    if template is None:
        return None
    array = next(arrays)
    return array if isinstance(template, np.ndarray) else type(template)(array.item())


def digest(tree: Any) -> str:
    """Return a short fingerprint of arrays: their entries, shapes and types.

    Parameters
    ----------
    tree : tuple, numpy.ndarray, number or None
        Nested tuples of arrays.

    Returns
    -------
    str
        The first 16 hexadecimal digits of a SHA-256.

    Notes
    -----
    Notebook 04.

    Examples
    --------
    >>> digest(np.ones(2)) == digest(np.ones(2)), digest(np.ones(2)) == digest(-np.ones(2))
    (True, False)
    """
    summary = hashlib.sha256()
    for leaf in leaves(tree):
        summary.update(f"{leaf.dtype.str} {leaf.shape};".encode())
        summary.update(np.ascontiguousarray(leaf).tobytes())
    return summary.hexdigest()[:16]
