"""A progress bar that leaves nothing behind: no line in a terminal, no output in a notebook."""

from IPython import get_ipython
from tqdm.auto import tqdm

WIDGET = "application/vnd.jupyter.widget-view+json"


class Bar:
    """A bar: a widget in JupyterLab, text in a terminal.

    Parameters
    ----------
    total : int
        How much there is to do.
    done : int
        How much of it was done before.
    wanted : bool
        Nothing is shown if not, or if nobody is there to see it (`is_watched`).
    unit : str
        What is counted.

    Notes
    -----
    In a notebook the widget is shown without a text beside it, and taken out of the cell's output
    in the end: a stored notebook holds no bar. Notebook 04.

    Examples
    --------
    >>> bar = Bar(3, wanted=False)
    >>> bar.update()
    >>> bar.close()
    """

    def __init__(self, total: int, done: int = 0, *, wanted: bool = True, unit: str = "step"):
        options = {"total": total, "initial": done, "leave": False, "unit": unit}
        if not (wanted and is_watched()):
            options["disable"] = True
        in_notebook = any("notebook" in base.__module__ for base in tqdm.__mro__)
        if in_notebook:
            options["display"] = False  # it is shown below, in a way that can be taken back
        self._tqdm, self._shown = tqdm(**options), None
        container = getattr(self._tqdm, "container", None)
        if in_notebook and container is not None:
            from IPython.display import display

            view = {"version_major": 2, "version_minor": 0, "model_id": container.model_id}
            self._shown = display({WIDGET: view}, raw=True, display_id=True)

    def update(self) -> None:
        """Count one."""
        self._tqdm.update()

    def tell(self, text: str) -> None:
        """Show a text beside the bar, from its next movement on."""
        self._tqdm.set_postfix_str(text, refresh=False)

    def close(self) -> None:
        """Take the bar away."""
        self._tqdm.close()
        if self._shown is not None:
            self._shown.update({}, raw=True)


def is_watched() -> bool:
    """Tell whether somebody can see a bar.

    Returns
    -------
    bool
        False in a notebook that is run from end to end with nobody there, and is then stored.

    Notes
    -----
    Such a kernel is asked not to accept input (nbclient, nbval). Notebook 04.

    Examples
    --------
    >>> is_watched()   # this is no notebook
    True
    """
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is None or getattr(kernel, "_allow_stdin", True)
