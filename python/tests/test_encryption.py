"""Encrypted archives: everything with the password, nothing without, and the reference reader agrees."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import numpy as np
import pytest

import holotype
from samples import smooth

IMAGE = smooth(40, 50, 3)


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    holotype.write(path, IMAGE, name="secret-name", password="größe")
    data = path.read_bytes()
    assert b"secret" not in data
    for source in (path, data, io.BytesIO(data)):
        assert np.array_equal(holotype.read(source, password="größe"), IMAGE)
        assert holotype.info(source, password="größe".encode()).is_encrypted
        assert holotype.verify(source, password="größe")
        assert holotype.decode(source, password="größe").size == (50, 40)
        for wrong in (None, "grösse", b"", "größe\n"):
            with pytest.raises(holotype.DecryptionError):
                holotype.info(source, password=wrong)
    assert not holotype.info(holotype.dumps(IMAGE)).is_encrypted


def test_the_same_input_twice() -> None:
    first, second = holotype.dumps(IMAGE, password="p"), holotype.dumps(IMAGE, password="p")
    assert first != second
    assert np.array_equal(holotype.loads(first, password="p"), holotype.loads(second, password="p"))


def test_damage_is_not_a_wrong_password() -> None:
    data = bytearray(holotype.dumps(IMAGE, password="p"))
    for at in (20, 40, len(data) // 2, len(data) - 130, len(data) - 60):
        data[at] ^= 1
        with pytest.raises((holotype.IntegrityError, holotype.FormatError)):
            holotype.verify(bytes(data), password="p")
        data[at] ^= 1
    assert holotype.verify(bytes(data), password="p")


def test_rekey_and_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    holotype.write(path, IMAGE, password="old")
    with pytest.raises(holotype.DecryptionError):
        holotype.rekey(path, password="wrong", new_password="new")
    with pytest.raises(holotype.ArgumentError):
        holotype.rekey(path, password="old", new_password="")
    holotype.rekey(path, password="old", new_password="new")
    with pytest.raises(holotype.DecryptionError):
        holotype.read(path, password="old")
    holotype.keygen(tmp_path / "me")
    holotype.sign(path, key=tmp_path / "me.key", password="new")
    assert holotype.verify(path, public_key=tmp_path / "me.pub", password="new").signers


def test_the_reference_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.syspath_prepend(str(root / "reference"))
    reference = importlib.import_module("holotype_reference")
    data = (root / "docs/vectors/good/encrypted.holo").read_bytes()
    archive = reference.Archive(data, b"vector")
    (image, notes) = archive.items
    assert reference.read_image(archive, image).samples == holotype.read(data, password="vector").tobytes()
    assert reference.read_file(archive, notes) == b"the same line again\n" * 40
    for password in (None, b"victor"):
        with pytest.raises(reference.WrongPassword):
            reference.Archive(data, password)
