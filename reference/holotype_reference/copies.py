"""Copies: `docs/codecs/indexed.md` section 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .errors import Corrupt, Truncated, require
from .symbols import Entries, Number, SymbolDecoder, first, signed, uniform

Literal = Callable[[SymbolDecoder, list[int]], int]


def median(w: int, n: int, nw: int) -> int:
    return max(min(w, n), min(max(w, n), w + n - nw))


def numbers(k: int) -> Literal:
    n_high = (k + 15) // 16
    high = [first(n_high) for _ in range(512)]
    low = [[first(min(k, 16)) for _ in range(256)] for _ in range(n_high)]

    def literal(coder: SymbolDecoder, around: list[int]) -> int:
        w, n = around[:2]
        h = min(coder.symbol(high[2 * w + (w == n)]), (k - 1) // 16) if k > 16 else 0
        return min(16 * h + coder.symbol(low[h][n]), k - 1)

    return literal


def channels(n_channels: int, colour: bool, mask: int, constant: int) -> Literal:
    order = [c for c in ((3, 1, 0, 2) if colour else (0, 1, 2, 3)) if c < n_channels and not mask >> c & 1]
    models = [[[uniform() for _ in range(8)] for _ in range(8)] for _ in order]

    def literal(coder: SymbolDecoder, around: list[int]) -> int:
        value, size = constant, 0
        for i, c in enumerate(order):
            w, n, nw, ne, ww = (pixel >> 8 * c & 255 for pixel in around)
            level = min((abs(w - nw) + abs(n - nw) + abs(n - ne) + abs(w - ww)).bit_length(), 7)
            if colour and c in (0, 2) and not mask & 2:
                g = [pixel >> 8 & 255 for pixel in around]
                predicted = (value >> 8 & 255) + median(w - g[0], n - g[1], nw - g[2])
                predicted = min(max(predicted, 0), 255)
            else:
                predicted = median(w, n, nw)
            z = s = coder.symbol(models[i][level][size])
            if s >= 4:
                b = s // 2 - 1
                z = (2 + s % 2 << b) + coder.bits(b)
            value |= (predicted + signed(z)) % 256 << 8 * c
            size = min((s + 1) // 2, 7)
        return value

    return literal


class Adaptive:
    """Tokens and what belongs to them, under adaptive models."""

    def __init__(self, coder: SymbolDecoder, literal: Literal) -> None:
        self.coder, self.decode_literal = coder, literal
        self.tokens = [uniform() for _ in range(80)]
        self.runs, self.lengths, self.rows = [Number(), Number()], Number(), Number()
        self.columns = [Number() for _ in range(3)]

    def token(self, context: int) -> int:
        return self.coder.symbol(self.tokens[context])

    def literal(self, around: list[int]) -> int:
        return self.decode_literal(self.coder, around)

    def run(self, west: int) -> int:
        return self.runs[west].decode(self.coder)

    def bits(self, n: int) -> int:
        return self.coder.bits(n)

    def length(self) -> int:
        return self.lengths.decode(self.coder)

    def offset(self) -> tuple[int, int]:
        rows = self.rows.decode(self.coder)
        return rows, self.columns[min(rows, 2)].decode(self.coder)

    def finish(self) -> None:
        self.coder.finish()


class Source(Protocol):
    """What values are made of."""

    def token(self, context: int) -> int: ...
    def literal(self, around: list[int]) -> int: ...
    def run(self, west: int) -> int: ...
    def bits(self, n: int) -> int: ...
    def length(self) -> int: ...
    def offset(self) -> tuple[int, int]: ...
    def finish(self) -> None: ...


def values(source: Source, width: int, n: int, before: int = 0) -> list[int]:
    """`n` values; `before` stands before the first."""
    margin = width + 2
    out = [before] * margin
    kind, last, older = 0, 1, 1
    while len(out) < margin + n:
        around = [out[-1], out[-width], out[-width - 1], out[-max(width - 1, 1)], out[-2]]
        w, north, nw, ne, _ = around
        context = 16 * kind + (w == north) + 2 * (north == ne) + 4 * (nw == north) + 8 * (w == nw)
        token = source.token(context)
        if token == 0:
            out.append(source.literal(around))
            kind = 0
            continue
        if token == 2:
            out.append(ne)
            kind = 1
            continue
        if 3 <= token <= 12:
            west, length_class = divmod(token - 3, 5)
            kind, distance = 2 + west, 1 if west else width
            length = (1, 2, 3, 5, 9)[length_class]
            length += source.run(west) if length_class == 4 else source.bits((0, 0, 1, 2)[length_class])
        else:
            kind = 4
            if token == 13:
                rows, columns = source.offset()
                last, older = rows * width + signed(columns), last
            elif token == 1:
                last, older = older, last
            elif token != 14:
                raise Corrupt("an unknown token")
            length, distance = source.length() + 2, last
            require(1 <= distance <= len(out) - margin, "a copy from before the tile")
        require(length <= margin + n - len(out), "a copy beyond the tile")
        for _ in range(length):
            out.append(out[-distance])
    source.finish()
    return out[margin:]


def decode(data: bytes, width: int, height: int, n_bytes: int, n_channels: int, is_rgb: bool) -> list[int]:
    """The pixels of a tile."""
    if len(data) < 2:
        raise Truncated("header of copies")
    flags, second, rest = data[0], data[1], data[2:]
    if flags & 1:
        coder = SymbolDecoder(rest)
        entry = Entries(flags >> 1, n_bytes)
        entries = [entry.decode(coder) for _ in range(second + 1)]
        return [entries[i] for i in values(Adaptive(coder, numbers(second + 1)), width, width * height)]
    require(flags <= 2 and n_bytes == n_channels <= 4 and second < 1 << n_channels, "header of copies")
    require(flags == 0 or (is_rgb and n_channels >= 3), "header of copies")
    constant = at = 0
    for c in range(n_channels):
        if second >> c & 1:
            if at == len(rest):
                raise Truncated("header of copies")
            constant |= rest[at] << 8 * c
            at += 1
    literal = channels(n_channels, flags == 2, second, constant)
    return values(Adaptive(SymbolDecoder(rest[at:]), literal), width, width * height)
