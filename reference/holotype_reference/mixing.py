"""Mixed contexts: `docs/codecs/indexed.md` section 7."""

from __future__ import annotations

from .adaptive import STRETCH, squash
from .binary import AdaptiveBit, AdaptiveNumber, BinaryDecoder
from .errors import Truncated, require
from .symbols import signed

MASK = 0xFFFFFFFF
TRUST = (0, 190, 220, 235, 245, 250, 254, 256)
MARGIN = 4


def opened(kind: int) -> int:
    return kind * 0x9E3779B1 & MASK


def joined(h: int, *values: int) -> int:
    for value in values:
        h = (h ^ value & MASK) * 0x85EBCA6B & MASK
        h ^= h >> 15
    return h


def closed(h: int) -> int:
    h = h * 0xC2B2AE35 & MASK
    return h ^ h >> 16


class Mixer:
    """Section 7.1."""

    def __init__(self, n: int, slots_log2: int, weight: int) -> None:
        self.n, self.slots_log2, self.weight = n, slots_log2, weight
        self.slots: dict[tuple[int, int], list[int]] = {}
        self.weights: dict[tuple[int, int], list[int]] = {}

    def bit(self, coder: BinaryDecoder, contexts: list[int], sets: tuple[int, int]) -> int:
        slots, inputs = [], []
        for i, context in enumerate(contexts):
            slot = self.slots.setdefault((i, context >> 32 - self.slots_log2), [32768, 0, 0])
            if slot[2] != context & 255:
                slot[:] = [32768, 0, context & 255]
            slots.append(slot)
            inputs.append(STRETCH[slot[0] >> 4] * TRUST[min(slot[1], 7)] >> 8)
        weights = [self.weights.setdefault((i, s), [self.weight] * self.n) for i, s in enumerate(sets)]
        logits = [sum(s * (w >> 2) for s, w in zip(inputs, ws)) >> 14 for ws in weights]
        logits = [max(-2047, min(2047, logit)) for logit in logits]
        bit = coder.bit(squash(logits[0] + logits[1] >> 1))
        target = 65535 if bit else 0
        for ws, logit in zip(weights, logits):
            error = target - squash(logit) >> 2
            for i, s in enumerate(inputs):
                ws[i] = max(-(1 << 18), min(1 << 18, ws[i] + (s * error >> 13)))
        for slot in slots:
            rate = 655360 // (10 * slot[1] + 14) >> 1
            slot[0] = max(16, min(65519, slot[0] + ((target - slot[0]) * rate >> 15)))
            slot[1] = min(slot[1] + 1, 60)
        return bit


class Around:
    """The pixels around one."""

    def __init__(self, p: list[int], at: int, stride: int) -> None:
        self.west = [p[at - 1], p[at - 2], p[at - 3], p[at - 4]]
        self.above = p[at - stride - 4 : at - stride + 5]
        self.above2 = p[at - 2 * stride - 4 : at - 2 * stride + 5]
        self.w, self.ww = self.west[:2]
        self.nw, self.n, self.ne = self.above[3:6]
        self.nn = self.above2[4]


class Numbers:
    """Section 7.4, numbers."""

    def __init__(self, form: int, n_bytes: int, n_pixels: int) -> None:
        require(form < 3, "form of entries")
        self.form, self.n_bytes, self.before = form, n_bytes, 0
        self.mixer = Mixer(8, max(12, min(18, n_pixels.bit_length() - 1)), 14000)
        self.new, self.was_new = [AdaptiveBit(), AdaptiveBit()], 1
        self.models = [AdaptiveNumber() for _ in range(8)]
        self.entries: list[int] = []

    def entry(self, coder: BinaryDecoder) -> None:
        value = 0
        if self.form == 0:
            for _ in range(8 * self.n_bytes):
                value = value << 1 | coder.bit(32768)
        elif self.form == 1:
            high = self.models[1].decode(coder)
            number = high << 32 | self.models[0].decode(coder)
            value = (self.before + signed(number)) % (1 << 8 * self.n_bytes)
        else:
            for i in range(self.n_bytes):
                byte = (self.before >> 8 * i) + signed(self.models[i].decode(coder))
                value |= byte % 256 << 8 * i
        self.before = value
        self.entries.append(value)

    start = entry

    def decode(self, coder: BinaryDecoder, a: Around) -> int:
        n = len(self.entries)
        self.was_new = self.new[self.was_new].decode(coder)
        if self.was_new:
            require(n < 65536, "too many colours")
            self.entry(coder)
            return n
        groups = [(), (a.w,), (a.n,), (a.w, a.n), (a.w, a.n, a.nw, a.ne), (a.w, a.ww), (a.ne,), (a.n, a.ne)]
        bases = [joined(opened(20 + i), *values) for i, values in enumerate(groups)]
        node, n_bits = 1, (n - 1).bit_length()
        for shift in reversed(range(n_bits)):
            node = node << 1 | self.mixer.bit(coder, [closed(joined(b, node)) for b in bases], (shift, 0))
        require(node - (1 << n_bits) < n, "a colour that does not exist")
        return node - (1 << n_bits)


def gradient(d: int) -> int:
    size = min(abs(d).bit_length(), 6)
    return size + 8 if d < 0 else size


class Channels:
    """Section 7.4, channels."""

    def __init__(self, n_channels: int, colour: bool, n_pixels: int) -> None:
        self.order = [c for c in ((3, 1, 0, 2) if colour else (0, 1, 2, 3)) if c < n_channels]
        self.colour = colour
        self.mixer = Mixer(8, max(12, min(18, n_pixels.bit_length() - 1)), 14000)
        self.low: dict[tuple[int, int, int], AdaptiveBit] = {}

    def start(self, coder: BinaryDecoder) -> None:
        pass

    def decode(self, coder: BinaryDecoder, a: Around) -> int:
        coded = residuals = last = 0
        for o, c in enumerate(self.order):
            green = self.colour and c in (0, 2)
            near = (a.w, a.n, a.nw, a.ne, a.ww)
            w, n, nw, ne, ww = ((p >> 8 * c & 255) - (p >> 8 & 255 if green else 0) for p in near)
            median = max(min(w, n), min(max(w, n), w + n - nw))
            base = coded >> 8 & 255 if green else 0
            prediction = max(0, min(255, base + (8 * median + 2 * (w + n) + ne - nw) // 12))
            level = min((abs(w - nw) + abs(n - nw) + abs(n - ne) + abs(w - ww)).bit_length(), 7)
            groups = [
                (level, last),
                (gradient(w - nw), gradient(n - nw), gradient(n - ne), gradient(w - ww)),
                (w, n),
                (coded,),
                (residuals,),
                (prediction, level // 2),
                (a.w, a.n),
                (prediction, residuals & 255),
            ]
            bases = [joined(opened(30 + i), o, *values) for i, values in enumerate(groups)]

            def ask(node: int, bases: list[int] = bases, o: int = o, level: int = level) -> int:
                contexts = [closed(joined(b, node)) for b in bases]
                return self.mixer.bit(coder, contexts, (node * 4 + o, node * 8 + level))

            magnitude = negative = 0
            if not ask(0):
                negative = ask(1)
                log = 0
                while log < 7 and ask(2 + log):
                    log += 1
                magnitude = 1
                for i in range(log):
                    low = self.low.setdefault((o, log, i), AdaptiveBit())
                    magnitude = magnitude << 1 | (ask(8 + min(log, 3)) if i == 0 else low.decode(coder))
            residual = (-magnitude if negative else magnitude) & 255
            coded |= (prediction + residual & 255) << 8 * c
            residuals = (residuals << 8 | residual) & MASK
            last = min(magnitude.bit_length(), 7) << 1 | negative
        return coded


def mask(answers: list[bool]) -> int:
    return sum(1 << i for i, answer in enumerate(answers) if answer)


class Tile:
    """The state of a tile."""

    def __init__(self, width: int, height: int, numbered: bool) -> None:
        self.width, self.height, self.stride = width, height, width + 2 * MARGIN
        self.p = [0] * self.stride * (height + 2)
        log2 = (width * height).bit_length() - 1
        self.mixer = Mixer(13, max(14, min(18, log2)) - numbered, 7000)
        self.flat = [AdaptiveBit() for _ in range(4)]
        self.habits: dict[int, list[int | None]] = {}
        self.places: dict[int, int] = {}
        self.match = self.length = 0
        n = self.stride
        self.rank, self.west_run, self.ahead = [0] * n, [0] * n, [0] * n
        self.up, self.up_before, self.steady = [0] * n, [0] * n, [0] * n

    def decode(self, coder: BinaryDecoder, literals: Numbers | Channels) -> list[int]:
        literals.start(coder)
        p, end, out = self.p, MARGIN + self.width, []
        for y in range(self.height):
            start = (y + 2) * self.stride
            self.match = self.length = 0
            ranks, runs = [0] * self.stride, [0] * self.stride
            x = MARGIN
            while x < end:
                at = start + x
                w = p[at - 1]
                if (
                    y > 0
                    and 8 <= x <= end - 16
                    and self.ahead[x - 4] >= 24
                    and self.steady[x - 1] >= 18
                    and p[at - self.stride] == w == p[at - 2]
                    and self.flat[(self.up[x] >= 31) + 2 * (self.up[x + 8] >= 31)].decode(coder)
                ):
                    for i in range(16):
                        p[at + i], runs[x + i] = w, min(runs[x + i - 1] + 1, 31)
                    self.match = self.length = 0
                    x += 16
                    continue
                p[at], ranks[x] = self.pixel(coder, at, x, ranks, runs, literals)
                runs[x] = min(runs[x - 1] + 1, 31) if p[at] == w and x > MARGIN else 1
                x += 1
            out += p[start + MARGIN : start + end]
            self.rank, self.west_run = ranks, runs
            self.end_row(start, y)
        return out

    def end_row(self, start: int, y: int) -> None:
        p, end = self.p, MARGIN + self.width
        for x in range(MARGIN, end):
            if y > 0 and p[start + x] == p[start + x - self.stride]:
                self.up[x] = min(self.up[x] + 1, 31)
            else:
                self.up_before[x], self.up[x] = self.up[x], 1
        for x in reversed(range(MARGIN, end)):
            goes_on = x + 1 < end and p[start + x] == p[start + x + 1]
            self.ahead[x] = min(self.ahead[x + 1] + 1, 255) if goes_on else 1
            steady = self.steady[x + 1] if x + 1 < end else 0
            self.steady[x] = 0 if self.up[x] < 6 else min(steady + 1, 255)

    def pixel(self, coder: BinaryDecoder, at: int, x: int, ranks: list[int], runs: list[int], literals) -> tuple[int, int]:
        a = Around(self.p, at, self.stride)
        habit_key = closed(joined(opened(1), a.w, a.n, a.nw, a.ne, a.ww, a.nn)) >> 16
        place_key = closed(joined(opened(2), *a.west, *a.above)) >> 16
        if self.match == 0 and place_key in self.places:
            b = Around(self.p, self.places[place_key], self.stride)
            if a.west == b.west and a.n == b.n:
                self.match = self.places[place_key]
        often, n_often, second = self.habits.get(habit_key, [None, 0, None])
        foretold = self.p[self.match] if self.match else None
        length = self.length
        near = [ranks[x - 1], self.rank[x], self.rank[x + 1], self.rank[x - 1]]
        most = (6, 5, 3, 2, 1)[near.count(6)]
        wanted = [foretold if length >= 16 else None, often if n_often >= 2 else None]
        wanted += [a.w, a.n] if a.n == a.nw != a.w else [a.n, a.w]
        wanted += [foretold, often, a.ne, a.nw, second]
        candidates: list[int] = []
        for v in wanted:
            if v is not None and v not in candidates and len(candidates) < most:
                candidates.append(v)
        kind = 0 if foretold is None else 1 if length < 4 else 2 if length < 16 else 3 if length < 32 else 4
        bases = self.bases(a, kind, near, x, runs)
        habit_class = min(n_often.bit_length(), 5)
        found, rank = None, 6
        for i, v in enumerate(candidates):
            sources = [a.w, a.n, a.ne, a.nw, a.ww, a.nn, foretold, often]
            sv = mask([s is not None and s == v for s in sources])
            wide = mask([q == v for q in (*a.west, *a.above[:8], *a.above2[1:])])
            close = mask([q == v for q in (*a.west[:2], *a.above[2:7], *a.above2[3:6])])
            excluded = sum(q * 0x2C1B3C6D for q in candidates[:i])
            shape = sv | i << 8
            own = [sv | habit_class << 8 | i << 11, v + (i << 29), v, v, wide | sv >> 6 << 20 | i << 22, v ^ close << 20]
            own += [v, shape, v, v, v + excluded, shape, shape]
            contexts = [closed(joined(b, o)) for b, o in zip(bases, own)]
            sets = ((i * 5 + kind) * 2 + (n_often > 3), sv << 2 | (near[0] == 0) | (near[1] == 0) << 1)
            if self.mixer.bit(coder, contexts, sets):
                found, rank = v, i
                break
        if found is None:
            found = literals.decode(coder, a)
        if n_often and often == found:
            self.habits[habit_key] = [often, min(n_often + 1, 255), second]
        else:
            self.habits[habit_key] = [found, 1, often]
        self.places[place_key] = at
        if self.match and self.p[self.match] == found:
            self.match, self.length = self.match + 1, min(self.length + 1, 63)
        else:
            self.match = self.length = 0
        return found, rank

    def bases(self, a: Around, kind: int, near: list[int], x: int, runs: list[int]) -> list[int]:
        pair = joined(opened(6), a.w, a.n)
        four = joined(pair, a.nw, a.ne)
        ranks = vertical = horizontal = 0
        for rank in near:
            ranks = ranks << 4 | rank
        for up in (*self.up[x - 1 : x + 2], *self.up_before[x - 1 : x + 2]):
            vertical = vertical << 5 | up
        for run in (runs[x - 1], self.ahead[x], self.west_run[x], self.west_run[x - 1]):
            horizontal = horizontal << 5 | min(run, 16)
        return [
            joined(opened(0), kind),
            joined(four, 1),
            joined(four, a.ww, a.nn),
            joined(four, a.above2[5], a.above2[3], a.above[6], a.above[2]),
            opened(4),
            opened(5),
            pair,
            joined(opened(7), ranks),
            joined(opened(8), a.n, a.ne, a.above[6]),
            joined(opened(9), a.w, a.ww, kind),
            opened(10),
            joined(opened(11), vertical),
            joined(opened(12), horizontal),
        ]


def decode(data: bytes, width: int, height: int, n_bytes: int, n_channels: int, is_rgb: bool) -> list[int]:
    """The pixels of a tile."""
    if not data:
        raise Truncated("header of mixed contexts")
    flags, coder = data[0], BinaryDecoder(data[1:])
    if flags & 1:
        numbers = Numbers(flags >> 1, n_bytes, width * height)
        pixels = Tile(width, height, True).decode(coder, numbers)
        coder.finish_exactly()
        return [numbers.entries[number] for number in pixels]
    require(flags <= 2 and n_bytes == n_channels <= 4 and (flags == 0 or (is_rgb and n_channels >= 3)), "header")
    channels = Channels(n_channels, flags == 2, width * height)
    pixels = Tile(width, height, False).decode(coder, channels)
    coder.finish_exactly()
    return pixels
