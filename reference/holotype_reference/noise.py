"""Seeded noise: `docs/codecs/noise.md`."""

from __future__ import annotations

import math
import struct

from .errors import Unsupported

F16, F32, F64, BF16 = 9, 10, 11, 12
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


def generate(generator: int, seed: int, offset: int, type_: int, n: int) -> bytes:
    """`n` elements, little-endian."""
    if offset > 1 << 32 or seed >= 1 << 64:
        raise Unsupported("noise offset")
    source = Pcg64(seed) if generator == 2 else Twister(seed)
    for _ in range(offset):
        source.draw()
    put = {F16: lambda v: struct.pack("<e", v), BF16: bfloat16, F32: lambda v: struct.pack("<f", v)}.get(type_)
    if generator == 0 and type_ in (F16, BF16, F32):
        bits = {F16: 11, BF16: 8, F32: 24}[type_]
        return b"".join(put(source.draw() % (1 << bits) / (1 << bits)) for _ in range(n))
    if generator == 0 and type_ == F64:
        values = [(source.draw() << 32 | source.draw()) % (1 << 53) / (1 << 53) for _ in range(n)]
    elif generator == 1 and put and n >= 16:
        values = [source.uniform() for _ in range(n)]
        for start in range(0, n - 15, 16):
            block = values[start : start + 16]
            transform(block)
            values[start : start + 16] = block
        if n % 16:
            block = [source.uniform() for _ in range(16)]
            transform(block)
            values[n - 16 :] = block
        return b"".join(map(put, values))
    elif generator == 2 and type_ == F32:
        halves = [half for _ in range((n + 1) // 2) for draw in [source.draw()] for half in (draw & (1 << 32) - 1, draw >> 32)]
        return b"".join(put((half >> 8) / (1 << 24)) for half in halves[:n])
    elif generator == 2 and type_ == F64:
        values = [(source.draw() >> 11) / (1 << 53) for _ in range(n)]
    elif generator == 3 and type_ == F64:
        values = [((source.draw() >> 5 << 26) + (source.draw() >> 6)) / (1 << 53) for _ in range(n)]
    else:
        raise Unsupported("noise of that type by generator")
    return struct.pack(f"<{n}d", *values)
