"""Rows may end, when the settings say so: as the functions reckon with it, and not otherwise."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.policies.documents import Document, Pipeline, named, only, refused, told
from tests.stack.synthesis import variants

FUNCTION, TABLE = "aws_lambda_function", "aws_dynamodb_table"
PROCESSOR, ENRICHER = "webhook-processor", "price-enricher"
DAY = 86_400


def variable(function: str, name: str, value: str | None) -> Callable[[Document], object]:
    def change(document: Document) -> None:
        variables = named(document, FUNCTION, function)["environment"]["variables"]
        variables.pop(name)
        if value is not None:
            variables[name] = value

    return change


def table(**values: object) -> Callable[[Document], object]:
    return lambda document: only(document, TABLE).update(values)


def test_rows_that_end_are_in_order(pipeline: Pipeline) -> None:
    """GIVEN a retention of 30 days THEN the table ends rows, and no policy finds anything."""
    document = variants()["ending"].document
    assert only(document, TABLE)["ttl"] == {"attribute_name": "expires_at", "enabled": True}
    judgement = pipeline.judge(document)
    assert not judgement.findings, told(judgement)


def test_without_the_setting_the_table_has_no_word_of_it(pipeline: Pipeline) -> None:
    assert "ttl" not in only(pipeline.document, TABLE)


@pytest.mark.parametrize(
    ("policy", "change"),
    [
        (11, table(ttl=None)),
        (11, table(ttl={"attribute_name": "expires_at", "enabled": False})),
        (11, table(ttl={"attribute_name": "received_at", "enabled": True})),
        (11, table(ttl=[{"attribute_name": "expires_at", "enabled": True}] * 2)),
        (11, variable(PROCESSOR, "ROW_RETENTION_SECONDS", "0")),
        (44, variable(PROCESSOR, "ROW_RETENTION_SECONDS", None)),
        (44, variable(PROCESSOR, "ROW_RETENTION_SECONDS", str(90 * DAY))),
        (44, variable(PROCESSOR, "ROW_RETENTION_SECONDS", "30 days")),
        (44, variable(PROCESSOR, "INSERT_WITHIN_SECONDS", str(18 * DAY + 1))),
        (44, variable(PROCESSOR, "INSERT_WITHIN_SECONDS", "0")),
        (44, variable(ENRICHER, "WINDOW_REACH_SECONDS", "0")),
        (44, variable(ENRICHER, "WINDOW_REACH_SECONDS", str(7 * DAY + 1))),
        (44, variable(ENRICHER, "ROW_RETENTION_SECONDS", "0")),
        (44, variable(ENRICHER, "ROW_RETENTION_SECONDS", str(29 * DAY))),
    ],
)
def test_an_end_that_the_functions_do_not_reckon_with_is_refused(
    pipeline: Pipeline, policy: int, change: Callable[[Document], object]
) -> None:
    document = copy.deepcopy(variants()["ending"].document)
    change(document)
    assert refused(pipeline.judge(document), f"CKV_PRICE_{policy}")


def test_rows_do_not_end_by_the_table_alone(pipeline: Pipeline) -> None:
    """GIVEN functions that keep rows for ever THEN a table that ends them is refused."""
    change = table(ttl={"attribute_name": "expires_at", "enabled": True})
    assert refused(pipeline.altered(change), "CKV_PRICE_11")


@pytest.mark.parametrize("function", [PROCESSOR, ENRICHER])
def test_one_function_alone_does_not_reckon_with_an_end(pipeline: Pipeline, function: str) -> None:
    change = variable(function, "ROW_RETENTION_SECONDS", str(30 * DAY))
    assert refused(pipeline.altered(change), "CKV_PRICE_44")
