"""Messages that Lambda itself sends to queues and topics, with the function's execution role.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from local.emulator import faults
from local.emulator.authority import account_and_region, role_refusal
from local.emulator.context import scoped
from local.emulator.keys import role_key_refusal
from local.emulator.upstream import module, needs

needs("services.sqs:_queue_by_arn", "arn")
needs("services.sqs:_act_send_message", "data qurl")
needs("services.sqs:_queue_name_to_url")
needs("services.sns:_topic_by_arn_any_scope", "topic_arn")
needs(
    "services.sns:publish_internal",
    "topic_arn message subject message_structure message_attributes message_group_id "
    "message_deduplication_id",
)

_log = logging.getLogger("local.emulator.delivery")
MAXIMUM_RECORD_BYTES = 256 * 1024


def moment(epoch: float | None = None) -> str:
    """A moment as records of Lambda write it, `2026-11-22T17:41:00.000Z`; now by default."""
    when = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(epoch, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def send(
    config: dict[str, Any],
    target: str,
    body: str,
    attributes: dict[str, dict[str, str]] | None = None,
) -> str | None:
    """Send `body` to a queue or topic as the function's role; the reason when it did not go."""
    service = target.split(":")[2]
    operation = {"sqs": "SendMessage", "sns": "Publish"}.get(service, "")
    role = config["Role"].rsplit("/", 1)[-1]
    reason = faults.strike_within(service, operation, role)
    reason = reason or {"sqs": _send_to_queue, "sns": _send_to_topic}.get(service, _unsupported)(
        config, target, body, attributes or {}
    )
    if reason:
        _log.warning("%s could not deliver to %s: %s", config["FunctionName"], target, reason)
    return reason


def _unsupported(*_: Any) -> str:
    return "only SQS and SNS destinations are emulated"


def _send_to_queue(
    config: dict[str, Any], target: str, body: str, attributes: dict[str, dict[str, str]]
) -> str | None:
    denial = role_refusal(config, "sqs:SendMessage", target)
    if denial:
        return denial.text()
    account, region = account_and_region(target)
    context = scoped(account, region)
    sqs = module("services.sqs")
    queue = context.run(sqs._queue_by_arn, target)
    if queue is None:
        return "the queue does not exist"
    key = queue["attributes"].get("KmsMasterKeyId")
    refusal = role_key_refusal(config, key, "kms:GenerateDataKey", "kms:Decrypt")
    if refusal:
        return str(refusal)
    name = target.rsplit(":", 1)[-1]
    url = context.run(sqs._queue_name_to_url.get, name)
    message = {"QueueUrl": url, "MessageBody": body, "MessageAttributes": attributes}
    try:
        context.run(sqs._act_send_message, message, url)
    except sqs._Err as error:
        return f"{error.code}: {error.message}"
    return None


def _send_to_topic(
    config: dict[str, Any], target: str, body: str, attributes: dict[str, dict[str, str]]
) -> str | None:
    denial = role_refusal(config, "sns:Publish", target)
    if denial:
        return denial.text()
    account, region = account_and_region(target)
    context = scoped(account, region)
    sns = module("services.sns")
    topic = context.run(sns._topic_by_arn_any_scope, target)
    if topic is None:
        return "the topic does not exist"
    key = topic.get("attributes", {}).get("KmsMasterKeyId")
    refusal = role_key_refusal(config, key, "kms:GenerateDataKey", "kms:Decrypt")
    if refusal:
        return str(refusal)
    try:
        context.run(sns.publish_internal, target, body, message_attributes=attributes)
    except sns.SnsPublishError as error:
        return str(error)
    return None


def record(
    config: dict[str, Any],
    request_id: str,
    condition: str,
    invocations: int,
    request: bytes,
    answer: bytes | None,
    *,
    failed: bool,
) -> str:
    """The invocation record that Lambda hands to a destination, as JSON text.

    Above 256 KB (request and response together) both payloads are left out.
    """
    response_context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
    if failed:
        response_context["functionError"] = "Unhandled"
    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": moment(),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{config['FunctionArn']}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
    }
    fits = len(request) + len(answer or b"") <= MAXIMUM_RECORD_BYTES
    if fits:
        document["requestPayload"] = json.loads(request)
    if answer is not None:
        document["responseContext"] = response_context
        if fits:
            document["responsePayload"] = json.loads(answer)
    return json.dumps(document, ensure_ascii=False)
