"""Slices by a parent: `docs/codecs/tensor.md` section 7."""

from __future__ import annotations

import struct
from math import isfinite

from .errors import Truncated, Unsupported, require

# Bits of fraction, offset of the exponent below that of binary32, largest exponent, place of the sign.
FORMS = {9: (10, 112, 31, 15), 10: (23, 0, 255, 31), 12: (7, 0, 255, 15), 13: (23, 0, 255, 31)}
# Bits below the exponent, bits of the exponent.
EXPONENTS = {9: (10, 5), 10: (23, 8), 11: (52, 11), 12: (7, 8), 13: (23, 8), 14: (52, 11), 15: (3, 4), 16: (2, 5), 17: (3, 4), 18: (2, 5)}


def single(value: float) -> float:
    """The nearest binary32; infinite if that is too large."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def bits_of(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def value_of(word: int, type_: int) -> float:
    """Its number; 0 for what is not normal."""
    n_fraction, rebase, top, sign = FORMS[type_]
    magnitude = word & (1 << sign) - 1
    if magnitude >> n_fraction in (0, top):
        return 0.0
    bits = (magnitude << 23 - n_fraction) + (rebase << 23) | word >> sign << 31
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def change_of(word: int, parent: int, type_: int) -> float:
    change = single(value_of(word, type_) - value_of(parent, type_))
    return change if isfinite(change) and abs(change) >= 2.0**-90 else 0.0


def guess_of(parent: int, by: float, type_: int) -> int:
    n_fraction, rebase, top, sign = FORMS[type_]
    total = single(value_of(parent, type_) + by) if by == by else by
    if by == 0 or parent >> n_fraction & top == top or not isfinite(total):
        return parent
    bits = bits_of(total)
    less = 23 - n_fraction
    rounded = (bits & 0x7FFFFFFF) + (1 << less >> 1) >> less
    if not rebase + 1 << n_fraction <= rounded < rebase + top << n_fraction:
        return parent
    return rounded - (rebase << n_fraction) | bits >> 31 << sign


def decode(number: int, body: bytes, parents: list[int], type_: int, width: int, ordered, unordered) -> list[int]:
    """The words of a slice; `number` is the last of its head, `ordered` and `unordered` map words (section 2)."""
    if number and not 6 <= number <= 20:
        raise Unsupported(f"{number} as the words under one scale")
    if len(body) < 3:
        raise Truncated("form of the differences")
    top, low, n_taps = body[:3]
    n_tokens = (2 << top) + (width - low - top - 1 << top) if 1 <= top <= 7 and low + top < width else 257
    require(n_tokens <= 256, "a form of differences that is none")
    require(n_taps <= 16 and (n_taps == 0 or type_ in FORMS), "the number of taps")
    taps = [(tap - 256 if tap > 127 else tap) / 64 for tap in body[3 : 3 + n_taps]]
    at = 3 + n_taps
    if len(body) <= at:
        raise Truncated("contexts")
    n_contexts = body[at]
    require(1 <= n_contexts <= 32, "the number of contexts")
    firsts = list(body[at + 1 : at + n_contexts])
    if len(firsts) < n_contexts - 1:
        raise Truncated("contexts")
    require(firsts == sorted(set(firsts)) and 0 not in firsts, "contexts are not in order")
    at += n_contexts
    scales = [0] * len(parents)
    if number:
        scales, at = read_scales(body, at, len(parents), 1 << number)
    tables = []
    for _ in range(n_contexts):
        table, at = read_table(body, at)
        tables.append(table)
    keys = [min(255, key_of(word, type_) + scale) for word, scale in zip(parents, scales)]
    tokens, at = decode_tokens(body, at, tables, [sum(first <= key for first in firsts) for key in keys])
    bits = int.from_bytes(body[at:], "little")
    n_bits = 0
    changes = []
    for token in tokens:
        require(token < n_tokens, "a token that is not there")
        less = max(0, (token >> top) - 1)
        n = less + low
        number = (token - (less << top) << n) + (bits >> n_bits & (1 << n) - 1)
        n_bits += n
        changes.append(number >> 1 ^ -(number & 1))
    require(len(body) - at == -(-n_bits // 8) and bits >> n_bits == 0, "the bits of the differences")
    words = []
    n_parts = 32 if number else 16
    part = max(1, -(-len(parents) // n_parts))
    for i, (change, parent) in enumerate(zip(changes, parents)):
        if i % part == 0:
            history = [0.0] * n_taps
        by = 0.0
        products = list(zip(taps, history))
        for tap, before in reversed(products) if number else products:
            by = single(by + single(tap * before))
        guess = guess_of(parent, by, type_) if taps else parent
        word = unordered((ordered(guess) + change) % (1 << width))
        if taps:
            history = [change_of(word, parent, type_), *history[:-1]]
        words.append(word)
    return words


def read_scales(body: bytes, at: int, n_words: int, n_each: int) -> tuple[list[int], int]:
    """The scale of each word, and where the scales end."""
    n_bits = 0
    scale = 0
    scales: list[int] = []
    while len(scales) < n_words:
        number = 0
        while True:
            if at + n_bits // 8 >= len(body):
                raise Truncated("scales")
            bit = body[at + n_bits // 8] >> n_bits % 8 & 1
            n_bits += 1
            if not bit:
                break
            number += 1
            require(number <= 62, "scales")
        scale += number >> 1 ^ -(number & 1)
        require(0 <= scale <= 31, "scales")
        scales += [scale] * min(n_each, n_words - len(scales))
    end = at + -(-n_bits // 8)
    require(n_bits % 8 == 0 or body[end - 1] >> n_bits % 8 == 0, "scales")
    return scales, end


def key_of(parent: int, type_: int) -> int:
    if type_ not in EXPONENTS:
        return 0
    below, n = EXPONENTS[type_]
    exponent = parent >> below & (1 << n) - 1
    return min(255, max(0, exponent - 896)) if n == 11 else exponent


def read_table(body: bytes, at: int) -> tuple[list[tuple[int, int, int]], int]:
    """Token, frequency and first slot of each of 4096 slots, and where the table ends."""
    slots: list[tuple[int, int, int]] = []
    token = 0
    while len(slots) < 4096:
        if at + 1 >= len(body):
            raise Truncated("table of frequencies")
        frequency = body[at]
        at += 1
        if frequency == 0:
            token += body[at] + 1
            at += 1
            continue
        if frequency > 127:
            require(1 <= body[at] <= 32, "the frequencies do not add up")
            frequency = frequency & 127 | body[at] << 7
            at += 1
        require(token < 256 and len(slots) + frequency <= 4096, "the frequencies do not add up")
        slots += [(token, frequency, len(slots))] * frequency
        token += 1
    return slots, at


def decode_tokens(body: bytes, at: int, tables: list, contexts: list[int]) -> tuple[list[int], int]:
    if len(body) < at + 132:
        raise Truncated("coder states")
    *states, n_words = struct.unpack("<33I", body[at : at + 132])
    require(all(1 << 15 <= x < 1 << 31 for x in states), "a coder state is out of range")
    at += 132
    if len(body) < at + 2 * n_words:
        raise Truncated("coded bytes")
    end = at + 2 * n_words
    tokens = []
    for i, context in enumerate(contexts):
        x = states[i % 32]
        token, frequency, start = tables[context][x % 4096]
        tokens.append(token)
        x = frequency * (x >> 12) + x % 4096 - start
        if x < 1 << 15:
            if at >= end:
                raise Truncated("coded bytes")
            x = x << 16 | body[at] | body[at + 1] << 8
            at += 2
        states[i % 32] = x
    require(at == end and all(x == 1 << 15 for x in states), "coded bytes do not end where they should")
    return tokens, at
