"""Thin archives: what a parent has is named and reads as if it were stored; a lost parent is an error."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import pytest

import holotype

OLD = random.Random(1).randbytes(3_000_000)
NEW = OLD[1_300_000:] + b"inserted" + OLD[:1_300_000]


def make(folder: Path, password: str | None = None) -> tuple[Path, Path]:
    old, new = folder / "old.holo", folder / "new.holo"
    with holotype.Writer(old, password=password) as writer:
        writer.add_bytes(OLD, name="data")
    with holotype.Writer(new, parent=old, password=password) as writer:
        writer.add_bytes(NEW, name="data")
    return old, new


def test_there_and_back(tmp_path: Path) -> None:
    _, new = make(tmp_path)
    assert new.stat().st_size < 1_000_000
    with holotype.open(new) as reader:
        assert reader["data"].read() == NEW
        assert [parent["hints"] for parent in reader.parents] == [["old.holo"]]
        assert pickle.loads(pickle.dumps(reader))[:10] == NEW[:10]
    assert holotype.verify(new)
    holotype.flatten(new, tmp_path / "flat.holo")
    with holotype.open(tmp_path / "flat.holo") as reader:
        assert reader["data"].read() == NEW
        assert reader.parents == []


def test_a_lost_parent_is_named(tmp_path: Path) -> None:
    old, new = make(tmp_path)
    with holotype.open(old) as reader:
        seal = reader.seal
    (tmp_path / "away").mkdir()
    old.rename(tmp_path / "away" / "old.holo")
    with holotype.open(new) as reader, pytest.raises(holotype.ParentError, match=seal):
        reader.read()
    with pytest.raises(holotype.ParentError):
        holotype.flatten(new, tmp_path / "flat.holo")
    assert not (tmp_path / "flat.holo").exists()
    for given in (tmp_path / "away", [tmp_path / "away" / "old.holo"]):
        with holotype.open(new, parents=given) as reader:
            assert reader.read() == NEW


def test_encrypted(tmp_path: Path) -> None:
    old, new = make(tmp_path, "p")
    with holotype.open(new, password="p") as reader:
        assert reader.read() == NEW
    with pytest.raises(holotype.ArgumentError):
        holotype.Writer(tmp_path / "plain.holo", parent=old, parent_password="p")
    holotype.flatten(new, tmp_path / "flat.holo", password="p", new_password="q")
    with holotype.open(tmp_path / "flat.holo", password="q") as reader:
        assert reader.read() == NEW
