#!/usr/bin/env python3
"""The rules of docs/semantics.md, their citations and their tests belong together.

  every rule that a comment, a test or a page cites is in docs/semantics.md
  a rule is cited in one form: `semantics A6`, or a list or a range of them (`semantics A1, C2 to C4`)
  every rule names the tests that hold it, or says that it is not built yet
  every test that docs/semantics.md names exists
  every reason that a client can be told has its row in docs/refusals.md, with a test that exists
  every file and word of the code that docs/finding-your-way.md names is there

    semantics.py ROOT
"""
import os
import re
import sys

FOLDERS = ("lib", "engine", "connectors", "app", "docs", "tests", "fuzz", "bench", "examples", "scripts")
PAGE = "docs/semantics.md"
GUIDE = "docs/finding-your-way.md"
REFUSALS, REASONS = "docs/refusals.md", "lib/weir/base/reason.cc"
RULE = r"[A-H][1-9]\b"
CITATION = re.compile(rf"semantics ((?:[A-H]\b(?![1-9])|{RULE})(?:(?:,? and |,? to |, )(?:the )?{RULE})*)", re.IGNORECASE)
# What looks like a rule and is none, by the file that says it.
OTHER = {
    "lib/weir/base/terminal_text": {"C1"},  # the C1 control characters
    "lib/weir/flow/recover/retry_throttle": {"A6"},  # proposal A6 of gRPC
    "docs/reference/retry_throttle": {"A6"},
}


def files(root):
    for folder in FOLDERS:
        for at, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = [f for f in folders if f not in ("__pycache__", "build")]
            for name in names:
                path = os.path.relpath(os.path.join(at, name), root)
                if name.endswith((".h", ".cc", ".py", ".md")) and path not in (PAGE, "tests/semantics.py"):
                    yield path
    yield from (f for f in sorted(os.listdir(root)) if f.endswith(".md"))


def prose(path, text):
    """Comments of C++ as one text in which lines of one comment follow each other; other files as they are."""
    if path.endswith((".h", ".cc")):
        found = (re.search(r"(?:^|\s)//+<?!?(.*)$", line) for line in text.split("\n"))
        text = "\n".join(m.group(1) if m else "" for m in found)
    elif path.endswith(".py"):
        text = re.sub(r"(?m)^\s*#", "", text)
    return text


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def citations(path, text):
    """(rule, line) of each citation, and (text, line) of each that has another form."""
    text = prose(path, text)
    flat = re.sub(r"\s", " ", text)
    flat = re.sub(r" {2,}", lambda m: " " + "\0" * (len(m.group()) - 1), flat)  # keeps offsets
    squeezed, offsets = "", []
    for at, c in enumerate(flat):
        if c != "\0":
            squeezed += c
            offsets.append(at)
    cited, spans = [], []
    for m in CITATION.finditer(squeezed):
        spans.append(m.span())
        rules = re.findall(r"[A-H][1-9]?", m.group(1))
        cited += [(rule, line_of(text, offsets[m.start()])) for rule in rules]
    known = next((rules for start, rules in OTHER.items() if path.startswith(start)), set())
    loose = []
    for m in re.finditer(rf"(?<![\w./%\\\"'`+-]){RULE}(?![\w.'\"`/-]*[\w'\"`])", squeezed):
        if m.group() in known or any(a <= m.start() < b for a, b in spans):
            continue
        loose.append((m.group(), line_of(text, offsets[m.start()])))
    return cited, loose


def rules_of(page):
    """{rule: its text}."""
    parts = re.split(r"(?m)^- \*\*(?=[A-H][1-9])|^## |\n\n", page)
    return {p[:2]: p for p in parts if re.match(r"[A-H][1-9]\b", p)}


def tests_of(root):
    """The names of all gtest cases, the names that parameters give them, and the methods of each Python test."""
    cases, parameters, python = set(), set(), {}
    for path in files(root):
        if not path.endswith((".cc", ".h", ".py")):
            continue
        text = open(os.path.join(root, path), encoding="utf-8").read()
        if path.endswith(".py"):
            name, python[path] = "", set()
            for m in re.finditer(r"(?m)^class (\w+)|^    def (test_\w+)", text):
                name = m.group(1) or name
                python[path].add(f"{name}.{m.group(2)}" if m.group(2) else name)
        else:
            found = re.findall(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", text)
            cases |= {f"{suite}.{test}" for suite, test in found}
            if "TEST_P" in text:
                parameters |= set(re.findall(r'\{"(\w+)",', text))
    return cases, parameters, python


def missing_tests(page, cases, parameters, python, root):
    suites = {c.split(".")[0] for c in cases}
    for m in re.finditer(r"`([^`]+)`", page):
        name = m.group(1)
        at = line_of(page, m.start())
        if script := re.fullmatch(r"(tests/[\w/]+\.py)(?: (\w+\.\w+))?", name):
            path, method = script.groups()
            if not os.path.exists(os.path.join(root, path)):
                yield at, name
            elif method and method not in python.get(path, ()):
                yield at, name
        elif case := re.fullmatch(r"([A-Z]\w+)\.(\*|[A-Z]\w+)(?:/(\w+))?", name):
            suite, test, parameter = case.groups()
            known = suite in suites if test == "*" else f"{suite}.{test}" in cases
            if not known or (parameter and parameter not in parameters):
                yield at, name


def wrong_directions(root):
    """What the guide names must be there: each file, and each word of the code in a file of its row."""
    for row in open(os.path.join(root, GUIDE), encoding="utf-8"):
        names = re.findall(r"`([^`]+)`", row)
        paths = [n for n in names if "/" in n]
        texts = []
        for path in paths:
            if os.path.exists(os.path.join(root, path)):
                texts.append(open(os.path.join(root, path), encoding="utf-8").read())
            else:
                yield f"{GUIDE}: there is no file {path}"
        for word in set(names) - set(paths):
            if not any(word in text for text in texts):
                yield f"{GUIDE}: {word} is in none of {', '.join(paths)}"


def wrong_refusals(root, cases, parameters, python):
    """The rows of the page are the reasons of the table that have a status, each with it and with what shows it."""
    table = open(os.path.join(root, REASONS), encoding="utf-8").read()
    told = {key: status for key, status in re.findall(r'ReasonInfo\{\s*\w+, "(\w+)", (\d+),', table) if status != "0"}
    page = open(os.path.join(root, REFUSALS), encoding="utf-8").read()
    rows = {key: (status, shown) for key, status, shown in re.findall(r"(?m)^\| `(\w+)` \| (\d+) \| (.+) \|$", page)}
    if not told:
        yield f"{REASONS}: no reasons found: this check looks at nothing"
    for key in sorted(told.keys() | rows.keys()):
        if key not in rows:
            yield f"{REFUSALS}: {key}, which clients are told, has no row with the test that shows it"
        elif rows[key][0] != told.get(key):
            yield f"{REFUSALS}: {key} has the status {told.get(key, 'of no answer')} in {REASONS}"
    for line, name in missing_tests(page, cases, parameters, python, root):
        yield f"{REFUSALS}:{line}: there is no test {name}"


def check(root):
    page = open(os.path.join(root, PAGE), encoding="utf-8").read()
    rules = rules_of(page)
    sections = {rule[0] for rule in rules}
    problems = []
    for rule, text in rules.items():
        if "Tests:" not in text and "ot built yet" not in text:
            problems.append(f"{PAGE}: {rule} names no test and does not say that it is not built yet")
    cited = 0
    for path in files(root):
        text = open(os.path.join(root, path), encoding="utf-8").read()
        found, loose = citations(path, text)
        cited += len(found)
        problems += [f"{path}:{line}: cites {rule}, which {PAGE} does not have" for rule, line in found
                     if rule not in rules and rule not in sections]
        problems += [f"{path}:{line}: {rule} looks like a rule of {PAGE}: write `semantics {rule}`, or name the file in "
                     "tests/semantics.py if it is something else" for rule, line in loose]
    cases, parameters, python = tests_of(root)
    for case in sorted(cases):  # names that begin or end with a rule: E2AnOpenBreakerPausesAndFailsNothing
        for rule in re.findall(rf"\.({RULE[:-2]})(?=[A-Z])|[a-z]({RULE[:-2]})$", case):
            problems += [f"the test {case} is named by {r}, which {PAGE} does not have" for r in rule if r and r not in rules]
    problems += [f"{PAGE}:{line}: there is no test {name}"
                 for line, name in missing_tests(page, cases, parameters, python, root)]
    problems += [f"{PAGE}: cites {rule}, which it does not have" for rule in sorted(set(re.findall(rf"\b{RULE}", page)))
                 if rule not in rules]
    problems += wrong_refusals(root, cases, parameters, python)
    problems += wrong_directions(root)
    if not rules or not cited:
        problems.append(f"{PAGE}: {len(rules)} rules and {cited} citations found: this check looks at nothing")
    return problems, len(rules), cited


def main():
    problems, rules, cited = check(sys.argv[1])
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"{rules} rules, cited {cited} times; all their tests exist")


if __name__ == "__main__":
    main()
