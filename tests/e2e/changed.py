#!/usr/bin/env python3
"""Prints, as a regular expression for ctest -R, the end-to-end tests of what changed (scripts/changed-files); nothing if there are none."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS_OF = {  # what a changed path begins with -> the tests that show it
    "app/": "terminal replay stopping weir_test",
    "connectors/disk/": "journal journal_mistakes",
    "connectors/file/": "follow storage",
    "connectors/http/": "access bad_requests connections guards http_sink",
    "connectors/kafka/": "kafka kafka_sink kafka_journal",
    "connectors/postgres/": "postgres",
    "connectors/sqlite/": "storage",
    "connectors/tcp/": "tcp",
    "engine/config/": "configurations schema",
    "engine/journal/": "journal journal_mistakes",
    "engine/net/": "access bad_requests connections http_sink",
    "engine/pipeline/": "guards overload stopping shed spill",
}


def main():
    changed = subprocess.run([ROOT / "scripts/changed-files"], check=True, capture_output=True, text=True).stdout.splitlines()
    tests = set()
    for path in changed:
        for prefix, names in TESTS_OF.items():
            if path.startswith(prefix) and not path.endswith(".md"):
                tests.update(names.split())
        own = re.fullmatch(r"tests/e2e/(\w+)\.py", path)
        if own:
            tests.add(own[1])  # helpers have no test of their name: then this selects nothing
    if tests:
        print("^e2e\\.(" + "|".join(sorted(tests)) + ")$")


if __name__ == "__main__":
    main()
