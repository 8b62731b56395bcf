"""Every form Terraform accepts reads the same, and what hides in a form is found."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies.gate import judge
from policies.policy import Verdict
from tests.policies.documents import Document, Pipeline, first, named, only, refused, told

GROUP = "aws_cloudwatch_log_group"


def shuffled(node: Any, seed: random.Random) -> Any:
    if isinstance(node, dict):
        keys = list(node)
        seed.shuffle(keys)
        return {key: shuffled(node[key], seed) for key in keys}
    return [shuffled(item, seed) for item in node] if isinstance(node, list) else node


def reordered(document: Document) -> Document:
    result: Document = shuffled(document, random.Random(7))
    return result


def bodies_in_arrays(document: Document) -> Document:
    for named_ in document["resource"].values():
        for name in named_:
            named_[name] = [named_[name]]
    return document


def labels_in_arrays(document: Document) -> Document:
    document["resource"] = [
        {type_: [{name: [body]} for name, body in named_.items()]}
        for type_, named_ in document["resource"].items()
    ]
    for kind in ("variable", "output", "terraform", "provider"):
        document[kind] = [document[kind]]
    return document


def top_level_in_array(document: Document) -> Any:
    return [{key: value} for key, value in document.items()]


BLOCKS = (
    "environment", "logging_config", "dead_letter_config", "point_in_time_recovery",
    "destination_config", "throttle_settings", "settings", "endpoint_configuration",
    "filter_criteria",
)  # fmt: skip


def blocks_in_arrays(document: Document) -> Document:
    for named_ in document["resource"].values():
        for body in named_.values():
            for name in BLOCKS:
                if name in body:
                    body[name] = [body[name]]
    return document


def numbers_as_text(document: Document) -> Document:
    for named_ in document["resource"].values():
        for body in named_.values():
            for name, value in body.items():
                if isinstance(value, int) and not isinstance(value, bool):
                    body[name] = str(value)
    return document


def booleans_as_text(document: Document) -> Document:
    for named_ in document["resource"].values():
        for body in named_.values():
            for name, value in body.items():
                if isinstance(value, bool):
                    body[name] = "true" if value else "false"
    return document


def numbers_as_expressions(document: Document) -> Document:
    for named_ in document["resource"].values():
        for body in named_.values():
            for name, value in body.items():
                if isinstance(value, int) and not isinstance(value, bool):
                    body[name] = f"${{{value - 1} + 1}}"
    return document


def texts_as_expressions(document: Document) -> Document:
    for body in document["resource"]["aws_lambda_function"].values():
        body["architectures"] = ['${lower("ARM64")}']
        body["runtime"] = '${"python"}3.13'
        room = body["handler"].split(".")[1]
        body["handler"] = f'${{join(".", ["lambdas", "{room}", "handler.handle"])}}'
    return document


def spaced_references(document: Document) -> Document:
    text = json.dumps(document).replace("${var.environmentSuffix}", "${ var.environmentSuffix }")
    result: Document = json.loads(text)
    return result


def policies_as_jsonencode(document: Document) -> Document:
    for type_ in ("aws_iam_role_policy", "aws_iam_role", "aws_kms_key", "aws_sqs_queue"):
        for body in document["resource"][type_].values():
            name = "assume_role_policy" if type_ == "aws_iam_role" else "policy"
            body[name] = f"${{jsonencode({body[name]})}}"
    return document


def references_to_literals(document: Document) -> Document:
    groups = list(document["resource"][GROUP])
    for name in groups[1:]:
        document["resource"][GROUP][name]["retention_in_days"] = (
            f"${{{GROUP}.{groups[0]}.retention_in_days}}"
        )
    return document


def explicit_nulls(document: Document) -> Document:
    for body in document["resource"]["aws_sqs_queue"].values():
        body.update(kms_master_key_id=None, redrive_policy=None)
    only(document, "aws_dynamodb_table").update(ttl=None, replica=[], global_secondary_index=[])
    return document


def count_of_one(document: Document) -> Document:
    only(document, "aws_kms_alias")["count"] = 1
    return document


def everything_counted(document: Document) -> Document:
    text = json.dumps(document)
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for type_, named_ in document[kind].items():
            for name in named_:
                address = re.escape(f"{prefix}{type_}.{name}")
                text = re.sub(rf"(?<![\w.])({address})(?=\.)", r"\1[0]", text)
    result: Document = json.loads(text)
    for kind in ("resource", "data"):
        for named_ in result[kind].values():
            for body in named_.values():
                body["count"] = 1
    return result


def account_may_use_its_queue(document: Document) -> Document:
    for body in document["resource"]["aws_sqs_queue"].values():
        whole = json.loads(body["policy"])
        root = "arn:aws:iam::${data.aws_caller_identity.identity.account_id}:root"
        allowed = {
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
            "Resource": whole["Statement"][0]["Resource"],
            "Principal": {"AWS": root},
        }
        whole["Statement"].append(allowed)
        body["policy"] = json.dumps(whole)
    return document


def actions_in_lower_case(document: Document) -> Document:
    for type_ in ("aws_iam_role_policy", "aws_kms_key", "aws_sns_topic", "aws_sqs_queue"):
        for body in document["resource"][type_].values():
            whole = json.loads(body["policy"])
            for statement in whole["Statement"]:
                statement["Action"] = [action.lower() for action in statement["Action"]]
            body["policy"] = json.dumps(whole)
    return document


def dynamic_blocks(document: Document) -> Document:
    table = only(document, "aws_dynamodb_table")
    attributes = table.pop("attribute")
    recovery = table.pop("point_in_time_recovery")
    table["dynamic"] = {
        "attribute": {
            "for_each": attributes,
            "content": {"name": "${attribute.value.name}", "type": "${attribute.value.type}"},
        },
        "point_in_time_recovery": [
            {"for_each": [1], "iterator": "each_of", "content": [recovery]},
        ],
    }
    return document


def comments(document: Document) -> Document:
    document["//"] = "a comment"
    for body in document["resource"]["aws_sqs_queue"].values():
        body["//"] = {"metadata": "odd"}
    return document


def indented_policies(document: Document) -> Document:
    for body in document["resource"]["aws_iam_role_policy"].values():
        body["policy"] = json.dumps(json.loads(body["policy"]), indent=2)
    return document


def sids_as_each_service_takes_them(document: Document) -> Document:
    sids = {"aws_kms_key": "Owner may {}", "aws_sqs_queue": "__owner-{}", "aws_sns_topic": "sid_{}"}
    for type_, sid in {**sids, "aws_iam_role_policy": "Sid{}"}.items():
        for body in document["resource"][type_].values():
            whole = json.loads(body["policy"])
            for position, statement in enumerate(whole["Statement"]):
                statement["Sid"] = sid.format(position)
            body["policy"] = json.dumps(whole) + "\n"
    return document


def triggers_by_part(document: Document) -> Document:
    triggers = only(document, "aws_api_gateway_deployment")["triggers"]
    references = re.findall(r"aws_[\w.]+", triggers["definition"])
    half = len(references) // 2
    triggers["definition"] = f"${{sha1(jsonencode([{', '.join(reversed(references[half:]))}]))}}"
    triggers["more"] = f"${{ sha512( jsonencode({{a = [{', '.join(references[:half])}]}}) ) }}"
    triggers["id"] = "${sha256(jsonencode(aws_api_gateway_method.ingress_method.id))}"
    return document


HARMLESS: list[Callable[[Document], Any]] = [
    reordered,
    bodies_in_arrays,
    labels_in_arrays,
    top_level_in_array,
    blocks_in_arrays,
    numbers_as_text,
    booleans_as_text,
    numbers_as_expressions,
    texts_as_expressions,
    spaced_references,
    policies_as_jsonencode,
    references_to_literals,
    explicit_nulls,
    count_of_one,
    everything_counted,
    sids_as_each_service_takes_them,
    triggers_by_part,
    account_may_use_its_queue,
    actions_in_lower_case,
    dynamic_blocks,
    comments,
    indented_policies,
]


@pytest.mark.parametrize("rewrite", HARMLESS, ids=lambda f: f.__name__)
def test_harmless_rewrites_pass(rewrite: Callable[[Document], Any], pipeline: Pipeline) -> None:
    judgement = pipeline.judge(rewrite(copy.deepcopy(pipeline.document)))
    assert judgement.verdict is Verdict.PASSED, told(judgement)


@pytest.mark.parametrize("rewrite", HARMLESS, ids=lambda f: f.__name__)
def test_no_form_hides_a_violation(rewrite: Callable[[Document], Any], pipeline: Pipeline) -> None:
    document = copy.deepcopy(pipeline.document)
    only(document, "aws_dynamodb_table")["billing_mode"] = "PROVISIONED"
    named(document, "aws_lambda_function", "price-enricher")["memory_size"] = 1024
    judgement = pipeline.judge(rewrite(document))
    assert refused(judgement, "CKV_PRICE_10", "aws_dynamodb_table.storage_table"), told(judgement)
    assert refused(judgement, "CKV_PRICE_15", "aws_lambda_function.price_enricher_function")


HIDING: dict[str, tuple[int, Callable[[Document], object]]] = {
    "an empty array is no resource": (21, lambda d: d["resource"][GROUP].update(
        {next(iter(d["resource"][GROUP])): []})),
    "two bodies": (23, lambda d: d["resource"][GROUP].update(
        {n: [b, b] for n, b in d["resource"][GROUP].items()})),
    "dynamic block without entries": (9, lambda d: only(d, "aws_dynamodb_table").update(
        point_in_time_recovery=None,
        dynamic={"point_in_time_recovery": {"for_each": [], "content": {"enabled": True}}})),
    "dynamic block that adds a second": (9, lambda d: only(d, "aws_dynamodb_table").update(
        dynamic={"point_in_time_recovery": {"for_each": [1], "content": {"enabled": False}}})),
    "wrong value in a dynamic block": (9, lambda d: only(d, "aws_dynamodb_table").update(
        point_in_time_recovery=[],
        dynamic={"point_in_time_recovery": {
            "for_each": {"a": False}, "content": {"enabled": "${point_in_time_recovery.value}"}}})),
    "number written as true": (2, lambda d: first(d, GROUP).update(retention_in_days=True)),
    "number that only looks right": (2, lambda d: first(d, GROUP).update(retention_in_days="٣")),
    "number with a fraction": (2, lambda d: first(d, GROUP).update(retention_in_days=3.5)),
    "number in a list": (2, lambda d: first(d, GROUP).update(retention_in_days=[3])),
    "null by expression": (2, lambda d: first(d, GROUP).update(retention_in_days="${null}")),
    "escaped interpolation": (2, lambda d: first(d, GROUP).update(retention_in_days="$${3}")),
    "a blank that Terraform does not trim": (14, lambda d: first(d, "aws_lambda_function").update(
        runtime='${trimspace("\x1cpython3.13")}')),
    "list in a list": (1, lambda d: first(d, "aws_lambda_function").update(
        architectures=[["arm64"]])),
    "text for a list": (1, lambda d: first(d, "aws_lambda_function").update(
        architectures="arm64")),
    "trailing blank": (1, lambda d: first(d, "aws_lambda_function").update(
        architectures=["arm64 "])),
    "look-alike letter": (10, lambda d: only(d, "aws_dynamodb_table").update(
        billing_mode="PAY_PER_REQUЕST")),
    "jsonencode with an unresolved action": (12, lambda d: first(d, "aws_iam_role_policy").update(
        policy='${jsonencode({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
        '"Action": "s3:${var.environmentSuffix}", "Resource": aws_sqs_queue.x.arn}]})}')),
}  # fmt: skip


@pytest.mark.parametrize("what", HIDING)
def test_hiding_places_are_found(what: str, pipeline: Pipeline) -> None:
    policy, change = HIDING[what]
    judgement = pipeline.altered(change)
    assert refused(judgement, f"CKV_PRICE_{policy}"), told(judgement)


UNRESOLVED: dict[str, Callable[[Document], object]] = {
    "a function not known here": lambda d: first(d, GROUP).update(
        retention_in_days='${parseint("3", 10)}'
    ),
    "a dynamic block of unknown length": lambda d: only(d, "aws_dynamodb_table").update(
        point_in_time_recovery=[],
        dynamic={"point_in_time_recovery": {
            "for_each": "${toset(range(1))}", "content": {"enabled": True}}},
    ),
    "letters that Terraform does not raise": lambda d: only(d, "aws_dynamodb_table").update(
        billing_mode='${upper("pay_per_reque\ufb06")}'
    ),
    "a number beyond a float's precision": lambda d: first(d, GROUP).update(
        retention_in_days="${3.0000000000000000001}"
    ),
    "such a number in JSON text": lambda d: first(d, GROUP).update(
        retention_in_days='${jsondecode("3.0000000000000000001")}'
    ),
    "a key that such a text gives twice": lambda d: first(d, GROUP).update(
        retention_in_days='${jsondecode("{\\"days\\": 30, \\"days\\": 3}").days}'
    ),
    "no number in such a text": lambda d: first(d, GROUP).update(
        retention_in_days='${jsondecode("[NaN, 3]")[1]}'
    ),
    "an escape that is none": lambda d: first(d, "aws_lambda_function").update(
        runtime='${"\\u0_70ython3.13"}'
    ),
    "a directive": lambda d: first(d, "aws_lambda_function").update(
        runtime='%{ if true }python3.13%{ endif }'
    ),
    "a for expression": lambda d: first(d, "aws_lambda_function").update(
        architectures='${[for a in ["arm64"] : a]}'
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNRESOLVED)
def test_what_is_not_resolved_is_not_passed(what: str, pipeline: Pipeline) -> None:
    judgement = pipeline.altered(UNRESOLVED[what])
    assert judgement.verdict is Verdict.UNJUDGED, told(judgement)


def test_a_number_that_a_float_would_round_is_not_read(pipeline: Pipeline) -> None:
    text = json.dumps(pipeline.document).replace("345600,", "345600.00000000000000001,", 1)
    judgement = pipeline.judge(text)
    assert judgement.verdict is Verdict.UNJUDGED, told(judgement)


OVERRIDES: dict[str, tuple[int, Any]] = {
    "attribute": (10, {"resource": {"aws_dynamodb_table": {"storage_table": {
        "billing_mode": "PROVISIONED"}}}}),
    "block": (9, {"resource": {"aws_dynamodb_table": {"storage_table": [{
        "point_in_time_recovery": {"enabled": False}}]}}}),
    "dynamic block": (9, {"resource": {"aws_dynamodb_table": {"storage_table": {"dynamic": {
        "point_in_time_recovery": {"for_each": [], "content": {"enabled": True}}}}}}}),
    "lifecycle": (17, {"resource": {"aws_dynamodb_table": {"storage_table": {
        "lifecycle": {"prevent_destroy": True}}}}}),
    "provider": (18, {"provider": {"aws": {"region": "eu-west-1"}}}),
    "backend": (26, {"terraform": {"backend": {"http": {"address": "http://x"}}}}),
    "variable": (27, {"variable": {"webhook_secrets": {"default": "{}"}}}),
    "output": (47, {"output": {"table_name": {"value": "x"}}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ["cdk_override.tf.json", "override.tf.json", "z_override.tf.json"])
@pytest.mark.parametrize("what", OVERRIDES)
def test_override_files_are_merged_and_refused(what: str, name: str, pipeline: Pipeline) -> None:
    policy, content = OVERRIDES[what]
    judgement = pipeline.judge(pipeline.document, (name, content))
    assert refused(judgement, f"CKV_PRICE_{policy}"), told(judgement)
    assert refused(judgement, "CKV_PRICE_24", f"file.{name}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("more.tf.json", {"resource": {"aws_iam_user": {"x": {"name": "x"}}}}),
        ("more.tf", 'resource "aws_iam_user" "x" { name = "x" }'),
        ("more.tofu", 'resource "aws_iam_user" "x" { name = "x" }'),
        ("terraform.tfvars", 'environmentSuffix = "prod"'),
        ("terraform.tfvars.json", {"environmentSuffix": "prod"}),
        ("x.auto.tfvars", ""),
        ("notes.txt", ""),
    ],
)
def test_files_that_do_not_belong_are_refused(name: str, content: Any, pipeline: Pipeline) -> None:
    judgement = pipeline.judge(pipeline.document, (name, content))
    assert refused(judgement, "CKV_PRICE_24", f"file.{name}"), told(judgement)


def test_a_document_alone_is_judged_without_packages(pipeline: Pipeline, tmp_path: Path) -> None:
    for name in ("cdk.tf.json", "mutant-17.json"):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_text(json.dumps(pipeline.document))
        (judgement,) = judge([folder / name])
        assert judgement.verdict is Verdict.PASSED, told(judgement)
    (judgement,) = judge([tmp_path / "cdk-tf-json"])
    assert judgement.verdict is Verdict.UNJUDGED, told(judgement)


def test_what_lies_beside_a_document_counts(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    (tmp_path / "x_override.tf.json").write_text(json.dumps(OVERRIDES["attribute"][1]))
    (judgement,) = judge([tmp_path / "cdk.tf.json"])
    assert refused(judgement, "CKV_PRICE_10"), told(judgement)


@pytest.mark.parametrize("selected", ["default", "default\n", "other", ""])
def test_the_selection_of_another_workspace_is_refused(
    selected: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    """GIVEN a folder in which a workspace was selected THEN its state must still be the stack's."""
    (tmp_path / ".terraform").mkdir()
    (tmp_path / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    (tmp_path / ".terraform" / "environment").write_text(selected)
    (judgement,) = judge([tmp_path / "cdk.tf.json"])
    found = refused(judgement, "CKV_PRICE_24", "file..terraform/environment")
    assert found is (selected.strip() != "default"), told(judgement)
