"""What the README claims, and what proves each claim: docs/claims.toml, held against both.

A claim is a piece of the README, word for word, with its proofs. A proof is a policy
(`CKV_PRICE_1`), a test (`tests/domain/test_keys.py::test_…`, of all its parameters), a file or
folder of tests, or a benchmark (`bench accuracy`). What only AWS decides has AWS's page as its
`source` instead.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.places import ROOT

CLAIMS = ROOT / "docs" / "claims.toml"
README = ROOT / "README.md"

_FIELDS = {"id", "words", "proofs", "source"}
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_POLICY = re.compile(r"CKV_PRICE_\d+")
_BENCH = re.compile(r"bench [a-z_]+")
_SOURCE = re.compile(
    r"https://(docs\.aws\.amazon\.com|aws\.amazon\.com|developer\.hashicorp\.com)/"
)
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^##? (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Claim:
    """A piece of the README, with its proofs, or with the page of AWS that says so."""

    id: str
    words: str
    proofs: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the README and what stands below it, in one line."""

    heading: str
    text: str


def load(path: Path | None = None) -> list[Claim]:
    """The claims in the order of their file; raises `LocalError` that names what is wrong."""
    path = path or CLAIMS
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LocalError(f"{path} cannot be read: {error}", "Mend the file.") from error
    return [_claim(entry) for entry in document.get("claim", [])]


def _claim(entry: Mapping[str, Any]) -> Claim:
    strange = sorted(set(entry) - _FIELDS)
    if strange or not {"id", "words"} <= set(entry):
        what = f"unknown {', '.join(strange)}" if strange else "id or words are missing"
        raise LocalError(
            f"the claim {dict(entry)}: {what}",
            f"A claim has {', '.join(sorted(_FIELDS))}; id and words are needed.",
        )
    fields = dict(entry)
    fields["proofs"] = tuple(fields.get("proofs", ()))
    return Claim(**fields)


def sections(readme: str) -> list[Section]:
    """The README's sections; the first is what stands below its title."""
    # A line of a shell example may begin with a number sign, too.
    plain = _FENCE.sub(lambda fence: re.sub(r"^#", "\\#", fence[0], flags=re.MULTILINE), readme)
    headings = list(_HEADING.finditer(plain))
    ends = [heading.start() for heading in headings[1:]] + [len(plain)]
    return [
        Section(heading[1], one_line(plain[heading.end() : end]))
        for heading, end in zip(headings, ends, strict=True)
    ]


def one_line(text: str) -> str:
    """Text as it reads, wherever its lines end."""
    return " ".join(text.split())


def by_section(claims: Iterable[Claim], readme: str) -> dict[str, list[Claim]]:
    """The claims below their headings; those whose words stand nowhere are left out."""
    found: dict[str, list[Claim]] = {section.heading: [] for section in sections(readme)}
    for claim in claims:
        for section in sections(readme):
            if one_line(claim.words) in section.text:
                found[section.heading].append(claim)
                break
    return found


def problems(
    claims: Sequence[Claim], readme: str, policies: Collection[str], root: Path = ROOT
) -> list[str]:
    """Everything that keeps claims, README and proofs from being one, each with what to do."""
    found = []
    text = one_line(readme)
    ids = [claim.id for claim in claims]
    for claim in claims:
        where = f"claim {claim.id}"
        if not _ID.fullmatch(claim.id) or ids.count(claim.id) > 1:
            found.append(f"{where}: its id is no name of its own, such as exact-prices")
        times = text.count(one_line(claim.words))
        if not claim.words.strip() or times != 1:
            found.append(
                f"{where}: its words stand in the README {times} times, expected once: "
                f"{claim.words!r}; write there and in docs/claims.toml the same"
            )
        if not claim.proofs and not claim.source:
            found.append(f"{where}: nothing proves it; name a policy or a test, or do not claim it")
        if claim.source and (claim.proofs or not _SOURCE.match(claim.source)):
            found.append(
                f"{where}: a source is a page of AWS or Terraform, and stands where nothing here "
                f"can prove; found {claim.source} beside {len(claim.proofs)} proofs"
            )
        for proof in claim.proofs:
            if why := _unknown(proof, policies, root):
                found.append(f"{where}: the proof {proof} does not exist: {why}")
    for heading, those in by_section(claims, readme).items():
        if not those:
            found.append(f"the README's section {heading!r} makes no claim that is proved")
    return found


def _unknown(proof: str, policies: Collection[str], root: Path) -> str:
    """Why there is no such proof; empty when there is."""
    if _POLICY.fullmatch(proof):
        return "" if proof in policies else "policies/checks holds no such policy"
    if _BENCH.fullmatch(proof):
        name = proof.split()[1]
        there = (root / "tests" / "bench" / f"{name}.py").is_file()
        return "" if there else f"there is no tests/bench/{name}.py"
    file, _, test = proof.partition("::")
    path = root / file
    if not file.startswith("tests/") or not path.exists():
        return "it is no policy, no benchmark, and no file or folder below tests/"
    if path.is_dir():
        return "" if not test and list(path.rglob("test_*.py")) else "the folder holds no test"
    names = {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    }
    if test:
        name = test.partition("[")[0]
        return "" if name in names else f"{file} defines no {name}"
    return "" if names else f"{file} defines no test"
