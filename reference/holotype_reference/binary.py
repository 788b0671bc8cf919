"""The binary coder, adaptive bits and numbers: `docs/codecs/adaptive.md` section 1."""

from __future__ import annotations

from .errors import Truncated, require

MASK = 0xFFFFFFFF


class BinaryDecoder:
    """Decodes bits under given probabilities."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 4
        self.low, self.high = 0, MASK
        self.value = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    def bit(self, p: int) -> int:
        """One bit; `p` is the probability of a 1 in 65536ths."""
        middle = self.low + ((self.high - self.low) * p >> 16)
        bit = self.value <= middle
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while (self.low ^ self.high) >> 24 == 0:
            self.low = self.low << 8 & MASK
            self.high = self.high << 8 & MASK | 255
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.value = self.value << 8 & MASK | byte
            self.at += 1
        return int(bit)

    def finish(self) -> None:
        """Check that the stream was used up and not read past."""
        require(self.at >= len(self.data), "bytes after a coded stream")
        if self.at > len(self.data) + 4:
            raise Truncated("coded stream")


    def finish_exactly(self) -> None:
        """Check that the stream ends with the fewest bytes whose continuation by zeros decodes alike."""
        expected = b""
        for n in range(5):
            unit = 1 << 8 * (4 - n)
            value = -(-self.low // unit) * unit
            if value <= self.high:
                expected = value.to_bytes(4, "big")[:n]
                break
        tail = self.data[self.at - 4 :]
        if self.at - 4 > len(self.data) or len(tail) < len(expected):
            raise Truncated("coded stream")
        require(tail == expected, "the coded bits do not end where they should")


class AdaptiveBit:
    """A probability that learns."""

    def __init__(self) -> None:
        self.p, self.n = 32768, 0

    def decode(self, coder: BinaryDecoder) -> int:
        bit = coder.bit(self.p)
        difference = (65503 if bit else 32) - self.p
        step = abs(difference) // (self.n + 2)
        self.p += step if difference >= 0 else -step
        self.n = min(self.n + 1, 30)
        return bit


class AdaptiveNumber:
    """A number of up to 32 bits."""

    def __init__(self) -> None:
        self.length = [AdaptiveBit() for _ in range(33)]
        self.top = [AdaptiveBit() for _ in range(33)]

    def decode(self, coder: BinaryDecoder) -> int:
        length = 0
        while length < 32 and self.length[length].decode(coder):
            length += 1
        if length < 2:
            return length
        value = 1
        for i in range(length - 1):
            value = value << 1 | (self.top[length].decode(coder) if i == 0 else coder.bit(32768))
        return value
