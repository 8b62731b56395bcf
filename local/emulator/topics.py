"""SNS: whoever publishes to a topic under a customer-managed key must be able to use the key.

https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

import time
from collections.abc import Callable
from typing import Any

from local.emulator.authority import Denial, note_use
from local.emulator.authority import record as keep
from local.emulator.keys import key_record
from local.emulator.upstream import module, needs, replaces

needs("services.sns:_topic_by_arn_any_scope", "topic_arn")
needs("services.sns:_error", "code message status")
needs("services.sns:_p", "params key default")
needs("core.iam_evaluator:_request_caller_arn")
needs("core.responses:get_account_id", "")
needs("core.responses:get_region", "")

_PAGE = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"


@replaces("services.sns:_publish", "params", _PAGE)
def publish(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """Refuse a publication whose caller may not use the topic's key, or whose key is unusable."""
    sns = module("services.sns")
    arn = sns._p(params, "TopicArn") or sns._p(params, "TargetArn")
    topic = sns._topic_by_arn_any_scope(arn) if arn else None
    key = (topic or {}).get("attributes", {}).get("KmsMasterKeyId")
    if key and not key.startswith("alias/aws/"):
        refused = _refusal(key)
        if refused:
            return sns._error(*refused, 400)
    return original(params)


def _refusal(key: str) -> tuple[str, str] | None:
    responses = module("core.responses")
    account, region = responses.get_account_id(), responses.get_region()
    record = key_record(key, account, region)
    if record is None:
        return "KMSNotFound", f"Key {key} does not exist"
    if record["KeyState"] == "Disabled":
        return "KMSDisabled", f"{record['Arn']} is disabled."
    if record["KeyState"] != "Enabled":
        return "KMSInvalidState", f"{record['Arn']} is in an invalid state: {record['KeyState']}"
    evaluator = module("core.iam_evaluator")
    caller = evaluator.caller_arn()
    if caller.endswith(":root"):
        return None
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not _may_use(caller, action, record, account, region):
            denial = Denial(caller, action, record["Arn"], time.time(), "sns")
            keep(denial)
            return "KMSAccessDenied", denial.text()
    return None


def _may_use(caller: str, action: str, record: dict[str, Any], account: str, region: str) -> bool:
    """Whether the caller's policies and the key's policy let it use the key."""
    evaluator = module("core.iam_evaluator")
    if ":assumed-role/" in caller:
        name = evaluator._role_name_from_assumed_arn(caller)
        policies = evaluator._gather_role_policies(name, account)
    else:
        policies = evaluator._gather_user_policies(caller.rsplit("/", 1)[-1], account)
    context = evaluator.EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole" if ":assumed-role/" in caller else "User",
        principal_account=account,
        action=action,
        resource_arn=record["Arn"],
        region=region,
        secure_transport=True,
        service_context={"kms:viaservice": f"sns.{region}.amazonaws.com"},
    )
    identity = evaluator.evaluate(context, policies)
    verdict = evaluator.combine_resource_policy(
        identity, context, record.get("Policy"), account, required=True
    )
    allowed = bool(verdict.decision == "Allow")
    if ":assumed-role/" in caller:
        note_use(caller.split("/")[1], action, record["Arn"], allowed=allowed)
    return allowed


for _name, _parameters in {
    "_role_name_from_assumed_arn": "assumed_arn",
    "_gather_role_policies": "role_name account_id",
    "_gather_user_policies": "user_name account_id",
    "evaluate": "ctx policies limits",
    "combine_resource_policy": "identity ctx policy owner_account required limits",
    "caller_arn": "",
}.items():
    needs(f"core.iam_evaluator:{_name}", _parameters)
