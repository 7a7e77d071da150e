# The commands of the course. "make" alone lists them.
#   PYTHON=python3.12   the Python to begin with (3.11 or newer)
#   TORCH=cpu           which build of torch on Linux: cpu (200 MB), or cu130 and the like (GBs)
#   LAB_ARGS=...        more options for JupyterLab, for example --no-browser
#   PYTEST_ARGS=...     more options for pytest, for example -k losses
#   EXERCISES_ARGS=...  --check says what differs, --beside keeps changed files

PYTHON ?= python3
TORCH ?=
LAB_ARGS ?=
PYTEST_ARGS ?= -n auto
BIN = .venv/bin
SET_UP = TORCH="$(TORCH)" $(PYTHON) tools/set_up.py
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help lab test bench browser notebooks exercises constraints clean

help:
	@echo "make lab          set up, and open the course in JupyterLab"
	@echo "make test         set up, and run every check"
	@echo "make bench        set up, and measure the speed beside torch"
	@echo "make browser      set up, and run the notebooks in a real browser (needs Chromium)"
	@echo "make notebooks    set up, and execute and store all notebooks (for authors)"
	@echo "make exercises    set up, and make exercises/ from solutions/ (for authors)"
	@echo "make constraints  write the installed versions to constraints.txt (for authors)"
	@echo "make clean        remove caches; nothing of yours"

# the configuration keeps JupyterLab from asking, and from the internet, for its news;
# the PATH is for nbgrader, where it is installed: it calls another program by its name
lab:
	@$(SET_UP) lab
	@JUPYTER_CONFIG_PATH="$(CURDIR)/tools/jupyter:$$JUPYTER_CONFIG_PATH" \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

test:
	@$(SET_UP) test
	@$(BIN)/python -m ruff check
	@$(ONE_THREAD) $(BIN)/python -m pytest $(PYTEST_ARGS)

bench:
	@$(SET_UP) test
	@$(ONE_THREAD) $(BIN)/python -m pytest -o addopts="" -q tests/benchmarks --benchmark-columns=median,iqr,rounds

browser:
	@$(SET_UP) browser
	@$(BIN)/python -m pytest -o addopts="" -q tests/browser

notebooks:
	@$(SET_UP) test
	@$(ONE_THREAD) $(BIN)/python tools/execute_notebooks.py notebooks/*.ipynb solutions/*/*.ipynb

exercises:
	@$(SET_UP) test
	@$(BIN)/python tools/make_exercises.py $(EXERCISES_ARGS)

constraints:
	@$(BIN)/python tools/write_constraints.py

clean:
	@rm -rf .pytest_cache .ruff_cache .hypothesis .benchmarks
	@find rnncourse tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
