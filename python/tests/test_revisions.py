"""Archives that are appended to."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

import holotype

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.holo"
    with holotype.Writer(path) as writer:
        writer.add(b"monday", name="day").add(b"unnamed").add_metadata({"by": "anna", "n": 1})
    return path


def test_revisions_are_added_listed_and_read(archive: Path) -> None:
    first = archive.read_bytes()
    content = np.random.default_rng(1).bytes(200_000)
    with holotype.open(archive, "a") as writer:
        writer.add(b"tuesday", name="day").add(content).add_metadata({"n": 2})
    with holotype.Writer(archive, append=True) as writer:
        writer.add(content, name="again").remove("data-0")
    assert archive.read_bytes().startswith(first)
    assert archive.stat().st_size < 210_000
    with holotype.open(archive) as reader:
        assert reader.names() == ["day", "data-1", "again"]
        assert reader["day"].read() == b"tuesday"
        assert reader["again"].read() == content
        assert reader.metadata.revision == 3
        assert reader.metadata.user == {"by": "anna", "n": 2}
        assert [one["number"] for one in reader.revisions] == [1, 2, 3]
        assert reader.revisions[0]["n_bytes"] == len(first)
        assert reader.revisions[2]["seal"] == reader.seal
    with holotype.open(archive, revision=1) as reader:
        assert reader.names() == ["day", "data-0"]
        assert reader["day"].read() == b"monday"
        assert reader.metadata.user == {"by": "anna", "n": 1}
        again = pickle.loads(pickle.dumps(reader))
        assert again["day"].read() == b"monday"
    for missing in (4, 10**12):
        with pytest.raises(holotype.NotFoundError):
            holotype.open(archive, revision=missing)
    for wrong in (0, -1):
        with pytest.raises(holotype.ArgumentError):
            holotype.open(archive, revision=wrong)
    assert holotype.verify(archive)


def test_a_pickled_reader_stays_at_its_revision(archive: Path) -> None:
    with holotype.open(archive) as reader:
        pickled = pickle.dumps(reader)
    with holotype.open(archive, "a") as writer:
        writer.add(b"tuesday", name="day")
    assert pickle.loads(pickled)["day"].read() == b"monday"


def test_a_snapshot_replaces_everything(archive: Path) -> None:
    with holotype.open(archive, "a") as writer:
        writer.remove_all().add(b"wednesday", name="other")
    with holotype.open(archive) as reader:
        assert reader.names() == ["other"]
    with holotype.open(archive, "a") as writer:
        with pytest.raises(holotype.NotFoundError):
            writer.remove("day")
        writer.discard()


def test_an_unfinished_append_is_an_error_that_loses_nothing(archive: Path) -> None:
    first = archive.read_bytes()

    def fail() -> None:
        with holotype.open(archive, "a") as writer:
            writer.add(bytes(5000))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert archive.read_bytes() == first
    archive.write_bytes(first + first[32:60])
    with pytest.raises(holotype.HolotypeError):
        holotype.open(archive)
    with holotype.open(archive, revision="whole") as reader:
        assert reader["day"].read() == b"monday"
    with holotype.open(archive, "a") as writer:
        writer.add(b"tuesday", name="day")
    assert archive.read_bytes().startswith(first)
    assert holotype.verify(archive)


def test_encrypted_archives_are_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    with holotype.Writer(path, password="open") as writer:
        writer.add(b"monday", name="day")
    with pytest.raises(holotype.DecryptionError):
        holotype.open(path, "a")
    with holotype.open(path, "a", password="open") as writer:
        writer.add(b"tuesday", name="day").add_metadata({"n": 2})
    with holotype.open(path, password="open") as reader:
        assert (reader["day"].read(), reader.metadata.user) == (b"tuesday", {"n": 2})
    with holotype.open(path, password="open", revision=1) as reader:
        assert reader["day"].read() == b"monday"


def test_only_files_are_appended_to(tmp_path: Path) -> None:
    for destination in (None, "s3://bucket/key"):
        with pytest.raises(holotype.ArgumentError):
            holotype.Writer(destination, append=True)
    with pytest.raises(FileNotFoundError):
        holotype.Writer(tmp_path / "none.holo", append=True)
    with holotype.Writer(None) as writer, pytest.raises(holotype.ArgumentError):
        writer.remove("x")
