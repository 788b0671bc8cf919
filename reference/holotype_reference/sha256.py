"""SHA-256, of which `hashlib` does not show the state: FIPS 180-4."""

from __future__ import annotations

import struct
from itertools import count, islice

MASK = 0xFFFFFFFF


def primes(n: int) -> list[int]:
    """The first n primes."""
    return list(islice((p for p in count(2) if all(p % q for q in range(2, p))), n))


def root(p: int, power: int) -> int:
    """The first 32 bits after the point of the square or cube root of p."""
    scaled = p << 32 * power
    low, high = 0, 1 << 40
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= scaled else (low, middle)
    return low & MASK


START = [root(p, 2) for p in primes(8)]
ROUNDS = [root(p, 3) for p in primes(64)]


def turn(word: int, n: int) -> int:
    return (word >> n | word << 32 - n) & MASK


def state(data: bytes) -> bytes:
    """The state after the whole blocks of `data`."""
    h = list(START)
    for at in range(0, len(data) - 63, 64):
        w = list(struct.unpack(">16I", data[at : at + 64]))
        for i in range(16, 64):
            s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3
            s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append((w[i - 16] + s0 + w[i - 7] + s1) & MASK)
        a, b, c, d, e, f, g, k = h
        for i in range(64):
            s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)
            t1 = k + s1 + (e & f ^ ~e & g) + ROUNDS[i] + w[i]
            s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)
            t2 = s0 + (a & b ^ a & c ^ b & c)
            a, b, c, d, e, f, g, k = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
        h = [(x + y) & MASK for x, y in zip(h, (a, b, c, d, e, f, g, k))]
    return struct.pack(">8I", *h)


__all__ = ["state"]
