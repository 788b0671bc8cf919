"""Palette: `docs/codecs/indexed.md` section 6."""

from __future__ import annotations

from .errors import Truncated, require
from .symbols import Distribution, Entries, Number, SymbolDecoder, first

AROUND = [(0, -1), (1, 0), (1, -1), (1, 1), (0, -2), (2, 0), (1, 2), (1, -2), (2, 1), (2, -1), (0, -3), (1, 3)]
AROUND += [(1, -3), (0, -4), (3, 0), (2, 2)]
TEMPLATES = (0, 1, 2, 4, 7, 10, 16)


def decode(data: bytes, width: int, height: int, n_bytes: int) -> list[int]:
    """The pixels of a tile."""
    if len(data) < 2:
        raise Truncated("palette header")
    template, k = data[0] >> 2, data[1] + 1
    require(template < len(TEMPLATES), "palette header")
    coder = SymbolDecoder(data[2:])
    entry = Entries(data[0] & 3, n_bytes)
    entries = [entry.decode(coder) for _ in range(k)]
    b = 8 if k > 16 else (k - 1).bit_length()
    m = min(TEMPLATES[template], 64 // max(b, 1))
    used = b * m
    p = min(used + (8 if k > 16 else 0), (width * height).bit_length(), 18)
    models: dict[int, Distribution] = {}
    flat = [Number() for _ in range(8)]
    stride = width + 8
    grid = [0] * stride * (height + 4)

    def symbol(context: int, part: int) -> int:
        place = context
        if p == 0:
            place = 0
        elif k > 16 or used > p:
            place = (context * 0x9E3779B97F4A7C15 % (1 << 64) ^ part) * 0xD6E8FEB86659FD93 % (1 << 64) >> 64 - p
        if place not in models:
            models[place] = first(min(k, 16), 127)
        return coder.symbol(models[place])

    for y in range(height):
        at = (y + 4) * stride + 4
        end = at + width
        while at < end:
            w = grid[at - 1]
            if grid[at - stride - 1 : at - stride + 2] == [w] * 3 and grid[at - 2] == w and grid[at - 2 * stride] == w:
                limit = 0
                while at + limit < end and grid[at - stride + limit] == w:
                    limit += 1
                v = flat[min(limit.bit_length(), 7)].decode(coder)
                length = min(v - 1, limit) if v else limit
                grid[at : at + length] = [w] * length
                at += length
                if length == limit:
                    continue
            context = 0
            for up, right in AROUND[:m]:
                context = context << b | grid[at - up * stride + right]
            number = symbol(context, 0)
            if k > 16:
                number = 16 * number + symbol(context, 1 + number)
            grid[at] = min(number, k - 1)
            at += 1
    coder.finish()
    rows = range(4 * stride + 4, len(grid), stride)
    return [entries[number] for start in rows for number in grid[start : start + width]]
