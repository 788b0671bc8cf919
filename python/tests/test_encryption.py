"""Encrypted archives: everything with the password, nothing without, and the reference reader agrees."""

from __future__ import annotations

import importlib
import io
import pickle
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


def test_files(tmp_path: Path) -> None:
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "letter").write_bytes(b"whispered words\n" * 9000)
    path, memory = tmp_path / "a.holo", holotype.Writer(None, password="p")
    assert holotype.build(folder, path, password="p").n_items == 1
    with memory as writer:
        writer.add(b"Dear reader", name="letter").add(IMAGE, name="map").add_metadata({"hidden": 1})
    for data in (path.read_bytes(), memory.data):
        assert b"letter" not in data
        assert b"hidden" not in data
        assert b"whispered" not in data
    with holotype.open(path, password="p") as reader:
        assert reader["letter"].read(9, offset=16 * 8999) == b"whispered"
        again = pickle.loads(pickle.dumps(reader))
        assert again.names() == ["letter"]
        assert again[:9] == b"whispered"
    with holotype.open(memory.data, password=b"p") as reader:
        assert np.array_equal(reader.array("map"), IMAGE)
        assert reader.metadata.user == {"hidden": 1}
    assert holotype.unpack(path, tmp_path / "out", password="p") == 16 * 9000
    assert (tmp_path / "out" / "letter").read_bytes() == (folder / "letter").read_bytes()
    for wrong in (None, "q"):
        with pytest.raises(holotype.DecryptionError):
            holotype.open(path, password=wrong)
        with pytest.raises(holotype.DecryptionError):
            holotype.unpack(path, tmp_path / "none", password=wrong)
        assert not (tmp_path / "none").exists()


def test_tensors(tmp_path: Path) -> None:
    path = tmp_path / "t.holo"
    array = np.linspace(0, 1, 5000, dtype=np.float32).reshape(50, 100)
    with holotype.TensorWriter(path, password="p") as writer:
        writer.add_tensor("hidden.weight", array, codec="raw", attributes={"layer": "hidden"})
    assert b"hidden" not in path.read_bytes()
    tensors = holotype.open_tensors(path, password="p")
    assert np.array_equal(tensors["hidden.weight"][3:5], array[3:5])
    assert np.array_equal(pickle.loads(pickle.dumps(tensors))["hidden.weight"].read(), array)
    with pytest.raises(holotype.UnsupportedError):
        tensors["hidden.weight"].map()
    with pytest.raises(holotype.DecryptionError):
        holotype.open_tensors(path)
    vector = np.arange(7, dtype=np.int64)
    assert np.array_equal(holotype.loads(holotype.dumps(vector, password="p"), password="p"), vector)


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
