"""Signatures: `keygen`, `sign`, and the keys `verify` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from holotype import _holotype
from holotype._errors import ArgumentError
from holotype._sources import is_path, path_of, secret_bytes
from holotype._write import thread_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holotype._sources import Path

#: The longest signature file that is read, in bytes.
MAX_SIDE_FILE_BYTES = 64 << 10


def keygen(name: Path) -> str:
    """Make an Ed25519 key pair: the secret in `NAME.key`, mode 0600, and the public key in `NAME.pub`.

    Parameters
    ----------
    name : path
        Where, without the extension. Existing keys are never replaced.

    Returns
    -------
    str
        The public key, 64 hexadecimal digits.

    Raises
    ------
    FileExistsError
        One of the files exists.
    """
    return _holotype.keygen(path_of(name))


def sign(
    path: Path,
    *,
    key: Path,
    overwrite: bool = False,
    threads: int | None = None,
    password: str | bytes | None = None,
) -> str:
    """Verify every byte of an archive and add a signature to the file beside it, named with `.sig` appended.

    The signature is over the seal, which vouches for every byte. Others' signatures are kept.

    Parameters
    ----------
    path : path
        The archive.
    key : path
        The secret key, `NAME.key`.
    overwrite : bool
        Throw away a signature file that is of another archive.
    threads : int, optional
        At most so many; by default what the machine offers.
    password : str or bytes, optional
        Of an encrypted archive.

    Returns
    -------
    str
        The public key, 64 hexadecimal digits.

    Raises
    ------
    IntegrityError
        The archive is damaged.
    SignatureError
        The signature file there is of another archive, or one of its signatures does not hold.
    ArgumentError
        `key` is no secret key.
    """
    return _holotype.sign(
        path_of(path), path_of(key), overwrite, thread_limit(threads), secret_bytes(password)
    )


def rekey(path: Path, *, password: str | bytes, new_password: str | bytes) -> None:
    """Change the password of an encrypted archive, which is replaced in one step.

    The key inside stays: whoever opened the archive before and kept it can read it now. The seal becomes
    another one, so signatures have to be made again.

    Raises
    ------
    DecryptionError
        `password` does not open it.
    ArgumentError
        The archive is not encrypted, or the new password is empty.
    """
    old, new = secret_bytes(password), secret_bytes(new_password)
    if old is None or new is None:
        raise ArgumentError("a password is changed into another: both are needed")
    _holotype.rekey(path_of(path), old, new)


def signer_paths(public_key: Path | Sequence[Path] | None) -> list[str]:
    """The files of the keys that must have signed."""
    if public_key is None:
        return []
    if is_path(public_key):
        return [path_of(public_key)]
    paths = [path_of(key) for key in cast("Sequence[Path]", public_key)]
    if not paths:
        # An empty list would be no check at all.
        raise ArgumentError("`public_key` names no key; None asks for no signature")
    return paths


def side_file(signature: Path | bytes) -> bytes:
    """The bytes of a signature file."""
    if isinstance(signature, bytes):
        return signature
    with open(path_of(signature), "rb") as file:
        return file.read(MAX_SIDE_FILE_BYTES)
