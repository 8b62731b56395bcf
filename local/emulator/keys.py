"""KMS as Lambda and SNS use it by themselves: the grant on an environment's key, and its state.

Lambda makes a grant on the customer-managed key of a function's environment, bound to the role's
unique id, and decrypts with it when it invokes the function; the role needs no permission.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
https://repost.aws/knowledge-center/lambda-kmsaccessdeniedexception-errors
"""

from collections.abc import Callable
from typing import Any

from local.emulator.authority import Denial, account_and_region, role_refusal
from local.emulator.context import scoped
from local.emulator.upstream import module, needs, replaces

needs("services.kms:_resolve_key", "key_id_or_arn")
needs("services.lambda_svc:_functions")

_GRANT = "_local_grant"
_PAGE = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"


def key_record(key: str, account: str, region: str) -> dict[str, Any] | None:
    """MiniStack's record of a key named by id, ARN or alias."""
    found: dict[str, Any] | None = scoped(account, region).run(
        module("services.kms")._resolve_key, key
    )
    return found


def _state_refusal(record: dict[str, Any] | None, key: str) -> tuple[str, str, int] | None:
    intro = "Lambda was unable to decrypt the environment variables because"
    if record is None:
        return "KMSNotFoundException", f"{intro} the KMS key was not found: {key}", 502
    if record["KeyState"] == "Disabled":
        return "KMSDisabledException", f"{intro} the KMS key used is disabled: {key}", 502
    if record["KeyState"] != "Enabled":
        return "KMSInvalidStateException", f"{intro} the KMS key is in an invalid state: {key}", 502
    return None


def _role_id(role_arn: str) -> str | None:
    account, _ = account_and_region(role_arn)
    roles = module("services.iam")._roles
    role = roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    return None if role is None else role.get("RoleId")


def environment_refusal(config: dict[str, Any]) -> tuple[str, str, int] | None:
    """Why Lambda cannot decrypt an environment: code, message, status; None when it can."""
    key = config.get("KMSKeyArn")
    if not key or not (config.get("Environment") or {}).get("Variables"):
        return None
    account, region = account_and_region(config["FunctionArn"])
    refusal = _state_refusal(key_record(key, account, region), key)
    if refusal:
        return refusal
    functions = module("services.lambda_svc")._functions
    record = functions.get_scoped(account, region, config["FunctionName"]) or {}
    granted = record.get(_GRANT)
    if granted is not None and granted != [key, _role_id(config["Role"])]:
        return (
            "KMSAccessDeniedException",
            "Lambda was unable to decrypt the environment variables because KMS access was denied. "
            "Please check the function's KMS key settings. The grant belongs to a role that was "
            "deleted: update the function's configuration to renew it.",
            502,
        )
    return None


def _renew_grant(name: str) -> None:
    record = module("services.lambda_svc")._functions.get(name)
    if record:
        config = record["config"]
        record[_GRANT] = [config.get("KMSKeyArn"), _role_id(config["Role"])]


@replaces("services.lambda_svc:_create_function", "data", _PAGE)
def create_function(original: Callable[..., Any], data: dict[str, Any]) -> Any:
    """Grant the new function's role the use of its environment's key."""
    answer = original(data)
    if answer[0] < 300:
        _renew_grant(data["FunctionName"])
    return answer


@replaces("services.lambda_svc:_update_config", "name data", _PAGE)
def update_config(original: Callable[..., Any], name: str, data: dict[str, Any]) -> Any:
    """Renew the grant when role, key or environment are set again."""
    answer = original(name, data)
    if answer[0] < 300 and {"Role", "KMSKeyArn", "Environment"} & data.keys():
        _renew_grant(name)
    return answer


def role_key_refusal(config: dict[str, Any], key: str | None, *actions: str) -> Denial | str | None:
    """Why a function's role cannot use a key for a topic or queue; None when it can, or no key.

    An AWS-managed key (`alias/aws/…`) serves every principal of the account through its service.
    """
    if not key or key.startswith("alias/aws/"):
        return None
    account, region = account_and_region(config["FunctionArn"])
    record = key_record(key, account, region)
    if record is None or record["KeyState"] != "Enabled":
        return f"{key} is {record['KeyState'] if record else 'missing'}"
    for action in actions:
        denial = role_refusal(config, action, record["Arn"])
        if denial is not None:
            return denial
    return None
