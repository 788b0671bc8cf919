"""Image tiles: `docs/codecs.md`. One module a path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import adaptive, archival, direct, frontend, indexed, lanes, rice, wavefront
from .errors import Truncated, Unsupported, require

SAMPLE_BYTES = (1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8)


@dataclass(frozen=True)
class Shape:
    """What is known before a tile's bytes are looked at."""

    width: int
    height: int
    n_channels: int
    sample: int
    is_rgb: bool

    @property
    def n_bytes(self) -> int:
        """Bytes of all samples."""
        return self.width * self.height * self.n_channels * SAMPLE_BYTES[self.sample]


def raw(body: bytes, shape: Shape) -> bytes:
    """Path 0: the samples as they are."""
    if len(body) < shape.n_bytes:
        raise Truncated("raw samples")
    require(len(body) == shape.n_bytes, "bytes after the raw samples")
    return body


def fast(body: bytes, shape: Shape) -> bytes:
    """Path 1: bytes in 32 interleaved streams."""
    require(SAMPLE_BYTES[shape.sample] == 1 and shape.n_channels <= 4, "the fast path holds bytes")
    return direct.decode(body, shape.width, shape.height, shape.n_channels, shape.is_rgb)


CODERS = {0: rice.decode, 1: adaptive.decode, 2: wavefront.decode, 3: archival.decode, 4: lanes.decode}


def planes(body: bytes, shape: Shape) -> bytes:
    """Path 2: front-end header and coded planes."""
    n_header = int.from_bytes(body[:3], "little")
    if len(body) < 3 + n_header:
        raise Truncated("front-end header")
    header, coded = body[3 : 3 + n_header], body[3 + n_header :]
    sample_bytes = SAMPLE_BYTES[shape.sample]
    channels = frontend.parse(header, shape.n_channels, shape.sample, sample_bytes)
    maxes = [m for channel in channels for m in channel.maxes]
    decoded: list[list[int]] = []
    if maxes:
        if not coded:
            raise Truncated("coder id")
        if coded[0] not in CODERS:
            raise Unsupported(f"plane coder {coded[0]}")
        forms = {(channel.form, channel.depth) for channel in channels[:3]}
        is_rgb = shape.is_rgb and len(channels) >= 3 and len(forms) == 1 and forms.copy().pop()[0] in (2, 3)
        decoded = CODERS[coded[0]](coded[1:], shape.width, shape.height, maxes, is_rgb)
    else:
        require(not coded, "bytes after a tile without planes")
    return frontend.join(channels, decoded, shape.sample, sample_bytes, shape.width * shape.height)


def pixels(body: bytes, shape: Shape) -> bytes:
    """Path 3: a coder of whole pixels."""
    n_bytes = SAMPLE_BYTES[shape.sample]
    return indexed.decode(body, shape.width, shape.height, shape.n_channels, n_bytes, shape.is_rgb)


def folded(body: bytes, shape: Shape) -> bytes:
    """Path 4: a row for every pixel, a column for every channel."""
    require(shape.n_channels >= 16, "a tile of few channels is folded")
    require(body[:1] != b"\x04", "a tile is folded twice")
    return decode(body, Shape(shape.n_channels, shape.width * shape.height, 1, shape.sample, False))


def digits(body: bytes, shape: Shape) -> bytes:
    """Path 6: a tile for each 16-bit digit of the samples' words."""
    n_bytes = SAMPLE_BYTES[shape.sample]
    require(n_bytes >= 4, "a narrow sample has no digits")
    if not body:
        raise Truncated("digits")
    if body[0] > 1:
        raise Unsupported(f"form of digits {body[0]}")
    n, body, is_void = n_bytes // 2, body[1:], body[0] == 1
    void = -1
    if is_void:
        require(shape.n_channels == 1, "a void in a tile of several channels")
        void, body = int.from_bytes(body[:n_bytes], "little"), body[n_bytes:]
    row = shape.width * shape.n_channels
    words = [0] * (row * shape.height)
    places = range(len(words))
    for i in range(n):
        coded = body
        if i + 1 < n:
            size = int.from_bytes(body[:4], "little")
            coded, body = body[4 : 4 + size], body[4 + size :]
            if len(coded) < size:
                raise Truncated("digits")
        height = -(-len(places) // row)
        samples = decode(coded, Shape(shape.width, height, shape.n_channels, U16, False))
        values = [int.from_bytes(samples[j : j + 2], "little") for j in range(0, len(samples), 2)]
        require(not any(values[len(places) :]), "digits after the last")
        for place, value in zip(places, values):
            words[place] = words[place] << 16 | value
        if i == 0 and is_void:
            first = void >> 16 * (n - 1)
            others = [place for place, word in enumerate(words) if word != first]
            require(others, "a tile of nothing but void")
            words = [void if word == first else word for word in words]
            places = others
    return b"".join(frontend.from_word(w, shape.sample, n_bytes).to_bytes(n_bytes, "little") for w in words)


def holes(body: bytes, shape: Shape) -> bytes:
    """Path 7: a mask of the holes, and a tile that has the other samples."""
    n_bytes = SAMPLE_BYTES[shape.sample]
    require(shape.n_channels == 1 and n_bytes <= 2, "holes in a tile that has no room for them")
    hole, size, body = body[:n_bytes], body[n_bytes : n_bytes + 4], body[n_bytes + 4 :]
    n_mask = int.from_bytes(size, "little")
    if len(size) < 4 or len(body) < n_mask:
        raise Truncated("holes")
    coded, body = body[:n_mask], body[n_mask:]
    require(coded[:1] != b"\x07" and body[:1] != b"\x07", "holes within holes")
    mask = decode(coded, Shape(shape.width, shape.height, 1, U8, False))
    require(max(mask) <= 1, "a mask of more than 0 and 1")
    samples = decode(body, shape)
    places = range(0, len(samples), n_bytes)
    return b"".join(hole if m else samples[at : at + n_bytes] for m, at in zip(mask, places))


U8, U16 = 1, 3

PATHS: dict[int, Callable[[bytes, Shape], bytes]] = {
    0: raw,
    1: fast,
    2: planes,
    3: pixels,
    4: folded,
    6: digits,
    7: holes,
}


def decode(data: bytes, shape: Shape) -> bytes:
    """The samples of one coded tile."""
    if not data:
        raise Truncated("path id")
    if data[0] not in PATHS:
        raise Unsupported(f"tile path {data[0]}")
    return PATHS[data[0]](data[1:], shape)
