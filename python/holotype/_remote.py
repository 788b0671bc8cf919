"""How archives behind `http`, `https` and `s3` addresses are reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Remote:
    """How an archive at an address is read or written.

    Attributes
    ----------
    allow_restricted : bool
        Reach private, loopback, link-local and other special addresses, by themselves or through a redirect.
        False by default, so that an address from a stranger leads nowhere in your own network.
    s3_region : str, optional
        Region of the bucket; by default the environment's, the profile's, `us-east-1`.
    endpoint_url : str, optional
        A server that speaks S3's protocol; by default the environment's, Amazon's.
    anonymous : bool
        Ask S3 without signing, for public objects.
    deadline : float
        Seconds one read may take, retries included; a second more for each 256 KiB.
    """

    allow_restricted: bool = False
    s3_region: str | None = None
    endpoint_url: str | None = None
    anonymous: bool = False
    deadline: float = 60.0


#: What holds where nothing is said.
DEFAULT = Remote()


def remote_of(remote: Remote | None, **given: Any) -> Remote:
    """`remote` with what was given besides; None gives nothing."""
    return replace(remote or DEFAULT, **{key: value for key, value in given.items() if value is not None})
