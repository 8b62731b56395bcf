"""Ways to write the same stack otherwise: none of them may be held up."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from tests.policies.documents import Alteration, Document, first, named, only
from tests.policies.evasions.expressions import days
from tests.policies.evasions.ingress import answer, pattern, request
from tests.policies.evasions.rights import (
    ACCOUNT,
    encoded,
    key,
    queue,
    rights,
    statement,
    text,
    trust,
    whole,
)
from tests.policies.evasions.wiring import GROUP, RIGHT, STATUS, board, lines, put

FUNCTION, TABLE = "aws_lambda_function", "aws_dynamodb_table"
P = "webhook-processor"

# Expressions that both readers evaluate to three.
THREES = {
    "a text": "3",
    "an expression": "${3}",
    "a sum": "${1 + 2}",
    "a product less one": "${2 * 2 - 1}",
    "a quotient": "${9 / 3}",
    "a point": 3.0,
    "a point in an expression": "${3.0}",
    "an exponent": "0.3e1",
    "brackets": "${((3))}",
    "blanks": "${  3  }",
    "a choice": "${true ? 3 : 30}",
    "a choice by comparison": '${"a" == "b" ? 30 : 3}',
    "a choice by numbers": "${2 > 1 ? 3 : 30}",
    "a choice of null": "${false ? null : 3}",
    "a choice of texts": '${1 == 1 ? "3" : "30"}',
    "a length": "${length([1, 2, 3])}",
    "a maximum": "${max(1, 2, 3)}",
    "a minimum": "${min(3, 30)}",
    "an index": "${[30, 3][1]}",
    "a key": "${{a = 3}.a}",
    "a merge": "${merge({a = 30}, {a = 3}).a}",
    "a conversion": '${tonumber("3")}',
    "JSON": '${jsondecode("{\\"a\\": [3.0]}").a[0]}',
    "a negation of a negation": "${-(-3)}",
    "a list of one type": "${tolist([3, 30])[0]}",
    "lists joined": "${concat([1], [3])[1]}",
}


def _shuffled_statements(d: Document) -> None:
    for type_ in ("aws_iam_role_policy", "aws_kms_key", "aws_sqs_queue", "aws_sns_topic"):
        for body in d["resource"][type_].values():
            policy = json.loads(body["policy"])
            random.Random(3).shuffle(policy["Statement"])
            for one in policy["Statement"]:
                random.Random(5).shuffle(one["Action"])
            body["policy"] = json.dumps(policy)


def _split_statements(d: Document) -> None:
    """Give each action a statement of its own."""
    policy = json.loads(rights(d)["policy"])
    policy["Statement"] = [
        {**{k: v for k, v in one.items() if k != "Sid"}, "Action": action}
        for one in policy["Statement"]
        for action in one["Action"]
    ]
    rights(d)["policy"] = json.dumps(policy)


def _described(words: str) -> Alteration:
    return lambda d: only(d, "aws_kms_key").update(description=words)


def _tagged(d: Document) -> None:
    for bodies in d["resource"].values():
        for body in bodies.values():
            if "tags" in body:
                body["tags"]["CostCentre"] = "prices"


def _nested(d: Document) -> None:
    """Write bodies and blocks as lists of lists, which Terraform takes for one."""
    table = only(d, TABLE)
    table["point_in_time_recovery"] = [[table["point_in_time_recovery"]]]
    d["resource"][GROUP] = {name: [body] for name, body in d["resource"][GROUP].items()}


def _moved_apart(d: Document) -> None:
    """Give each type of resource an object of its own."""
    d["resource"] = [{type_: named_} for type_, named_ in d["resource"].items()]


def _scalar_principal(d: Document) -> None:
    whole(queue, lambda p: p["Statement"][0].update(Principal={"AWS": "*"}))(d)


HARMLESS: dict[str, Callable[[Document], object]] = {
    **{f"three days: {what}": days(value) for what, value in THREES.items()},
    "words of other languages": _described("Schlüssel für Preise — 価格"),
    "words that look like code": _described("costs $5, 100% of {x} and $$ or %% for `id`"),
    "words with an escape": _described("use $${var.x} and %%{if}"),
    "words with the suffix": _described("of ${var.environmentSuffix}"),
    "words with an ARN": _described("beside ${aws_sns_topic.error_topic_topic.arn}"),
    "words that skip a check": _described("checkov:skip=CKV_AWS_7:no"),
    "one tag more on everything": _tagged,
    "statements in another order": _shuffled_statements,
    "a statement for each action": _split_statements,
    "statements without names": whole(
        rights, lambda p: [one.pop("Sid", None) for one in p["Statement"]]
    ),
    "one statement, no list": whole(trust, lambda p: p.update(Statement=p["Statement"][0])),
    "one action, a list": statement(trust, 0, Action=["sts:AssumeRole"]),
    "one principal, a list": statement(trust, 0, Principal={"Service": ["lambda.amazonaws.com"]}),
    "everyone, by AWS": _scalar_principal,
    "a policy with an id": whole(queue, lambda p: p.update(Id="queue-policy")),
    "no TLS, as a truth": statement(queue, 0, Condition={"Bool": {"aws:SecureTransport": False}}),
    "no TLS, in a list": statement(
        queue, 0, Condition={"Bool": {"AWS:securetransport": ["false"]}}
    ),
    "the account, by its number alone": statement(key, 1, Principal={"AWS": ACCOUNT}),
    "blanks in a policy": text(rights, lambda t: json.dumps(json.loads(t), indent=4) + "\n\n"),
    "no blanks in a policy": text(
        rights, lambda t: json.dumps(json.loads(t), separators=(",", ":"))
    ),
    "an encoded policy": encoded(rights, lambda t: t),
    "an encoded policy, as Terraform writes objects": encoded(
        rights, lambda t: t.replace('"Version":', "Version =").replace('"Sid":', "Sid =")
    ),
    "bodies in lists": _nested,
    "types apart": _moved_apart,
    "a pattern in any order": lines(f"{{ {STATUS} || {RIGHT} }}"),
    "a pattern in fewer blanks": lines(f"{{{RIGHT}||{STATUS}}}"),
    "a pattern without inner brackets": lines(
        f"{{ {RIGHT} || {STATUS} }}".replace("(", "").replace(")", "")
    ),
    "a pattern of words without quotes": lines(f"{{ {RIGHT} || {STATUS} }}".replace('"', "")),
    "another pattern for every error": pattern("(?!2\\d\\d$)[\\s\\S]+"),
    "a smaller limit": request(lambda t: t.replace("240000", "100000")),
    "a header less": request(lambda t: t.replace(' || $lower == "x-event-type"', "")),
    "a template indented": request(lambda t: t.replace("\n", "\n  ")),
    "an answer indented": answer("202", lambda t: t.replace("\n", "\r\n\t")),
    "more blanks in a sum": lambda d: named(d, "aws_cloudwatch_metric_alarm", "function-errors")[
        "metric_query"
    ][0].update(expression="SUM( FILL( METRICS(), 0 ) )"),
    "queries in another order": lambda d: named(
        d, "aws_cloudwatch_metric_alarm", "function-errors"
    )["metric_query"].reverse(),
    "a title of another language": board(
        lambda p: p["widgets"][1]["properties"].update(title="Ereignisse")
    ),
    "widgets in another order": board(lambda p: p["widgets"].reverse()),
    "the same runtime of tomorrow": put(FUNCTION, P, runtime="python3.14"),
    "more concurrency": put(FUNCTION, P, reserved_concurrent_executions=100),
    "the provider said": put(FUNCTION, P, provider="aws"),
    "nothing ignored": lambda d: first(d, "aws_sqs_queue").update(lifecycle=[]),
    "an order that says more": lambda d: first(d, TABLE).update(
        depends_on=["aws_kms_key.encryption_key"]
    ),
    "an order by expression": lambda d: first(d, FUNCTION).update(
        depends_on=["${" + name + "}" for name in first(d, FUNCTION)["depends_on"]]
    ),
    "the provider's source in full": lambda d: d["terraform"]["required_providers"]["aws"].update(
        source="registry.terraform.io/hashicorp/aws"
    ),
    "the provider's version with a sign": lambda d: d["terraform"]["required_providers"][
        "aws"
    ].update(version="= 5.100.0"),
    "the provider as an object": lambda d: d["provider"].update(aws=d["provider"]["aws"][0]),
    "the suffix validated in one object": lambda d: d["variable"]["environmentSuffix"].update(
        validation=d["variable"]["environmentSuffix"]["validation"][0]
    ),
}
