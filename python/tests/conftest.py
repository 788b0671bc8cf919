"""Fixtures of all tests."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(params=["fast", "standard", "archival"])
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param
