"""The archival coder: `docs/codecs/archival.md`.

Python computes in binary64; the result of one +, -, *, / or sqrt on binary32 numbers, rounded to binary32, is the
binary32 result. `array("f")` and `f32` do that rounding.
"""

from __future__ import annotations

import math
import struct
from array import array
from dataclasses import dataclass

from . import colour
from .errors import Truncated, Unsupported, require

Vector = array  # of binary32

FLOAT = struct.Struct("<f")
WORD = struct.Struct("<I")
MASK = (1 << 64) - 1

# Section 3: taps as (reference, column, row, base); reference and base 0 are the plane itself and its base, 1 and 2
# are P and Q with their bases, bases 3 and 4 are P(0, 0) and Q(0, 0).
TAPS = (
    (
        *((0, i, -1, 0) for i in range(-3, 5)),
        *((0, i, -2, 0) for i in range(-2, 3)),
        *((0, i, 0, 0) for i in (-3, -2, -1)),
        *((0, i, -3, 0) for i in range(-3, 5)),
        *((0, i, j, 0) for i, j in ((-5, -1), (-4, -1), (-3, -2), (-5, 0), (-4, 0), (3, -2), (4, -2), (5, -2))),
    ),
    (
        *((0, i, j, 0) for i, j in ((-2, -1), (-1, -1), (0, -1), (1, -1), (2, -1), (0, -2), (-2, 0), (-1, 0))),
        *((1, i, j, 1) for i, j in ((-1, 0), (0, 0), (1, 0), (-1, -1), (0, -1), (1, -1), (0, 1))),
        (0, 1, -2, 0),
        *((0, i, j, 0) for i, j in ((-3, -2), (-2, -2), (-1, -2), (0, -3), (2, -2), (-3, 0), (3, -1), (-3, -1))),
        *((1, i, j, 3) for i, j in ((-1, 1), (-2, -1), (1, 1), (2, 1), (-2, 0), (2, 0), (3, 0), (2, -1))),
    ),
    (
        *((0, i, j, 0) for i, j in ((-1, -1), (0, -1), (1, -1), (0, -2))),
        *((1, 0, 1, 1), (2, 0, 1, 2), (0, -2, 0, 0), (0, -1, 0, 0)),
        *((1, i, j, 1) for i, j in ((-1, 0), (0, 0), (1, 0), (-1, -1))),
        *((2, i, j, 2) for i, j in ((-1, 0), (0, 0), (1, 0), (-1, -1))),
        *((0, i, j, 0) for i, j in ((-1, -2), (0, -3), (1, -2), (2, -1), (-2, -1), (-3, 0))),
        *((1, 2, 0, 3), (2, 2, 0, 4)),
        *((1, i, j, 3) for i, j in ((0, -1), (1, -1), (-1, 1), (1, 1))),
        *((2, i, j, 4) for i, j in ((0, -1), (1, -1), (-1, 1), (1, 1))),
    ),
)
PRIOR = array("f", (4, 1, 1.5, 0.5, 0.15, 0.15, 0.15, 0.15))
FOREIGN_STEPS = (0.5, 1, 2, 3, 5, 8, 14, 28)
FIRST_STATE = (-1, 0, -0.6, -0.6, -0.6, -0.6, -0.6, -0.6)


def f32(x: float) -> float:
    """`x` rounded to binary32."""
    return FLOAT.unpack(FLOAT.pack(x))[0]


def bits_of(x: float) -> int:
    return WORD.unpack(FLOAT.pack(x))[0]


def from_bits(n: int) -> float:
    return FLOAT.unpack(WORD.pack(n))[0]


def add(a: Vector, b: Vector) -> Vector:
    return array("f", [x + y for x, y in zip(a, b)])


def sub(a: Vector, b: Vector) -> Vector:
    return array("f", [x - y for x, y in zip(a, b)])


def mul(a: Vector, b: Vector) -> Vector:
    return array("f", [x * y for x, y in zip(a, b)])


def scaled(a: Vector, k: float) -> Vector:
    return array("f", [x * k for x in a])


def total(v: Vector) -> float:
    """The sum of eight lanes, in pairs."""
    a, b, c, d = (f32(v[i] + v[i + 1]) for i in (0, 2, 4, 6))
    return f32(f32(a + b) + f32(c + d))


def keep(x: float, low: float, high: float) -> float:
    return max(low, min(high, x))


def log_class(v: float) -> int:
    return (bits_of(f32(v + 2)) >> 21) - 512


def size_class(r: float) -> int:
    size = sum(abs(r) > step for step in (0.5, 2.5, 7.5, 20.5))
    return 4 - size if r < 0 else 4 + size


def med(w: float, n: float, nw: float) -> float:
    return keep(w + n - nw, min(w, n), max(w, n))


# The constants that are no binary32 numbers as written.
FIRST_RATE, SECOND_RATE, TABLE_RATE = f32(0.004), f32(0.0015), f32(0.01)
RATES = (f32(0.008), f32(0.032), f32(0.002))
NEG_LOG2_E = f32(-1.44269504)


@dataclass(frozen=True)
class Setting:
    """Section 1."""

    segment: int
    decay: float
    n_filters: int
    n_contexts: int
    first_split: int
    is_refined: bool


SETTINGS = {0: Setting(16, f32(0.8), 2, 5, 16, False), 1: Setting(8, f32(0.86), 3, 6, 20, True)}


class RangeDecoder:
    """Section 1: the binary coder."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 8
        self.range = MASK
        self.value = int.from_bytes(data[:8].ljust(8, b"\0"), "big")

    def bit(self, p: int) -> int:
        bound = (self.range >> 16) * p
        bit = self.value < bound
        if bit:
            self.range = bound
        else:
            self.value -= bound
            self.range -= bound
        if self.range < 1 << 32:
            self.range <<= 32
            word = int.from_bytes(self.data[self.at : self.at + 4].ljust(4, b"\0"), "big")
            self.value = (self.value << 32 | word) & MASK
            self.at += 4
        return int(bit)

    def finish(self) -> None:
        require(self.at >= len(self.data), "bytes after the coded samples")
        if self.at > len(self.data) + 8:
            raise Truncated("coded samples")


class Plane:
    """Section 2: samples, and the residuals sample - exact."""

    def __init__(self, width: int, height: int, low: int, high: int) -> None:
        self.width, self.height, self.low, self.high = width, height, low, high
        self.middle = low + ((high - low + 1) >> 1)
        self.rows: list[list[int]] = []
        self.residuals: list[list[float]] = []

    def at(self, x: int, y: int) -> int:
        """The sample, or what stands outside."""
        y = min(y, self.height - 1)
        if x < 0:
            x, y = 0, y - 1
        return self.middle if y < 0 else self.rows[y][min(x, self.width - 1)]


class LeastSquares:
    """Section 4."""

    def __init__(self, width: int, setting: Setting) -> None:
        self.decay = setting.decay
        n = (width + setting.segment - 1) // setting.segment + 2
        self.s = [[array("f", [0] * 16) for _ in range(16)] for _ in range(n)]
        self.v = [array("f", [0] * 16) for _ in range(n)]
        self.taps: list[Vector] = []
        self.targets: list[float] = []
        self.weights = array("f", [0] * 16)

    def learn(self, near: Vector, target: float, energy: float) -> None:
        scale = f32(math.sqrt(f32(1 / f32(f32(energy * 0.25) + 0.5))))
        self.taps.append(scaled(near, scale))
        self.targets.append(f32(target * scale))

    def end_segment(self, b: int) -> None:
        def decayed(old: Vector, new: Vector) -> Vector:
            out = add(scaled(old, self.decay), new)
            return array("f", [x if abs(x) > 2.0**-40 else 0 for x in out])

        for i in range(16):
            s = array("f", [0] * 16)
            for x in self.taps:
                s = add(s, scaled(x, x[i]))
            self.s[b + 1][i] = decayed(self.s[b + 1][i], s)
        v = array("f", [0] * 16)
        for x, t in zip(self.taps, self.targets):
            v = add(v, scaled(x, t))
        self.v[b + 1] = decayed(self.v[b + 1], v)
        self.taps.clear()
        self.targets.clear()

    def begin_segment(self, b: int) -> None:
        def joined(left: Vector, own: Vector, right: Vector) -> Vector:
            return add(add(left, right), add(own, own))

        a = [joined(self.s[b][i], self.s[b + 1][i], self.s[b + 2][i]) for i in range(16)]
        z = joined(self.v[b], self.v[b + 1], self.v[b + 2])
        factors, inverses = [], array("f")
        for i in range(16):
            a[i][i] += 8
            # Only the upper triangle is ever read.
        for i in range(16):
            inverses.append(1 / a[i][i] if a[i][i] >= 4 else 0)
            row = array("f", [keep(x, -16, 16) for x in scaled(a[i], inverses[i])])
            factors.append(row)
            for j in range(i + 1, 16):
                a[j][j:] = sub(a[j][j:], scaled(a[i][j:], row[j]))
                z[j] -= f32(row[j] * z[i])
        z = mul(z, inverses)
        for j in reversed(range(16)):
            z[j] = keep(z[j], -16, 16)
            if abs(z[j]) < 2.0**-20:
                z[j] = 0
            for i in range(j):
                z[i] -= f32(factors[i][j] * z[j])
        self.weights = z


class Model:
    """Sections 7 and 8: states, weights and the models of what the slots leave."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.slots: list[dict[int, tuple[Vector, int]]] = [{} for _ in range(setting.n_contexts)]
        self.first: dict[int, list[Vector]] = {}
        self.second: dict[int, list[Vector]] = {}
        self.bias: dict[int, Vector] = {}
        self.tails: dict[tuple, int] = {}
        self.refinement: dict[tuple[int, int], Vector] = {}

    def tail(self, coder: RangeDecoder, key: tuple, shift: int) -> int:
        """A bit of `step`, `within`, `low` or `beyond`."""
        p = self.tails.get(key, 32768)
        bit = coder.bit(p)
        self.tails[key] = p + ((65536 - p) >> shift) if bit else p - (p >> shift)
        return bit

    def bits(self, coder: RangeDecoder, key: tuple, n: int) -> int:
        out = 1
        for depth in range(n):
            out = out << 1 | (self.tail(coder, (*key, out), 6) if depth < 2 else coder.bit(32768))
        return out - (1 << n)

    def decision(self, coder: RangeDecoder, lane: int, half: int, logit: float, p: int) -> int:
        if not self.setting.is_refined:
            return coder.bit(p)
        identity = [f32(round(65536 / (1 + math.exp((16 - i) / 2))) / 65536) for i in range(33)]
        table = self.refinement.setdefault((lane, half), array("f", identity))
        c = f32(f32(keep(logit, -8, 8) + 8) * 2)
        i = min(int(c), 31)
        f = f32(c - i)
        refined = f32(f32(table[i] * f32(1 - f)) + f32(table[i + 1] * f))
        bit = coder.bit((p + int(f32(refined * 65536))) >> 1)
        j = i if f < 0.5 else i + 1
        moved = f32(table[j] + f32(f32(bit - table[j]) * TABLE_RATE))
        table[j] = keep(moved, 2.0**-16, 1 - 2.0**-16)
        return bit

    def residual(self, coder: RangeDecoder, slots: list[int], log: int, foreign: int, offset: int) -> int:
        """R, and learn from it."""
        level = min(log, 47)
        half, third = min(level // 2, 23), min(level // 3, 15)

        def weights_of(kind: dict[int, list[Vector]], index: int, value: float) -> list[Vector]:
            return kind.setdefault(index, [array("f", [value] * 8) for _ in slots])

        first = weights_of(self.first, third, 0.25)
        second = weights_of(self.second, foreign * 2 + (offset & 1), 0.0)
        a = bias = self.bias.get(offset * 9 + foreign, array("f", [0] * 8))
        fresh = (array("f", FIRST_STATE), 0)
        states = [self.slots[i].get(slot, fresh) for i, slot in enumerate(slots)]
        for i, (s, _) in enumerate(states):
            w = add(first[i], second[i]) if self.setting.is_refined else first[i]
            a = add(a, mul(w, s))
        t = array("f", [keep(x, -20, 20) + 127 for x in scaled(a, NEG_LOG2_E)])
        p = array("f")
        for x in t:
            i = int(x)
            f = f32(x - i)
            curve = f32(1 + f32(f * f32(f32(0.6565) + f32(f * f32(0.3435)))))
            p.append(1 / f32(1 + f32(2.0 ** (i - 127) * curve)))
        p1 = [keep(int(f32(x * 65536)), 48, 65488) for x in p]
        signs = [0] * 8

        def decide(lane: int) -> int:
            bit = self.decision(coder, lane, half, a[lane], p1[lane])
            signs[lane] = 1 if bit else -1
            return bit

        split = keep(int((log - self.setting.first_split) / 4), 0, 13)
        token = negative = 0
        if not decide(0):
            negative = decide(1)
            lane = 2
            while lane < 8 and not decide(lane):
                lane += 1
            if lane < 6:
                n = lane - 2
            elif lane < 8:
                n = 2 * lane - 8 + self.tail(coder, ("step", lane), 6)
            else:
                k = 0
                while k < 31 and self.tail(coder, ("beyond", third, k), 5):
                    k += 1
                o = 3 + k // 2
                n = ((2 + k % 2) << (o - 1)) + self.bits(coder, ("within", k), o - 1)
            token = n + 1
        low = 0
        if split:
            low = self.bits(coder, ("low", split, min(token, 15)), split)
            if token == 0 and low:
                negative = coder.bit(32768)

        g = array("f", signs)
        error = array("f", [f32(max(x, 0) - y) * abs(x) for x, y in zip(g, p)])
        step, second_step = scaled(error, FIRST_RATE), scaled(error, SECOND_RATE)
        for i, (s, n) in enumerate(states):
            first[i] = add(first[i], mul(step, s))
            if self.setting.is_refined:
                second[i] = add(second[i], mul(second_step, s))
            rate = max(f32(1 / f32(f32(f32(0.6) * n) + f32(1.6))), f32(0.012))
            after = []
            for x, sign in zip(s, g):
                e = from_bits(int(f32(f32((0 - x * sign) * 12102203) + f32(1064986823))))
                change = sign * min(f32(rate * f32(1 + e)), 1)
                after.append(keep(f32(x + change), -7, 7))
            self.slots[i][slots[i]] = (array("f", after), min(n + 1, 255))
        self.bias[offset * 9 + foreign] = add(bias, scaled(step, 0.5))
        m = min((min(token, 1 << 18) << split) + low, 1 << 20)
        return -m if negative else m


def decode_plane(coder: RangeDecoder, plane: Plane, references: list[Plane], setting: Setting) -> None:
    """Sections 2 to 7: fill in the samples of a plane."""
    width, low, high = plane.width, plane.low, plane.high
    fit, model = LeastSquares(width, setting), Model(setting)
    filters = [array("f", [0.04] * 16 + [0] * 16) for _ in range(setting.n_filters)]
    nothing = array("f", [0] * 8)
    errors_above = [nothing] * width
    r_above, r_above_2 = [0.0] * width, [0.0] * width
    taps = TAPS[len(references)]
    for y in range(plane.height):
        row: list[int] = []
        residuals: list[float] = []
        errors: list[Vector] = []
        plane.rows.append(row)
        for x in range(width):
            if x % setting.segment == 0:
                fit.begin_segment(x // setting.segment)

            def own(i: int, j: int) -> int:
                return row[x + i] if j == 0 and x + i >= 0 else plane.at(x + i, y + j)

            w, n, nw, ne = own(-1, 0), own(0, -1), own(-1, -1), own(1, -1)
            nn, ww = own(0, -2), own(-2, 0)
            bases = [(w + n) * 0.5, 0, 0, 0, 0]
            for k, p in enumerate(references):
                bases[k + 1] = (p.at(x - 1, y) + p.at(x, y - 1)) * 0.5
                bases[k + 3] = p.at(x, y)
            values = [references[k - 1].at(x + i, y + j) if k else own(i, j) for k, i, j, _ in taps]
            tap = array("f", [v - bases[b] for v, (_, _, _, b) in zip(values, taps)])
            base = bases[0]

            def weighed(u: Vector, n_vectors: int) -> Vector:
                products = mul(u, tap)
                parts = [products[8 * k : 8 * k + 8] for k in range(n_vectors)]
                near = add(parts[0], parts[1])
                return near if n_vectors == 2 else add(near, add(parts[2], parts[3]))

            m = m_p = med(w, n, nw)
            if references:
                p = references[0]
                m_p = p.at(x, y) + med(w - p.at(x - 1, y), n - p.at(x, y - 1), nw - p.at(x - 1, y - 1))
            lanes = [f32(total(weighed(fit.weights, 2)) + base)]
            lanes += [f32(total(weighed(u, 4)) + base) for u in filters]
            lanes += [m] * (setting.n_filters == 2)
            lanes += [w + ne - n, w + (ne - nw) * 0.5, n + (n - nn) * 0.5, m_p]
            lanes = [keep(v, low, high) for v in lanes]
            lane = array("f", [v if abs(v) > 2.0**-20 else 0 for v in lanes])
            norm = total(weighed(tap, 4))

            def error_at(i: int, j: int) -> Vector:
                if j < 0:
                    return errors_above[keep(x + i, 0, width - 1)]
                return errors[x + i] if x + i >= 0 else errors_above[0]

            close = add(add(error_at(0, -1), error_at(1, -1)), error_at(-1, -1))
            wide = add(add(error_at(2, -1), error_at(-2, -1)), add(error_at(-2, 0), error_at(-3, 0)))
            s = add(add(close, scaled(wide, 0.5)), error_at(-1, 0))
            s = array("f", [min(v, 1 << 17) for v in s])
            q = array("f", [v + 4 for v in mul(s, s)])
            weight = array("f", [v / d for v, d in zip(PRIOR, mul(q, q))])
            exact = keep(f32(total(mul(weight, lane)) / total(weight)), low, high)
            rounded = math.floor(f32(exact + 0.5))
            side = int(f32(exact - rounded) < 0)
            distance = int(f32(abs(f32(exact - rounded)) * f32(3.99)))
            spread = f32(0.375 * f32(f32(abs(lane[0] - lane[1])) + f32(abs(lane[0] - m))))

            def r(i: int, j: int) -> float:
                if j == 0:
                    return residuals[x + i] if x + i >= 0 else r_above[0]
                return (r_above if j == -1 else r_above_2)[keep(x + i, 0, width - 1)]

            r_l = references[-1].residuals[y][x] if references else 0.0
            r_f = references[0].residuals[y][x] if len(references) == 2 else 0.0
            sides = [abs(r(*place)) for place in ((-1, 0), (0, -1), (-1, -1), (1, -1), (-2, 0), (0, -2))]
            energy = f32(2 * sides[0] + 2 * sides[1])
            energy = f32(f32(energy + f32(sides[2] + sides[3])) + f32(sides[4] + sides[5]))
            log = log_class(energy)
            level = min(log, 47)
            busy = abs(w - nw) + abs(n - nw) + abs(n - ne)
            gradient = min(log_class(f32(busy + f32(3 * spread))), 47)
            around = f32(abs(r_l) + abs(r_f)) if references else f32(1.5 * spread)
            foreign = sum(around > step for step in FOREIGN_STEPS)
            texture = sum((v > exact) << k for k, v in enumerate((w, n, nw, ne, 2 * n - nn, 2 * w - ww)))
            half = min(level // 2, 23)
            slots = [
                (half * 64 + texture) * 2 + side,
                ((rounded - low) * 2 + side) % 1024,
                ((rounded - plane.middle) >> 3) % 64 * 24 + half,
                gradient * 10 + foreign,
                ((size_class(r_l) * 9 + size_class(r_f)) * 6 + min(level // 6, 5)) * 2 + side,
                ((size_class(r(-1, -1)) * 9 + size_class(r(1, -1))) * 9 + size_class(r(-1, 0))) * 2 + side,
            ][: setting.n_contexts]
            residual = model.residual(coder, slots, log, foreign, side * 2 + distance)
            sample = keep(rounded + (-residual if side else residual), low, high)

            error = array("f", [sample - v for v in lane])
            for k, u in enumerate(filters):
                e = 0.0 if abs(error[k + 1]) < 2.0**-20 else error[k + 1]
                step = f32(f32(RATES[k] * e) / f32(norm + 20))
                filters[k] = add(u, scaled(tap, step))
            fit.learn(tap[:16], sample - base, energy)
            row.append(sample)
            residuals.append(f32(sample - exact))
            errors.append(array("f", [abs(e) for e in error]))
            if (x + 1) % setting.segment == 0 or x + 1 == width:
                fit.end_segment(x // setting.segment)
        errors_above = errors
        r_above, r_above_2 = residuals, r_above
        plane.residuals.append(residuals)


def decode(data: bytes, width: int, height: int, maxes: list[int], is_rgb: bool) -> list[list[int]]:
    """Planes of `width * height` samples."""
    if len(data) < 2:
        raise Truncated("archival header")
    if data[0] not in SETTINGS:
        raise Unsupported(f"archival setting {data[0]}")
    transform = colour.check(data[1], is_rgb)
    ranges = colour.ranges(maxes, transform)
    n_references = [0, *data[2 : 1 + len(ranges)]]
    if len(n_references) < len(ranges):
        raise Truncated("archival header")
    coder = RangeDecoder(data[1 + len(ranges) :])
    planes: list[Plane] = []
    for c, (low, high) in enumerate(ranges):
        require(n_references[c] <= min(2, c), "a plane looks at planes that are not there")
        plane = Plane(width, height, low, high)
        decode_plane(coder, plane, planes[c - n_references[c] : c], SETTINGS[data[0]])
        planes.append(plane)
    coder.finish()
    samples = [[v for row in plane.rows for v in row] for plane in planes]
    return colour.inverse(transform, samples, maxes)
