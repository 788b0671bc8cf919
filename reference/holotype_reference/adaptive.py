"""The adaptive coder: `docs/codecs/adaptive.md` sections 2 to 4."""

from __future__ import annotations

from . import colour
from .binary import BinaryDecoder
from .errors import Truncated, Unsupported

# fmt: off
KNOTS = (
    22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342, 439,
    562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971, 6249, 7812, 9702,
    11955, 14595, 17625, 21025, 24743, 28693, 32768, 36843, 40793, 44511, 47911, 50941, 53581,
    55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974,
    65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514,
)
# fmt: on
PAD = 2


def half(n: int) -> int:
    return divided(n, 2)


def divided(n: int, by: int) -> int:
    """Division towards zero."""
    return n // by if n >= 0 else -(-n // by)


def squash(x: int) -> int:
    """Section 3."""
    x = max(-2047, min(2047, x)) + 2048
    i, f = x >> 6, x & 63
    return (KNOTS[i] * (64 - f) + KNOTS[i + 1] * f) >> 6


def stretch_table() -> list[int]:
    """stretch for every p >> 4."""
    table, x = [], -2047
    for p in range(4096):
        while x < 2047 and squash(x) < 16 * p:
            x += 1
        table.append(x)
    return table


STRETCH = stretch_table()


def med(w: int, n: int, nw: int) -> int:
    if nw >= max(w, n):
        return min(w, n)
    return max(w, n) if nw <= min(w, n) else w + n - nw


def log_class(n: int, b: int, limit: int) -> int:
    m = n + (1 << b)
    o = m.bit_length() - 1
    return min(limit, ((o - b) << b) + ((m >> (o - b)) & ((1 << b) - 1)))


def size_class(r: int) -> int:
    size = 0 if r == 0 else 1 if abs(r) <= 2 else 2 if abs(r) <= 7 else 3 if abs(r) <= 20 else 4
    return 4 - size if r < 0 else 4 + size


class Plane:
    """A plane with padding (section 2)."""

    def __init__(self, width: int, height: int, low: int, high: int) -> None:
        self.width, self.height, self.low, self.high = width, height, low, high
        self.stride = width + 2 * PAD
        self.values = [low + (high - low + 1) // 2] * (self.stride * (height + 2))

    def row(self, y: int) -> int:
        return (y + 2) * self.stride + PAD

    def around(self, at: int) -> tuple[int, int, int, int, int, int]:
        v, s = self.values, self.stride
        return v[at - 1], v[at - s], v[at - s - 1], v[at - s + 1], v[at - 2], v[at - 2 * s]


class Model:
    """Section 4."""

    def __init__(self, n_contexts: int) -> None:
        self.n_contexts = n_contexts
        self.slots: list[dict[int, list[int]]] = [{} for _ in range(n_contexts)]
        self.weights: dict[int, list[int]] = {}

    def bit(self, coder: BinaryDecoder, node: int, contexts: list[int], energy: int) -> int:
        weights = self.weights.setdefault(node * 8 + energy // 3, [26000] * self.n_contexts)
        slots = [self.slots[i].setdefault(contexts[i] * 80 + node, [32768, 0]) for i in range(self.n_contexts)]
        inputs = [STRETCH[p >> 4] for p, _ in slots]
        dot = sum(s * (w >> 4) for s, w in zip(inputs, weights))
        p = max(48, min(65488, squash(dot >> 12)))
        bit = coder.bit(p)
        error = 65536 - p if bit else -p
        target = 65535 if bit else 0
        for i, slot in enumerate(slots):
            weights[i] = max(-(1 << 18), min(1 << 18, weights[i] + ((inputs[i] * error) >> 17)))
            p, n = slot
            slot[0] = max(16, min(65519, p + (((target - p) * (131072 // (2 * n + 3))) >> 16)))
            slot[1] = min(n + 1, 160)
        return bit

    def residual(self, coder: BinaryDecoder, contexts: list[int], energy: int) -> int:
        if self.bit(coder, 0, contexts, energy):
            return 0
        negative = self.bit(coder, 1, contexts, energy)
        bucket = 0
        while bucket < 18 and self.bit(coder, 2 + bucket, contexts, energy):
            bucket += 1
        value = 1
        for depth in range(bucket):
            if depth == 0:
                bit = self.bit(coder, 22 + bucket, contexts, energy)
            elif depth == 1:
                bit = self.bit(coder, 42 + 2 * bucket - 2 + (value & 1), contexts, energy)
            else:
                bit = coder.bit(32768)
            value = value << 1 | bit
        return -value if negative else value


def decode_plane(coder: BinaryDecoder, plane: Plane, previous: Plane | None, n_contexts: int) -> None:
    """Fill in the samples of a plane."""
    model = Model(n_contexts)
    values, stride, width = plane.values, plane.stride, plane.width
    low, high, span = plane.low, plane.high, plane.high - plane.low + 1
    above, current = ([[0] * 7 for _ in range(stride)] for _ in range(2))
    absolute, signed = [0] * len(values), [0] * len(values)
    bias = [[0, 0] for _ in range(16 * 64)]
    for y in range(plane.height):
        start = plane.row(y)
        values[start - 1] = values[start - 2] = values[start - stride]
        for at in range(start, start + width):
            x = at - start + PAD
            w, n, nw, ne, ww, nn = plane.around(at)
            gradient = med(w, n, nw)
            each = [
                gradient,
                w + ne - n,
                n + half(n - nn),
                w + half(ne - nw),
                half(w + n) + divided(ne - nw, 4),
                w + divided(n - nw + w - ww, 4),
                gradient,
            ]
            prev = pd = 0
            if previous is not None:
                here = previous.values[at]
                pw, pn, pnw, *_ = previous.around(at)
                each[6] = here + med(w - pw, n - pn, nw - pnw)
                prev = abs(here - med(pw, pn, pnw))
                pd = here - half(pw + pn)
            total = weighted = 0
            for k, prediction in enumerate(each):
                s = 2 * above[x][k] + 2 * current[x - 1][k] + above[x + 1][k] + above[x - 1][k]
                weight = (1 << 40) // (min(s, (1 << 20) - 2) + 2) ** 3 + 1
                weighted += weight * prediction
                total += weight
            blend = (weighted + (total >> 1)) // total
            near = 2 * absolute[at - 1] + 2 * absolute[at - stride] + absolute[at - stride - 1] + absolute[at - stride + 1]
            activity = abs(w - nw) + abs(n - nw) + abs(n - ne)
            energy = log_class(near + activity // 2 + prev // 2, 1, 23)
            texture = sum((v > blend) << i for i, v in enumerate((w, n, nw, ne, 2 * n - nn, 2 * w - ww)))
            cell = bias[min(energy, 15) * 64 + texture]
            value = max(low, min(high, blend + (cell[0] // cell[1] if cell[1] else 0)))
            r_w, r_n = signed[at - 1], signed[at - stride]
            contexts = [
                energy * 12 + log_class(abs(pd), 1, 11),
                (energy // 2) * 64 + texture,
                (size_class(r_w) * 9 + size_class(r_n)) * 9 + size_class(pd),
                (value - low) * 64 // span * 8 + energy // 3,
                log_class(abs(r_w), 1, 11) * 24 + log_class(abs(r_n), 1, 23),
            ]
            sample = max(low, min(high, value + model.residual(coder, contexts, energy)))
            values[at] = sample
            signed[at] = sample - value
            absolute[at] = abs(sample - value)
            current[x] = [abs(sample - guess) for guess in each]
            cell[0] += max(-65536, min(65536, sample - value))
            cell[1] += 1
            if cell[1] == 128:
                cell[:] = [half(cell[0]), 64]
        end = start + width
        values[end] = values[end + 1] = values[end - 1]
        absolute[end] = absolute[end - 1]
        current[0] = current[1] = current[2]
        current[-1] = current[-2] = current[-3]
        above, current = current, above


def decode(data: bytes, width: int, height: int, maxes: list[int], is_rgb: bool) -> list[list[int]]:
    """Planes of `width * height` samples."""
    if len(data) < 2:
        raise Truncated("adaptive header")
    n_contexts = data[0]
    if n_contexts not in (2, 5):
        raise Unsupported(f"{n_contexts} contexts")
    transform = colour.check(data[1], is_rgb)
    coder = BinaryDecoder(data[2:])
    planes: list[Plane] = []
    for low, high in colour.ranges(maxes, transform):
        plane = Plane(width, height, low, high)
        decode_plane(coder, plane, planes[-1] if planes else None, n_contexts)
        planes.append(plane)
    coder.finish()
    samples = [[v for y in range(height) for v in p.values[p.row(y) : p.row(y) + width]] for p in planes]
    return colour.inverse(transform, samples, maxes)
