"""Numbers of the pco format: `docs/codecs/tensor.md` section 6."""

from __future__ import annotations

import struct

from .errors import Truncated, Unsupported, require

OFFSET_BITS = {8: 4, 16: 5, 32: 6, 64: 7}
FLOATS = {16: ("<e", "<H", 10), 32: ("<f", "<I", 23), 64: ("<d", "<Q", 52)}
BATCH = 256


class Bits:
    """Bits from the lowest of the first byte on."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.n = data, 0, 8 * len(data)

    def take(self, n: int) -> int:
        if self.at + n > self.n:
            raise Truncated("pco stream")
        first, last = self.at // 8, (self.at + n + 7) // 8
        value = int.from_bytes(self.data[first:last], "little") >> self.at % 8 & ((1 << n) - 1)
        self.at += n
        return value

    def align(self) -> None:
        require(self.take(-self.at % 8) == 0, "zeros to a whole byte")


class Variable:
    """Bins, table and delta state of a variable."""

    def __init__(self, bits: Bits, width: int) -> None:
        self.width = width
        self.log = bits.take(4)
        n = bits.take(15)
        require(self.log <= 14 and n <= 1 << self.log and not (n == 1 and self.log), "the bins of a variable")
        self.bins = []
        for _ in range(n):
            weight = bits.take(self.log) + 1
            lower = bits.take(width)
            offset = bits.take(OFFSET_BITS[width])
            require(offset <= width, "offset bits")
            self.bins.append((weight, lower, offset))
        if not self.bins:
            self.bins = [(1, 0, 0)]
        self.is_empty = n == 0
        size = 1 << self.log
        require(sum(b[0] for b in self.bins) == size, "the weights add up")
        stride = (3 * size // 5) | 1
        owner = [0] * size
        step = 0
        for b, (weight, _, _) in enumerate(self.bins):
            for _ in range(weight):
                owner[stride * step % size] = b
                step += 1
        counts = [b[0] for b in self.bins]
        self.table = []
        for b in owner:
            r = size.bit_length() - counts[b].bit_length()
            self.table.append((b, r, (counts[b] << r) - size))
            counts[b] += 1
        self.states = [0] * 4
        self.delta: list[int] = []

    def read_states(self, bits: Bits, n_delta: int) -> None:
        self.delta = [bits.take(self.width) for _ in range(n_delta)]
        self.states = [bits.take(self.log) for _ in range(4)]

    def values(self, bits: Bits, n: int) -> list[int]:
        require(n == 0 or not self.is_empty, "values of a variable without bins")
        chosen = []
        for i in range(n):
            b, r, base = self.table[self.states[i % 4]]
            self.states[i % 4] = base + bits.take(r)
            chosen.append(self.bins[b])
        return [(lower + bits.take(offset)) % (1 << self.width) for _, lower, offset in chosen]


def decode(data: bytes, n: int, width: int, kind: str) -> list[int]:
    """`n` words of `width` bits; `kind` is unsigned, signed or float."""
    require(data[:2] == b"\x04\x01", "the version of pco")
    bits = Bits(data[2:])
    half, full = 1 << width - 1, 1 << width
    mode = bits.take(4)
    if mode > 3:
        raise Unsupported("pco mode")
    require(mode < 2 or kind == "float", "a float mode")
    require(mode != 1 or kind != "float", "an integer mode")
    base = bits.take(width) if mode in (1, 2) else bits.take(8) if mode == 3 else 0
    require(mode != 3 or base <= FLOATS[width][2], "quantisation")
    delta = bits.take(4)
    if delta > 2:
        raise Unsupported("pco delta")
    n_state = window = second_too = 0
    if delta == 1:
        n_state = bits.take(3)
        require(n_state, "an order")
        second_too = bits.take(1)
    elif delta == 2:
        window_log, state_log = 1 + bits.take(5), bits.take(4)
        require(window_log <= 24 and state_log <= window_log, "a window")
        n_state, window = 1 << state_log, 1 << window_log
        second_too = bits.take(1)
    lookbacks = Variable(bits, 32) if delta == 2 else None
    if lookbacks and not lookbacks.is_empty:
        require(all(1 <= lower <= window for _, lower, _ in lookbacks.bins), "lookbacks")
    first = Variable(bits, width)
    second = Variable(bits, width) if mode else None
    bits.align()
    if lookbacks:
        lookbacks.read_states(bits, 0)
    first.read_states(bits, n_state)
    if second:
        second.read_states(bits, n_state * second_too)
    bits.align()
    back: list[int] = []
    firsts: list[int] = []
    seconds: list[int] = []
    for start in range(0, n, BATCH):
        inner = max(0, min(BATCH, n - start - n_state))
        if lookbacks:
            back += lookbacks.values(bits, inner)
        firsts += first.values(bits, inner)
        if second:
            seconds += second.values(bits, inner if second_too else min(BATCH, n - start))
    bits.align()
    require(bits.at == bits.n, "bytes after the page")
    firsts = undo(delta, firsts, first.delta, back, window, n, width)
    if second and second_too:
        seconds = undo(delta, seconds, second.delta, back, window, n, width)
    ordered = firsts
    if mode == 1:
        ordered = [(a * base + b) % full for a, b in zip(firsts, seconds)]
    elif mode == 2:
        factor = number(base, width)
        require(factor - factor == 0, "a finite base")
        ordered = [(order(product(a, factor, width), width) + b + half) % full for a, b in zip(firsts, seconds)]
    elif mode == 3:
        low = (1 << base) - 1
        ordered = [
            ((a << base) + (b if a >= half >> base else low - b)) % full for a, b in zip(firsts, seconds)
        ]
    if kind == "unsigned":
        return ordered
    if kind == "signed":
        return [word ^ half for word in ordered]
    return [word ^ half if word & half else word ^ full - 1 for word in ordered]


def undo(
    delta: int, values: list[int], state: list[int], back: list[int], window: int, n: int, width: int
) -> list[int]:
    """Numbers from their differences."""
    half, full = 1 << width - 1, 1 << width
    if not delta:
        return values
    values = [value ^ half for value in values]
    if delta == 1:
        for moment in reversed(state):
            sums = [moment]
            for value in values:
                sums.append((sums[-1] + value) % full)
            values = sums
        return values[:n]
    out = [0] * window + state
    for value, distance in zip(values, back):
        require(1 <= distance <= window, "a lookback")
        out.append((value + out[len(out) - distance]) % full)
    return out[window : window + n]


def number(word: int, width: int) -> float:
    """The float of an ordered word."""
    half, full = 1 << width - 1, 1 << width
    as_float, as_word, _ = FLOATS[width]
    return struct.unpack(as_float, struct.pack(as_word, word ^ half if word & half else word ^ full - 1))[0]


def order(word: int, width: int) -> int:
    """The ordered word of a float's bits."""
    half, full = 1 << width - 1, 1 << width
    return word ^ full - 1 if word & half else word ^ half


def product(a: int, factor: float, width: int) -> int:
    """The bits of `float(a) * factor`, rounded to the width's floats."""
    half = 1 << width - 1
    as_float, as_word, n_fraction = FLOATS[width]
    magnitude, sign = (a - half, 0) if a >= half else (half - 1 - a, half)
    top = 1 << n_fraction + 1
    if magnitude < top:
        value = float(magnitude)
    else:
        pattern = struct.unpack(as_word, struct.pack(as_float, float(top)))[0] + magnitude - top
        value = struct.unpack(as_float, struct.pack(as_word, pattern % (2 * half)))[0]
    value = -value if sign else value
    return struct.unpack(as_word, rounded(value * factor, as_float))[0]


def rounded(value: float, as_float: str) -> bytes:
    """A float's bytes; beyond its range it is infinite."""
    try:
        return struct.pack(as_float, value)
    except OverflowError:
        return struct.pack(as_float, float("inf") if value > 0 else float("-inf"))
