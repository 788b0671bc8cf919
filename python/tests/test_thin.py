"""Thin archives: what a parent has is named and reads as if it were stored; a lost parent is an error."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

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
    with pytest.raises(holotype.IntegrityError, match=seal) as failed:
        holotype.verify(new)
    report = failed.value.report
    assert report is not None
    assert all(finding.in_parent for finding in report.findings)
    with pytest.raises(holotype.ParentError, match=seal):
        holotype.unpack(new, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    places: tuple[Any, ...] = (tmp_path / "away", [tmp_path / "away" / "old.holo"])
    for number, given in enumerate(places):
        with holotype.open(new, parents=given) as reader:
            assert reader.read() == NEW
        assert holotype.verify(new, parents=given)
        assert holotype.verify(new.read_bytes(), parents=given)
        with open(new, "rb") as file:
            assert holotype.verify(file, parents=given, revision=1)
        out = tmp_path / f"out{number}"
        assert holotype.unpack(new, out, parents=given, revision=1) == len(NEW)
        assert (out / "data").read_bytes() == NEW


def test_no_archive_replaces_what_it_needs(tmp_path: Path) -> None:
    old, new = make(tmp_path)
    for parent in (old, new):
        with pytest.raises(holotype.ArgumentError, match="own parent"):
            holotype.Writer(old, overwrite=True, parent=parent)
    overlay = tmp_path / "overlay"
    overlay.write_bytes(bytes(4096))
    (tmp_path / "overlay.meta").write_bytes(bytes(8))
    with pytest.raises(holotype.ArgumentError, match="own parent"):  # noqa: SIM117
        with holotype.Writer(old, overwrite=True) as writer:
            writer.merge_overlay(base=old, overlay=overlay, thin=True)
    assert holotype.open(new).read() == NEW
    # What is copied of it is no matter.
    with holotype.Writer(old, overwrite=True) as writer:
        writer.merge_overlay(base=old, overlay=overlay)
    assert holotype.open(old).read() == bytes(4096) + OLD[4096:]


def test_encrypted(tmp_path: Path) -> None:
    old, new = make(tmp_path, "p")
    with holotype.open(new, password="p") as reader:
        assert reader.read() == NEW
    with pytest.raises(holotype.ArgumentError):
        holotype.Writer(tmp_path / "plain.holo", parent=old, parent_password="p")
    holotype.flatten(new, tmp_path / "flat.holo", password="p", new_password="q")
    with holotype.open(tmp_path / "flat.holo", password="q") as reader:
        assert reader.read() == NEW
