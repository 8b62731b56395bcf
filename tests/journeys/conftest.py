"""One emulator and two deployments serve all journeys; the destruction of them comes last."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import process
from local.places import Places
from tests.figures import FIGURES
from tests.journeys import law
from tests.journeys.stage import FIRST, SECOND, Journey


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside why a journey failed, tell what the functions raised and where broken rows are."""
    report = yield
    stage = getattr(item, "funcargs", {}).get("journey")
    if report.when == "call" and report.failed and isinstance(stage, Journey):
        try:
            said = law.raised(stage, int(call.start * 1000)) or "nothing"
        except Exception as error:  # Whatever stands no more: the test's own failure is the report.
            said = f"not known: {error!r}"
        report.sections.append(("what the functions raised meanwhile", said))
        if kept := sorted(map(str, stage.broken.glob("*.json"))):
            report.sections.append(("tapes with a wrong row, kept", "\n".join(kept)))
    return report


@pytest.fixture(scope="session")
def journey(
    tmp_path_factory: pytest.TempPathFactory,
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[Journey]:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    places = Places(tmp_path_factory.mktemp("journey") / ".local")
    made = Journey(places, port)
    with ThreadPoolExecutor(2) as pool:
        # Most of a deployment is waiting: both wait together.
        for said in pool.map(made.up, (FIRST, SECOND)):
            assert "policies       passed: " in said
    yield made
    if made.tally.faults:
        FIGURES["faults injected"] = str(made.tally.faults)
        FIGURES["messages sent into faults"] = str(made.tally.sent)
        FIGURES["messages lost"] = str(len(made.tally.lost))
        FIGURES["messages dropped by AWS's own rule, each counted by a metric and told"] = str(
            len(made.tally.announced)
        )
    for name, value in FIGURES.items():
        record_testsuite_property(name, value)
    # Whatever a failed test left: nothing of it outlives the run.
    if emulator := process.running(places):
        process.stop(places, emulator)
