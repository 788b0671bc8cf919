"""Colour transforms: `docs/codecs/colour.md`."""

from __future__ import annotations

from .errors import require


def ranges(maxes: list[int], transform: int) -> list[tuple[int, int]]:
    """Smallest and largest value of every transformed plane."""
    out = [(0, m) for m in maxes]
    if transform:
        m = max(maxes[:3])
        out[:3] = [(0, m), (-m, m), (-m, m)]
    return out


def back(transform: int, p: int, q: int, s: int) -> tuple[int, int, int]:
    """Red, green, blue of a transformed pixel."""
    if transform == 1:
        return q + p, p, s + p
    if transform == 2:
        r = q + p
        return r, p, s + ((r + p) >> 1)
    if transform == 3:
        t = p - (s >> 1)
        b = t - (q >> 1)
        return b + q, s + t, b
    if transform == 4:
        return q + p, p, s + q + p
    g = q + p
    if transform == 5:
        return p, g, s + ((p + g) >> 1)
    return s + ((g + p) >> 1), g, p


def inverse(transform: int, planes: list[list[int]], maxes: list[int]) -> list[list[int]]:
    """The planes before the transform, checked."""
    if transform:
        pixels = [back(transform, *pixel) for pixel in zip(*planes[:3])]
        planes = [list(plane) for plane in zip(*pixels)] + planes[3:]
    for plane, m in zip(planes, maxes):
        require(min(plane) >= 0 and max(plane) <= m, "a sample exceeds its plane's range")
    return planes


def check(transform: int, is_rgb: bool) -> int:
    require(transform <= 6 and (transform == 0 or is_rgb), "the colour transform does not fit")
    return transform
