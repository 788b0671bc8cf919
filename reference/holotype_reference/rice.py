"""The Rice coder: `docs/codecs/rice.md`."""

from __future__ import annotations

from . import colour
from .errors import Truncated, require


def decode(data: bytes, width: int, height: int, maxes: list[int], is_rgb: bool) -> list[list[int]]:
    """Planes of `width * height` samples."""
    if not data:
        raise Truncated("Rice header")
    transform = colour.check(data[0], is_rgb)
    n_bits = 8 * (len(data) - 1)
    bits = int.from_bytes(data[1:], "big")
    left = n_bits

    def take(n: int) -> int:
        nonlocal left
        left -= n
        if left < 0:
            raise Truncated("Rice codes")
        return bits >> left & ((1 << n) - 1)

    planes = []
    for low, high in colour.ranges(maxes, transform):
        above, cost, plane = [0] * width, [0] * (width + 1), []
        for y in range(height):
            w = nw = cost_w = 0
            for x in range(width):
                n = above[x]
                if x == 0:
                    prediction = n
                elif y == 0:
                    prediction = w
                else:
                    prediction = max(min(w, n), min(max(w, n), w + n - nw))
                m = (2 * cost_w + cost[x] + cost[x + 1]) >> 2
                k = min(16, max(0, (3 * m // 4).bit_length() - 1))
                q = 0
                while q < 24 and not take(1):
                    q += 1
                z = q << k | take(k) if q < 24 else take(18)
                sample = min(high, max(low, prediction + (z >> 1 ^ -(z & 1))))
                plane.append(sample)
                nw, above[x], cost[x], w, cost_w = n, sample, z, sample, z
            cost[width] = cost[width - 1]
        planes.append(plane)
    require(left < 8 and bits & ((1 << left) - 1) == 0, "bits after the Rice codes")
    return colour.inverse(transform, planes, maxes)
