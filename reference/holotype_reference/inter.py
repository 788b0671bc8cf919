"""Tiles against an earlier frame: `docs/codecs/inter.md`."""

from __future__ import annotations

from dataclasses import dataclass

from . import tiles
from .binary import AdaptiveBit, AdaptiveNumber, BinaryDecoder
from .errors import Truncated, Unsupported, require
from .tensor import decode_rans
from .tiles import SAMPLE_BYTES, Shape

PATH = 16
MOVED, DIFFERENCE, EXCHANGE, BLENDED = range(4)
U8 = 1
SIGNED = {1: 2, 2: 4, 4: 6, 8: 8}
THRESHOLDS = (2, 4, 6, 9, 13, 18, 24, 32, 42, 56, 76, 100, 140, 200, 300)


@dataclass(frozen=True)
class Reference:
    """The samples of a frame, its size, and where in it the tile is."""

    samples: bytes
    width: int
    height: int
    x: int
    y: int

    def rows(self, shape: Shape) -> bytes:
        """The samples where the tile is."""
        pixel = shape.n_channels * SAMPLE_BYTES[shape.sample]
        starts = [((self.y + j) * self.width + self.x) * pixel for j in range(shape.height)]
        return b"".join(self.samples[start : start + shape.width * pixel] for start in starts)


class Header:
    """Section 2: the coder and its models."""

    def __init__(self, data: bytes) -> None:
        self.coder = BinaryDecoder(data)
        self.count, self.vector, self.index, self.weight = (AdaptiveNumber() for _ in range(4))
        self.like_left = [AdaptiveBit(), AdaptiveBit()]
        self.like_above, self.joins, self.has_classes = AdaptiveBit(), AdaptiveBit(), AdaptiveBit()
        self.classes = [AdaptiveBit() for _ in range(3)]

    def number(self, model: AdaptiveNumber) -> int:
        return model.decode(self.coder)

    def bit(self, model: AdaptiveBit) -> int:
        return model.decode(self.coder)

    def signed(self, model: AdaptiveNumber) -> int:
        coded = self.number(model)
        value = coded >> 1 if coded % 2 == 0 else -(coded >> 1) - 1
        require(abs(value) <= 32767, "a signed number is out of range")
        return value



def predict(header: Header, reference: Reference, shape: Shape) -> bytes:
    """Section 3: the prediction of every pixel."""
    n = header.number(header.count) + 1
    require(n <= 64, "too many vectors")
    vectors = [(header.signed(header.vector), header.signed(header.vector)) for _ in range(n)]
    log2, across, numbers = 30, 1, [0]
    if n > 1:
        log2 = header.number(header.count) + 3
        require(log2 <= 10, "the size of blocks")
        across, down = -(-shape.width // (1 << log2)), -(-shape.height // (1 << log2))
        numbers = []
        for i in range(across * down):
            left = numbers[i - 1] if i % across else 0
            above = numbers[i - across] if i >= across else left
            if header.bit(header.like_left[left == above]):
                numbers.append(left)
            elif left != above and header.bit(header.like_above):
                numbers.append(above)
            else:
                numbers.append(header.number(header.index))
                require(numbers[-1] < n, "the number of a vector")
    pixel = shape.n_channels * SAMPLE_BYTES[shape.sample]
    out = bytearray()
    for y in range(shape.height):
        for x in range(shape.width):
            dx, dy = vectors[numbers[(y >> log2) * across + (x >> log2)]]
            fx = min(max(reference.x + x + dx, 0), reference.width - 1)
            fy = min(max(reference.y + y + dy, 0), reference.height - 1)
            at = (fy * reference.width + fx) * pixel
            out += reference.samples[at : at + pixel]
    return bytes(out)


def decode(data: bytes, shape: Shape, reference: Reference) -> bytes:
    """The samples of one coded tile of a frame with a reference."""
    if not data or data[0] != PATH:
        return tiles.decode(data, shape)
    if len(data) < 2:
        raise Truncated("form of a tile")
    if data[1] > BLENDED:
        raise Unsupported("form of a tile")
    n_header = int.from_bytes(data[2:5], "little")
    if len(data) < 5 + n_header:
        raise Truncated("header of a tile")
    header, body = Header(data[5 : 5 + n_header]), data[5 + n_header :]
    prediction = predict(header, reference, shape)
    if data[1] == BLENDED:
        return blended(header, body, shape, prediction)
    header.coder.finish_exactly()
    if data[1] == MOVED:
        require(not body, "bytes after a tile that only moved")
        return prediction
    if data[1] == DIFFERENCE:
        size = SAMPLE_BYTES[shape.sample]
        wide = Shape(shape.width, shape.height, shape.n_channels, SIGNED[size], shape.is_rgb)
        differences = tiles.decode(body, wide)
        out = bytearray()
        for i in range(0, len(differences), size):
            sample = int.from_bytes(differences[i : i + size], "little") + int.from_bytes(prediction[i : i + size], "little")
            out += (sample % (1 << 8 * size)).to_bytes(size, "little")
        return bytes(out)
    coded = tiles.decode(body, shape)
    pixel = shape.n_channels * SAMPLE_BYTES[shape.sample]
    out, zeros = bytearray(), bytes(pixel)
    for i in range(0, len(coded), pixel):
        own, predicted = coded[i : i + pixel], prediction[i : i + pixel]
        out += zeros if own == predicted else predicted if own == zeros else own
    return bytes(out)


def blended(header: Header, body: bytes, shape: Shape, prediction: bytes) -> bytes:
    """Section 5."""
    width, height, n = shape.width, shape.height, shape.n_channels
    require(shape.sample == U8 and n <= 4, "a tile that cannot be blended is")
    across, down = -(-width // 8), -(-height // 8)
    classes = [0] * (across * down)
    n_classes = 1 + header.bit(header.has_classes)
    for i in range(across * down if n_classes > 1 else 0):
        left = classes[i - 1] if i % across else 0
        above = classes[i - across] if i >= across else 0
        classes[i] = header.bit(header.classes[left + above])
    weights = [[[header.signed(header.weight) for _ in range(11 + c)] for c in range(n)] for _ in range(n_classes)]
    joins = [header.bit(header.joins) for _ in THRESHOLDS]
    header.coder.finish_exactly()
    streams, of_level = read_streams(body, joins, width * height * n)
    at = [0] * len(streams)

    def predicted(x: int, y: int, c: int) -> int:
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        return prediction[(y * width + x) * n + c]

    out = bytearray(width * height * n)
    residuals = [[[0] * (width + 2) for _ in range(n)] for _ in range(2)]
    for y in range(height):
        above, own = residuals[(y + 1) % 2], residuals[y % 2]

        def decoded(x: int, c: int, y: int = y) -> int:
            x = min(max(x, 0), width - 1)
            return out[((y - 1) * width + x) * n + c] if y else prediction[x * n + c]

        for c in range(n):
            for x in range(width):
                p = predicted(x, y, c)
                near = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)]
                values = [predicted(x + dx, y + dy, c) - p for dx, dy in near]
                values += [decoded(x, c) - p, decoded(x - 1, c) - p, decoded(x + 1, c) - p]
                values += [out[(y * width + x) * n + k] - prediction[(y * width + x) * n + k] for k in range(c)]
                w = weights[classes[(y >> 3) * across + (x >> 3)]][c]
                total = sum(a * b for a, b in zip(w, values))
                guess = min(max(p + (total + 2048 >> 12), 0), 255)
                texture = abs(predicted(x - 1, y, c) - predicted(x + 1, y, c))
                texture += abs(predicted(x, y - 1, c) - predicted(x, y + 1, c))

                def errors(r: list[int], x: int = x) -> int:
                    return 2 * abs(r[x + 1]) + abs(r[x]) + abs(r[x + 2])

                activity = texture + errors(above[c]) + (errors(own[c - 1]) if c else errors(above[c]))
                stream = of_level[sum(threshold <= activity for threshold in THRESHOLDS)]
                require(at[stream] < len(streams[stream]), "a stream ends too early")
                symbol = streams[stream][at[stream]]
                at[stream] += 1
                residual = symbol >> 1 if symbol % 2 == 0 else -(symbol >> 1) - 1
                out[(y * width + x) * n + c] = (guess + residual) % 256
                own[c][x + 1] = residual
    require(all(i == len(stream) for i, stream in zip(at, streams)), "a stream is not used up")
    return bytes(out)


def read_streams(body: bytes, joins: list[int], n_samples: int) -> tuple[list[bytes], list[int]]:
    """Section 5.3: the symbols of each stream, and the stream of each level."""
    of_level = [0]
    for join in joins:
        of_level.append(of_level[-1] + (not join))
    streams, at, left = [], 0, n_samples
    for _ in range(of_level[-1] + 1):
        if at + 8 > len(body):
            raise Truncated("streams of residuals")
        n, size = (int.from_bytes(body[i : i + 4], "little") for i in (at, at + 4))
        coded = body[at + 8 : at + 8 + size]
        at += 8 + size
        if at > len(body):
            raise Truncated("streams of residuals")
        require(n <= left and (n > 0) == (size > 0), "the streams hold the tile's residuals")
        streams.append(b"" if n == 0 else coded * n if size == 1 else decode_rans(coded, n))
        left -= n
    require(left == 0 and at == len(body), "the streams hold the tile's residuals")
    return streams, of_level


__all__ = ["Reference", "decode"]
