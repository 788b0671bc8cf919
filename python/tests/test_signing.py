"""`keygen`, `sign`, `verify(public_key=)`; the reference reader checks the same signatures."""

from __future__ import annotations

import importlib
import stat
import sys
from pathlib import Path

import pytest

import holotype
from samples import smooth


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    path = tmp_path / "a.holo"
    holotype.write(path, smooth(8, 9), mode="fast")
    holotype.keygen(tmp_path / "me")
    holotype.sign(path, key=tmp_path / "me.key")
    return path


def test_a_signed_archive_verifies(signed: Path) -> None:
    folder = signed.parent
    other = holotype.keygen(folder / "other")
    report = holotype.verify(signed, public_key=folder / "me.pub")
    assert report
    (signer,) = report.signers
    assert signer in (folder / "me.pub").read_text()
    with pytest.raises(holotype.SignatureError, match=other):
        holotype.verify(signed, public_key=[folder / "me.pub", folder / "other.pub"])
    assert holotype.sign(signed, key=folder / "other.key") == other
    assert len(holotype.verify(signed, public_key=[folder / "me.pub", folder / "other.pub"]).signers) == 2
    assert holotype.verify(signed).signers == ()


def test_no_changed_byte_survives(signed: Path) -> None:
    key = signed.parent / "me.pub"
    good, side = signed.read_bytes(), Path(f"{signed}.sig").read_bytes()
    assert holotype.verify(good, public_key=key, signature=side)
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 0x55
        with pytest.raises(holotype.HolotypeError):
            holotype.verify(bytes(bad), public_key=key, signature=side)
    for at in range(len(side)):
        broken = bytearray(side)
        broken[at] ^= 0x55
        with pytest.raises((holotype.SignatureError, holotype.UnsupportedError)):
            holotype.verify(good, public_key=key, signature=bytes(broken))


def test_missing_and_misused(signed: Path, tmp_path: Path) -> None:
    key = tmp_path / "me.pub"
    data = signed.read_bytes()
    Path(f"{signed}.sig").unlink()
    with pytest.raises(holotype.SignatureError, match=r"a\.holo\.sig"):
        holotype.verify(signed, public_key=key)
    with pytest.raises(holotype.ArgumentError):
        holotype.verify(data, public_key=key)
    with pytest.raises(holotype.ArgumentError):
        holotype.verify(signed, public_key=[])
    with pytest.raises(holotype.ArgumentError):
        holotype.verify(signed, signature=b"")
    with pytest.raises(holotype.ArgumentError):
        holotype.verify(signed, public_key=tmp_path / "me.key")
    with pytest.raises(holotype.ArgumentError):
        holotype.sign(signed, key=key)
    with pytest.raises(FileExistsError):
        holotype.keygen(tmp_path / "me")


@pytest.mark.skipif(sys.platform == "win32", reason="no modes")
def test_the_secret_is_the_owners(signed: Path) -> None:
    assert stat.S_IMODE((signed.parent / "me.key").stat().st_mode) == 0o600


def test_the_reference_agrees(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "reference"))
    reference = importlib.import_module("holotype_reference")
    archive = reference.Archive(signed.read_bytes())
    side = Path(f"{signed}.sig").read_bytes()
    (key,) = reference.check_signatures(side, archive.seal)
    assert key.hex() in (signed.parent / "me.pub").read_text()
    for at in (9, 40, len(side) - 40, len(side) - 1):
        bad = bytearray(side)
        bad[at] ^= 1
        with pytest.raises(reference.Refused):
            reference.check_signatures(bytes(bad), archive.seal)
