"""What a file system knew of a file: `docs/format.md` section 5.8."""

from __future__ import annotations

from .errors import Unsupported, require

FILE, DIRECTORY, SYMLINK = 1, 6, 7


def check(item: dict) -> None:
    """Item key 12, and what it has to do with the kind."""
    known = item.get(12, {})
    require(isinstance(known, dict) and (known or 12 not in item), "attributes are a map with entries")
    if any(key > 6 for key in known):
        raise Unsupported("file attribute")
    mode, seconds, nanoseconds = (known.get(key, 0) for key in (0, 1, 2))
    require(all(isinstance(n, int) for n in (mode, seconds, nanoseconds)), "mode and time are numbers")
    require(mode <= 0o7777, "the mode has unknown bits")
    require(2 not in known or (1 in known and 0 < nanoseconds < 10**9), "nanoseconds")
    for path in (known.get(3), known.get(6)):
        require(path is None or (isinstance(path, bytes) and 0 < len(path) <= 4096 and 0 not in path), "a path")
    require(3 not in known or not is_utf8(known[3]), "a raw path is UTF-8")
    pairs = known.get(4)
    if pairs is not None:
        require(isinstance(pairs, list) and pairs, "extended attributes")
        for pair in pairs:
            require(isinstance(pair, list) and len(pair) == 2 and all(isinstance(b, bytes) for b in pair), "extended attributes")
        names = [name for name, _ in pairs]
        require(all(name and 0 not in name for name in names), "extended attributes")
        require(all(a < b for a, b in zip(names, names[1:])), "extended attributes")
    require(5 not in known or (isinstance(known[5], str) and known[5] and item[1] == FILE), "a hard link")
    require((6 in known) == (item[1] == SYMLINK), "a target belongs to a symbolic link")
    if item[1] in (DIRECTORY, SYMLINK):
        require(item[4] == 0 and item.get(5) == [], "a folder or symbolic link has content")


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
