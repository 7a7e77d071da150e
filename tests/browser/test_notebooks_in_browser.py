"""Every notebook runs in JupyterLab, in a browser, as a learner sees it.

Run it with ``pytest tests/browser``. It starts a JupyterLab of its own on a copy of the course;
set SCREENSHOTS to a folder to keep the pictures of the pages.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--no-first-run", "--disable-sync"),
]
SECONDS_TO_START = 120
SECONDS_TO_RUN = 600
WIDTH, HEIGHT = 1280, 2400

SETTINGS = {
    # draw all cells, not only those in view, so that the pictures show them
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "scrollPastEnd": False},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}

NOTEBOOK = "window.jupyterapp?.shell?.currentWidget"
IS_READY = f"""() => {{
    const session = {NOTEBOOK}?.sessionContext;
    return session?.isReady && session.session?.kernel?.status === 'idle';
}}"""
RUN_ALL = """() => {
    window.courseHasRun = false;
    window.jupyterapp.commands.execute('notebook:run-all-cells')
        .finally(() => { window.courseHasRun = true; });
}"""
HAS_RUN = "() => window.courseHasRun"
CONTENT = f"() => JSON.stringify({NOTEBOOK}.context.model.toJSON())"
OPEN_ANSWERS = "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"
# maths that MathJax refused: drawn in red, or left standing between its dollars
BAD_MATHS = r"""() => [...document.querySelectorAll('.jp-Notebook .jp-RenderedMarkdown')].flatMap(
    shown => {
        const text = shown.cloneNode(true);
        text.querySelectorAll('code').forEach(code => code.remove());
        const refused = [...text.querySelectorAll('merror, [mathcolor=red]')];
        text.querySelectorAll('mjx-container').forEach(maths => maths.remove());
        const dollars = text.textContent.match(/.*\$.*/g) || [];
        return [...refused.map(maths => maths.textContent), ...dollars];
    }
)"""
SCROLL_TO = "(view, top) => { view.scrollTop = top; return view.scrollHeight; }"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason=f"no browser found; tried {', '.join(NAMES)}"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A copy of the course whose notebooks have no outputs yet."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(
        ROOT / "rnncourse", folder / "rnncourse", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "notebooks").mkdir()
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, folder / "notebooks" / path.name)
    return folder


@pytest.fixture(scope="module")
def lab(course, tmp_path_factory) -> Iterator[str]:
    """A JupyterLab with settings of its own; yields an address with places for page and token."""
    own = tmp_path_factory.mktemp("jupyter")
    settings = own / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(own / "ipython"),
        "PYTHONPATH": str(course),
    }
    token = secrets.token_hex(16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": course,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": True,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser"]
    command += [f"--{name}={value}" for name, value in options.items()]
    log = own / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            command, cwd=course, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        wait_for(server, f"http://127.0.0.1:{port}/api?token={token}", log)
        yield f"http://127.0.0.1:{port}/doc/tree/{{}}?token={token}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as tool:
        window = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield window
        window.close()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory) -> Path:
    chosen = os.environ.get("SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def take_screenshots(page: "playwright.Page", folder: Path, name: str) -> None:
    """Scroll through a notebook and store what is seen, as name-1.png, name-2.png, ..."""
    for old in folder.glob(f"{name}-*.png"):
        old.unlink()
    view = page.locator(".jp-Notebook .jp-WindowedPanel-outer").first
    step = int(view.bounding_box()["height"])
    height = view.evaluate(SCROLL_TO, 0)
    for part, top in enumerate(range(0, height, step), start=1):
        view.evaluate(SCROLL_TO, top)
        page.wait_for_timeout(300)  # until it is drawn
        view.screenshot(path=folder / f"{name}-{part}.png")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_from_top_to_bottom_in_JupyterLab(path, lab, browser, screenshots):
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        page.goto(lab.format(f"notebooks/{path.name}"))
        page.wait_for_function(IS_READY, timeout=1000 * SECONDS_TO_START)
        page.evaluate(RUN_ALL)
        page.wait_for_function(HAS_RUN, timeout=1000 * SECONDS_TO_RUN)
        page.evaluate(OPEN_ANSWERS)
        take_screenshots(page, screenshots, path.stem)
        cells = json.loads(page.evaluate(CONTENT))["cells"]
        code_cells = [cell for cell in cells if cell["cell_type"] == "code"]
        errors = [
            f"cell [{cell['execution_count']}]: {output['ename']}: {output['evalue']}"
            for cell in code_cells
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]
        numbers = [cell["execution_count"] for cell in code_cells]
        assert not errors, "\n".join(errors)
        assert numbers == list(range(1, len(numbers) + 1))
        assert page.locator(".jp-Notebook .jp-Cell").count() == len(cells)
        assert page.evaluate(BAD_MATHS) == []
    finally:
        page.close()
