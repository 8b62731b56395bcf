"""One embedded AWS for the whole test run, its time compressed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.embedded import Aws, Emulator


@pytest.fixture(scope="session")
def emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator"), time_scale=600)
    yield running
    calls = running.control("GET", "wraps")["wraps"]
    running.stop()
    if _all_files_ran(request.session):
        idle = [target for target, count in calls.items() if not count]
        assert not idle, f"no test makes MiniStack call what replaces {', '.join(idle)}"


def _all_files_ran(session: pytest.Session) -> bool:
    """Whether the run took in every test of this folder that has a file here."""
    ran = {item.path for item in session.items}
    return session.testsfailed == 0 and ran >= set(Path(__file__).parent.glob("test_*.py"))


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Aws:
    return Aws(emulator.endpoint)


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "emulator" in request.fixturenames or "aws" in request.fixturenames:
        request.getfixturevalue("emulator").control("DELETE", "faults")
