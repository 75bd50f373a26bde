"""A reader of Weir's journals that uses nothing but what engine/journal/FORMAT.md says, and none of Weir's code.

It wants the file `journal` and headers that can be read; segments with a damaged header are left out.
"""
import os
import re
import struct

HEADER, RECORD = 4096, 64
MASK = (1 << 64) - 1


def _table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


TABLE = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def block(data, magic, newest=1):
    """The content of a block, or None."""
    if len(data) < 24 or data[:8] != magic:
        return None
    version, crc, length, _ = struct.unpack_from("<4I", data, 8)
    if not 1 <= version <= newest or crc != crc32c(data[16:]) or length > len(data) - 24:
        return None
    return data[24:24 + length]


def mix(seed):
    z = (seed + 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def epoch_of(journal, number):
    low, high = struct.unpack("<2Q", journal)
    return mix((high + mix((low + number) & MASK)) & MASK)


def record(data, at, epoch):
    """(first sequence, durable, events, size) of the record at `at`, or None."""
    if at + RECORD > len(data):
        return None
    (magic, crc, own, sequence, events, size, received, first_id, durable, cls, flags, _,
     attributes) = struct.unpack_from("<2I2Q2IqQQ2BHI", data, at)
    if magic != 0x43455257 or own != epoch or events == 0:
        return None
    whole = -(-(RECORD + size + 8 * events + attributes) // 8) * 8
    if at + whole > len(data) or crc != crc32c(data[at + 8:at + whole]) or cls > 4:
        return None
    lengths = [struct.unpack_from("<2I", data, at + RECORD + size + 8 * i)[0] for i in range(events)]
    if sum(lengths) + events != size:
        return None
    texts, begin = [], at + RECORD
    for length in lengths:
        texts.append(data[begin:begin + length])
        begin += length + 1
    return sequence, durable, texts, whole


def records(data, epoch, first):
    """What one segment holds, broken places stepped over: (sequence, durable, events), and where a break came before."""
    at, found, broken, expected = HEADER, [], False, first
    while at + RECORD <= len(data):
        # Most of what is no record is no magic either.
        one = record(data, at, epoch) if data[at:at + 4] == b"WREC" else None
        if one is None or one[0] < expected:
            at, broken = data.find(b"WREC", at + 8), True
            at = len(data) if at < 0 else at + -at % 8
            continue
        found.append((one[0], one[1], one[2], broken))
        at, broken, expected = at + one[3], False, one[0] + len(one[2])
    return found


def counted(found, first):
    """Of the last segment: nothing counts behind a break that no later record proves to have been on the disk."""
    kept, doubtful, end = [], None, first
    for sequence, durable, events, broken in found:
        if broken and doubtful is None:
            doubtful = len(kept), end
        if doubtful is not None and durable > doubtful[1]:
            doubtful = None
        kept.append((sequence, events))
        end = sequence + len(events)
    return kept if doubtful is None else kept[:doubtful[0]]


class Journal:
    def __init__(self, folder):
        self.cursors = {}
        segments, name = [], None
        with open(os.path.join(folder, "journal"), "rb") as f:
            name = block(f.read(HEADER), b"WEIRJRNL")
        for file in sorted(os.listdir(folder)):
            path = os.path.join(folder, file)
            if re.fullmatch(r"[0-9]{20}\.segment", file):
                with open(path, "rb") as f:
                    data = f.read()
                head = block(data[:HEADER], b"WEIRSEGM", newest=2)
                if not head:
                    continue
                number, first, _ = struct.unpack_from("<2Qq", head, 16)
                if head[:16] == name and number == int(file[:20]):
                    segments.append((number, first, data))
            elif file.endswith(".cursor"):
                self.cursors[file[:-7]] = self._cursor(path)
        self.events = {}
        end = None
        for i, (number, first, data) in reversed(list(enumerate(segments))):
            found = records(data, epoch_of(name, number), first)
            kept = counted(found, first) if i == len(segments) - 1 else [(s, e) for s, _, e, _ in found]
            for sequence, events in kept:
                if end is None or sequence < end:
                    self.events.update((sequence + n, text) for n, text in enumerate(events))
            end = first if end is None else min(end, first)

    @staticmethod
    def _cursor(path):
        newest = None
        with open(path, "rb") as f:
            data = f.read()
        for at in (0, HEADER):
            slot = block(data[at:at + HEADER], b"WEIRCURS")
            if slot:
                generation, sequence, segment, offset = struct.unpack("<4Q", slot)
                newest = max(newest or (0,), (generation, sequence, segment, offset))
        return newest and newest[1]
