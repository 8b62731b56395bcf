"""What `python -m local prove` runs, writes and answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from local import claims, evidence, prove
from local.console import Step, Voice
from local.errors import LocalError
from local.evidence import Case

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
        "def test_good(record_testsuite_property): record_testsuite_property('lost', 0)\n"
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
