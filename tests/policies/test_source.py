"""A finding leads to the line of the stack that makes the resource."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.gate import judge
from policies.reports import sarif, text
from policies.source import ROOT, places
from tests.stack.synthesis import Synthesized


def test_every_resource_of_the_stack_has_its_line(synthesized: Synthesized) -> None:
    for kind, name, _ in synthesized.every():
        found = places(f"{kind}.{name}")
        assert found, kind
        for place in found:
            file, _, line = place.rpartition(":")
            called = kind.removeprefix("aws_").replace("_", "")
            assert called in (ROOT / file).read_text().splitlines()[int(line) - 1].lower()


def test_what_no_code_makes_has_none() -> None:
    assert places("aws_instance.rogue") == []


@pytest.fixture
def broken(synthesized: Synthesized, tmp_path: Path) -> Path:
    document = tmp_path / "cdk.tf.json"
    document.write_text(synthesized.text.replace('"PAY_PER_REQUEST"', '"PROVISIONED"'))
    return document


def test_reports_name_it(broken: Path) -> None:
    judgements = judge([broken])
    (place,) = places("aws_dynamodb_table.storage_table")
    assert any(line.split() == ["source", place] for line in text(judgements))
    (located,) = {
        str(result["locations"][0]["physicalLocation"])
        for result in sarif(judgements)["runs"][0]["results"]
        if "aws_dynamodb_table" in result["message"]["text"]
    }
    assert place.split(":")[0] in located
