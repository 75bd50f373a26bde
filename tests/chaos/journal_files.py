"""A journal's folder as a test sees it: where each consumer was saved, and which events lie behind that."""
import glob
import os
import struct

BLOCK, HEADER, INDEX = 4096, struct.Struct("<IIQQIIqQQBBHI"), 8
MAGIC = 0x43455257


def cursor(folder, consumer):
    """The sequence of the next event it is given after a restart; None: it has no cursor yet."""
    path = os.path.join(folder, consumer + ".cursor")
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        slots = [f.read(BLOCK) for _ in range(2)]
    # magic, version, crc, length, zero; then generation, sequence, segment, offset
    found = [struct.unpack_from("<QQ", slot, 24) for slot in slots if slot[:8] == b"WEIRCURS"]
    return max(found)[1] if found else None


def events(folder, first):
    """(sequence, line) of what is stored from `first` on, oldest first. Records that a later segment voids are left out."""
    segments = sorted(glob.glob(os.path.join(folder, "*.segment")))
    begins = [_first_sequence(path) for path in segments]
    for at, path in enumerate(segments):
        end = min(begins[at + 1:], default=1 << 63)
        if end > first:
            yield from _records(path, first, end)


def _first_sequence(path):
    with open(path, "rb") as f:
        return struct.unpack_from("<Q", f.read(BLOCK), 24 + 16 + 8)[0]


def _records(path, first, end):
    begins, its_epoch = _first_sequence(path), None
    with open(path, "rb") as f:
        data = f.read()
    at = BLOCK
    while at + HEADER.size <= len(data):
        magic, _, epoch, sequence, count, size = HEADER.unpack_from(data, at)[:6]
        # The first record tells the segment's epoch; one of an earlier life of the file does not begin where it should.
        its_epoch = epoch if its_epoch is None and sequence == begins else its_epoch
        if magic != MAGIC or epoch != its_epoch:
            return
        text = data[at + HEADER.size: at + HEADER.size + size]
        if sequence + count > first:
            for n, line in enumerate(text.splitlines(), sequence):
                if first <= n < end:
                    yield n, line.decode()
        at += (HEADER.size + size + count * INDEX + 7) // 8 * 8
