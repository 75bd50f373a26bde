#!/usr/bin/env python3
"""One way down: a file includes only its own folder or a lower stratum, and flow/ stays free of the world. Within
engine/pipeline the same holds for its folders: each is a floor, in the reverse order of an event's way.

Reads every C++ file's includes. Prints one line for each that points up or sideways, or that is banned where it stands.
"""
import pathlib
import re
import sys

STRATA = [  # folder, number; the longest match decides
    ("lib/weir/base", 1), ("lib/weir/flow", 2), ("lib/weir/async", 3), ("lib/weir/component", 4),
("engine/log", 5), ("engine/config", 5), ("engine/net", 5), ("engine/guards", 6), ("engine/load", 6), ("engine/journal", 6), ("engine/sim", 6),
    ("engine/pipeline", 7), ("engine/gateway", 7), ("engine/observe", 8), ("engine/rehearsal", 8), ("connectors", 9), ("app", 10),
]
FLOORS = ["report", "queue", "delivery", "route", "entry", "graph"]  # of engine/pipeline, lowest first
WORLD = re.compile(r"^(thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|filesystem|boost/|spdlog|prometheus|sys/|unistd\.h|ctime|time\.h)")
CLOCK = re.compile(r"(steady_clock|system_clock|high_resolution_clock)::now|clock_gettime|gettimeofday")
MAY_READ_CLOCK = {"lib/weir/base/context.cc", "lib/weir/base/context.h"}


def stratum(path):
    for folder, number in STRATA:
        if path.startswith(folder + "/"):
            return folder, number
    return None, None


def floor_fault(path, target):
    """Which folder of the pipeline must not know which, or None. model/ is the specification: it knows nothing of the
    engine, and only the tests in graph/ know it."""
    own, other = path.split("/")[2], target.split("/")[2]
    if own == other or (own, other) == ("graph", "model"):
        return None
    if own in FLOORS and other in FLOORS and FLOORS.index(other) < FLOORS.index(own):
        return None
    return f"pipeline/{own} may only know the floors below it: {', '.join(FLOORS)}"


def target_of(include, path, root):
    """The repository path an include names, or None for what is not ours."""
    if include.startswith("weir/"):
        return "lib/" + include
    beside = (pathlib.PurePosixPath(path).parent / include)
    if (root / beside).exists():
        return str(beside)
    for base in ("engine", "."):
        if (root / base / include).exists():
            return str(pathlib.PurePosixPath(base) / include)
    return None


def faults(root):
    for file in sorted(p for top in ("lib", "engine", "connectors", "app") for p in (root / top).rglob("*")):
        if file.suffix not in (".h", ".cc"):
            continue
        path = file.relative_to(root).as_posix()
        folder, number = stratum(path)
        test = re.search(r"(_test|_bench|_fuzz)\.cc$|test", file.name) is not None
        text = file.read_text(errors="replace")
        for line, include in enumerate_includes(text):
            if include == "boost/asio.hpp" or (include.startswith("boost/beast") and file.suffix == ".h"):
                yield f"{path}:{line}: {include} is banned here: it costs seconds of compiler time in every includer"
            if number in (1, 2) and number == 2 and not test and WORLD.match(include):
                yield f"{path}:{line}: <{include}>: flow/ has no I/O, threads, locks or clocks"
            target = target_of(include, path, root)
            if not target:
                continue
            to_folder, to = stratum(target)
            if folder == to_folder == "engine/pipeline":
                if fault := floor_fault(path, target):
                    yield f"{path}:{line}: must not include {target}: {fault}"
                continue
            if to is None or to_folder == folder and number != 9:
                continue
            if number == 9:
                own = "/".join(path.split("/")[:2])
                if target.startswith(own + "/") or to_folder == "engine/journal" or to <= 5 and to_folder != "engine/config":
                    continue
                yield f"{path}:{line}: a connector may use lib/, engine/net, engine/journal and its own folder, not {target}"
            elif to >= number:
                yield f"{path}:{line}: {folder} (stratum {number}) must not include {target} (stratum {to})"
        if not test and path not in MAY_READ_CLOCK and CLOCK.search(text):
            yield f"{path}: reads a clock; time comes from Context"


def enumerate_includes(text):
    for line, row in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', row)
        if match:
            yield line, match.group(1)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(faults(root))
    print("\n".join(found) if found else "strata: every include points down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
