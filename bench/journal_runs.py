"""The journal's log alone (bench_journal): appending and reading beside plain files, and opening a large one."""

import tempfile
from dataclasses import dataclass

from servers import BenchError, run_tool


@dataclass(frozen=True)
class LogRun:
    title: str
    what: str      # of bench_journal
    mib: int       # a pair and side
    target: float  # highest ratio of wall clock that is still met


# 1.43: at least 0.7 of the floor's bytes a second. The disk is what is measured here, so the wall clock is judged.
LOG_RUNS = {
    "log_commit": LogRun("log: append, fdatasync each MiB", "commit", 64, 1.43),
    "log_none": LogRun("log: append, no sync", "none", 256, 1.43),
    "log_read": LogRun("log: read back, page cache", "read", 256, 1.43),
}
OPEN_GIB, OPEN_TARGET_MS = 20, 1000


def measured(tools, what, mib, pairs):
    program = tools.build / "bench_journal"
    if not program.exists():
        raise BenchError(f"{program} is not built: ninja -C {tools.build} bench_journal")
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        return run_tool([program, "--folder", folder, "--what", what, "--mib", mib, "--pairs", pairs], 120)["figures"]


def log_pairs(name, tools, count):
    """Nanoseconds a byte, wall clock; the CPU beside it."""
    run = LOG_RUNS[name]
    pairs = measured(tools, run.what, run.mib, count)
    return [p | {"ratio": p["weir"]["wall"] / p["floor"]["wall"]} for p in pairs]


def open_large(tools, count):
    return measured(tools, "open", OPEN_GIB << 10, count)
