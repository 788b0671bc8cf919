"""What can be wrong with a file. `docs/format.md` says when."""


class Refused(Exception):
    """The file is refused; `kind` says why."""

    kind = "corrupt"


class Corrupt(Refused):
    """A rule or a hash is broken."""


class Truncated(Refused):
    """The bytes end too early."""

    kind = "truncated"


class Unsupported(Refused):
    """A feature this reader does not know."""

    kind = "unsupported"


class MissingParent(Refused):
    """An archive that a thin one names blocks of is not there, or is another one."""

    kind = "parent"


class WrongPassword(Refused):
    """A password is missing or wrong."""

    kind = "decryption"


def require(condition: object, rule: str) -> None:
    """Refuse the file as corrupt unless `condition` holds."""
    if not condition:
        raise Corrupt(rule)
