"""The project's own synthesized stack as a document that tests alter and judge."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from policies.gate import Judgement, judge
from policies.policy import Verdict
from tests.stack.synthesis import Synthesized

Document = dict[str, Any]
Alteration = Callable[[Document], object]
SUFFIX = "${var.environmentSuffix}"


@dataclass
class Pipeline:
    """The stack as synthesized, and a folder of its own to judge altered copies in."""

    document: Document
    folder: Path
    construct: dict[str, str] = field(default_factory=dict)

    def judge(self, document: Any, *others: tuple[str, Any]) -> Judgement:
        """Judge a document in a stack folder with its packages, and files beside it."""
        text = document if isinstance(document, str) else json.dumps(document)
        (self.folder / "cdk.tf.json").write_text(text, encoding="utf-8")
        for name, content in others:
            (self.folder / name).write_text(
                content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
            )
        try:
            return judge([self.folder])[0]
        finally:
            for name, _ in others:
                (self.folder / name).unlink()

    def altered(self, alter: Alteration) -> Judgement:
        """Judge a copy of the stack after `alter` has changed it in place."""
        document = copy.deepcopy(self.document)
        alter(document)
        return self.judge(document)


@pytest.fixture(scope="session")
def pipeline(synthesized: Synthesized, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("stack")
    shutil.copytree(synthesized.folder / "assets", folder / "assets")
    return Pipeline(copy.deepcopy(synthesized.document), folder)


def named(document: Document, type_: str, start: str) -> Document:
    """The body of the resource of a type whose name, or function name, starts with `start`."""
    for body in document["resource"][type_].values():
        for key in ("name", "function_name", "alarm_name"):
            if str(body.get(key, "")).startswith(start):
                found: Document = body
                return found
    raise AssertionError(f"no {type_} called {start}…")


def only(document: Document, type_: str) -> Document:
    """The body of the one resource of a type."""
    (body,) = document["resource"][type_].values()
    found: Document = body
    return found


def first(document: Document, type_: str) -> Document:
    """The body of the first resource of a type."""
    found: Document = next(iter(document["resource"][type_].values()))
    return found


def address(document: Document, type_: str, body: Document) -> str:
    """The address of the resource that has this body."""
    return next(f"{type_}.{n}" for n, b in document["resource"][type_].items() if b is body)


def statements(body: Document, attribute: str = "policy") -> list[Document]:
    """The statements of a policy that stands in a resource as text."""
    found: list[Document] = json.loads(body[attribute])["Statement"]
    return found


def rewrite(body: Document, change: Callable[[list[Document]], object]) -> None:
    """Change the statements of a resource's policy text in place."""
    attribute = "assume_role_policy" if "assume_role_policy" in body else "policy"
    whole = json.loads(body[attribute])
    change(whole["Statement"])
    body[attribute] = json.dumps(whole)


def refused(judgement: Judgement, policy: str, address: str | None = None) -> bool:
    """Whether this policy is violated, by this resource if one is given."""
    return any(
        finding.policy == policy
        and finding.verdict is Verdict.VIOLATED
        and (address is None or finding.resource == address)
        for finding in judgement.findings
    )


def told(judgement: Judgement) -> str:
    """The findings as lines, for the message of a failed assertion."""
    return "\n".join(f"{f.policy} {f.resource}: {f.message}" for f in judgement.findings)
