"""What `python -m local prove` runs, writes and answers."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from local import claims, evidence, prove
from local.console import Step, Voice
from local.errors import LocalError
from local.evidence import Case
from local.places import ROOT

POLICY = "CKV_PRICE_1"
CLAIMS = f"""
[[claim]]
id = "one"
words = "One claim."
proofs = ["{POLICY}", "tests/local/test_prove.py"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    (tmp_path / "README.md").write_text("# T\n\nOne claim.\n")
    for module, name, file in (
        (claims, "CLAIMS", "claims.toml"),
        (claims, "README", "README.md"),
        (evidence, "PAGE", "evidence.md"),
    ):
        monkeypatch.setattr(module, name, tmp_path / file)
    monkeypatch.setattr(prove, "ROOT", tmp_path)
    return tmp_path


def parts(monkeypatch: pytest.MonkeyPatch, **ran: prove.Ran) -> list[str]:
    """Let the parts have recorded this; the names of those that are run."""
    asked: list[str] = []

    def part(name: str) -> prove.Ran:
        asked.append(name)
        return ran[name]

    def recording(name: str):  # type: ignore[no-untyped-def]
        return lambda _step, _proofs: part(name)

    monkeypatch.setattr(prove, "PARTS", {name: recording(name) for name in ran})
    return asked


PASSED = prove.Ran([Case("", f"{POLICY} arm64", "passed")])
TESTS = prove.Ran([Case("tests/local/test_prove.py", "test_x", "passed")], {"lost": "0"})


def test_all_parts_prove_all_claims(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = parts(monkeypatch, policies=PASSED, tests=TESTS)
    assert prove.prove(Voice(), []) == 0
    assert asked == ["policies", "tests"]
    page = (place / "evidence.md").read_text()
    assert "2 proofs, of which 2 hold" in page
    assert "| lost | 0 | " in page


def test_a_part_that_is_not_run_keeps_its_result(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts(monkeypatch, policies=PASSED, tests=TESTS)
    assert prove.prove(Voice(), ["policies"]) == 1, "the tests have never run"
    assert prove.prove(Voice(), ["tests"]) == 0
    assert prove.prove(Voice(), [], page_only=True) == 0


def test_what_a_part_recorded_is_kept_when_the_next_is_interrupted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_step: Step, _proofs: Sequence[str]) -> prove.Ran:
        raise KeyboardInterrupt

    parts(monkeypatch, policies=PASSED, tests=TESTS)
    monkeypatch.setattr(prove, "PARTS", {**prove.PARTS, "tests": interrupted})
    with pytest.raises(KeyboardInterrupt):
        prove.prove(Voice(), [])
    assert "2 proofs, of which 1 hold" in (place / "evidence.md").read_text()


def test_a_whole_run_forgets_figures_that_nothing_measures_any_more(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = place / "evidence.md"
    parts(monkeypatch, policies=PASSED, tests=prove.Ran(TESTS.cases, {"old": "1"}))
    prove.prove(Voice(), [])
    parts(monkeypatch, policies=PASSED, tests=TESTS)
    prove.prove(Voice(), ["tests"])
    assert "| old | 1 |" in page.read_text()
    prove.prove(Voice(), [])
    assert "| old | 1 |" not in page.read_text()


@pytest.mark.parametrize(
    ("proof", "part"),
    [
        ("CKV_PRICE_1", "policies"),
        ("bench accuracy", "bench"),
        ("tests/domain", "tests"),
        ("tests/policies/test_mutations.py::test_x", "mutants"),
        ("tests/policies/test_mutations_more.py", "tests"),
        ("tests/journeys/test_soak.py", "soak"),
        ("tests/journeys/test_faults.py::test_x[a/b]", "faults"),
        ("tests/journeys/test_reading.py", "journeys"),
    ],
)
def test_every_proof_is_run_by_one_part(proof: str, part: str) -> None:
    assert prove._part(proof) == part
    assert part in prove.PARTS


def test_the_parts_run_every_test_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests that parts collect are, together, all there are."""
    asked: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}

    def record(name: str, *given: Any) -> prove.Ran:
        asked[name] = given[1], given[2]
        return prove.Ran()

    with Voice().step("parts") as step:
        for name, part in prove.PARTS.items():
            if name not in ("policies", "bench"):
                monkeypatch.setattr(prove, "_pytest", functools.partial(record, name))
                part(step, [])
    collected = Counter(file for arguments, _ in asked.values() for file in files_below(arguments))
    assert set(collected.values()) == {1}
    assert set(collected) == set(files_below(["tests"]))
    assert {name for name, (_, variables) in asked.items() if variables} == set(prove.LONG)


def files_below(arguments: Sequence[str]) -> list[str]:
    """The files of tests that pytest looks into, given these arguments."""
    ignored = [each.removeprefix("--ignore=") for each in arguments if each.startswith("--")]
    roots = [each for each in arguments if not each.startswith("--")] or ["tests"]
    found = [
        str(path.relative_to(ROOT))
        for root in roots
        for path in ([ROOT / root] if root.endswith(".py") else (ROOT / root).rglob("test_*.py"))
    ]
    return [
        file
        for file in found
        if not any(file == each or file.startswith(f"{each}/") for each in ignored)
    ]


@pytest.mark.parametrize(
    "tests",
    [
        prove.Ran([Case("tests/local/test_prove.py", "test_x", "failed")]),
        prove.Ran([Case("tests/local/test_prove.py", "test_x", "skipped")]),
        prove.Ran([Case("tests/other.py", "test_x", "passed")]),
        prove.Ran([*TESTS.cases, Case("tests/other.py", "test_x", "failed")]),
        prove.Ran(TESTS.cases, trouble="pytest was killed"),
    ],
    ids=("failed", "skipped", "not run", "another test failed", "not whole"),
)
def test_whatever_is_not_proved_fails(
    place: Path, monkeypatch: pytest.MonkeyPatch, tests: prove.Ran
) -> None:
    parts(monkeypatch, policies=PASSED, tests=tests)
    assert prove.prove(Voice(), []) == 1


def test_a_failure_is_told_before_the_next_part_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failing = prove.Ran([Case("tests/other.py", "test_x", "failed")])

    def interrupted(*_: object) -> prove.Ran:
        said = "".join(capfd.readouterr())
        assert "tests/other.py::test_x: failed" in said
        raise KeyboardInterrupt

    monkeypatch.setattr(prove, "PARTS", {"tests": lambda *_: failing, "soak": interrupted})
    with pytest.raises(KeyboardInterrupt):
        prove.prove(Voice(), [])


def test_claims_that_do_not_fit_run_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = parts(monkeypatch, policies=PASSED, tests=TESTS)
    (place / "README.md").write_text("# T\n\nAnother claim.\n")
    with pytest.raises(LocalError, match="stand in the README 0 times"):
        prove.prove(Voice(), [])
    assert asked == []


def run(arguments: Sequence[str], step: Step) -> prove.Ran:
    return prove._pytest(step, ["-c", "/dev/null", *arguments], {})


def test_pytest_is_run_once_and_its_record_read(tmp_path: Path) -> None:
    file = tmp_path / "test_a.py"
    file.write_text(
        "import os\n"
        "def test_good(record_testsuite_property):\n"
        "    record_testsuite_property('lost', 0)\n"
        "    record_testsuite_property('hypothesis-statistics-tests/a.py', 'YQ==')\n"
        "def test_bad(): assert False\n"
    )
    with Voice().step("tests") as step:
        ran = run([str(file)], step)
        assert [(case.name, case.outcome) for case in ran.cases] == [
            ("test_good", "passed"),
            ("test_bad", "failed"),
        ]
        assert (ran.figures, ran.trouble) == ({"lost": "0"}, "")
        assert "pytest ended with 4" in run([str(tmp_path / "none.py")], step).trouble
        file.write_text("import os; os._exit(7)")
        assert "pytest ended with 7" in run([str(file)], step).trouble
