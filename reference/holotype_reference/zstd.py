"""Zstandard frames without dictionary, from RFC 8878; section numbers are its."""

from __future__ import annotations

from .errors import Corrupt, Truncated, require

LITERAL_LENGTHS = (
    [(i, 0) for i in range(16)]
    + [(16, 1), (18, 1), (20, 1), (22, 1), (24, 2), (28, 2), (32, 3), (40, 3), (48, 4), (64, 6)]
    + [(1 << n, n) for n in range(7, 17)]
)
MATCH_LENGTHS = (
    [(i + 3, 0) for i in range(32)]
    + [(35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2), (51, 3), (59, 3), (67, 4), (83, 4), (99, 5)]
    + [((1 << n) + 3, n) for n in range(7, 17)]
)
DEFAULT_LITERAL_LENGTHS = [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1]
DEFAULT_MATCH_LENGTHS = [1, 4, 3, 2, 2, 2, 2, 2, 2] + [1] * 37 + [-1] * 7
DEFAULT_OFFSETS = [1, 1, 1, 1, 1, 1, 2, 2, 2] + [1] * 15 + [-1] * 5


class Backward:
    """Bits read from the end of a string to its start (4.1)."""

    def __init__(self, data: bytes) -> None:
        require(data and data[-1], "an empty or unterminated bit stream")
        self.value = int.from_bytes(data, "little")
        self.left = self.value.bit_length() - 1

    def read(self, n: int) -> int:
        """The next `n` bits; zeros past the start."""
        self.left -= n
        if self.left >= 0:
            return self.value >> self.left & ((1 << n) - 1)
        return self.value << -self.left & ((1 << n) - 1)


def fse_table(counts: list[int], log2: int) -> list[tuple[int, int, int]]:
    """Decoding table of (symbol, bits, baseline) (4.1.1)."""
    size = 1 << log2
    symbols = [0] * size
    high = size - 1
    for symbol, count in enumerate(counts):
        if count == -1:
            symbols[high] = symbol
            high -= 1
    position = 0
    for symbol, count in enumerate(counts):
        for _ in range(max(count, 0)):
            symbols[position] = symbol
            position = (position + (size >> 1) + (size >> 3) + 3) & (size - 1)
            while position > high:
                position = (position + (size >> 1) + (size >> 3) + 3) & (size - 1)
    require(position == 0, "an FSE table does not close")
    following = [max(count, 1) for count in counts]
    table = []
    for symbol in symbols:
        x = following[symbol]
        following[symbol] += 1
        n_bits = log2 - (x.bit_length() - 1)
        table.append((symbol, n_bits, (x << n_bits) - size))
    return table


def read_fse(data: bytes, at: int, max_log2: int) -> tuple[list[tuple[int, int, int]], int, int]:
    """A table description: table, its log2, and where it ends (4.1.1)."""
    value = int.from_bytes(data[at:], "little")
    bit = 4
    log2 = (value & 15) + 5
    require(log2 <= max_log2, "an FSE table is too large")
    remaining = (1 << log2) + 1
    counts: list[int] = []
    while remaining > 1:
        n_bits = remaining.bit_length()
        peek = value >> bit & ((1 << n_bits) - 1)
        threshold = (1 << n_bits) - 1 - remaining
        low = peek & ((1 << (n_bits - 1)) - 1)
        if low < threshold:
            count, bit = low, bit + n_bits - 1
        else:
            count, bit = (peek - threshold if peek >= 1 << (n_bits - 1) else peek), bit + n_bits
        count -= 1
        remaining -= abs(count)
        counts.append(count)
        if count == 0:
            while True:
                repeat = value >> bit & 3
                bit += 2
                counts += [0] * repeat
                if repeat < 3:
                    break
        require(len(counts) <= 256 and remaining >= 1, "an FSE table is malformed")
    end = at + (bit + 7) // 8
    if end > len(data):
        raise Truncated("FSE table")
    return fse_table(counts, log2), log2, end


def read_huffman(data: bytes, at: int) -> tuple[list[tuple[int, int]], int, int]:
    """A Huffman tree: table of (symbol, bits), its log2, where it ends (4.2.1)."""
    head = data[at]
    at += 1
    weights: list[int] = []
    if head >= 128:
        n = head - 127
        end = at + (n + 1) // 2
        for byte in data[at:end]:
            weights += [byte >> 4, byte & 15]
        weights = weights[:n]
    else:
        end = at + head
        table, log2, start = read_fse(data[:end], at, 6)
        bits = Backward(data[start:end])
        states = [bits.read(log2), bits.read(log2)]
        while True:
            symbol, n_bits, base = table[states[0]]
            weights.append(symbol)
            if bits.left < n_bits:
                weights.append(table[states[1]][0])
                break
            states = [states[1], base + bits.read(n_bits)]
            require(len(weights) < 256, "too many Huffman weights")
    if end > len(data):
        raise Truncated("Huffman tree")
    total = sum(1 << (w - 1) for w in weights if w)
    require(total, "an empty Huffman tree")
    log2 = total.bit_length()
    rest = (1 << log2) - total
    require(rest & (rest - 1) == 0 and log2 <= 11, "a Huffman tree is not complete")
    weights.append(rest.bit_length())
    codes: list[tuple[int, int]] = []
    for weight in range(1, log2 + 1):
        for symbol, w in enumerate(weights):
            if w == weight:
                codes += [(symbol, log2 + 1 - weight)] * (1 << (weight - 1))
    return codes, log2, end


def huffman_stream(data: bytes, codes: list[tuple[int, int]], log2: int, n: int) -> bytes:
    """`n` literals of one stream (4.2.2)."""
    bits = Backward(data)
    out = bytearray()
    window, mask = bits.read(log2), (1 << log2) - 1
    for _ in range(n):
        symbol, n_bits = codes[window]
        out.append(symbol)
        window = (window << n_bits | bits.read(n_bits)) & mask
    require(bits.left == -log2, "a literal stream is not used up")
    return bytes(out)


class Frame:
    """State kept over the blocks of a frame."""

    def __init__(self, max_bytes: int) -> None:
        self.out = bytearray()
        self.max_bytes = max_bytes
        self.huffman: tuple[list[tuple[int, int]], int] | None = None
        self.tables: list[tuple[list[tuple[int, int, int]], int] | None] = [None, None, None]
        self.repeats = [1, 4, 8]

    def literals(self, data: bytes) -> tuple[bytes, int]:
        """Literals section: literals and where it ends (3.1.1.3.1)."""
        kind, form = data[0] & 3, data[0] >> 2 & 3
        if kind < 2:
            size, head = {0: (5, 1), 2: (5, 1), 1: (12, 2), 3: (20, 3)}[form]
            n = int.from_bytes(data[:head], "little") >> (3 if size == 5 else 4)
            if kind == 1:
                return data[head : head + 1] * n, head + 1
            return data[head : head + n], head + n
        size, head = {0: (10, 3), 1: (10, 3), 2: (14, 4), 3: (18, 5)}[form]
        value = int.from_bytes(data[:head], "little") >> 4
        n, packed = value & ((1 << size) - 1), value >> size
        end = head + packed
        require(end <= len(data), "literals are cut")
        at = head
        if kind == 2:
            codes, log2, at = read_huffman(data[:end], head)
            self.huffman = codes, log2
        if self.huffman is None:
            raise Corrupt("a Huffman tree is missing")
        codes, log2 = self.huffman
        if form == 0:
            return huffman_stream(data[at:end], codes, log2, n), end
        sizes = [int.from_bytes(data[at + 2 * i : at + 2 * i + 2], "little") for i in range(3)]
        at += 6
        each = (n + 3) // 4
        out = b""
        for i in range(4):
            stop = at + sizes[i] if i < 3 else end
            require(stop <= end, "a literal stream is cut")
            out += huffman_stream(data[at:stop], codes, log2, each if i < 3 else n - 3 * each)
            at = stop
        return out, end

    def block(self, data: bytes) -> None:
        """A compressed block (3.1.1.3)."""
        literals, at = self.literals(data)
        n_sequences = data[at]
        at += 1
        if n_sequences == 255:
            n_sequences = int.from_bytes(data[at : at + 2], "little") + 0x7F00
            at += 2
        elif n_sequences >= 128:
            n_sequences = (n_sequences - 128 << 8) + data[at]
            at += 1
        if n_sequences == 0:
            require(at == len(data), "bytes after the literals")
            self.out += literals
            return
        modes = data[at]
        at += 1
        require(modes & 3 == 0, "reserved bits are set")
        defaults = ((DEFAULT_LITERAL_LENGTHS, 6, 9), (DEFAULT_OFFSETS, 5, 8), (DEFAULT_MATCH_LENGTHS, 6, 9))
        for i, (counts, log2, max_log2) in enumerate(defaults):
            mode = modes >> (6 - 2 * i) & 3
            if mode == 0:
                self.tables[i] = fse_table(counts, log2), log2
            elif mode == 1:
                self.tables[i] = [(data[at], 0, 0)], 0
                at += 1
            elif mode == 2:
                table, log2, at = read_fse(data, at, max_log2)
                self.tables[i] = table, log2
            require(self.tables[i] is not None, "a table to repeat is missing")
        self.sequences(data[at:], n_sequences, literals)

    def sequences(self, data: bytes, n: int, literals: bytes) -> None:
        """Decode and execute sequences (3.1.1.3.2, 3.1.1.4)."""
        (lengths, length_log2), (offsets, offset_log2), (matches, match_log2) = self.tables  # type: ignore[misc]
        bits = Backward(data)
        length_state, offset_state, match_state = (bits.read(n) for n in (length_log2, offset_log2, match_log2))
        used = 0
        for i in range(n):
            offset_code = offsets[offset_state][0]
            offset = (1 << offset_code) + bits.read(offset_code)
            base, extra = MATCH_LENGTHS[matches[match_state][0]]
            match = base + bits.read(extra)
            base, extra = LITERAL_LENGTHS[lengths[length_state][0]]
            length = base + bits.read(extra)
            distance = self.distance(offset, length)
            require(used + length <= len(literals), "literals run out")
            self.out += literals[used : used + length]
            used += length
            require(0 < distance <= len(self.out), "a match starts before the frame")
            require(len(self.out) + match <= self.max_bytes, "the frame is longer than stated")
            for _ in range(match):
                self.out.append(self.out[-distance])
            if i < n - 1:
                _, n_bits, start = lengths[length_state]
                length_state = start + bits.read(n_bits)
                _, n_bits, start = matches[match_state]
                match_state = start + bits.read(n_bits)
                _, n_bits, start = offsets[offset_state]
                offset_state = start + bits.read(n_bits)
        require(bits.left == 0, "the sequences are not used up")
        self.out += literals[used:]

    def distance(self, offset: int, length: int) -> int:
        """The real offset, and the repeated ones moved (3.1.1.5)."""
        a, b, c = self.repeats
        if offset > 3:
            self.repeats = [offset - 3, a, b]
        else:
            choice = offset - 1 + (length == 0)
            if choice == 1:
                self.repeats = [b, a, c]
            elif choice == 2:
                self.repeats = [c, a, b]
            elif choice == 3:
                self.repeats = [a - 1, a, b]
        return self.repeats[0]


def decompress(data: bytes, n_bytes: int) -> bytes:
    """The content of the one frame in `data`, which must state and have `n_bytes` bytes."""
    try:
        return _decompress(data, n_bytes)
    except IndexError as error:
        raise Truncated("Zstandard frame") from error


def _decompress(data: bytes, n_bytes: int) -> bytes:
    require(data[:4] == b"\x28\xb5\x2f\xfd", "not a Zstandard frame")
    descriptor = data[4]
    single, checksum, dictionary = descriptor >> 5 & 1, descriptor >> 2 & 1, descriptor & 3
    require(descriptor & 8 == 0 and dictionary == 0, "a Zstandard feature the format does not use")
    at = 5 + (not single)
    size = (single, 2, 4, 8)[descriptor >> 6]
    require(size, "the content size is not stated")
    stated = int.from_bytes(data[at : at + size], "little") + (256 if size == 2 else 0)
    require(stated == n_bytes, "the frame states another size")
    at += size
    frame = Frame(n_bytes)
    last = False
    while not last:
        head = int.from_bytes(data[at : at + 3], "little")
        if at + 3 > len(data):
            raise Truncated("Zstandard block")
        last, kind, length = bool(head & 1), head >> 1 & 3, head >> 3
        at += 3
        stored = 1 if kind == 1 else length
        if at + stored > len(data):
            raise Truncated("Zstandard block")
        body = data[at : at + stored]
        at += stored
        require(kind != 3, "a reserved block type")
        if kind == 2:
            frame.block(body)
        else:
            frame.out += body * length if kind == 1 else body
        require(len(frame.out) <= n_bytes, "the frame is longer than stated")
    at += 4 * checksum
    require(at == len(data) and len(frame.out) == n_bytes, "the frame ends elsewhere than stated")
    return bytes(frame.out)
