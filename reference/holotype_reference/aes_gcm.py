"""AES-256-GCM: FIPS 197 and NIST SP 800-38D, with nonces of 12 bytes."""

from __future__ import annotations

from .errors import require

FIELD = 0x11B


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (FIELD if a & 0x80 else 0)
        b >>= 1
    return product


def _substitutions() -> list[int]:
    """FIPS 197, section 5.1.1: inverse, then an affine map."""
    out = []
    for value in range(256):
        inverse = next((x for x in range(256) if _times(value, x) == 1), 0)
        mixed = 0x63
        for turn in range(5):
            mixed ^= inverse << turn | inverse >> (8 - turn)
        out.append(mixed & 0xFF)
    return out


SBOX = _substitutions()
DOUBLE = [_times(value, 2) for value in range(256)]


class Aes256:
    """The block cipher, forwards."""

    def __init__(self, key: bytes) -> None:
        words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
        constant = 1
        while len(words) < 60:
            word = words[-1]
            if len(words) % 8 == 0:
                word = [SBOX[b] for b in word[1:] + word[:1]]
                word[0] ^= constant
                constant = DOUBLE[constant]
            elif len(words) % 8 == 4:
                word = [SBOX[b] for b in word]
            words.append([a ^ b for a, b in zip(words[-8], word)])
        self.rounds = [[b for word in words[i : i + 4] for b in word] for i in range(0, 60, 4)]

    def encrypt(self, block: bytes) -> bytes:
        state = [a ^ b for a, b in zip(block, self.rounds[0])]
        for number, keys in enumerate(self.rounds[1:], 1):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 14:
                state = [self._mixed(state, i) for i in range(16)]
            state = [a ^ b for a, b in zip(state, keys)]
        return bytes(state)

    @staticmethod
    def _mixed(state: list[int], i: int) -> int:
        """FIPS 197, section 5.1.3: one byte of a column."""
        column = state[i - i % 4 : i - i % 4 + 4]
        a, b, c, d = (column[(i + turn) % 4] for turn in range(4))
        return DOUBLE[a] ^ DOUBLE[b] ^ b ^ c ^ d


def _hash(subkey: int, data: bytes) -> int:
    """GHASH of whole blocks."""
    total = 0
    for at in range(0, len(data), 16):
        factor = total ^ int.from_bytes(data[at : at + 16], "big")
        total, value = 0, subkey
        for bit in range(127, -1, -1):
            total ^= value if factor >> bit & 1 else 0
            value = value >> 1 ^ (0xE1 << 120 if value & 1 else 0)
    return total


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def decrypt(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """The plain bytes; refuses anything that was not made by this key with this nonce and associated data."""
    require(len(data) >= 16, "a sealed payload is shorter than its tag")
    cipher = Aes256(key)
    text, tag = data[:-16], data[-16:]
    subkey = int.from_bytes(cipher.encrypt(bytes(16)), "big")
    lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * len(text)).to_bytes(8, "big")
    expected = _hash(subkey, _padded(associated) + _padded(text) + lengths)
    mask = int.from_bytes(cipher.encrypt(nonce + b"\0\0\0\1"), "big")
    require((expected ^ mask).to_bytes(16, "big") == tag, "a sealed payload does not decrypt")
    plain = bytearray()
    for at in range(0, len(text), 16):
        stream = cipher.encrypt(nonce + (at // 16 + 2).to_bytes(4, "big"))
        plain += bytes(a ^ b for a, b in zip(text[at : at + 16], stream))
    return bytes(plain)
