"""May this role, or this service, do that? Asked of the policies deployed in the emulator.

MiniStack judges the requests that arrive over HTTP. What AWS's services do among themselves
(Lambda writing logs and dead letters, API Gateway invoking, CloudWatch publishing) arrives nowhere;
here the same evaluator judges it, against the execution role or the resource policy, as AWS
documents:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
Every refusal is kept in `denials`.
"""

import collections
import json
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from local.emulator import REGION
from local.emulator.context import scoped
from local.emulator.upstream import module, needs

needs("core.lambda_runtime:execution_credentials", "config")
needs(
    "core.iam_evaluator:enforce",
    "access_key_id iam_action service region resource_arn service_context",
)
needs("core.iam_evaluator:evaluate_resource_policy", "doc ctx service named_only direct_only")
needs("core.iam_evaluator:evaluate_trust_policy", "trust_doc caller_arn ctx")
needs("core.iam_evaluator:EvalContext")
needs("core.iam_evaluator:AuthError")
needs("services.iam:_roles")


@dataclass(frozen=True)
class Denial:
    """A refused call: who, what, on which resource, when (epoch seconds), and on whose behalf."""

    principal: str
    action: str
    resource: str
    at: float
    via: str

    def text(self) -> str:
        """AWS's wording of the refusal."""
        return (
            f"User: {self.principal} is not authorized to perform: {self.action} "
            f"on resource: {self.resource}"
        )


_denials: collections.deque[Denial] = collections.deque(maxlen=10_000)
_lock = threading.Lock()


def record(denial: Denial) -> None:
    """Keep a refusal for `denials`."""
    with _lock:
        _denials.append(denial)


def denials() -> list[dict[str, Any]]:
    """The last refused calls, oldest first."""
    with _lock:
        return [asdict(denial) for denial in _denials]


def forget_denials() -> None:
    """Start the list of refusals anew."""
    with _lock:
        _denials.clear()


_used: dict[tuple[str, str, str, bool], int] = collections.defaultdict(int)


def note_use(principal: str, action: str, resource: str, *, allowed: bool) -> None:
    """Count a question put to the policies: who, what, on which resource, with what answer."""
    with _lock:
        _used[principal, action, resource, allowed] += 1


def uses() -> list[dict[str, Any]]:
    """Every question put to the policies so far and how often, by principal, action and resource.

    `principal` is a role's name, or `root`. What a role never asks for, it need not be granted.
    """
    with _lock:
        found = sorted(_used.items())
    return [
        {"principal": who, "action": what, "resource": on, "allowed": allowed, "count": count}
        for (who, what, on, allowed), count in found
    ]


def forget_uses() -> None:
    """Start counting questions anew."""
    with _lock:
        _used.clear()


def account_and_region(arn: str) -> tuple[str, str]:
    """Account and region named in an ARN."""
    parts = arn.split(":")
    return parts[4], parts[3] or REGION


def role_refusal(
    config: dict[str, Any],
    action: str,
    resource: str,
    context: dict[str, Any] | None = None,
) -> Denial | None:
    """Why a function's execution role may not do `action` on `resource`; None when it may.

    `config` is MiniStack's configuration record of the function. A role that no longer exists or
    does not trust Lambda may do nothing.
    """
    account, region = account_and_region(config["FunctionArn"])

    def decide() -> Denial | None:
        evaluator = module("core.iam_evaluator")
        credentials = module("core.lambda_runtime").execution_credentials(config)
        service = action.partition(":")[0]
        verdict = evaluator.enforce(
            credentials["AWS_ACCESS_KEY_ID"],
            action,
            service,
            region,
            resource_arn=resource,
            service_context=context,
        )
        if verdict is None:
            return None
        role = config.get("Role", "").rsplit("/", 1)[-1]
        principal = f"arn:aws:sts::{account}:assumed-role/{role}/{config['FunctionName']}"
        return Denial(principal, action, resource, time.time(), "lambda")

    denial = scoped(account, region).run(decide)
    if denial is not None:
        record(denial)
    return denial


def trusts(role_arn: str, service: str) -> bool:
    """Whether the role exists and its trust policy lets the AWS service assume it."""
    account, _ = account_and_region(role_arn)
    role = module("services.iam")._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    if role is None:
        return False
    context = module("core.iam_evaluator").EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region="",
        secure_transport=True,
    )
    document = role.get("AssumeRolePolicyDocument")
    # The trust evaluator knows no calling service, the resource-policy evaluator does.
    return _service_allowed(_with_resource(document), context, service)


def _with_resource(document: Any) -> Any:
    """A trust policy with the resource that it leaves out, so that the evaluator can read it."""
    parsed = json.loads(document) if isinstance(document, str) else dict(document or {})
    statements = parsed.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    return {**parsed, "Statement": [{"Resource": "*", **one} for one in statements]}


def _service_allowed(document: Any, context: Any, service: str) -> bool:
    evaluate = module("core.iam_evaluator").evaluate_resource_policy
    return bool(evaluate(document, context, service=service).decision == "Allow")


def service_refusal(
    document: Any,
    service: str,
    action: str,
    resource: str,
    source_arn: str,
    *,
    quiet: bool = False,
) -> Denial | None:
    """Why an AWS service may not act on a resource whose policy is `document`; None when it may.

    `service` is the service principal (`apigateway.amazonaws.com`), `source_arn` the resource for
    which it acts; its account is `aws:SourceAccount`. `quiet` keeps a refusal out of `denials`.
    """
    account, region = account_and_region(source_arn)
    context = module("core.iam_evaluator").EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=region,
        secure_transport=True,
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": account,
            "aws:sourceowner": account,
            "aws:principalservicename": service,
            "aws:principalisawsservice": "true",
        },
    )
    if _service_allowed(document, context, service):
        return None
    denial = Denial(service, action, resource, time.time(), source_arn)
    if not quiet:
        record(denial)
    return denial
