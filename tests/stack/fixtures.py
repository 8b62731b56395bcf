"""The fixtures through which tests look at the synthesized stack."""

from __future__ import annotations

import pytest

from tests.stack.synthesis import Synthesized, variants


@pytest.fixture(scope="session")
def synthesized() -> Synthesized:
    """The stack of the suffix `dev` with the settings as they are; do not write into its folder."""
    return variants()["dev"]
