#!/usr/bin/env python3
"""hardening.py BINARY: fails, and says what, when something that cmake/hardening.cmake asks for is not in the binary."""
import struct
import sys

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 0x6474E551, 0x6474E552
DT_SYMTAB, DT_STRTAB, DT_FLAGS, DT_FLAGS_1 = 6, 5, 30, 0x6FFFFFFB
DT_RPATH, DT_RUNPATH, DT_TEXTREL, DT_BIND_NOW = 15, 29, 22, 24
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 8, 1, 0x08000000


def undefined_names(elf):
    """The names that a linked binary takes from shared objects."""
    sections = elf.sections()
    for kind, _, offset, size, link in sections:
        if kind != 11:  # SHT_DYNSYM
            continue
        names = sections[link]
        for at in range(offset, offset + size, 24):
            name, _, _, section = struct.unpack_from("<IBBH", elf.data, at)
            if section == 0 and name:
                end = elf.data.index(b"\0", names[2] + name)
                yield elf.data[names[2] + name:end].decode()


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"hardening: {path} is not a 64-bit little-endian ELF file")
        self.type, = struct.unpack_from("<H", self.data, 16)

    def segments(self):
        """(kind, flags, offset in the file, size) of each."""
        start, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        for index in range(count):
            kind, flags, offset, _, _, length = struct.unpack_from("<IIQQQQ", self.data, start + index * size)
            yield kind, flags, offset, length

    def sections(self):
        """(kind, flags, offset in the file, size, link) of each."""
        start, = struct.unpack_from("<Q", self.data, 40)
        size, count = struct.unpack_from("<HH", self.data, 58)
        rows = [struct.unpack_from("<IIQQQQI", self.data, start + index * size) for index in range(count)]
        return [(row[1], row[2], row[4], row[5], row[6]) for row in rows]

    def dynamic(self):
        for kind, _, offset, length in self.segments():
            if kind == PT_DYNAMIC:
                return dict(struct.unpack_from("<qQ", self.data, at) for at in range(offset, offset + length, 16))
        return {}


def problems(elf):
    segments, dynamic, names = list(elf.segments()), elf.dynamic(), set(undefined_names(elf))
    kinds = [segment[0] for segment in segments]
    if elf.type != 3 or not dynamic.get(DT_FLAGS_1, 0) & DF_1_PIE:
        yield "not a position independent executable (-fPIE -pie)"
    if PT_GNU_RELRO not in kinds:
        yield "no RELRO (-z relro)"
    if not (dynamic.get(DT_FLAGS, 0) & DF_BIND_NOW or dynamic.get(DT_FLAGS_1, 0) & DF_1_NOW or DT_BIND_NOW in dynamic):
        yield "imports are bound lazily, so RELRO is not full (-z now)"
    if PT_GNU_STACK not in kinds or any(kind == PT_GNU_STACK and flags & 1 for kind, flags, _, _ in segments):
        yield "the stack is executable (-z noexecstack)"
    if any(kind == PT_LOAD and flags & 3 == 3 for kind, flags, _, _ in segments):
        yield "a segment is writable and executable"
    if DT_TEXTREL in dynamic:
        yield "code is relocated at start (an object compiled without -fPIE)"
    if DT_RPATH in dynamic or DT_RUNPATH in dynamic:
        yield "libraries are looked for in a folder of the build (RPATH)"
    if "__stack_chk_fail" not in names:
        yield "no stack protector (-fstack-protector-strong)"
    if not any(name.endswith("_chk") for name in names):
        yield "no call is fortified (-D_FORTIFY_SOURCE=2)"


def main():
    found = list(problems(Elf(sys.argv[1])))
    for problem in found:
        print(f"hardening: {sys.argv[1]}: {problem}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
