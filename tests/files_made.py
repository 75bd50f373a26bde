#!/usr/bin/env python3
"""Files and folders are made in one place, lib/weir/base/file_mode.cc: there they get their mode, whatever the umask is. Prints one line
for each other place in the product that could make one."""
import pathlib
import re
import sys

MAKES = re.compile(r'O_CREAT|O_TMPFILE|\bofstream\b|\bfstream\s+\w|\bcreat\(|\bmkstemps?\(|\bmkostemps?\(|\btmpfile\(|\bmknod\(|'
                   r'\bf(?:re)?open\((?!ed)[^;]*"[wa]|\bcreate_director|\bmkdir(?:at)?\(')
ALLOWED = {"lib/weir/base/file_mode.cc"}
NO_PRODUCT = re.compile(r"(_test|_bench|_fuzz|_for_test)\.(cc|h)$|/(test_\w+|testing|conformance/\w+)\.(cc|h)$")


def faults(root):
    for file in sorted(p for top in ("lib", "engine", "connectors", "app") for p in (root / top).rglob("*")):
        path = file.relative_to(root).as_posix()
        if file.suffix not in (".h", ".cc") or path in ALLOWED or NO_PRODUCT.search(path):
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            if MAKES.search(line.split("//")[0]):
                yield f"{path}:{number}: may make a file or folder: use open_or_make, make_file or make_folders (weir/base/file_mode.h)"


def main():
    found = list(faults(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
    print("\n".join(found) if found else "files are made in one place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
