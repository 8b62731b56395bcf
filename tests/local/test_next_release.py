"""A next release changes something of every kind of resource that the stack has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from local import next_release
from tests.stack.synthesis import variants

# What has nothing of its own that changes in place.
STANDING = {
    "aws_api_gateway_deployment",
    "aws_api_gateway_method_response",
    "aws_api_gateway_resource",
    "aws_api_gateway_usage_plan_key",
    "aws_kms_alias",
    "aws_lambda_permission",
    "aws_sns_topic_subscription",
}


def test_each_resource_is_altered_and_its_name_is_not(tmp_path: Path) -> None:
    synthesized = variants()["dev"]
    stack = shutil.copytree(synthesized.folder, tmp_path / "stack")
    next_release.alter(stack)
    altered = json.loads((stack / "cdk.tf.json").read_text(encoding="utf-8"))["resource"]
    assert altered.keys() == synthesized.document["resource"].keys()
    for kind, name, before in synthesized.every():
        after = altered[kind][name]
        assert (after == before) == (kind in STANDING), f"{kind}.{name}"
        assert after.get("name") == before.get("name")
        if "tags" in before:
            assert before["tags"].keys() - after["tags"].keys() == {"Owner"}
            assert after["tags"].keys() - before["tags"].keys() == {"Release"}
