"""What is deployed: every requirement against the synthesized document."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stack import settings
from tests.stack.synthesis import SUFFIX, Synthesized, variants

FUNCTIONS = {
    "webhook_processor": ("webhook-processor", 1024, 60),
    "price_enricher": ("price-enricher", 512, 120),
    "error_notifier": ("error-notifier", 128, 30),
}
KEY = "${aws_kms_key.encryption_key.arn}"
TABLE = "${aws_dynamodb_table.storage_table.arn}"
STREAM = "${aws_dynamodb_table.storage_table.stream_arn}"
SUCCESS = "${aws_sns_topic.success_topic_topic.arn}"
ERRORS = "${aws_sns_topic.error_topic_topic.arn}"
ACCOUNT = "${data.aws_caller_identity.identity.account_id}"

UNTAGGABLE = {
    "aws_api_gateway_deployment",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method",
    "aws_api_gateway_method_response",
    "aws_api_gateway_method_settings",
    "aws_api_gateway_request_validator",
    "aws_api_gateway_resource",
    "aws_api_gateway_usage_plan_key",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_log_subscription_filter",
    "aws_iam_role_policy",
    "aws_kms_alias",
    "aws_lambda_function_event_invoke_config",
    "aws_lambda_permission",
}

INVENTORY = {
    "aws_api_gateway_api_key": 1,
    "aws_api_gateway_deployment": 1,
    "aws_api_gateway_integration": 1,
    "aws_api_gateway_integration_response": 2,
    "aws_api_gateway_method": 1,
    "aws_api_gateway_method_response": 2,
    "aws_api_gateway_method_settings": 1,
    "aws_api_gateway_request_validator": 1,
    "aws_api_gateway_resource": 2,
    "aws_api_gateway_rest_api": 1,
    "aws_api_gateway_stage": 1,
    "aws_api_gateway_usage_plan": 1,
    "aws_api_gateway_usage_plan_key": 1,
    "aws_cloudwatch_dashboard": 1,
    "aws_cloudwatch_log_group": 3,
    "aws_cloudwatch_log_subscription_filter": 2,
    "aws_cloudwatch_metric_alarm": 9,
    "aws_dynamodb_table": 1,
    "aws_iam_policy": 1,
    "aws_iam_role": 3,
    "aws_iam_role_policy": 3,
    "aws_kms_alias": 1,
    "aws_kms_key": 1,
    "aws_lambda_event_source_mapping": 1,
    "aws_lambda_function": 3,
    "aws_lambda_function_event_invoke_config": 3,
    "aws_lambda_permission": 3,
    "aws_sns_topic": 2,
    "aws_sqs_queue": 3,
}

Statements = dict[str, dict[str, Any]]


def statements(policy: str) -> Statements:
    """A policy's statements by their ids."""
    document = json.loads(policy)
    assert document["Version"] == "2012-10-17"
    return {statement["Sid"]: statement for statement in document["Statement"]}


def policies(synthesized: Synthesized) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of every policy in the document, with the resource it stands in."""
    return [
        (f"{kind}.{name}", statement)
        for kind, name, attributes in synthesized.every()
        for key in ("policy", "assume_role_policy")
        if key in attributes
        for statement in json.loads(attributes[key])["Statement"]
    ]


def test_nothing_is_deployed_but_what_is_listed(synthesized: Synthesized) -> None:
    found = {kind: len(named) for kind, named in synthesized.document["resource"].items()}
    assert found == INVENTORY
    assert list(synthesized.document["data"]) == ["aws_caller_identity"]


def test_every_name_ends_with_the_suffix(synthesized: Synthesized) -> None:
    given = ("name", "function_name", "statement_id", "alarm_name", "dashboard_name")
    names = {
        f"{kind}.{name}": attributes[key]
        for kind, name, attributes in synthesized.every()
        for key in given
        if key in attributes and "${aws_" not in attributes[key]
    }
    assert len(names) >= 25
    assert {who: name for who, name in names.items() if not name.endswith(f"-{SUFFIX}")} == {}


def test_every_taggable_resource_is_tagged(synthesized: Synthesized) -> None:
    expected = {**settings.load().tags, "Environment": SUFFIX}
    wrong = {
        f"{kind}.{name}": attributes.get("tags")
        for kind, name, attributes in synthesized.every()
        if kind not in UNTAGGABLE and attributes.get("tags") != expected
    }
    assert wrong == {}


def test_provider_and_region(synthesized: Synthesized) -> None:
    assert synthesized.document["provider"] == {"aws": [{"region": "us-east-1"}]}
    terraform = synthesized.document["terraform"]
    assert terraform["required_providers"] == {"aws": {"source": "aws", "version": "5.100.0"}}
    # Checkov checks nothing in a document that has it (bridgecrewio/checkov#7454).
    assert "required_version" not in terraform


def test_key(synthesized: Synthesized) -> None:
    key = synthesized.one("aws_kms_key")
    assert key["enable_key_rotation"] is True
    assert key["deletion_window_in_days"] == 7
    alias = synthesized.one("aws_kms_alias")
    assert alias["name"] == f"alias/price-pipeline-{SUFFIX}"
    assert alias["target_key_id"] == "${aws_kms_key.encryption_key.key_id}"


def test_key_policy_lets_the_owner_administer_and_delete_and_alarms_publish(
    synthesized: Synthesized,
) -> None:
    found = statements(synthesized.one("aws_kms_key")["policy"])
    owner = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert set(found) == {"OwnerAdministers", "OwnerDelegatesUse", "AlarmsPublish"}
    assert found["OwnerAdministers"]["Principal"] == owner
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DescribeKey"} <= set(
        found["OwnerAdministers"]["Action"]
    )
    assert found["OwnerDelegatesUse"]["Principal"] == owner
    assert set(found["OwnerDelegatesUse"]["Action"]) == {
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
    }
    alarms = found["AlarmsPublish"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(alarms["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert alarms["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*"},
    }


def test_table(synthesized: Synthesized) -> None:
    table = synthesized.one("aws_dynamodb_table")
    assert table["name"] == f"crypto-prices-{SUFFIX}"
    assert (table["hash_key"], table["range_key"]) == ("symbol", "timestamp")
    assert table["attribute"] == [
        {"name": "symbol", "type": "S"},
        {"name": "timestamp", "type": "N"},
    ]
    assert table["billing_mode"] == "PAY_PER_REQUEST"
    assert table["point_in_time_recovery"] == {"enabled": True}
    assert table["stream_enabled"] is True
    assert table["stream_view_type"] == "NEW_IMAGE"
    assert table["deletion_protection_enabled"] is False


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_function(synthesized: Synthesized, id_: str) -> None:
    name, memory, timeout = FUNCTIONS[id_]
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    assert function["function_name"] == f"{name}-{SUFFIX}"
    assert function["memory_size"] == memory
    assert function["timeout"] == timeout
    assert function["architectures"] == ["arm64"]
    assert function["runtime"] == "python3.13"
    assert function["handler"] == f"lambdas.{id_}.handler.handle"
    assert function["reserved_concurrent_executions"] == (
        settings.load().functions[id_].reserved_concurrency
    )
    assert function["role"] == f"${{aws_iam_role.{id_}_role.arn}}"
    assert function["kms_key_arn"] == KEY
    assert function["environment"]["variables"]["ENVIRONMENT_SUFFIX"] == SUFFIX
    assert function["dead_letter_config"] == {
        "target_arn": f"${{aws_sqs_queue.{id_}_dead_letters_queue.arn}}"
    }
    assert function["logging_config"] == {
        "log_format": "JSON",
        "application_log_level": "INFO",
        "system_log_level": "WARN",
        "log_group": f"${{aws_cloudwatch_log_group.{id_}_log_group.name}}",
    }


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_what_a_function_needs_is_created_before_it(synthesized: Synthesized, id_: str) -> None:
    policy = f"aws_iam_role_policy.{id_}_policy"
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    assert set(function["depends_on"]) == {policy, f"aws_cloudwatch_log_group.{id_}_log_group"}
    invoke = synthesized.one("aws_lambda_function_event_invoke_config", f"{id_}_event_invoke")
    assert invoke["depends_on"] == [policy]


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_log_group(synthesized: Synthesized, id_: str) -> None:
    group = synthesized.one("aws_cloudwatch_log_group", f"{id_}_log_group")
    assert group["name"] == f"/aws/lambda/{FUNCTIONS[id_][0]}-{SUFFIX}"
    assert group["retention_in_days"] == 3
    assert group["skip_destroy"] is False


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_dead_letter_queue(synthesized: Synthesized, id_: str) -> None:
    queue = synthesized.one("aws_sqs_queue", f"{id_}_dead_letters_queue")
    name = f"{FUNCTIONS[id_][0]}-dlq-{SUFFIX}"
    assert queue["name"] == name
    assert queue["message_retention_seconds"] == 345_600
    # SQS's own key: the failure path must not depend on ours.
    assert queue["sqs_managed_sse_enabled"] is True
    assert "kms_master_key_id" not in queue
    denials = statements(queue["policy"]).values()
    for statement in denials:
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] == "*"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == [f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"]
    denied = {action for statement in denials for action in statement["Action"]}
    assert {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:SetQueueAttributes"} <= denied


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_sqs_accepts_the_policy_of_a_dead_letter_queue(synthesized: Synthesized, id_: str) -> None:
    """No emulator counts: SQS answers OverLimit, and the whole deployment stops there.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    """
    policy = synthesized.one("aws_sqs_queue", f"{id_}_dead_letters_queue")["policy"]
    assert len(policy.encode()) <= 8_192
    assert len(statements(policy)) <= 20
    for sid, statement in statements(policy).items():
        assert len(statement["Action"]) <= 7, sid


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_only_lambda_assumes_the_role(synthesized: Synthesized, id_: str) -> None:
    role = synthesized.one("aws_iam_role", f"{id_}_role")
    (trust,) = statements(role["assume_role_policy"]).values()
    assert trust["Effect"] == "Allow"
    assert trust["Action"] == "sts:AssumeRole"
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def common_rights(id_: str, topic: str) -> dict[tuple[str, ...], list[str]]:
    return {
        ("logs:CreateLogStream", "logs:PutLogEvents"): [
            f"${{aws_cloudwatch_log_group.{id_}_log_group.arn}}:*"
        ],
        ("sqs:SendMessage",): [f"${{aws_sqs_queue.{id_}_dead_letters_queue.arn}}"],
        ("sns:Publish",): [topic],
        ("kms:Decrypt", "kms:GenerateDataKey"): [KEY],
    }


RIGHTS = {
    "webhook_processor": {
        **common_rights("webhook_processor", SUCCESS),
        # Select looks up the event that a refused duplicate would replace.
        ("dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect"): [TABLE],
    },
    "price_enricher": {
        **common_rights("price_enricher", SUCCESS),
        ("dynamodb:PartiQLUpdate", "dynamodb:Query"): [TABLE],
        ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"): [STREAM],
        ("dynamodb:ListStreams",): ["*"],
    },
    "error_notifier": common_rights("error_notifier", ERRORS),
}


@pytest.mark.parametrize("id_", FUNCTIONS)
def test_a_role_has_exactly_the_rights_that_its_function_uses(
    synthesized: Synthesized, id_: str
) -> None:
    policy = synthesized.one("aws_iam_role_policy", f"{id_}_policy")
    assert policy["role"] == f"${{aws_iam_role.{id_}_role.name}}"
    granted = statements(policy["policy"]).values()
    assert all(statement["Effect"] == "Allow" for statement in granted)
    assert {
        tuple(sorted(statement["Action"])): statement["Resource"] for statement in granted
    } == RIGHTS[id_]


def test_price_readers_read_the_table_and_nothing_else(synthesized: Synthesized) -> None:
    policy = synthesized.one("aws_iam_policy")
    assert policy["name"] == f"price-reader-{SUFFIX}"
    (statement,) = statements(policy["policy"]).values()
    assert statement["Effect"] == "Allow"
    assert set(statement["Action"]) == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
    }
    assert statement["Resource"] == [TABLE]


def test_no_action_of_any_policy_has_a_wildcard(synthesized: Synthesized) -> None:
    found = policies(synthesized)
    assert len(found) > 20
    for where, statement in found:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action), where
        assert "NotAction" not in statement, where


def test_webhook_processor_environment(synthesized: Synthesized) -> None:
    function = synthesized.one("aws_lambda_function", "webhook_processor_function")
    assert function["environment"]["variables"] == {
        "TABLE_NAME": "${aws_dynamodb_table.storage_table.name}",
        "DEAD_LETTER_QUEUE_URL": "${aws_sqs_queue.webhook_processor_dead_letters_queue.url}",
        "WEBHOOK_SECRETS": "${var.webhook_secrets}",
        "HOME_QUOTE": "USD",
        "MAXIMUM_BODY_BYTES": "180000",
        "MAXIMUM_NESTING": "32",
        "PRICE_MINIMUM": "1e-12",
        "PRICE_MAXIMUM": "1e12",
        "SIGNIFICANT_DIGITS": "18",
        "PAST_WINDOW_SECONDS": "86400",
        "FUTURE_WINDOW_SECONDS": "60",
        "SIGNATURE_TOLERANCE_SECONDS": "300",
        "ROW_RETENTION_SECONDS": "0",
        "INSERT_WITHIN_SECONDS": "0",
        "ENVIRONMENT_SUFFIX": SUFFIX,
    }


@pytest.mark.parametrize(
    ("id_", "variables"),
    [
        (
            "price_enricher",
            {
                "TABLE_NAME": "${aws_dynamodb_table.storage_table.name}",
                "SUCCESS_TOPIC_ARN": SUCCESS,
                "ROW_RETENTION_SECONDS": "0",
                "WINDOW_REACH_SECONDS": "0",
            },
        ),
        ("error_notifier", {"ERROR_TOPIC_ARN": ERRORS}),
    ],
)
def test_environment(synthesized: Synthesized, id_: str, variables: dict[str, str]) -> None:
    function = synthesized.one("aws_lambda_function", f"{id_}_function")
    assert function["environment"]["variables"] == {**variables, "ENVIRONMENT_SUFFIX": SUFFIX}


@pytest.mark.parametrize(
    ("id_", "age", "destination"),
    [
        ("webhook_processor", 21_600, SUCCESS),
        ("price_enricher", 21_600, SUCCESS),
        # A delivered notice is no price update.
        ("error_notifier", 3_600, None),
    ],
)
def test_event_invoke_configuration(
    synthesized: Synthesized, id_: str, age: int, destination: str | None
) -> None:
    found = synthesized.one("aws_lambda_function_event_invoke_config", f"{id_}_event_invoke")
    assert found["function_name"] == f"${{aws_lambda_function.{id_}_function.function_name}}"
    assert found["maximum_retry_attempts"] == 2
    assert found["maximum_event_age_in_seconds"] == age
    expected = destination and {"on_success": {"destination": destination}}
    # No on-failure destination beside the dead-letter queue, no empty block.
    assert found.get("destination_config") == expected


def test_stream_mapping(synthesized: Synthesized) -> None:
    mapping = synthesized.one("aws_lambda_event_source_mapping")
    assert mapping["event_source_arn"] == STREAM
    assert mapping["function_name"] == "${aws_lambda_function.price_enricher_function.arn}"
    (only,) = mapping["filter_criteria"]["filter"]
    assert json.loads(only["pattern"]) == {"eventName": ["INSERT"]}
    assert mapping["function_response_types"] == ["ReportBatchItemFailures"]
    assert mapping["bisect_batch_on_function_error"] is True
    assert 0 < mapping["maximum_retry_attempts"] < 100
    assert 12 * 3600 <= mapping["maximum_record_age_in_seconds"] < 24 * 3600
    assert mapping["destination_config"] == {
        "on_failure": {"destination_arn": "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}"}
    }
    assert mapping["starting_position"] == "TRIM_HORIZON"
    assert mapping["parallelization_factor"] == 1
    assert mapping["batch_size"] == 100
    assert mapping["depends_on"] == ["aws_iam_role_policy.price_enricher_policy"]


@pytest.mark.parametrize(
    ("id_", "name", "alarms"),
    [
        ("success_topic_topic", "price-updates-success", False),
        ("error_topic_topic", "processing-errors", True),
    ],
)
def test_topic(synthesized: Synthesized, id_: str, name: str, alarms: bool) -> None:
    topic = synthesized.one("aws_sns_topic", id_)
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}-{SUFFIX}"
    assert topic["name"] == f"{name}-{SUFFIX}"
    assert topic["kms_master_key_id"] == KEY
    found = statements(topic["policy"])
    deny = found.pop("RefuseWithoutTls")
    assert deny["Effect"] == "Deny"
    assert deny["Principal"] == "*"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [arn]
    assert "sns:Publish" in deny["Action"]
    if alarms:
        allowed = found.pop("AlarmsPublish")
        assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert allowed["Action"] == ["sns:Publish"]
        assert allowed["Resource"] == [arn]
        assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert found == {}


@pytest.mark.parametrize("id_", ["webhook_processor", "price_enricher"])
def test_errors_of_the_working_functions_reach_the_notifier(
    synthesized: Synthesized, id_: str
) -> None:
    name = f"error_subscriptions_{id_}"
    group = f"aws_cloudwatch_log_group.{id_}_log_group"
    found = synthesized.one("aws_cloudwatch_log_subscription_filter", f"{name}_filter")
    assert found["log_group_name"] == f"${{{group}.name}}"
    assert found["destination_arn"] == "${aws_lambda_function.error_notifier_function.arn}"
    for part in ('$.level = "ERROR"', '$.log_level = "ERROR"', '$.record.status = "timeout"'):
        assert part in found["filter_pattern"]
    # Refused by AWS when the filter comes first.
    assert found["depends_on"] == [f"aws_lambda_permission.{name}_permission"]
    permission = synthesized.one("aws_lambda_permission", f"{name}_permission")
    assert permission["principal"] == "logs.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["source_arn"] == f"${{{group}.arn}}:*"
    assert permission["source_account"] == ACCOUNT
    assert permission["function_name"] == (
        "${aws_lambda_function.error_notifier_function.function_name}"
    )


def test_the_notifier_does_not_watch_itself(synthesized: Synthesized) -> None:
    watched = synthesized.resources("aws_cloudwatch_log_subscription_filter").values()
    assert not [each for each in watched if "error_notifier" in each["log_group_name"]]


def test_nothing_survives_destruction(synthesized: Synthesized) -> None:
    for kind, name, attributes in synthesized.every():
        where = f"{kind}.{name}"
        assert not attributes.get("lifecycle", {}).get("prevent_destroy"), where
        assert not attributes.get("skip_destroy"), where
        assert not attributes.get("deletion_protection_enabled"), where


def test_outputs(synthesized: Synthesized) -> None:
    outputs = {name: each["value"] for name, each in synthesized.document["output"].items()}
    assert outputs == {
        "webhook_processor_arn": "${aws_lambda_function.webhook_processor_function.arn}",
        "price_enricher_arn": "${aws_lambda_function.price_enricher_function.arn}",
        "error_notifier_arn": "${aws_lambda_function.error_notifier_function.arn}",
        "table_name": "${aws_dynamodb_table.storage_table.name}",
        "success_topic_arn": SUCCESS,
        "error_topic_arn": ERRORS,
        "webhook_url": "${aws_api_gateway_stage.ingress_stage.invoke_url}/webhooks",
        "api_key_id": "${aws_api_gateway_api_key.ingress_key.id}",
        "webhook_dlq_url": "${aws_sqs_queue.webhook_processor_dead_letters_queue.url}",
        "enricher_dlq_url": "${aws_sqs_queue.price_enricher_dead_letters_queue.url}",
    }


def test_variables(synthesized: Synthesized) -> None:
    variables = synthesized.document["variable"]
    assert set(variables) == {"environmentSuffix", "webhook_secrets"}
    assert variables["environmentSuffix"]["default"] == "dev"
    assert variables["webhook_secrets"]["sensitive"] is True
    assert "default" not in variables["webhook_secrets"]


def test_secrets_go_to_the_function_that_verifies_and_nowhere_else(
    synthesized: Synthesized,
) -> None:
    holders = [
        f"{kind}.{name}"
        for kind, name, attributes in synthesized.every()
        if "var.webhook_secrets" in json.dumps(attributes)
    ]
    assert holders == ["aws_lambda_function.webhook_processor_function"]
    assert "var.webhook_secrets" not in json.dumps(synthesized.document["output"])


def test_synthesis_is_deterministic() -> None:
    one, other = variants()["dev"].folder, variants()["again"].folder
    files = sorted(file.relative_to(one) for file in one.rglob("*") if file.is_file())
    assert len(files) == 4
    assert files == sorted(file.relative_to(other) for file in other.rglob("*") if file.is_file())
    for file in files:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file


def test_the_document_knows_nothing_of_the_machine(synthesized: Synthesized) -> None:
    assert str(synthesized.folder.parent.parent) not in synthesized.text
    assert not re.search(r'"/(home|root|tmp|Users|private|var|work)/', synthesized.text)


def test_two_suffixes_share_neither_folder_nor_state() -> None:
    dev, other = variants()["dev"], variants()["other-suffix"]
    assert dev.folder.name == "crypto-prices-dev"
    assert other.folder.name == "crypto-prices-pr-42"
    assert other.document["variable"]["environmentSuffix"]["default"] == "pr-42"
    paths = [each.document["terraform"]["backend"]["local"]["path"] for each in (dev, other)]
    assert paths == [
        "../../../terraform.crypto-prices-dev.tfstate",
        "../../../terraform.crypto-prices-pr-42.tfstate",
    ]


def test_two_suffixes_differ_in_nothing_else() -> None:
    dev, other = variants()["dev"].document, variants()["other-suffix"].document

    def without_paths(resource: Any) -> Any:
        return json.loads(re.sub(r"crypto-prices-(dev|pr-42)/", "", json.dumps(resource)))

    assert without_paths(dev["resource"]) == without_paths(other["resource"])


def test_remote_state() -> None:
    backend = variants()["remote-state"].document["terraform"]["backend"]
    assert backend == {
        "s3": {
            "bucket": "prices-state",
            "key": "crypto-prices/dev.tfstate",
            "region": "us-east-1",
            "encrypt": True,
            "use_lockfile": True,
        }
    }
