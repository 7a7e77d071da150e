"""One thread, an allocator that is warm, and a table of the ratios after pytest-benchmark's own."""

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """NumPy's and torch's products on one thread each, whatever the environment says."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def warm_allocator():
    """Let the C library keep what is freed, as it does once a program has freed a large array.

    Until then glibc hands the memory of each call back and fetches it again at the next, which
    costs every contender page by page, and makes the figures depend on what ran before.
    """
    np.empty(31 * 2**20, dtype=np.uint8).fill(0)  # its largest threshold is 32 MiB


def pytest_terminal_summary(terminalreporter, config):
    """Print the tables of ratios: medians of the times, of the rounds' ratios, and the goals."""
    write = terminalreporter.write_line
    benchmarks = config._benchmarksession.benchmarks
    # what failed has no goals
    against_two = [b for b in benchmarks if "goals" in b.extra_info]
    against_torch = [b for b in benchmarks if "goal" in b.extra_info]
    if against_two:
        write("")
        write(f"{'(T, B, D, N)':22s}{'ours':>10s}{'torch':>10s}{'products':>10s}"
              f"{'torch/ours':>14s}{'goal':>8s}{'ours/products':>16s}{'goal':>8s}")  # fmt: skip
    for bench in against_two:
        ours, torch_, products = (
            np.array(times)
            for times in (bench.stats.data, *map(bench.extra_info.pop, ("torch", "products")))
        )
        size, (faster, slower) = bench.extra_info["size"], bench.extra_info["goals"]
        times = "".join(f"{1e3 * np.median(t):7.2f} ms" for t in (ours, torch_, products))
        goal = f"<= {slower}" if slower else "-"
        write(f"{size!s:22s}{times}{np.median(torch_ / ours):14.2f}{f'>= {faster}':>8s}"
              f"{np.median(ours / products):16.2f}{goal:>8s}")  # fmt: skip
    if against_torch:
        write("")
        write(f"{'':15s}{'(T, B, D, N)':22s}{'ours':>10s}{'peer':>10s}"
              f"{'peer/ours':>14s}{'goal':>8s}")  # fmt: skip
    for bench in against_torch:
        ours, torch_ = (np.array(t) for t in (bench.stats.data, bench.extra_info.pop("torch")))
        name = bench.extra_info.get("name", "training step")
        size, faster = bench.extra_info["size"], bench.extra_info["goal"]
        times = "".join(f"{1e3 * np.median(t):7.2f} ms" for t in (ours, torch_))
        write(f"{name:15s}{size!s:22s}{times}{np.median(torch_ / ours):14.2f}{f'>= {faster}':>8s}")
