"""The fast path: `docs/codecs/direct.md`."""

from __future__ import annotations

import struct

from .errors import Truncated, Unsupported, require

N_LANES = 32


def average(a: int, b: int) -> int:
    return (a + b + 1) >> 1


class Lane:
    """Section 3: the bits of a lane."""

    def __init__(self, beginning: int) -> None:
        require(beginning >= 1 << 16, "a lane begins with fewer than 16 bits")
        self.n = beginning.bit_length() - 1
        self.bits = beginning - (1 << self.n)

    def take(self, n: int) -> int:
        self.n -= n
        value = self.bits >> self.n
        self.bits &= (1 << self.n) - 1
        return value

    def number(self, k: int) -> int:
        zeros = self.n - self.bits.bit_length()
        if zeros >= 8:
            self.take(8)
            return self.take(8)
        self.take(zeros + 1)
        return (zeros << k) + self.take(k)


class Plane:
    """Samples and magnitudes with a column at each side and a row above."""

    def __init__(self, width: int, height: int, thresholds: bytes, lanes: list[Lane]) -> None:
        require(list(thresholds) == sorted(thresholds), "thresholds do not ascend")
        self.thresholds, self.lanes = thresholds, lanes
        self.samples = [[0] * (width + 2) for _ in range(height + 1)]
        self.magnitudes = [[0] * (width + 2) for _ in range(height + 1)]

    def decode(self, x: int, y: int, lane: Lane | None) -> None:
        """The sample of column `x` and row `y`; without a lane its residual is 0."""
        above, row = self.samples[y], self.samples[y + 1]
        if x == 0:
            row[0] = above[1]
        w, n, nw = row[x], above[x + 1], above[x]
        prediction = w + n - max(min(w, n), min(max(w, n), nw))
        z = 0
        if lane is not None:
            m_above, m = self.magnitudes[y], self.magnitudes[y + 1]
            near = average(m[x], m_above[x + 1])
            energy = min(255, near + average(average(m_above[x], m_above[x + 2]), near))
            z = lane.number(sum(energy > t for t in self.thresholds))
        e = z // 2 if z % 2 == 0 else 255 - z // 2
        row[x + 1] = (prediction + e) & 255
        self.magnitudes[y + 1][x + 1] = min(e, 256 - e)


def pixel(colour: int, p: int, q: int, s: int) -> tuple[int, int, int]:
    """Red, green, blue."""
    if colour == 0:
        return p, q, s
    red = (q + 128 + p) & 255
    return red, p, (s + 128 + (p if colour == 1 else average(red, p))) & 255


def decode(body: bytes, width: int, height: int, n_channels: int, is_rgb: bool) -> bytes:
    """The samples of a tile."""
    n_stretches, n_strips = -(-(width + 62) // 32), -(-height // N_LANES)
    n_flags = n_strips * n_stretches * n_channels
    ends = [1, 7 * n_channels, -(-n_flags // 8), 4 * N_LANES * n_channels]
    if len(body) < sum(ends):
        raise Truncated("fast path header")
    colour = body[0]
    if colour > 2:
        raise Unsupported(f"colour {colour} of the fast path")
    require(colour == 0 or (is_rgb and n_channels >= 3), "the colour transform does not fit the tile")
    first = 1 + ends[1]
    flags = int.from_bytes(body[first : first + ends[2]], "little")
    require(flags >> n_flags == 0, "flags of stretches that are not there")
    first += ends[2]
    begins = struct.unpack_from(f"<{N_LANES * n_channels}I", body, first)
    data = body[first + ends[3] :]
    require(len(data) % 2 == 0, "half a word")
    words = iter([word for (word,) in struct.iter_unpack("<H", data)])
    planes = []
    for c in range(n_channels):
        lanes = [Lane(begin) for begin in begins[N_LANES * c : N_LANES * (c + 1)]]
        planes.append(Plane(width, height, body[1 + 7 * c : 8 + 7 * c], lanes))
    for strip in range(n_strips):
        rows = min(N_LANES, height - strip * N_LANES)
        for step in range(width + 62):
            inside = [i for i in range(rows) if 0 <= step - 2 * i < width]
            for c, plane in enumerate(planes):
                is_coded = flags >> ((strip * n_stretches + step // 32) * n_channels + c) & 1
                for i in inside:
                    plane.decode(step - 2 * i, strip * N_LANES + i, plane.lanes[i] if is_coded else None)
                for lane in (plane.lanes[i] for i in inside):
                    if lane.n < 16:
                        word = next(words, None)
                        if word is None:
                            raise Truncated("coded samples")
                        lane.bits, lane.n = lane.bits << 16 | word, lane.n + 16
    require(next(words, None) is None, "words that no lane took")
    require(all(lane.n == 16 and lane.bits == 0 for plane in planes for lane in plane.lanes), "lanes do not end well")
    out = bytearray()
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            values = [plane.samples[y][x] for plane in planes]
            if n_channels >= 3:
                values[:3] = pixel(colour, *values[:3])
            out += bytes(values)
    return bytes(out)
