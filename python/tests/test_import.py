import re

import holotype


def test_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", holotype.__version__)
