"""Seeded noise: `docs/codecs/noise.md`."""

from __future__ import annotations

import decimal
import math
import struct
from decimal import Decimal

from .errors import Unsupported, require
from .ziggurat_widths import WIDTHS

F16, F32, F64, BF16 = TYPES = 9, 10, 11, 12
GENERATORS = (*range(11), 12)
CUDA = (9, 10)
# Digits that functions are computed with before they are rounded.
DIGITS = decimal.Context(prec=80)
P = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip


def f32(value: float) -> float:
    """The binary32 next to a binary64; right for one +, -, * or square root of binary32."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def fma(a: float, b: float, c: float) -> float:
    """`a * b + c` of binary32, rounded once."""
    product = a * b  # exact in binary64
    total = product + c
    part = total - product
    error = (product - (total - part)) + (c - part)
    # Rounded to odd, so that rounding again to binary32 is right.
    if error and not struct.unpack("<Q", struct.pack("<d", total))[0] & 1:
        total = math.nextafter(total, math.inf if error > 0 else -math.inf)
    return f32(total)


CONSTANTS = tuple(f32(p) for p in P)
TAU, SQRT_HALF = f32(2 * math.pi), f32(math.sqrt(0.5))


class Twister:
    """MT19937 (section 2)."""

    def __init__(self, seed: int) -> None:
        self.state = [seed % (1 << 32)]
        for i in range(1, 624):
            before = self.state[-1]
            self.state.append((1812433253 * (before ^ before >> 30) + i) % (1 << 32))
        self.at = 624

    def draw(self) -> int:
        if self.at == 624:
            s = self.state
            for i in range(624):
                bits = s[i] & 0x80000000 | s[(i + 1) % 624] & 0x7FFFFFFF
                s[i] = s[(i + 397) % 624] ^ bits >> 1 ^ (0x9908B0DF if bits & 1 else 0)
            self.at = 0
        bits = self.state[self.at]
        self.at += 1
        bits ^= bits >> 11
        bits ^= bits << 7 & 0x9D2C5680
        bits ^= bits << 15 & 0xEFC60000
        return bits ^ bits >> 18

    def uniform(self) -> float:
        return self.draw() % (1 << 24) / (1 << 24)


class Pcg64:
    """Section 4."""

    def __init__(self, seed: int) -> None:
        mask = (1 << 32) - 1
        h = 0x43B0D7E5

        def hashed(value: int) -> int:
            nonlocal h
            value ^= h
            h = h * 0x931E8875 & mask
            value = value * h & mask
            return value ^ value >> 16

        pool = [hashed(word) for word in (seed & mask, seed >> 32, 0, 0)]
        for source in range(4):
            for target in range(4):
                if target != source:
                    mixed = (0xCA01F9DD * pool[target] - 0x4973F715 * hashed(pool[source])) & mask
                    pool[target] = mixed ^ mixed >> 16
        g = 0x8B51F9DD
        out = []
        for k in range(8):
            value = pool[k % 4] ^ g
            g = g * 0x58F38DED & mask
            value = value * g & mask
            out.append(value ^ value >> 16)
        w = [out[2 * k] | out[2 * k + 1] << 32 for k in range(4)]
        self.increment = (w[2] << 64 | w[3]) << 1 | 1
        self.state = 0
        self.step()
        self.state += w[0] << 64 | w[1]
        self.step()

    def step(self) -> None:
        self.state = (self.state * 0x2360ED051FC65DA44385DF649FCCF645 + self.increment) % (1 << 128)

    def draw(self) -> int:
        self.step()
        bits = (self.state >> 64 ^ self.state) & ((1 << 64) - 1)
        turn = self.state >> 122
        return (bits >> turn | bits << 64 - turn) & ((1 << 64) - 1)


def log(x: float) -> float:
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    e = float((bits >> 23) - 126)
    m = struct.unpack("<f", struct.pack("<I", bits & 0x7FFFFF | 0x3F000000))[0]
    if m < SQRT_HALF:
        e -= 1
        m = f32(f32(m - 1) + m)
    else:
        m = f32(m - 1)
    z = f32(m * m)
    p = CONSTANTS[0]
    for constant in CONSTANTS[1:]:
        p = fma(p, m, constant)
    y = fma(f32(p * m), z, f32(e * f32(-2.12194440e-4)))
    y = fma(-z, 0.5, y)
    return fma(e, f32(0.693359375), f32(m + y))


def sin_cos(x: float) -> tuple[float, float]:
    j = int(f32(x * f32(1.27323954473516))) + 1 & ~1
    for d in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8):
        x = fma(float(j), f32(d), x)
    z = f32(x * x)
    c = fma(fma(f32(2.443315711809948e-5), z, f32(-1.388731625493765e-3)), z, f32(4.166664568298827e-2))
    c = f32(fma(f32(c * z), z, -f32(z * 0.5)) + 1)
    s = fma(fma(f32(-1.9515295891e-4), z, f32(8.3321608736e-3)), z, f32(-1.6666654611e-1))
    s = fma(f32(s * z), x, x)
    if j & 2:
        s, c = c, s
    return (-s if j & 4 else s), (-c if j + 2 & 4 else c)


def transform(block: list[float]) -> None:
    """Section 3."""
    for k in range(8):
        radius = f32(math.sqrt(f32(-2 * log(f32(1 - block[k])))))
        s, c = sin_cos(f32(TAU * block[k + 8]))
        block[k], block[k + 8] = f32(radius * c) + 0.0, f32(radius * s) + 0.0


def bfloat16(value: float) -> bytes:
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).to_bytes(2, "little")


def bits64(value: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def log64(x: float) -> float:
    """The binary64 next to the true value, as all of section 5."""
    return float(Decimal(x).ln(DIGITS))


def exp64(x: float) -> float:
    return float(Decimal(x).exp(DIGITS))


def sin_cos64(x: float) -> tuple[float, float]:
    with decimal.localcontext(DIGITS):
        angle = Decimal(x)
        sums = [Decimal(0), Decimal(0)]
        term, n = Decimal(1), 0
        while abs(term) > Decimal(10) ** -75 or n < 20:
            sums[n % 2] += -term if n & 2 else term
            n += 1
            term = term * angle / n
        cos, sin = sums
        return float(sin), float(cos)


class Ziggurat:
    """Section 6."""

    R, INVERSE = 3.6541528853610087963519472518, 0.27366123732975827203338247596

    def __init__(self, draws: Pcg64) -> None:
        self.draws = draws
        self.half: int | None = None
        edges = [width * 2**52 for width in WIDTHS]
        self.limits = [int(WIDTHS[i - 1] / width * 2**52) for i, width in enumerate(WIDTHS)]
        self.limits[1] = 0
        self.heights = [1.0] + [exp64(-0.5 * edge * edge) for edge in edges[1:]]

    def uniform(self) -> float:
        return (self.draws.draw() >> 11) / (1 << 53)

    def number(self) -> float:
        while True:
            bits = self.draws.draw()
            layer, magnitude = bits & 255, bits >> 9 & (1 << 52) - 1
            x = magnitude * WIDTHS[layer]
            x = -x if bits >> 8 & 1 else x
            if magnitude < self.limits[layer]:
                return x
            if layer:
                above, here = self.heights[layer - 1], self.heights[layer]
                if (above - here) * self.uniform() + here < exp64(-0.5 * x * x):
                    return x
                continue
            while True:
                x = -self.INVERSE * log64(1 - self.uniform())
                y = -log64(1 - self.uniform())
                if y + y > x * x:
                    return -(self.R + x) if magnitude >> 8 & 1 else self.R + x

    def draw32(self) -> int:
        if self.half is not None:
            bits, self.half = self.half, None
            return bits
        bits = self.draws.draw()
        self.half = bits >> 32
        return bits & (1 << 32) - 1

    def number32(self) -> float:
        while True:
            bits = self.draw32()
            layer, magnitude = bits & 255, bits >> 9
            x = f32(magnitude * f32(WIDTHS[layer] * 2**29))
            x = -x if bits >> 8 & 1 else x
            if magnitude < (self.limits[layer] + (1 << 28)) >> 29:
                return x
            if layer:
                above, here = f32(self.heights[layer - 1]), f32(self.heights[layer])
                step = f32(f32(f32(above - here) * self.uniform32()) + here)
                if step < exp64(-0.5 * x * x):
                    return x
                continue
            while True:
                x = f32(-f32(self.INVERSE) * f32(log64(1 - self.uniform32())))
                y = -f32(log64(1 - self.uniform32()))
                if f32(y + y) > f32(x * x):
                    return -f32(f32(self.R) + x) if magnitude >> 8 & 1 else f32(f32(self.R) + x)

    def uniform32(self) -> float:
        return (self.draw32() >> 8) / (1 << 24)


class Polar:
    """Section 7."""

    def __init__(self, source: Twister) -> None:
        self.source = source
        self.second: float | None = None

    def number(self) -> float:
        if self.second is not None:
            value, self.second = self.second, None
            return value
        while True:
            a, b = (2 * uniform53(self.source) - 1 for _ in range(2))
            square = a * a + b * b
            if 0 < square < 1:
                factor = math.sqrt(-2 * log64(square) / square)
                self.second = factor * a
                return factor * b


def uniform53(source: Twister) -> float:
    return ((source.draw() >> 5 << 26) + (source.draw() >> 6)) / (1 << 53)


def torch53(source: Twister) -> float:
    return (source.draw() << 32 | source.draw()) % (1 << 53) / (1 << 53)


def transform64(block: list[float]) -> None:
    """Section 8."""
    for k in range(8):
        radius = math.sqrt(-2 * log64(1 - block[k]))
        s, c = sin_cos64(2 * math.pi * block[k + 8])
        block[k], block[k + 8] = radius * c + 0.0, radius * s + 0.0


def normal(n: int, uniform, change) -> list[float]:
    """Sections 3 and 8: the last 16 are drawn after all others."""
    values = [uniform() for _ in range(n)]
    for start in [*range(0, n - 15, 16)] + [n - 16] * (n % 16 > 0):
        block = values[start : start + 16]
        if start % 16 or (start == n - 16 and n % 16):
            block = [uniform() for _ in range(16)]
        change(block)
        values[start : start + 16] = block
    return values


def normal_by_blocks(n: int, uniform) -> list[float]:
    """Section 3, of half floats: the last 16 are drawn after the blocks before."""
    values = [0.0] * n
    for start in [*range(0, n - 15, 16)] + [n - 16] * (n % 16 > 0):
        block = [uniform() for _ in range(16)]
        transform(block)
        values[start : start + 16] = block
    return values


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Section 9."""
    mask = (1 << 32) - 1
    for _ in range(10):
        a, b, c, d = counter
        x, y = a * 0xD2511F53, c * 0xCD9E8D57
        counter = [y >> 32 ^ b ^ key[0], y & mask, x >> 32 ^ d ^ key[1], x & mask]
        key = [key[0] + 0x9E3779B9 & mask, key[1] + 0xBB67AE85 & mask]
    return counter


SCALE = f32(2.3283064e-10)
TURN = f32(SCALE * TAU)


def cuda_uniform(draws: list[int]) -> list[float]:
    values = [f32(f32(draw) * 2**-32 + 2**-33) for draw in draws]
    return [0.0 if value == 1 else value for value in values]


def cuda_normal(draws: list[int]) -> list[float]:
    out = []
    for a, b in (draws[:2], draws[2:]):
        u = f32(f32(f32(a) * SCALE) + SCALE / 2)
        angle = fma(f32(b), TURN, TURN / 2)
        radius = f32(math.sqrt(f32(-2 * f32(log64(u)))))
        sin, cos = sin_cos64(angle)
        out += [f32(radius * f32(sin)), f32(radius * f32(cos))]
    return out


def cuda(seed: int, offset: int, threads: int, n: int, make) -> list[float]:
    if offset % 4 or threads % 256:
        raise Unsupported("noise of CUDA")
    every = -(-n // 256) * 256
    threads = min(every, threads) if threads else every
    mask = (1 << 32) - 1
    known: dict[tuple[int, int], list[float]] = {}
    values = []
    for e in range(n):
        thread, step = e % threads, e // threads
        at = (thread, step // 4)
        if at not in known:
            count = (offset // 4 + step // 4) % (1 << 64)
            counter = [count & mask, count >> 32, thread & mask, thread >> 32]
            known[at] = make(philox(counter, [seed & mask, seed >> 32]))
        values.append(known[at][step % 4])
    return values


def correct(made: bytes, width: int, corrections: bytes) -> bytes:
    """Section 10."""
    require(len(corrections) > 0, "corrections are empty")
    out = bytearray(made)
    numbers = []
    value = shift = 0
    for byte in corrections:
        value |= (byte & 127) << shift
        if byte > 127:
            shift += 7
            continue
        require(shift == 0 or byte > 0, "a number is longer than it needs to be")
        require(value < 1 << 64, "a number of more than 64 bits")
        numbers.append(value)
        value = shift = 0
    require(shift == 0 and len(numbers) % 2 == 0, "corrections are cut")
    at, sign, mask = -1, 1 << (8 * width - 1), (1 << 8 * width) - 1
    for gap, change in zip(numbers[::2], numbers[1::2]):
        at += gap + 1
        require((at + 1) * width <= len(out) and 0 < change <= mask, "a correction of nothing")
        word = int.from_bytes(out[at * width : (at + 1) * width], "little")
        ordered = word ^ mask if word & sign else word | sign
        ordered = ordered + (-(change + 1 >> 1) if change & 1 else change >> 1) & mask
        word = ordered ^ sign if ordered & sign else ordered ^ mask
        out[at * width : (at + 1) * width] = word.to_bytes(width, "little")
    return bytes(out)


def generate(recipe: list[int], type_: int, n: int) -> bytes:
    """`n` elements, little-endian."""
    generator, seed, offset = recipe[:3]
    if seed >= 1 << 64 or offset > {4: 1 << 26, 5: 1 << 26, 6: 1 << 26, 9: 1 << 64, 10: 1 << 64}.get(generator, 1 << 32):
        raise Unsupported("noise offset")
    put = {F16: lambda v: struct.pack("<e", v), BF16: bfloat16, F32: lambda v: struct.pack("<f", v)}.get(type_)
    put = put or (lambda v: struct.pack("<d", v))
    source = Pcg64(seed) if generator in (2, 4, 5) else Twister(seed)
    if generator not in (4, 5, 6, *CUDA):
        for _ in range(offset):
            source.draw()
    if generator == 0 and type_ != F64:
        bits = {F16: 11, BF16: 8, F32: 24}[type_]
        return b"".join(put(source.draw() % (1 << bits) / (1 << bits)) for _ in range(n))
    if generator == 12 and type_ in (F16, BF16):
        halves = (put(source.draw() % (1 << 24) / (1 << 24)) for _ in range(n))
        return b"".join(b"\0\0" if half == put(1.0) else half for half in halves)
    if generator == 0:
        values = [torch53(source) for _ in range(n)]
    elif generator == 1 and type_ != F64 and n >= 16:
        values = normal(n, source.uniform, transform)
    elif generator == 2 and type_ == F32:
        ziggurat = Ziggurat(source)
        values = [ziggurat.uniform32() for _ in range(n)]
    elif generator == 2 and type_ == F64:
        values = [(source.draw() >> 11) / (1 << 53) for _ in range(n)]
    elif generator == 3:
        values = [uniform53(source) for _ in range(n)]
    elif generator in (4, 5, 6) and (generator != 5 or type_ != F64):
        numbers = Polar(source).number if generator == 6 else None
        numbers = numbers or (Ziggurat(source).number if generator == 4 else Ziggurat(source).number32)
        values = [numbers() for _ in range(offset + n)][offset:]
    elif generator == 7 and n >= 16:
        values = normal(n, lambda: torch53(source), transform64)
    elif generator == 8 and type_ in (F16, BF16) and n >= 16:
        values = normal_by_blocks(n, source.uniform)
    elif generator in CUDA and type_ != F64:
        values = cuda(seed, offset, [*recipe, 0][3], n, cuda_uniform if generator == 9 else cuda_normal)
    else:
        raise Unsupported("noise of that type by generator")
    return b"".join(map(put, values))
