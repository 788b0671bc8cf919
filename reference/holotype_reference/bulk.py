"""Bulk copies: `docs/codecs/indexed.md` section 8."""

from __future__ import annotations

import struct

from .binary import BinaryDecoder
from .copies import median, values
from .errors import Corrupt, Truncated, require
from .symbols import signed
from .wavefront import HeaderModels, Lanes, read_tables

Slots = list[list[tuple[int, int, int]]]


def cut(data: bytes, n: int) -> tuple[bytes, bytes]:
    if len(data) < n:
        raise Truncated("bulk copies")
    return data[:n], data[n:]


def numbers(lanes: Lanes, n: int, contexts: list[Slots | list[tuple[int, int, int]]]) -> list[int]:
    """A list of numbers, each under the slots of its context."""
    out: list[int] = []
    for start in range(0, n, 8):
        step = dict(enumerate(contexts[start : start + 8]))
        out.extend(lanes.numbers(step, 16, 4).values())
    return out


def literals(streams: list[Lanes], n: int, order: list[int], slots: Slots) -> list[int]:
    """Section 8.2: the residuals of literals, each channel in its place."""
    n_segments = 8 if n < 4096 else 16
    longest = -(-n // n_segments)
    out = [0] * n
    before = [[(0, 0)] * len(order) for _ in range(n_segments)]
    for t in range(longest):
        sizes = [0] * n_segments
        for o, c in enumerate(order):
            for s, stream in enumerate(streams):
                live = [k for k in range(8 * s, 8 * s + 8) if k * longest + t < n]
                near = {k: (sum(before[k][o]) + 1) // 2 for k in live}
                step = stream.numbers({k % 8: slots[64 * o + 8 * near[k] + sizes[k]] for k in live}, 16, 4)
                for k in live:
                    z = step[k % 8]
                    sizes[k] = min(z.bit_length(), 7)
                    before[k][o] = (sizes[k], before[k][o][0])
                    out[k * longest + t] |= signed(z) % 256 << 8 * c
    return out


class Bulk:
    """Section 8.3: tokens, and the lists that belong to them."""

    def __init__(self, data: bytes, slots: Slots, lists: list[list[int]], residuals: list[int], raw: bytes) -> None:
        self.states = list(struct.unpack_from("<2I", data))
        self.words = [n for (n,) in struct.iter_unpack("<H", data[8:])]
        require(all(1 << 15 <= s < 1 << 31 for s in self.states), "a coder state is out of range")
        self.slots, self.lists, self.residuals = slots, [iter(n) for n in lists], iter(residuals)
        self.raw, self.n_bits, self.bit_at, self.at = int.from_bytes(raw, "little"), 8 * len(raw), 0, 0

    def take(self, which: int) -> int:
        n = next(self.lists[which], None)
        if n is None:
            raise Corrupt("more tokens than numbers")
        return n

    def token(self, context: int) -> int:
        state = self.states[0]
        token, frequency, offset = self.slots[context][state & 2047]
        state = frequency * (state >> 11) + offset
        if state < 1 << 15:
            state = state << 16 | (self.words[self.at] if self.at < len(self.words) else 0)
            self.at += 1
        self.states = [self.states[1], state]
        return token

    def literal(self, around: list[int]) -> int:
        residual = next(self.residuals, None)
        if residual is None:
            raise Corrupt("more tokens than literals")
        pixel = 0
        for c in range(0, 32, 8):
            w, n, nw = (p >> c & 255 for p in around[:3])
            pixel |= (median(w, n, nw) + (residual >> c)) % 256 << c
        return pixel

    def run(self, west: int) -> int:
        return self.take(west)

    def length(self) -> int:
        return self.take(2)

    def offset(self) -> tuple[int, int]:
        return self.take(3), self.take(4)

    def bits(self, n: int) -> int:
        value = self.raw >> self.bit_at & ((1 << n) - 1)
        self.bit_at += n
        return value

    def finish(self) -> None:
        if self.at > len(self.words) or self.bit_at > self.n_bits:
            raise Truncated("tokens of copies")
        require(self.bit_at > self.n_bits - 8 and not self.raw >> self.bit_at, "bits after the raw bits")
        used_up = all(next(rest, None) is None for rest in [*self.lists, self.residuals])
        require(used_up and self.at == len(self.words) and self.states == [1 << 15] * 2, "tokens do not end well")


def decode(data: bytes, width: int, height: int, n_bytes: int, n_channels: int, is_rgb: bool) -> list[int]:
    """The pixels of a tile."""
    head, rest = cut(data, 2)
    colour, mask = head
    require(colour <= 1 and n_bytes == n_channels <= 4 and mask < 1 << n_channels, "header of bulk copies")
    require(not colour or (is_rgb and n_channels >= 3), "header of bulk copies")
    constants, rest = cut(rest, mask.bit_count())
    length, rest = cut(rest, 4)
    header, rest = cut(rest, int.from_bytes(length, "little"))
    order = [c for c in ((3, 1, 0, 2) if colour else (0, 1, 2, 3)) if c < n_channels and not mask >> c & 1]

    coder, models = BinaryDecoder(header), HeaderModels()
    n_literals, *n_numbers, n_raw = (models.wide.decode(coder) for _ in range(6))
    n_numbers.append(n_numbers[3])
    require(n_literals + sum(n_numbers[:3]) <= width * height, "header of bulk copies")
    require(n_numbers[3] <= n_numbers[2], "header of bulk copies")
    n_streams = 1 if n_literals < 4096 else 2
    *n_words, n_token_words = (models.wide.decode(coder) for _ in range(n_streams + 1))
    of_literals = read_tables(coder, models, 64 * len(order), 8, 32) if n_literals and order else []
    of_numbers = read_tables(coder, models, 7, 1, 72) if any(n_numbers) else []
    of_tokens = read_tables(coder, models, 80, 16, 15)
    coder.finish()

    streams = []
    for n in n_words:
        stream, rest = cut(rest, 32 + 2 * n)
        streams.append(Lanes(stream))
    tokens, rest = cut(rest, 8 + 2 * n_token_words)
    raw, rest = cut(rest, n_raw)
    require(not rest, "bytes after bulk copies")

    lists = [numbers(streams[0], n, of_numbers[k : k + 1] * n) for k, n in enumerate(n_numbers[:4])]
    lists.append(numbers(streams[0], n_numbers[4], [of_numbers[4 + min(rows, 2)] for rows in lists[3]]))
    residuals = literals(streams, n_literals, order, of_literals)
    for stream in streams:
        stream.finish()
    before = 0x80 | 0x80 << 16 if colour else 0
    for c, sample in zip((c for c in range(n_channels) if mask >> c & 1), constants, strict=True):
        if residuals:
            residuals[0] |= (sample - (before >> 8 * c)) % 256 << 8 * c
    pixels = values(Bulk(tokens, of_tokens, lists, residuals, raw), width, width * height, before)
    return [with_green(pixel) for pixel in pixels] if colour else pixels


def with_green(pixel: int) -> int:
    """Red and blue with the green that was taken away."""
    green = pixel >> 8 & 255
    return pixel & 0xFF00FF00 | (pixel + green - 128) % 256 | ((pixel >> 16) + green - 128) % 256 << 16
