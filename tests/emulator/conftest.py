"""One embedded AWS for the whole test run, its time compressed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.embedded import Aws, Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator"), time_scale=600)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Aws:
    return Aws(emulator.endpoint)


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "emulator" in request.fixturenames or "aws" in request.fixturenames:
        request.getfixturevalue("emulator").control("DELETE", "faults")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
