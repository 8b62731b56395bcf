"""What Terraform itself says of the synthesized stack: it is valid, and every value resolves.

The provider is mocked, so neither credentials nor a network are needed.
https://developer.hashicorp.com/terraform/language/tests/mocking
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack.providers import configuration
from tests.stack.synthesis import variants

pytestmark = pytest.mark.terraform

VERSION = "5.100.0"
ACCOUNT = "123456789012"

AWS = f"arn:aws:{{}}:us-east-1:{ACCOUNT}:{{}}".format
TABLE = AWS("dynamodb", "table/mock")

# The provider refuses arguments that are no ARN, and mocked attributes are random text.
MOCKED = {
    "aws_api_gateway_rest_api": {"execution_arn": AWS("execute-api", "mock")},
    "aws_cloudwatch_log_group": {"arn": AWS("logs", "log-group:mock")},
    "aws_dynamodb_table": {"arn": TABLE, "stream_arn": f"{TABLE}/stream/2026-01-01T00:00:00.000"},
    "aws_iam_role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/mock"},
    "aws_kms_key": {"arn": AWS("kms", "key/11111111-2222-3333-4444-555555555555")},
    "aws_lambda_function": {"arn": AWS("lambda", "function:mock")},
    "aws_sns_topic": {"arn": AWS("sns", "mock")},
    "aws_sqs_queue": {"arn": AWS("sqs", "mock")},
}

GOOD_SECRETS = '{"binance": {"secrets": ["whsec_c2VjcmV0"]}}'


def mocked(block: str, kind: str, **values: str) -> str:
    pairs = "".join(f"      {key} = {json.dumps(value)}\n" for key, value in values.items())
    return f'  {block} "{kind}" {{\n    defaults = {{\n{pairs}    }}\n  }}\n'


def mock_provider() -> str:
    """Write the mocked provider of a Terraform test file."""
    blocks = [mocked("mock_data", "aws_caller_identity", account_id=ACCOUNT)]
    blocks += [mocked("mock_resource", kind, **values) for kind, values in MOCKED.items()]
    return f'mock_provider "aws" {{\n{"".join(blocks)}}}\n'


def run_block(name: str, command: str, fails: str = "", **variables: str) -> str:
    given = "".join(f"    {key} = {json.dumps(value)}\n" for key, value in variables.items())
    expected = f"  expect_failures = [{fails}]\n" if fails else ""
    return f'run "{name}" {{\n  command = {command}\n  variables {{\n{given}  }}\n{expected}}}\n'


def terraform(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "AWS_"))}
    configured = place.parent / "terraformrc"
    configured.write_text(configuration(VERSION, os.environ, place.parent / "plugins"))
    return subprocess.run(
        ["terraform", *arguments, "-no-color"],
        cwd=place,
        env={**kept, "TF_CLI_CONFIG_FILE": str(configured), "TF_IN_AUTOMATION": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def reported(place: Path, test_file: str) -> list[dict[str, Any]]:
    """Run a Terraform test file in `place`; return the messages."""
    (place / "stack.tftest.hcl").write_text(test_file)
    done = terraform(place, "test", "-json", "-verbose")
    return [json.loads(line) for line in done.stdout.splitlines()]


def statuses(messages: list[dict[str, Any]]) -> dict[str, str]:
    return {
        message["test_run"]["run"]: message["test_run"]["status"]
        for message in messages
        if message["type"] == "test_run" and message["test_run"]["progress"] == "complete"
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an initialised copy of the stack folder."""
    place = tmp_path_factory.mktemp("terraform") / "stack"
    shutil.copytree(variants()["dev"].folder, place)
    done = terraform(place, "init", "-backend-config=path=terraform.tfstate", "-input=false")
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture(scope="module")
def applied(place: Path) -> list[dict[str, Any]]:
    """Apply the stack to a mocked provider; return what Terraform reports."""
    return reported(
        place, mock_provider() + run_block("applies", "apply", webhook_secrets=GOOD_SECRETS)
    )


def test_it_is_valid(place: Path) -> None:
    done = terraform(place, "validate", "-json")
    report = json.loads(done.stdout)
    assert report["diagnostics"] == []
    assert report["valid"] is True


def test_it_applies(applied: list[dict[str, Any]]) -> None:
    trouble = [message for message in applied if message["type"] == "diagnostic"]
    assert statuses(applied) == {"applies": "pass"}, trouble


def test_wrong_variables_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "variables"
    place.mkdir()
    # The variables alone: what they refuse, they refuse before any resource is looked at.
    variables = {"variable": variants()["dev"].document["variable"]}
    (place / "cdk.tf.json").write_text(json.dumps(variables))
    wrong = {
        "no_json": "binance",
        "a_list": "[]",
        "a_text": '"binance"',
        "nothing": "null",
        "empty": "",
        "too_long": json.dumps({"binance": "x" * 3_000}),
    }
    messages = reported(
        place,
        run_block("right", "plan", webhook_secrets=GOOD_SECRETS, environmentSuffix="dev")
        + run_block(
            "other_suffix",
            "plan",
            "var.environmentSuffix",
            webhook_secrets=GOOD_SECRETS,
            environmentSuffix="other",
        )
        + "".join(
            run_block(name, "plan", "var.webhook_secrets", webhook_secrets=value)
            for name, value in wrong.items()
        ),
    )
    assert statuses(messages) == dict.fromkeys(("right", "other_suffix", *wrong), "pass"), [
        message for message in messages if message["type"] == "diagnostic"
    ]


def resolved(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The values that the apply gave to each resource's own attributes, by address."""
    (state,) = (message["test_state"] for message in messages if message["type"] == "test_state")
    declared = variants()["dev"].document["resource"]
    return {
        each["address"]: {
            key: value
            for key, value in each["values"].items()
            if key in declared[each["type"]][each["name"]]
        }
        for each in state["root_module"]["resources"]
        if each["mode"] == "managed"
    }


def test_every_value_resolves(applied: list[dict[str, Any]]) -> None:
    found = resolved(applied)
    declared = variants()["dev"].every()
    assert set(found) == {f"{kind}.{name}" for kind, name, _ in declared}
    assert "${" not in json.dumps(found)


def test_every_policy_is_a_document_that_names_real_resources(
    applied: list[dict[str, Any]],
) -> None:
    policies = {
        f"{address}.{key}": json.loads(values[key])
        for address, values in resolved(applied).items()
        for key in ("policy", "assume_role_policy")
        if key in values
    }
    assert len(policies) == 13
    queue = policies["aws_sqs_queue.price_enricher_dead_letters_queue.policy"]
    assert queue["Statement"][0]["Resource"] == [AWS("sqs", "price-enricher-dlq-dev")]
    key = policies["aws_kms_key.encryption_key.policy"]
    assert key["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_names_resolve_with_the_suffix(applied: list[dict[str, Any]]) -> None:
    found = resolved(applied)
    names = {where: values["name"] for where, values in found.items() if "name" in values}
    assert names["aws_dynamodb_table.storage_table"] == "crypto-prices-dev"
    assert {where for where, name in names.items() if not name.endswith("-dev")} == set()


def test_without_secrets_the_plan_asks_for_them(place: Path) -> None:
    done = terraform(place, "plan", "-input=false", "-refresh=false")
    assert done.returncode == 1
    assert 'variable "webhook_secrets" is not set' in done.stderr.replace("\n", " ")
