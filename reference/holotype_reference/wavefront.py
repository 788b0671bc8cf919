"""The wavefront coder: `docs/codecs/wavefront.md`."""

from __future__ import annotations

import struct
from itertools import pairwise

from . import colour
from .binary import AdaptiveBit, AdaptiveNumber, BinaryDecoder
from .errors import Corrupt, Truncated, require
from .levels import LevelModels, read_slots

N_CONTEXTS = 640
PAD = 3
FLOAT = struct.Struct("<f")
INTEGER = struct.Struct("<I")


def f32(x: float) -> float:
    """Rounded to binary32: exact for one operation on binary32 numbers done in binary64."""
    return FLOAT.unpack(FLOAT.pack(x))[0]


def bits(x: float) -> int:
    return INTEGER.unpack(FLOAT.pack(x))[0]


def from_bits(n: int) -> float:
    return FLOAT.unpack(INTEGER.pack(n))[0]


def total(*terms: float) -> float:
    """Terms added left to right, each sum rounded."""
    out = terms[0]
    for term in terms[1:]:
        out = f32(out + term)
    return out


class HeaderModels:
    """Section 2."""

    def __init__(self) -> None:
        self.wide, self.small, self.coefficient = AdaptiveNumber(), AdaptiveNumber(), AdaptiveNumber()
        self.cluster, self.levels = AdaptiveNumber(), LevelModels()
        self.default, self.same = AdaptiveBit(), [AdaptiveBit(), AdaptiveBit()]


OWN = ((0, -2), (-1, -2), (1, -2), (-2, -1), (2, -1), (-1, -1), (0, -1), (1, -1), (-2, 0), (-1, 0))
OTHER = ((0, 0), (-1, 0), (0, -1), (-1, -1), (1, -1), (1, 0))
NN, NW, N, NE, WW, W = 0, 5, 6, 7, 8, 9


def default_coefficients(n_others: int) -> list[list[int]]:
    out = [[0] * (10 + 6 * n_others) for _ in range(3)]
    for row, taps in zip(out, ({W: 2048, N: 2048, NW: -2048}, {N: 2048, NE: 2048, 2: -2048}, {W: 1024, NE: 512, NW: -512, N: 1024})):
        for tap, value in taps.items():
            row[tap] = value
    return out


def read_coefficients(coder: BinaryDecoder, models: HeaderModels, n_others: int) -> list[list[int]]:
    out = []
    for _ in range(3):
        row = []
        for tap in range(10 + 6 * n_others):
            is_n = tap == N or (tap >= 10 and (tap - 10) % 6 == 2)
            u = 0 if is_n else models.coefficient.decode(coder)
            row.append((u >> 1) ^ -(u & 1))
            require(abs(row[-1]) <= 32768, "a coefficient is out of range")
        row[N] = 2048 - sum(row[:10])
        for first in range(10, len(row), 6):
            row[first + 2] = -sum(row[first : first + 6])
        out.append(row)
    return out


def read_tables(coder: BinaryDecoder, models: HeaderModels, n_contexts: int, n_sides: int, n_tokens: int) -> list[list[tuple[int, int, int]]]:
    """The slots of every context."""
    n_clusters = models.levels.tokens.decode(coder)
    require(1 <= n_clusters <= 24, "number of clusters")
    clusters: list[int] = []
    same = 1
    for context in range(n_contexts):
        before = clusters[context - n_sides] if context >= n_sides else 0
        same = models.same[same].decode(coder)
        clusters.append(before if same else models.cluster.decode(coder))
        require(clusters[-1] < n_clusters, "a context's cluster does not exist")
    slots = [read_slots(coder, models.levels, n_tokens) for _ in range(n_clusters)]
    return [slots[cluster] for cluster in clusters]


class Header:
    """Everything about one plane that comes before its samples."""

    def __init__(self, coder: BinaryDecoder, models: HeaderModels, low: int, high: int, n_others: int) -> None:
        self.low = low + models.wide.decode(coder)
        self.high = self.low + models.wide.decode(coder)
        self.start = self.low + models.wide.decode(coder)
        require(self.start <= self.high <= high, "a plane's range exceeds its type")
        self.scale = models.small.decode(coder)
        require(1 <= self.scale <= 65536, "an error scale is out of range")
        is_default = models.default.decode(coder)
        rows = default_coefficients(n_others) if is_default else read_coefficients(coder, models, n_others)
        self.coefficients = [[c / 2048 for c in row] for row in rows]
        self.slots = read_tables(coder, models, N_CONTEXTS, 8, 160)
        self.n_words = models.wide.decode(coder)


class Lanes:
    """Section 4: the states and words of a plane."""

    def __init__(self, data: bytes) -> None:
        self.states = list(struct.unpack_from("<8I", data))
        self.words = [n for (n,) in struct.iter_unpack("<H", data[32:])]
        self.at = 0
        require(all(1 << 15 <= s < 1 << 31 for s in self.states), "a coder state is out of range")

    def refill(self, lanes: list[int]) -> None:
        for lane in lanes:
            if self.states[lane] < 1 << 15:
                word = self.words[self.at] if self.at < len(self.words) else 0
                self.states[lane] = self.states[lane] << 16 | word
                self.at += 1

    def numbers(self, tables: dict[int, list[tuple[int, int, int]]], direct: int = 64, fine: int = 8) -> dict[int, int]:
        """One number for every lane, with that lane's table; tokens below `direct`, then `fine` to an octave."""
        out = {}
        for lane, slots in tables.items():
            state = self.states[lane]
            out[lane], frequency, offset = slots[state & 2047]
            self.states[lane] = frequency * (state >> 11) + offset
        self.refill(list(tables))
        long = [lane for lane in tables if out[lane] >= direct]
        for lane in long:
            n_bits = (out[lane] - direct) // fine + direct.bit_length() - fine.bit_length()
            out[lane] = (fine + out[lane] % fine << n_bits) + (self.states[lane] & ((1 << n_bits) - 1))
            self.states[lane] >>= n_bits
        self.refill(long)
        return out

    def finish(self) -> None:
        if self.at > len(self.words):
            raise Truncated("coded samples")
        require(self.at == len(self.words) and self.states == [1 << 15] * 8, "coded samples do not end well")


class Plane:
    """Section 3: samples and errors with what lies around the picture."""

    def __init__(self, width: int, height: int, start: int) -> None:
        self.width, self.height = width, height
        self.stride = width + 2 * PAD
        n = self.stride * (height + 2)
        self.values = [float(start)] * n
        self.errors, self.energies = [0.0] * n, [0.0] * n
        self.each = [[0.0] * n for _ in range(5)]

    def at(self, x: int, y: int) -> int:
        return (y + 2) * self.stride + PAD + x

    def begin_row(self, y: int) -> None:
        for x in (-1, -2):
            self.values[self.at(x, y)] = self.values[self.at(x + 1, y - 1)]

    def end_row(self, y: int) -> None:
        last = self.at(self.width - 1, y)
        for field in (self.values, self.errors, self.energies, *self.each):
            field[last + 1] = field[last + 2] = field[last]


class Decoder:
    """Section 5."""

    def __init__(self, header: Header, plane: Plane, others: list[Plane], lanes: Lanes) -> None:
        self.header, self.plane, self.others, self.lanes = header, plane, others, lanes
        self.biases = [0] * 1024

    def predict(self, at: int) -> dict[str, object]:
        plane, header, stride = self.plane, self.header, self.plane.stride
        v = plane.values
        own = [v[at + dx + dy * stride] for dx, dy in OWN]
        taps = [other.values[at + dx + dy * stride] for other in self.others for dx, dy in OTHER]
        order = taps + own
        predictions = []
        for row in header.coefficients:
            g = 0.0
            for value, coefficient in zip(order, row[10:] + row[:10]):
                g = f32(g + f32(value * coefficient))
            predictions.append(g)
        nn, nw, n, ne, ww, w = (own[i] for i in (NN, NW, N, NE, WW, W))
        t = plane.errors
        both = f32(t[at - stride] + t[at - 1])
        up = f32(n - f32(f32(both + t[at - stride + 1]) * 0.3125))
        left = f32(w - f32(f32(both + t[at - stride - 1]) * 0.3125))
        predictions = [up, left, *predictions]
        weighted = weights = 0.0
        for p, e in zip(predictions, plane.each):
            s = f32(total(e[at - 1], e[at - 2], 0.5) + total(e[at - stride + 1], e[at - stride], e[at - stride - 1]))
            u = from_bits(0x7EF311C7 - bits(f32(s * s)))
            weighted = f32(weighted + f32(u * p))
            weights = f32(weights + u)
        blend = f32(weighted / weights)
        e = plane.energies
        h = f32(e[at - 1] + e[at - stride])
        energy = f32(f32(h + h) + f32(e[at - stride - 1] + e[at - stride + 1]))
        energy = f32(energy + f32(e[at - 2] + e[at - stride + 2]))
        energy = f32(energy + f32(f32(abs(w - nw)) + f32(abs(n - nw))))
        energy = f32(energy + f32(abs(n - ne)))
        q = min(79, (bits(f32(energy + 4.0)) >> 21) - 516)
        above = (n > blend, w > blend, nw > blend, ne > blend, f32(f32(n + n) - nn) > blend, ww > blend)
        cell = 64 * min(15, q >> 1) + sum(flag << i for i, flag in enumerate(above))
        corrected = f32(blend + f32(f32(self.biases[cell]) * (1 / 1024)))
        corrected = min(max(corrected, float(header.low)), float(header.high))
        d = 0
        if self.others:
            e = self.others[0].energies
            cross = f32(f32(e[at] + e[at]) + f32(e[at - 1] + e[at + 1]))
            for other in self.others[1:]:
                cross = f32(cross + f32(other.energies[at] + other.energies[at]))
            d = sum(cross > f32(limit * header.scale) for limit in (3, 8, 18))
        return {
            "at": at,
            "context": 8 * q + 2 * d + (above[0] != above[1]),
            "predictions": predictions,
            "blend": blend,
            "cell": cell,
            "bias": self.biases[cell],
            "corrected": corrected,
            "rounded": round(corrected),
        }

    def update(self, place: dict, number: int) -> None:
        header, plane, at = self.header, self.plane, place["at"]
        r = number // 2 if number % 2 == 0 else -(number + 1) // 2
        r = -r if place["rounded"] > place["corrected"] else r
        value = max(header.low, min(header.high, place["rounded"] + r))
        plane.values[at] = float(value)
        plane.errors[at] = f32(place["blend"] - value)
        plane.energies[at] = float(abs(value - place["rounded"]))
        for field, p in zip(plane.each, place["predictions"]):
            field[at] = f32(abs(p - value))
        seen = int(f32(f32(value - place["blend"]) * 1024.0))
        self.biases[place["cell"]] = place["bias"] + ((seen - place["bias"]) >> 7)

    def run(self) -> None:
        plane, header = self.plane, self.header
        for first in range(0, plane.height, 8):
            rows = range(first, min(first + 8, plane.height))
            for step in range(plane.width + 21):
                places = {}
                for lane, y in enumerate(rows):
                    x = step - 3 * lane
                    if x == 0:
                        plane.begin_row(y)
                    if 0 <= x < plane.width:
                        places[lane] = self.predict(plane.at(x, y))
                tables = {lane: header.slots[p["context"]] for lane, p in places.items()}
                for lane, number in self.lanes.numbers(tables).items():
                    self.update(places[lane], number)
                    if step - 3 * lane == plane.width - 1:
                        plane.end_row(first + lane)
        self.lanes.finish()


def decode(data: bytes, width: int, height: int, maxes: list[int], is_rgb: bool) -> list[list[int]]:
    """Planes of `width * height` samples."""
    if len(data) < 5:
        raise Truncated("wavefront header")
    transform = colour.check(data[0], is_rgb)
    n_header = int.from_bytes(data[1:5], "little")
    if len(data) < 5 + n_header:
        raise Truncated("wavefront header")
    coder, models = BinaryDecoder(data[5 : 5 + n_header]), HeaderModels()
    ranges = colour.ranges(maxes, transform)
    headers = [Header(coder, models, low, high, min(c, 2)) for c, (low, high) in enumerate(ranges)]
    coder.finish()
    ends = [5 + n_header]
    for header in headers:
        ends.append(ends[-1] + 32 + 2 * header.n_words)
    if ends[-1] > len(data):
        raise Truncated("stream of a plane")
    if ends[-1] < len(data):
        raise Corrupt("bytes after the coded samples")
    planes: list[Plane] = []
    for header, (start, end) in zip(headers, pairwise(ends)):
        plane = Plane(width, height, header.start)
        Decoder(header, plane, planes[:-3:-1], Lanes(data[start:end])).run()
        planes.append(plane)
    rows = [[p.at(0, y) for y in range(height)] for p in planes]
    samples = [[int(v) for at in starts for v in p.values[at : at + width]] for p, starts in zip(planes, rows)]
    return colour.inverse(transform, samples, maxes)
