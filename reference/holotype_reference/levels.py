"""Tables of tokens: `docs/codecs/wavefront.md` section 2."""

from __future__ import annotations

from .binary import AdaptiveNumber, BinaryDecoder
from .errors import require


class LevelModels:
    """What levels are coded with."""

    def __init__(self) -> None:
        self.tokens = AdaptiveNumber()
        self.level = [AdaptiveNumber() for _ in range(32)]


def frequencies(levels: list[int]) -> list[int]:
    weights = [level if level < 8 else (8 << (level - 8) // 4) + (level - 8) % 4 * (2 << (level - 8) // 4) for level in levels]
    f = [max(1, w * 2048 // sum(weights)) if w else 0 for w in weights]
    if sum(f) <= 2048:
        f[f.index(max(f))] += 2048 - sum(f)
        return f
    excess = sum(f) - 2048
    while excess:
        for i, n in enumerate(f):
            if n > 1:
                cut = min(max(1, n * excess // 2048), n - 1, excess)
                f[i] -= cut
                excess -= cut
    return f


def read_slots(coder: BinaryDecoder, models: LevelModels, max_tokens: int) -> list[tuple[int, int, int]]:
    """Token, frequency and offset of every slot of a table."""
    n = models.tokens.decode(coder)
    require(1 <= n <= max_tokens, "number of tokens")
    levels: list[int] = []
    a = b = 0
    for _ in range(n):
        e = (a + b + 1) >> 1
        u = models.level[2 * min(15, e // 3) + (abs(a - b) > 2)].decode(coder)
        level = u if u > 2 * e else e + (u + 1) // 2 if u & 1 else e - u // 2
        require(level <= 40, "a frequency is out of range")
        levels.append(level)
        a, b = level, a
    require(any(levels), "a table without tokens")
    return [(token, f, i) for token, f in enumerate(frequencies(levels)) for i in range(f)]
