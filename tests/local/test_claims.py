"""Claims, README and proofs are one, and whatever drifts apart is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import claims, evidence
from local.claims import Claim
from local.errors import LocalError
from local.evidence import Case, Result
from policies.gate import by_id

README = claims.README.read_text(encoding="utf-8")


def test_every_claim_stands_in_the_readme_and_every_proof_exists() -> None:
    assert claims.problems(claims.load(), README, by_id()) == []


def test_the_page_is_of_the_current_claims() -> None:
    """If this fails: `python -m local prove --page` writes it anew from the last results."""
    page = evidence.PAGE.read_text(encoding="utf-8")
    assert evidence.page(claims.load(), README, *evidence.recorded(page)) == page


TEXT = "# T\n\nOne\nclaim.\n\n```sh\n# no heading\n```\n\n## S\n\nTwo claims.\n"
POLICY = "CKV_PRICE_1"
HOLDS = [Claim("one", "One claim", (POLICY,)), Claim("two", "Two claims.", ("tests/local",))]


def test_what_fits_has_no_problem() -> None:
    assert claims.problems(HOLDS, TEXT, [POLICY]) == []


@pytest.mark.parametrize(
    ("claim", "named"),
    [
        (Claim("two", "Two rows.", (POLICY,)), "stand in the README 0 times"),
        (Claim("two", "claim", (POLICY,)), "stand in the README 2 times"),
        (Claim("two", " ", (POLICY,)), "expected once"),
        (Claim("one", "Two claims.", (POLICY,)), "no name of its own"),
        (Claim("Two", "Two claims.", (POLICY,)), "no name of its own"),
        (Claim("two", "Two claims."), "nothing proves it"),
        (Claim("two", "Two claims.", ("CKV_PRICE_99",)), "no such policy"),
        (Claim("two", "Two claims.", ("bench luck",)), "there is no tests/bench/luck.py"),
        (Claim("two", "Two claims.", ("tests/none.py",)), "no file or folder"),
        (Claim("two", "Two claims.", ("local/claims.py",)), "no file or folder"),
        (Claim("two", "Two claims.", ("tests/fixtures",)), "the folder holds no test"),
        (Claim("two", "Two claims.", ("tests/conftest.py",)), "defines no test"),
        (Claim("two", "Two claims.", ("tests/test_walls.py::test_x",)), "defines no test_x"),
        (Claim("two", "Two claims.", ("tests/test_walls.py::violations",)), "defines no viol"),
        (Claim("two", "Two claims.", (), "https://example.org/"), "a source is a page of AWS"),
        (
            Claim("two", "Two claims.", (POLICY,), "https://docs.aws.amazon.com/"),
            "a source is a page of AWS",
        ),
        (Claim("two", "One claim", (POLICY,)), "section 'S' makes no claim"),
    ],
)
def test_what_does_not_fit_is_named(claim: Claim, named: str) -> None:
    assert any(named in each for each in claims.problems([HOLDS[0], claim], TEXT, [POLICY]))


def test_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text('[[claim]]\nid = "a"\nwords = "b"\nproof = ["CKV_PRICE_1"]\n')
    with pytest.raises(LocalError, match="unknown proof"):
        claims.load(file)
    file.write_text("[[claim]\n")
    with pytest.raises(LocalError, match="cannot be read"):
        claims.load(file)


RAN = [
    Case("tests/a.py", "test_x[1]", "passed"),
    Case("tests/a.py", "test_x[2]", "skipped", "no | terraform"),
    Case("tests/a.py", "test_xy", "passed"),
    Case("tests/ab/c.py", "test_z", "failed", "assert 1 == 2"),
    Case("", "CKV_PRICE_1 Functions run on arm64", "passed"),
    Case("", "CKV_PRICE_12 No wildcard", "failed", "x"),
]


@pytest.mark.parametrize(
    ("proof", "text"),
    [
        ("tests/a.py::test_xy", "passed"),
        ("tests/a.py::test_x", "1 of 2 skipped: test_x[2]: no terraform"),
        ("tests/a.py", "1 of 3 skipped: test_x[2]: no terraform"),
        ("tests/ab", "1 of 1 failed: test_z: assert 1 == 2"),
        ("tests/a.py::test_z", "not run"),
        ("tests/a", "not run"),
        ("CKV_PRICE_1", "passed"),
        ("CKV_PRICE_12", "1 of 1 failed: CKV_PRICE_12 No wildcard: x"),
        ("CKV_PRICE_2", "not run"),
    ],
)
def test_a_proof_holds_only_when_all_its_cases_ran_and_passed(proof: str, text: str) -> None:
    how = evidence.result(proof, RAN, "2026-01-01")
    assert how.text == text
    assert how.ok == text.startswith("passed")


def test_what_pytest_recorded_is_read(tmp_path: Path) -> None:
    xml = tmp_path / "junit.xml"
    xml.write_text(
        '<testsuites><testsuite><properties><property name="messages lost" value="0"/>'
        '</properties><testcase file="tests/a.py" name="ok"/>'
        '<testcase file="tests/a.py" name="no"><failure message="assert">x</failure></testcase>'
        '<testcase file="tests/a.py" name="down"><error message="setup">x</error></testcase>'
        '<testcase file="tests/a.py" name="off"><skipped message="why"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert [case.outcome for case in evidence.cases(xml)] == [
        "passed",
        "failed",
        "error",
        "skipped",
    ]
    assert evidence.figures(xml) == {"messages lost": "0"}


def test_a_page_is_its_own_record() -> None:
    results = {POLICY: Result("passed", "2026-01-01"), "tests/local": Result("2 of 3 failed: x")}
    measured = {"messages lost": ("0", "2026-01-02")}
    page = evidence.page(HOLDS, TEXT, results, measured)
    assert evidence.recorded(page) == (results, measured)
    assert "1 hold" in page
    assert evidence.unproved(HOLDS, results) == ["tests/local: 2 of 3 failed: x (claimed: two)"]
    # A proof that no page tells of has not run.
    assert evidence.unproved(HOLDS, {}) == [
        "CKV_PRICE_1: not run (claimed: one)",
        "tests/local: not run (claimed: two)",
    ]


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("no such file: '/a/b/stack/main.tf'", "no such file: '…/main.tf'"),
        ("/tmp/x/y failed at https://docs.aws.amazon.com/a/b", None),
        ("arn:aws:s3:::a/b/c or tests/a/b.py", None),
    ],
)
def test_the_page_tells_no_folder_of_a_machine(why: str, told: str | None) -> None:
    how = evidence.result("tests/a.py", [Case("tests/a.py", "test_x", "failed", why)], "")
    expected = told or why.replace("/tmp/x/", "…/")
    assert how.text == f"1 of 1 failed: test_x: {expected}"


def test_the_page_names_no_folder_of_the_machine_that_wrote_it() -> None:
    assert not evidence._PATH.search(evidence.PAGE.read_text(encoding="utf-8"))
