"""Generation records: `docs/format.md` section 18."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path

from .container import Archive
from .errors import Corrupt, Unsupported, require

MAX_BYTES, MAX_DEPTH, VERSION = 16 << 20, 32, 1
SCHEMA = json.loads(Path(__file__).resolve().parents[2].joinpath("docs/generation.schema.json").read_text(encoding="utf-8"))
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float)}


def read_generation(archive: Archive, item: dict) -> bytes:
    """The text of an item of kind 5, checked."""
    require(6 not in item, "a generation record has no descriptor")
    require(item[4] <= MAX_BYTES, "a generation record has at most 16 MiB")
    text = b"".join(archive.unpacked(block) for block in archive.content_blocks(item))
    require(len(text) == item[4] and hashlib.sha256(text).digest() == item[3], "the content hash does not match")
    record = parse(text)
    if isinstance(record, dict) and isinstance(record.get("version"), int) and record["version"] > VERSION:
        raise Unsupported("version of generation records")
    require(satisfies(record, SCHEMA), "the record does not satisfy its schema")
    return text


def parse(text: bytes) -> object:
    """Section 18.1."""

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        require(len(dict(pairs)) == len(pairs), "a member is there twice")
        return dict(pairs)

    def integer(digits: str) -> int:
        require(-(1 << 63) <= int(digits) < 1 << 64, "an integer has more than 64 bits")
        return int(digits)

    def fraction(digits: str) -> float:
        require(math.isfinite(float(digits)), "a number is not finite")
        return float(digits)

    def constant(name: str) -> object:
        raise Corrupt(f"{name} is no JSON")

    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=members, parse_int=integer, parse_float=fraction, parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"no JSON text: {error}") from error
    require(depth(value) <= MAX_DEPTH, "nested too deep")
    return value


def depth(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def is_type(value: object, name: str) -> bool:
    if name == "integer":
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def satisfies(value: object, schema: dict) -> bool:
    """The vocabulary of JSON Schema 2020-12 that the schema uses."""
    for word, rule in schema.items():
        if word == "$ref":
            good = satisfies(value, SCHEMA["$defs"][rule.rsplit("/", 1)[1]])
        elif word == "type":
            good = any(is_type(value, name) for name in ([rule] if isinstance(rule, str) else rule))
        elif word == "const":
            good = type(value) is type(rule) and value == rule
        elif word == "enum":
            good = value in rule
        elif word == "anyOf":
            good = any(satisfies(value, choice) for choice in rule)
        elif isinstance(value, str) and word in ("minLength", "maxLength", "pattern"):
            good = len(value) >= rule if word == "minLength" else len(value) <= rule if word == "maxLength" else matches(rule, value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and word in ("minimum", "maximum"):
            good = value >= rule if word == "minimum" else value <= rule
        elif isinstance(value, list) and word in ("minItems", "maxItems"):
            good = len(value) >= rule if word == "minItems" else len(value) <= rule
        elif isinstance(value, list) and word == "items":
            good = all(satisfies(entry, rule) for entry in value)
        elif isinstance(value, dict) and word == "required":
            good = all(name in value for name in rule)
        elif isinstance(value, dict) and word == "properties":
            good = all(satisfies(value[name], rule[name]) for name in rule if name in value)
        else:
            continue
        if not good:
            return False
    return True


def matches(pattern: str, value: str) -> bool:
    """As in ECMA-262, where `$` is the very end."""
    return re.search(pattern.replace("$", r"\Z"), value) is not None
