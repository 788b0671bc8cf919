"""The package as a package: version, documentation examples, everything public documented."""

from __future__ import annotations

import doctest
import re

import pytest

import holotype
from holotype import _async, _reader, _tensors, _write


def test_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", holotype.__version__)


@pytest.mark.parametrize("module", [holotype, _async, _reader, _tensors, _write])
def test_examples_in_the_documentation(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0


def test_everything_public_is_documented() -> None:
    for name in holotype.__all__:
        if name not in ("__version__", "PROFILES"):
            assert getattr(holotype, name).__doc__, name
