"""The front end: `docs/codecs.md` section 3."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .binary import AdaptiveBit, AdaptiveNumber, BinaryDecoder
from .errors import Unsupported, require

FLOATS = {9: "e", 10: "f", 11: "d"}
SIGNED = (2, 4, 6, 8)


@dataclass
class Channel:
    """What is left of a channel: its form and its parameters."""

    form: int
    base: int = 0
    maxes: tuple[int, ...] = ()
    used: tuple[int, ...] = ()
    depth: int = 0
    """How many times the float type was narrowed."""


def parse(header: bytes, n_channels: int, sample: int, sample_bytes: int) -> list[Channel]:
    """Section 3.2."""
    coder = BinaryDecoder(header)
    kind, gap, repeat = AdaptiveNumber(), AdaptiveNumber(), AdaptiveBit()
    word = [AdaptiveNumber(), AdaptiveNumber()]
    def wide() -> int:
        high = word[1].decode(coder)
        return high << 32 | word[0].decode(coder)

    def maximum() -> int:
        n = gap.decode(coder)
        require(0 < n < 1 << 16, "a plane has no range")
        return n

    def channel_of(c: int, sample: int, sample_bytes: int, depth: int) -> Channel:
        largest = (1 << 8 * sample_bytes) - 1
        form = kind.decode(coder)
        if form == 6 and sample in (10, 11):
            channel = channel_of(c, sample - 1, sample_bytes // 2, depth + 1)
            require(channel.form != 1, "a narrow float repeats a channel")
            return channel
        if form == 0:
            channel = Channel(0, wide())
            require(channel.base <= largest, "a constant exceeds its type")
        elif form == 1:
            twin = gap.decode(coder)
            require(twin < min(c, 8) and channels[twin].form != 1, "a channel repeats a wrong one")
            channel = Channel(1, twin)
        elif form == 2:
            base = wide()
            channel = Channel(2, base, (maximum(),))
            require(base + channel.maxes[0] <= largest, "a plane exceeds its type")
        elif form == 3:
            n = gap.decode(coder)
            require(2 <= n <= 1 << 16, "a rank map has 2 to 65536 values")
            used = [wide_or_gap(repeat, wide, coder, first=True)]
            while len(used) < n:
                used.append(used[-1] + 1 + wide_or_gap(repeat, wide, coder, first=False))
                require(used[-1] <= largest, "a rank map exceeds its type")
            require(used[0] <= largest, "a rank map exceeds its type")
            channel = Channel(3, 0, (n - 1,), tuple(used))
        elif form == 4 and sample in FLOATS:
            base = wide()
            base -= (base >> 63) << 64
            channel = Channel(4, base, (maximum(),))
            require(-(1 << 53) <= base <= (1 << 53) - 65536, "integers exceed their float type")
        elif form == 5 and sample_bytes >= 4:
            channel = Channel(5, 0, (65535,) * (sample_bytes // 2))
        else:
            raise Unsupported(f"channel form {form}")
        channel.depth = depth
        return channel

    channels: list[Channel] = []
    for c in range(n_channels):
        channels.append(channel_of(c, sample, sample_bytes, 0))
    coder.finish()
    return channels


def wide_or_gap(repeat: AdaptiveBit, wide, coder: BinaryDecoder, first: bool) -> int:
    return wide() if first or not repeat.decode(coder) else 0


def float_word(value: int, sample: int) -> int:
    """The word of an integer in a float type."""
    try:
        packed = struct.pack("<" + FLOATS[sample], value)
    except (OverflowError, struct.error):
        packed = b""
    require(packed and struct.unpack("<" + FLOATS[sample], packed)[0] == value, "an integer is not exact in its type")
    return to_word(int.from_bytes(packed, "little"), sample, len(packed))


def to_word(bits: int, sample: int, n_bytes: int) -> int:
    """Section 3.1."""
    sign = 1 << (8 * n_bytes - 1)
    if sample in FLOATS:
        return bits ^ ((2 * sign - 1) if bits & sign else sign)
    return bits ^ sign if sample in SIGNED else bits


FRACTION_BITS = {9: 10, 10: 23, 11: 52}


def widened(word: int, sample: int, n_bytes: int) -> int:
    """The word of a float in the next wider type, whose number is `sample + 1`."""
    n, m = FRACTION_BITS[sample], FRACTION_BITS[sample + 1]
    bits = from_word(word, sample, n_bytes)
    largest = (1 << (8 * n_bytes - 1 - n)) - 1
    wide_largest = (1 << (16 * n_bytes - 1 - m)) - 1
    sign, exponent, fraction = bits >> (8 * n_bytes - 1), bits >> n & largest, bits & ((1 << n) - 1)
    if exponent == 0 and fraction:
        # A subnormal has room for a leading one.
        shift = n + 1 - fraction.bit_length()
        exponent, fraction = 1 - shift, (fraction << shift) - (1 << n)
    is_zero = exponent == 0 and not fraction
    rebased = wide_largest if exponent == largest else 0 if is_zero else exponent - largest // 2 + wide_largest // 2
    wide = ((sign << (16 * n_bytes - 1 - m) | rebased) << m) | fraction << (m - n)
    return to_word(wide, sample + 1, 2 * n_bytes)


def from_word(word: int, sample: int, n_bytes: int) -> int:
    """Inverse of `to_word`."""
    sign = 1 << (8 * n_bytes - 1)
    if sample in FLOATS:
        return word ^ (sign if word & sign else (2 * sign - 1))
    return word ^ sign if sample in SIGNED else word


def join(channels: list[Channel], planes: list[list[int]], sample: int, n_bytes: int, n_pixels: int) -> bytes:
    """The interleaved samples of a tile."""
    rest = iter(planes)
    words: list[list[int]] = []
    tile_sample, tile_bytes = sample, n_bytes
    for channel in channels:
        sample, n_bytes = tile_sample - channel.depth, tile_bytes >> channel.depth
        own = [next(rest) for _ in channel.maxes]
        if channel.form == 0:
            words.append([channel.base] * n_pixels)
        elif channel.form == 1:
            words.append(words[channel.base])
        elif channel.form == 2:
            words.append([channel.base + v for v in own[0]])
        elif channel.form == 3:
            words.append([channel.used[v] for v in own[0]])
        elif channel.form == 4:
            words.append([float_word(channel.base + v, sample) for v in own[0]])
        else:
            digits = [0] * n_pixels
            for plane in own:
                digits = [word << 16 | v for word, v in zip(digits, plane)]
            words.append(digits)
        for _ in range(channel.depth):
            words[-1] = [widened(word, sample, n_bytes) for word in words[-1]]
            sample, n_bytes = sample + 1, 2 * n_bytes
    sample, n_bytes = tile_sample, tile_bytes
    out = bytearray()
    for pixel in zip(*words):
        for word in pixel:
            out += from_word(word, sample, n_bytes).to_bytes(n_bytes, "little")
    return bytes(out)
