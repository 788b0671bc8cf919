"""The exception tree. `OSError` is kept for what the operating system refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holotype._info import VerifyReport


class HolotypeError(Exception):
    """Anything Holotype itself has to say; one subclass per kind.

    Attributes
    ----------
    item : str or None
        The item it happened in.
    """

    def __init__(self, message: str = "", item: str | None = None) -> None:
        super().__init__(message)
        self.item = item


class IntegrityError(HolotypeError):
    """The bytes contradict a hash or a rule: something changed since the archive was sealed.

    Attributes
    ----------
    report : VerifyReport or None
        What `verify` found.
    """

    report: VerifyReport | None = None


class TruncatedError(IntegrityError):
    """The bytes end too early."""


class SignatureError(IntegrityError):
    """A signature is missing or does not hold: even if the bytes are intact, no one vouches for them."""


class DecryptionError(HolotypeError):
    """The archive is encrypted and the password is missing or wrong. Damage is an `IntegrityError`."""


class RemoteError(HolotypeError, OSError):
    """A server could not be read, gave up, lied, or replaced the object; or the address is restricted."""


class FormatError(HolotypeError, ValueError):
    """The bytes are no Holotype archive, or a source file breaks the rules of its own format."""


class UnsupportedError(HolotypeError):
    """This version cannot do that; nothing is wrong with the data."""


class LimitError(HolotypeError):
    """A limit refused it before memory was allocated."""


class ArgumentError(HolotypeError, ValueError):
    """The arguments do not fit together or do not fit the archive."""


class NotFoundError(HolotypeError, KeyError):
    """The archive has no such item."""

    def __str__(self) -> str:
        # A `KeyError` shows its argument as a key.
        return str(self.args[0])


class ParentError(HolotypeError, LookupError):
    """An archive that a thin one names blocks of is missing or was replaced; the message names it."""


class LossError(HolotypeError, ValueError):
    """The file format asked for cannot hold everything the archive holds."""
