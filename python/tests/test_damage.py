"""Damage is noticed, typed, and never becomes an image."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import holotype
from samples import noise, same, smooth

GOOD = holotype.dumps(smooth(9, 11, 3), mode="fast")
WANT = holotype.loads(GOOD)


def outcomes(data: bytes) -> set[str]:
    """What reading and verifying damaged bytes does; anything but a HolotypeError fails the test."""
    seen = set()
    try:
        seen.add("read right" if same(holotype.loads(data), WANT) else "READ WRONG")
    except holotype.HolotypeError:
        seen.add("read refused")
    try:
        seen.add("VERIFIED" if holotype.verify(data) else "NOT RAISED")
    except holotype.HolotypeError:
        seen.add("verify refused")
    return seen


def test_every_bit() -> None:
    seen = set()
    for bit in range(8 * len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[bit // 8] ^= 1 << bit % 8
        seen |= outcomes(bytes(damaged))
    assert seen <= {"read right", "read refused", "verify refused"}


def test_every_cut_is_truncation() -> None:
    for n in range(len(GOOD)):
        assert outcomes(GOOD[:n]) == {"read refused", "verify refused"}, n
    with pytest.raises(holotype.TruncatedError):
        holotype.loads(GOOD[:20])


def test_trailing_bytes() -> None:
    for n in (1, 36, 4096):
        assert outcomes(GOOD + bytes(n)) == {"read refused", "verify refused"}


@pytest.mark.parametrize("data", [b"", b"P6 1 1 255\n123", b"\x89PNG\r\n\x1a\n" + bytes(400)])
def test_other_files(data: bytes) -> None:
    with pytest.raises(holotype.HolotypeError):
        holotype.info(data)


def test_not_an_archive_is_a_value_error() -> None:
    with pytest.raises(holotype.FormatError, match="not a Holotype archive") as caught:
        holotype.info(b"\x89PNG\r\n\x1a\n" + bytes(400))
    assert isinstance(caught.value, ValueError)


def test_verify_names_the_place() -> None:
    array = noise((200, 200), "uint8")
    data = bytearray(holotype.dumps(array, tile_edge=64, mode="fast", preview=False))
    assert holotype.verify(bytes(data)).n_items == 1
    data[len(data) // 2] ^= 1
    with pytest.raises(holotype.IntegrityError) as caught:
        holotype.verify(bytes(data))
    report = caught.value.report
    assert report is not None
    assert not report
    finding = next(f for f in report.findings if f.tile is not None)
    assert finding.item == "image"
    assert finding.offset_bytes is not None
    assert finding.n_bytes is not None
    assert finding.offset_bytes <= len(data) // 2 < finding.offset_bytes + finding.n_bytes
    x, y, width, height = finding.tile  # type: ignore[misc]
    other = (x + 64) % 192, y, min(64, 200 - (x + 64) % 192), height
    part = holotype.loads(bytes(data), region=other)
    assert same(part, np.ascontiguousarray(array[y : y + height, other[0] : other[0] + other[2]]))
    with pytest.raises(holotype.IntegrityError):
        holotype.loads(bytes(data), region=(x, y, width, height))


def errors() -> list[Exception]:
    found: list[Exception] = []
    calls: list[tuple[Any, ...]] = [
        (holotype.loads, GOOD[:-1]),
        (holotype.loads, GOOD[:10]),
        (holotype.loads, bytes(500)),
        (holotype.verify, GOOD[:100] + bytes([GOOD[100] ^ 1]) + GOOD[101:]),
        (holotype.dumps, np.zeros((2, 2), "O")),
        (holotype.dumps, np.zeros((1,) * 33)),
        (holotype.decode, holotype.dumps(np.zeros((2, 2, 9)))),
    ]
    for call, argument in calls:
        with pytest.raises(holotype.HolotypeError) as caught:
            call(argument)
        found.append(caught.value)
    return found


def test_errors_pickle() -> None:
    for error in errors():
        back = pickle.loads(pickle.dumps(error))
        assert type(back) is type(error)
        assert str(back) == str(error)
        assert back.__dict__ == error.__dict__


def test_the_tree() -> None:
    for name in ("IntegrityError", "FormatError", "UnsupportedError", "LimitError", "ArgumentError"):
        assert issubclass(getattr(holotype, name), holotype.HolotypeError)
    assert issubclass(holotype.TruncatedError, holotype.IntegrityError)
    assert issubclass(holotype.NotFoundError, LookupError)
