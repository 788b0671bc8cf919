"""Lanes: `docs/codecs/lanes.md`."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .binary import AdaptiveBit, BinaryDecoder
from .direct import Lane, average
from .errors import Truncated, Unsupported, require
from .levels import LevelModels, read_slots

N_LANES = 32
BY_TABLES = 8
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


class Words:
    """The words of a plane."""

    def __init__(self, data: Input) -> None:
        (n,) = struct.unpack("<I", data.take(4))
        self.words = iter(struct.unpack(f"<{n}H", data.take(2 * n)))

    def take(self) -> int:
        word = next(self.words, None)
        if word is None:
            raise Truncated("lanes")
        return word

    def finish(self) -> None:
        require(next(self.words, None) is None, "words that no lane took")


class BitStreams:
    """Section 3: numbers of the energies around them, from bits."""

    def __init__(self, data: Input, factor: int, shift: int, addend: int) -> None:
        self.spread = factor, shift, addend
        self.lanes = [WordLane(begin) for begin in struct.unpack("<32I", data.take(4 * N_LANES))]
        self.words = Words(data)

    def refill(self, lanes: Iterable[int]) -> None:
        for lane in (self.lanes[i] for i in lanes):
            if lane.n < 16:
                lane.bits, lane.n = lane.bits << 16 | self.words.take(), lane.n + 16

    def numbers(self, energies: dict[int, int]) -> dict[int, int]:
        """The numbers of lanes."""
        factor, shift, addend = self.spread
        out = {}
        for i, around in energies.items():
            k = ((8 + factor) * around + addend).bit_length() - 1 - shift
            out[i] = self.lanes[i].first(min(15, max(0, k)))
        self.refill(energies)
        numbers = {i: upper << far | self.lanes[i].take(far) for i, (upper, far) in out.items()}
        self.refill(energies)
        return numbers

    def finish(self) -> None:
        self.words.finish()
        require(all(lane.n == 16 and lane.bits == 0 for lane in self.lanes), "lanes do not end well")


def energy_class(around: int) -> int:
    odd = 2 * around + 1
    log = odd.bit_length() - 1
    return 2 * log + (odd >> log - 1 & 1 if log else 0)


class TableStreams:
    """Section 5: numbers of the energies around them, from states."""

    def __init__(self, data: Input) -> None:
        (n_bytes,) = struct.unpack("<H", data.take(2))
        coder = BinaryDecoder(data.take(n_bytes))
        step, levels = AdaptiveBit(), LevelModels()
        self.of_classes = [0]
        for _ in range(33):
            self.of_classes.append(self.of_classes[-1] + step.decode(coder))
        require(self.of_classes[-1] < 16, "number of tables")
        self.slots = [read_slots(coder, levels, 144) for _ in range(self.of_classes[-1] + 1)]
        coder.finish()
        self.states = list(struct.unpack("<32I", data.take(4 * N_LANES)))
        require(all(1 << 15 <= state < 1 << 31 for state in self.states), "a coder state is out of range")
        self.words = Words(data)

    def refill(self, lanes: Iterable[int]) -> None:
        for i in lanes:
            if self.states[i] < 1 << 15:
                self.states[i] = self.states[i] << 16 | self.words.take()

    def numbers(self, energies: dict[int, int]) -> dict[int, int]:
        """The numbers of lanes."""
        out = {}
        for i, around in energies.items():
            state = self.states[i]
            out[i], frequency, offset = self.slots[self.of_classes[energy_class(around)]][state & 2047]
            self.states[i] = frequency * (state >> 11) + offset
        self.refill(energies)
        long = [i for i in energies if out[i] >= 64]
        for i in long:
            n_bits = (out[i] - 64) // 8 + 3
            out[i] = (8 + out[i] % 8 << n_bits) + (self.states[i] & ((1 << n_bits) - 1))
            self.states[i] >>= n_bits
        self.refill(long)
        return out

    def finish(self) -> None:
        self.words.finish()
        require(self.states == [1 << 15] * N_LANES, "lanes do not end well")


def decode_plane(data: Input, width: int, height: int) -> list[int]:
    """Row by row, before the colour transform is undone."""
    (factor,) = data.take(1)
    spread = (0, 0)
    if factor != BY_TABLES:
        spread = struct.unpack("<BH", data.take(3))
        require(factor < 8 and spread[0] < 20 and spread[1] > 0, "spread of a plane")
    (log,) = data.take(1)
    if not 3 <= log <= 6:
        raise Unsupported(f"stretches of 2^{log} steps")
    n_steps, n_strips = width + N_STEPS_BEYOND, -(-height // N_LANES)
    n_stretches = -(-n_steps // (1 << log))
    flags = int.from_bytes(data.take(-(-n_strips * n_stretches // 8)), "little")
    require(flags >> n_strips * n_stretches == 0, "flags of stretches that are not there")
    streams: BitStreams | TableStreams | None = None
    if flags:
        streams = TableStreams(data) if factor == BY_TABLES else BitStreams(data, factor, *spread)

    samples = [[0] * (width + 2) for _ in range(height + 1)]
    magnitudes = [[0] * (width + 2) for _ in range(height + 1)]
    for strip in range(n_strips):
        rows = min(N_LANES, height - strip * N_LANES)
        for step in range(n_steps):
            inside = [i for i in range(rows) if 0 <= step - 2 * i < width]
            numbers = dict.fromkeys(inside, 0)
            if streams and flags >> (strip * n_stretches + (step >> log)) & 1:
                energies = {}
                for i in inside:
                    x, y = step - 2 * i, strip * N_LANES + i
                    m, above = magnitudes[y + 1], magnitudes[y]
                    energies[i] = energy(average(m[x], above[x + 1]), above[x], above[x + 2])
                numbers = streams.numbers(energies)
            for i, z in numbers.items():
                x, y = step - 2 * i, strip * N_LANES + i
                above, row = samples[y], samples[y + 1]
                if x == 0:
                    row[0] = above[1]
                w, n, nw = row[x], above[x + 1], above[x]
                prediction = w + n - max(min(w, n), min(max(w, n), nw))
                e = z // 2 if z % 2 == 0 else 65535 - z // 2
                row[x + 1] = (prediction + e) & 65535
                magnitudes[y + 1][x + 1] = min(e, 65536 - e)
    if streams:
        streams.finish()
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
