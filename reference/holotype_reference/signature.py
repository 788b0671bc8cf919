"""Signatures: `docs/format.md` section 12. Ed25519 is that of RFC 8032, section 5.1."""

from __future__ import annotations

import hashlib

from . import cbor
from .errors import Unsupported, require

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    """The sum of two points in extended coordinates."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, t, z, y = f - e, h - g, h + g, f + e
    return x * t % P, z * y % P, t * z % P, x * y % P


def multiply(n: int, point: Point) -> Point:
    total = NEUTRAL
    while n:
        if n & 1:
            total = add(total, point)
        point = add(point, point)
        n >>= 1
    return total


def equal(a: Point, b: Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decompress(data: bytes) -> Point:
    """The point of 32 bytes; other encodings of the same point, and points of small order, are refused."""
    encoded = int.from_bytes(data, "little")
    sign, y = encoded >> 255, encoded & ((1 << 255) - 1)
    require(y < P, "a point is not in its one encoding")
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    require((x * x - x2) % P == 0 and (x or not sign), "bytes that are no point")
    x = P - x if x & 1 != sign else x
    point = (x, y, 1, x * y % P)
    require(not equal(multiply(8, point), NEUTRAL), "a point of small order")
    return point


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def check_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    """Refuse unless `signature` is that of `message` under `public`."""
    require(len(public) == 32 and len(signature) == 64, "a key or a signature has another length")
    key, commitment = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    require(s < L, "a signature is not in its one encoding")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    require(equal(multiply(s, BASE), add(commitment, multiply(k, key))), "a signature does not hold")


def check_signatures(data: bytes, seal: bytes) -> list[bytes]:
    """The public keys that signed the archive with this seal; every signature of the file is checked."""
    require(data[:8] == b"\x8bHSIG\r\n\x1a", "the magic number is missing")
    record = cbor.decode(data[8:])
    require(isinstance(record, dict) and isinstance(record.get(1), list), "the signature file is a map")
    if any(key > 1 for key in record):
        raise Unsupported("signature file key")
    require(record.get(0) == seal, "the signatures are of another archive")
    require(0 < len(record[1]) <= 64, "1 to 64 signatures")
    keys: list[bytes] = []
    for entry in record[1]:
        require(isinstance(entry, list) and len(entry) == 3, "a signature is malformed")
        algorithm, public, signature = entry
        require(isinstance(algorithm, int) and isinstance(public, bytes) and isinstance(signature, bytes), "a signature is malformed")
        if algorithm != 1:
            raise Unsupported("signature algorithm")
        require(not keys or public > keys[-1], "signatures ascend by their keys")
        check_ed25519(public, b"holotype signature v1\0" + seal, signature)
        keys.append(public)
    return keys
