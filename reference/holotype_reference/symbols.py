"""Symbols, raw bits and numbers of the indexed path: `docs/codecs/indexed.md` section 2."""

from __future__ import annotations

from .errors import Corrupt, Truncated, require

TOTAL = 32768
SHIFTS = [1, 2, 2, 3, 3, 3] + [4] * 7 + [5] * 18 + [6] * 65 + [7] * 32


class Distribution:
    """Sixteen adaptive symbols."""

    def __init__(self, starts: list[int], limit: int = 31) -> None:
        self.starts = [*starts, TOTAL]
        self.limit = limit
        self.n = 0

    def learn(self, symbol: int) -> None:
        shift = SHIFTS[self.n]
        starts = self.starts
        for i in range(16):
            target = 8 * i if i <= symbol else TOTAL - 8 * (16 - i)
            starts[i] += (target - starts[i]) >> shift
        self.n = min(self.n + 1, self.limit)


def uniform(limit: int = 31) -> Distribution:
    return Distribution([2048 * i for i in range(16)], limit)


def first(k: int, limit: int = 31) -> Distribution:
    share = (TOTAL - 8 * (16 - k)) // k
    return Distribution([share * i if i <= k else TOTAL - 8 * (16 - i) for i in range(16)], limit)


def weighted(weights: list[int]) -> Distribution:
    return Distribution([TOTAL * sum(weights[:i]) // sum(weights) for i in range(16)])


class SymbolDecoder:
    """One stream of symbols and raw bits."""

    def __init__(self, data: bytes) -> None:
        n = shift = at = 0
        while True:
            if at == len(data):
                raise Truncated("length of the raw bits")
            require(shift <= 28, "length of the raw bits")
            n |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                break
        if len(data) < at + n + 8 or (len(data) - at - n) % 2:
            raise Truncated("coded symbols")
        self.n_bits, self.bit_at = 8 * n, 0
        self.raw = int.from_bytes(data[at : at + n], "little")
        at += n
        self.states = [int.from_bytes(data[at : at + 4], "little"), int.from_bytes(data[at + 4 : at + 8], "little")]
        self.words = [int.from_bytes(data[i : i + 2], "little") for i in range(at + 8, len(data), 2)]
        self.at = self.turn = 0

    def symbol(self, model: Distribution) -> int:
        x = self.states[self.turn]
        slot = x % TOTAL
        starts = model.starts
        s = 15
        while starts[s] > slot:
            s -= 1
        x = (starts[s + 1] - starts[s]) * (x // TOTAL) + slot - starts[s]
        if x < 65536:
            x = x << 16 | (self.words[self.at] if self.at < len(self.words) else 0)
            self.at += 1
        self.states[self.turn] = x
        self.turn ^= 1
        model.learn(s)
        return s

    def flag(self, model: Distribution) -> int:
        return self.symbol(model) & 1

    def bits(self, n: int) -> int:
        value = self.raw >> self.bit_at & ((1 << n) - 1)
        self.bit_at += n
        return value

    def finish(self) -> None:
        if self.bit_at > self.n_bits or self.at > len(self.words):
            raise Truncated("coded symbols")
        require(self.n_bits - self.bit_at < 8 and self.raw >> self.bit_at == 0, "bits after the raw bits")
        if self.at < len(self.words) or self.states != [65536, 65536]:
            raise Corrupt("the coded symbols do not end where they should")


class Number:
    """A model of numbers of up to 64 bits."""

    def __init__(self) -> None:
        self.small, self.large = uniform(), uniform()

    def decode(self, coder: SymbolDecoder) -> int:
        s = coder.symbol(self.small)
        if s < 12:
            return s
        length = s - 10
        if s == 15:
            far = coder.symbol(self.large)
            length += far + (coder.bits(6) if far == 15 else 0)
        length = min(length, 63)
        return ((1 << length) + coder.bits(length) + 8) % (1 << 64)


def signed(number: int) -> int:
    """Inverse of zigzag."""
    return number >> 1 ^ -(number & 1)


class Entries:
    """Section 3: pixels of a dictionary, one after the other."""

    def __init__(self, form: int, n_bytes: int) -> None:
        require(form < 3, "form of entries")
        self.form, self.n_bytes, self.before = form, n_bytes, 0
        self.models = [Number() for _ in range(8)]

    def decode(self, coder: SymbolDecoder) -> int:
        if self.form == 0:
            value = coder.bits(8 * self.n_bytes)
        elif self.form == 1:
            value = (self.before + signed(self.models[0].decode(coder))) % (1 << 8 * self.n_bytes)
        else:
            value = 0
            for i in range(self.n_bytes):
                byte = (self.before >> 8 * i) + signed(self.models[i].decode(coder))
                value |= byte % 256 << 8 * i
        self.before = value
        return value
