"""A JupyterLab of its own for each module of tests, a browser, and notebooks run in them.

A module defines the fixture ``course``: the folder that JupyterLab shows. Set SCREENSHOTS to a
folder to keep the pictures.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
        "RNNCOURSE_PROGRESS": str(own / "progress.jsonl"),
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
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip(f"no browser found; tried {', '.join(NAMES)}")
    with playwright.sync_playwright() as tool:
        window = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield window
        window.close()


@pytest.fixture
def run_notebook(browser, lab) -> Iterator[Callable]:
    """A function that opens a notebook, runs all its cells, and returns the page."""
    pages = []

    def run(name: str) -> Any:
        pages.append(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}))
        pages[-1].goto(lab.format(name))
        pages[-1].wait_for_function(IS_READY, timeout=1000 * SECONDS_TO_START)
        pages[-1].evaluate(RUN_ALL)
        pages[-1].wait_for_function(HAS_RUN, timeout=1000 * SECONDS_TO_RUN)
        return pages[-1]

    yield run
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory) -> Path:
    chosen = os.environ.get("SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
