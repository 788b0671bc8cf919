"""Lanes: `docs/codecs/lanes.md`."""

from __future__ import annotations

import struct

from .direct import Lane, average
from .errors import Truncated, Unsupported, require

N_LANES = 32
N_STEPS_BEYOND = 62


class Input:
    """Bytes from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, n: int) -> bytes:
        if len(self.data) < n:
            raise Truncated("lanes")
        taken, self.data = self.data[:n], self.data[n:]
        return taken


class WordLane(Lane):
    """Section 3: a number in two parts."""

    def first(self, k: int) -> tuple[int, int]:
        """The number without its last bits, and how many these are."""
        zeros = self.n - self.bits.bit_length()
        if zeros >= 8:
            self.take(8)
            return 0, 16
        self.take(zeros + 1)
        near = min(k, 8)
        return (zeros << near) + self.take(near), k - near


def energy(near: int, m_nw: int, m_ne: int) -> int:
    return min(65535, near + average(average(m_nw, m_ne), near))


def decode_plane(data: Input, width: int, height: int) -> list[int]:
    """Row by row, before the colour transform is undone."""
    factor, shift, addend, log = struct.unpack("<BBHB", data.take(5))
    require(factor < 8 and shift < 20 and addend > 0, "spread of a plane")
    if not 3 <= log <= 6:
        raise Unsupported(f"stretches of 2^{log} steps")
    n_steps, n_strips = width + N_STEPS_BEYOND, -(-height // N_LANES)
    n_stretches = -(-n_steps // (1 << log))
    flags = int.from_bytes(data.take(-(-n_strips * n_stretches // 8)), "little")
    require(flags >> n_strips * n_stretches == 0, "flags of stretches that are not there")
    lanes = [WordLane(1 << 16)] * N_LANES
    words = iter(())
    if flags:
        lanes = [WordLane(begin) for begin in struct.unpack("<32I", data.take(4 * N_LANES))]
        (n_words,) = struct.unpack("<I", data.take(4))
        words = iter(struct.unpack(f"<{n_words}H", data.take(2 * n_words)))

    def refill(inside: list[int]) -> None:
        for lane in (lanes[i] for i in inside):
            if lane.n < 16:
                word = next(words, None)
                if word is None:
                    raise Truncated("lanes")
                lane.bits, lane.n = lane.bits << 16 | word, lane.n + 16

    samples = [[0] * (width + 2) for _ in range(height + 1)]
    magnitudes = [[0] * (width + 2) for _ in range(height + 1)]
    for strip in range(n_strips):
        rows = min(N_LANES, height - strip * N_LANES)
        for step in range(n_steps):
            inside = [i for i in range(rows) if 0 <= step - 2 * i < width]
            numbers = dict.fromkeys(inside, (0, 0))
            if flags >> (strip * n_stretches + (step >> log)) & 1:
                for i in inside:
                    x, y = step - 2 * i, strip * N_LANES + i
                    m, above = magnitudes[y + 1], magnitudes[y]
                    around = energy(average(m[x], above[x + 1]), above[x], above[x + 2])
                    k = ((8 + factor) * around + addend).bit_length() - 1 - shift
                    numbers[i] = lanes[i].first(min(15, max(0, k)))
                refill(inside)
                for i, (upper, far) in numbers.items():
                    numbers[i] = upper << far | lanes[i].take(far), 0
                refill(inside)
            for i, (z, _) in numbers.items():
                x, y = step - 2 * i, strip * N_LANES + i
                above, row = samples[y], samples[y + 1]
                if x == 0:
                    row[0] = above[1]
                w, n, nw = row[x], above[x + 1], above[x]
                prediction = w + n - max(min(w, n), min(max(w, n), nw))
                e = z // 2 if z % 2 == 0 else 65535 - z // 2
                row[x + 1] = (prediction + e) & 65535
                magnitudes[y + 1][x + 1] = min(e, 65536 - e)
    require(next(words, None) is None, "words that no lane took")
    require(all(lane.n == 16 and lane.bits == 0 for lane in lanes), "lanes do not end well")
    return [value for row in samples[1:] for value in row[1:-1]]


def decode(data: bytes, width: int, height: int, maxes: list[int], is_rgb: bool) -> list[list[int]]:
    """Planes of `width * height` samples."""
    rest = Input(data)
    colour = rest.take(1)[0]
    if colour > 2:
        raise Unsupported(f"colour {colour} of lanes")
    require(colour == 0 or is_rgb, "the colour transform does not fit the planes")
    planes = [decode_plane(rest, width, height) for _ in maxes]
    require(not rest.data, "bytes after the last plane")
    if colour:
        for i, (p, q, s) in enumerate(zip(planes[0], planes[1], planes[2])):
            red = (q + 32768 + p) & 65535
            blue = (s + 32768 + (p if colour == 1 else average(red, p))) & 65535
            planes[0][i], planes[1][i], planes[2][i] = red, p, blue
    require(all(max(p) <= m for p, m in zip(planes, maxes)), "a sample exceeds its plane's range")
    return planes
