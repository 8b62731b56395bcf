"""What all tests share: Hypothesis profiles, and how a missing tool is treated.

A test marked `terraform`, `journey` or `cdktf_cli` needs a tool that a machine may lack. Where it
is lacking the test is skipped and the reason printed; with REQUIRE_ALL=1 (as CI runs) any skipped
test, for whatever reason, fails the run: a gate that did not look has not passed. A test marked
`long` takes minutes: it runs in the long profile only, which `make prove` chooses.

`make test` runs in several processes. A file's tests stay together in one of them, in their order,
because they share what was costly to make; the journeys, which share their deployments, are one
group, and the first: they take longest, and mostly wait. The emulator's tests are one too: what
all of them together called is counted.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.figures import FIGURES

_STARTED = time.monotonic()
ROOT = Path(__file__).resolve().parent.parent
EMULATOR = "tests/emulator/"
JOURNEYS, DESTRUCTION = "tests/journeys/", "test_destruction.py"
REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"

settings.register_profile(
    "ci", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "long", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "terraform": (
        lambda: shutil.which("terraform") is not None,
        "terraform is not on the PATH (https://developer.hashicorp.com/terraform/install)",
    ),
    "journey": (
        lambda: (ROOT / ".venv-local/stamp").exists(),
        "the embedded AWS is not installed (make setup)",
    ),
    "cdktf_cli": (
        lambda: (ROOT / ".tools/cdktf-cli/stamp").exists(),
        "the cdktf command is not installed (make setup-cdktf)",
    ),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make prove` runs; skip what cannot run here, with what is missing."""
    if os.environ.get("HYPOTHESIS_PROFILE") != "long":
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
    # What destroys the journeys' deployments comes after all that need them.
    items.sort(key=lambda item: (not _is_journey(item.nodeid), item.path.name == DESTRUCTION))
    lacking = {marker: reason for marker, (there, reason) in _NEEDS.items() if not there()}
    for item in items:
        for marker, reason in lacking.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _is_journey(nodeid: str) -> bool:
    return nodeid.startswith(JOURNEYS)


class _FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands whole files to the processes, and some folders to one, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(EMULATOR):
            return EMULATOR
        return JOURNEYS if _is_journey(nodeid) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _FileByFile:
    config.option.loadscopereorder = False  # Not the longest list first: the journeys.
    return _FileByFile(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured, and in the last lines how much was not looked at."""
    if FIGURES:
        terminalreporter.section("figures of the journeys")
    for name, value in FIGURES.items():
        terminalreporter.write_line(f"{name}: {value}")
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and REQUIRE_ALL:
        terminalreporter.section("skipped tests fail this run (REQUIRE_ALL=1)", red=True)
    elif skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped; the reasons stand above.")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what another process measured; one that crashed brings nothing."""
    FIGURES.update(getattr(node, "workeroutput", {}).get("figures", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With REQUIRE_ALL=1 a skipped test is a failed run; a whole run that passed is recorded."""
    if hasattr(session.config, "workerinput"):
        # One of several processes saw a part only: the one that started them judges and prints.
        session.config.workeroutput["figures"] = FIGURES  # type: ignore[attr-defined]
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRE_ALL and reporter and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.OK and _is_whole(session.config):
        record = {
            "seconds": round(time.monotonic() - _STARTED),
            "tests": session.testscollected,
            "day": datetime.now(UTC).date().isoformat(),
        }
        session.config.cache.set("suite/last", record)


def _is_whole(config: pytest.Config) -> bool:
    """Tell whether nothing narrowed the run down, as in `make test`."""
    narrowed = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "collectonly")
    return config.args == config.getini("testpaths") and not any(
        config.getoption(name, default=None) for name in narrowed
    )
