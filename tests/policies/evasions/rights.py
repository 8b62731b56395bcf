"""Policy documents of IAM, KMS, SQS and SNS that allow, or forbid, other than they seem to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.policies.documents import Alteration, Document, first, named, only

ACCOUNT = "${data.aws_caller_identity.identity.account_id}"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
QUEUE_ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:webhook-processor-dlq-${{var.environmentSuffix}}"
ERRORS_ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:processing-errors-${{var.environmentSuffix}}"
P = "webhook-processor"

RIGHTS, ROLE, KEY = "aws_iam_role_policy", "aws_iam_role", "aws_kms_key"
QUEUE, TOPIC = "aws_sqs_queue", "aws_sns_topic"

Place = Callable[[Document], Document]


def rights(d: Document) -> Document:
    return named(d, RIGHTS, P)


def trust(d: Document) -> Document:
    return named(d, ROLE, P)


def key(d: Document) -> Document:
    return only(d, KEY)


def queue(d: Document) -> Document:
    return named(d, QUEUE, P)


def errors(d: Document) -> Document:
    return named(d, TOPIC, "processing-errors")


def attribute(body: Document) -> str:
    return "assume_role_policy" if "assume_role_policy" in body else "policy"


def whole(place: Place, change: Callable[[Document], object]) -> Alteration:
    """Change a policy document in place."""

    def alter(d: Document) -> None:
        body = place(d)
        policy = json.loads(body[attribute(body)])
        change(policy)
        body[attribute(body)] = json.dumps(policy)

    return alter


def statement(place: Place, position: int, **values: Any) -> Alteration:
    return whole(place, lambda p: p["Statement"][position].update(values))


def without(place: Place, position: int, name: str) -> Alteration:
    return whole(place, lambda p: p["Statement"][position].pop(name))


def added(place: Place, **values: Any) -> Alteration:
    return whole(place, lambda p: p["Statement"].append(values))


def text(place: Place, change: Callable[[str], str]) -> Alteration:
    """Change the text of a policy document."""

    def alter(d: Document) -> None:
        body = place(d)
        body[attribute(body)] = change(body[attribute(body)])

    return alter


def encoded(place: Place, change: Callable[[str], str]) -> Alteration:
    """Write a policy as `jsonencode` of an object, changed as text."""
    return text(place, lambda policy: "${jsonencode(" + change(policy) + ")}")


def tagged(name: str, value: str) -> Callable[[Document], None]:
    """Give everything that has tags one more."""

    def alter(d: Document) -> None:
        for bodies in d["resource"].values():
            for body in bodies.values():
                if "tags" in body:
                    body["tags"][name] = value

    return alter


def both(*changes: Alteration) -> Alteration:
    def alter(d: Document) -> None:
        for change in changes:
            change(d)

    return alter


OPENED = (
    'x"}}}, {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", '
    '"Condition": {"StringLike": {"aws:x": "x'
)
OF_OURS: Document = {
    "Effect": "Allow",
    "Action": "sqs:SendMessage",
    "Principal": {"AWS": ROOT},
    "Resource": QUEUE_ARN,
}
TLS = {"Bool": {"aws:SecureTransport": "false"}}
ALARMS_WHEN: Document = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*"},
}

# Actions that are, or could be taken for, more than one.
ACTIONS: dict[str, object] = {
    "everything": "*",
    "everything of a service": "logs:*",
    "every service's": "*:PutLogEvents",
    "a star inside": "logs:Put*Events",
    "a star of a service": "log*:PutLogEvents",
    "a question mark": "logs:PutLogEvent?",
    "a star of another width": "logs:\uff0a",
    "a star by its operator": "logs:\u2217",
    "a star of six": "logs:\u204e",
    "a colon of another width": "logs\uff1aPutLogEvents",
    "a letter without width": "logs:Put\u200bLogEvents",
    "a line in it": "logs:\nPutLogEvents",
    "a blank behind it": "logs:PutLogEvents ",
    "a blank before it": " logs:PutLogEvents",
    "a Cyrillic letter": "l\u043egs:PutLogEvents",
    "nothing": "",
    "a service alone": "logs:",
    "an action alone": ":PutLogEvents",
    "no service": "PutLogEvents",
    "two colons": "logs:PutLogEvents:*",
    "two in a text": "logs:PutLogEvents,logs:*",
    "null": None,
    "no actions": [],
    "null among them": ["logs:PutLogEvents", None],
    "a number": 7,
    "a number among them": ["logs:PutLogEvents", 7],
    "a list among them": ["logs:PutLogEvents", ["logs:*"]],
    "an object": {"a": "logs:*"},
    "true": True,
    "the suffix": "logs:${var.environmentSuffix}",
    "an expression": '${"logs:"}${"*"}',
    "a star by expression": '${join(":", ["logs", "*"])}',
    "a star by its number": '${"logs:\\u002a"}',
    "a star by choice": '${true ? "logs:*" : "logs:PutLogEvents"}',
    "an escape": "logs:$${var.environmentSuffix}",
    "a variable of IAM": "logs:$${aws:username}",
    "a variable of IAM with a star": "logs:$${*}",
    "a resource's": "${aws_kms_key.encryption_key.tags.Owner}",
    "of rights": "iam:PassRole",
    "of roles": "sts:AssumeRole",
    "of groups": "logs:DeleteLogGroup",
    "of retention": "logs:DeleteRetentionPolicy",
    "of filters": "logs:DeleteSubscriptionFilter",
    "of functions": "lambda:UpdateFunctionCode",
}

# Resources that are, or could be taken for, more than one, or another.
QUEUE_OF = "aws_sqs_queue.webhook_processor_dead_letters_queue"
RESOURCES: dict[str, object] = {
    "everything": "*",
    "everything in a list": ["*"],
    "everything besides": ["${" + QUEUE_OF + ".arn}", "*"],
    "everything of SQS": "arn:aws:sqs:*:*:*",
    "everything of an account": f"arn:aws:sqs:us-east-1:{ACCOUNT}:*",
    "every suffix": f"arn:aws:sqs:us-east-1:{ACCOUNT}:webhook-processor-dlq-*",
    "everything behind": "${" + QUEUE_OF + ".arn}*",
    "everything behind a slash": "${" + QUEUE_OF + ".arn}/*",
    "its streams": "${" + QUEUE_OF + ".arn}:*",
    "any letter": "arn:aws:sqs:us-east-1:11112222333?:x",
    "another partition": f"arn:aws-cn:sqs:us-east-1:{ACCOUNT}:webhook-processor-dlq-dev",
    "another region": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:webhook-processor-dlq-dev",
    "another account": "arn:aws:sqs:us-east-1:111122223333:webhook-processor-dlq-dev",
    "another environment": f"arn:aws:sqs:us-east-1:{ACCOUNT}:webhook-processor-dlq-prod",
    "another's": "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}",
    "its URL": "${" + QUEUE_OF + ".url}",
    "its id": "${" + QUEUE_OF + ".id}",
    "its name": "${" + QUEUE_OF + ".name}",
    "all of its kind": "${aws_sqs_queue.*.arn}",
    "an instance": "${" + QUEUE_OF + "[0].arn}",
    "a caller's": f"arn:aws:sqs:us-east-1:{ACCOUNT}:$${{aws:username}}",
    "a tag": "${" + QUEUE_OF + ".tags.arn}",
    "a tag of all": "${" + QUEUE_OF + ".tags_all.arn}",
    "an escape": "$${" + QUEUE_OF + ".arn}",
    "nothing": "",
    "no resources": [],
    "null": None,
    "a list in a list": [["${" + QUEUE_OF + ".arn}"]],
    "an object": {"arn": "${" + QUEUE_OF + ".arn}"},
    "a choice": '${true ? "*" : ' + QUEUE_OF + ".arn}",
    "a replacement": "${replace(" + QUEUE_OF + '.arn, "/-dlq-.*/", "*")}',
    "the first of two": "${coalesce(" + QUEUE_OF + '.arn, "*")}',
    "a mark of the model's own": "\ue0000\ue001",
    "the log group instead": "${aws_cloudwatch_log_group.webhook_processor_log_group.arn}",
}

# Whom a queue could let in.
PRINCIPALS: dict[str, object] = {
    "everyone": "*",
    "everyone with an account": {"AWS": "*"},
    "everyone in a list": {"AWS": ["*"]},
    "everyone and us": {"AWS": [ROOT, "*"]},
    "another account": {"AWS": "111122223333"},
    "another account's root": {"AWS": "arn:aws:iam::111122223333:root"},
    "another account and us": {"AWS": [ROOT, "arn:aws:iam::111122223333:root"]},
    "any account's root": {"AWS": "arn:aws:iam::*:root"},
    "a user of ours": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/x"},
    "a role of ours by pattern": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"},
    "us in another partition": {"AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"},
    "us and more digits": {"AWS": f"{ACCOUNT}1"},
    "a role": {"AWS": "${aws_iam_role.price_enricher_role.arn}"},
    "a role by its id": {"AWS": "${aws_iam_role.price_enricher_role.unique_id}"},
    "a service": {"Service": "sns.amazonaws.com"},
    "every service": {"Service": "*"},
    "a service of events": {"Service": "events.amazonaws.com"},
    "alarms without their account": {"Service": "cloudwatch.amazonaws.com"},
    "a service of another width": {"Service": "\uff53ns.amazonaws.com"},
    "a federation": {"Federated": "cognito-identity.amazonaws.com"},
    "a web identity": {"Federated": "accounts.google.com"},
    "a canonical user": {
        "CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7"
    },
    "us, and a service": {"AWS": ROOT, "Service": "sns.amazonaws.com"},
    "us, by another key": {"aws": ROOT},
    "us, by no key": ROOT,
    "us, in a list": [ROOT],
    "us, in a list in a list": {"AWS": [[ROOT]]},
    "nobody": {"AWS": []},
    "null": None,
    "null of ours": {"AWS": None},
    "a number": 111122223333,
    "a caller": {"AWS": "$${aws:userid}"},
    "a choice": {"AWS": '${true ? "*" : data.aws_caller_identity.identity.account_id}'},
}

# Conditions that hold always, for others, or for nobody.
CONDITIONS: dict[str, Document] = {
    "of any account": {"StringLike": {"aws:SourceAccount": "*"}},
    "of an account, if there is one": {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
    "of no other account": {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
    "of an account, or no other": {
        "StringEquals": {"aws:SourceAccount": [ACCOUNT, "111122223333"]}
    },
    "of another account": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    "of all of no accounts": {"ForAllValues:StringEquals": {"aws:SourceAccount": ACCOUNT}},
    "of any of the accounts": {"ForAnyValue:StringLike": {"aws:SourceAccount": "*"}},
    "where there is no account": {"Null": {"aws:SourceAccount": "true"}},
    "where there is one": {"Null": {"aws:SourceAccount": "false"}},
    "of the owner of what is asked for": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
    "of an organisation": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
    "of any caller": {"ArnLike": {"aws:PrincipalArn": "*"}},
    "of anything of ours": {"ArnLike": {"aws:SourceArn": f"arn:aws:*:*:{ACCOUNT}:*"}},
    "of the account, by a wrong key": {"StringEquals": {"SourceAccount": ACCOUNT}},
    "of the account, by pattern": {"StringLike": {"aws:SourceAccount": ACCOUNT}},
    "by a wrong operator": {"StringEqual": {"aws:SourceAccount": ACCOUNT}},
    "by a number": {"NumericEquals": {"aws:SourceAccount": ACCOUNT}},
    "by a service of ours": {"StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}},
    "by address": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
    "with TLS": {"Bool": {"aws:SecureTransport": "true"}},
    "until a day": {"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}},
    "of nothing": {"StringEquals": {"aws:SourceAccount": []}},
    "empty": {},
    "of nothing at all": {"StringEquals": {}},
}

# Conditions under which a request without TLS is not refused.
BEYOND_TLS: dict[str, Document] = {
    "if it is said": {"BoolIfExists": {"aws:SecureTransport": "false"}},
    "the other way": {"Bool": {"aws:SecureTransport": "true"}},
    "both ways": {"Bool": {"aws:SecureTransport": ["false", "true"]}},
    "neither way": {"Bool": {"aws:SecureTransport": []}},
    "as text": {"StringEquals": {"aws:SecureTransport": "false"}},
    "where it is not said": {"Null": {"aws:SecureTransport": "true"}},
    "and from one address": {**TLS, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    "and of another account": {**TLS, "StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
    "and by one key more": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "true"}},
    "of all values": {"ForAllValues:Bool": {"aws:SecureTransport": "false"}},
    "of any value": {"ForAnyValue:Bool": {"aws:SecureTransport": "false"}},
    "by another key": {"Bool": {"aws:SecureTransports": "false"}},
    "by a key with a blank": {"Bool": {"aws:SecureTransport ": "false"}},
    "by age": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    "of nothing": {"Bool": {"aws:SecureTransport": "no"}},
    "null": {"Bool": {"aws:SecureTransport": None}},
    "0": {"Bool": {"aws:SecureTransport": "0"}},
}

FORMS: dict[str, Alteration] = {
    "no text": lambda d: rights(d).update(policy={"Statement": []}),
    "a list": lambda d: rights(d).update(policy=[rights(d)["policy"]]),
    "null": lambda d: rights(d).update(policy=None),
    "nothing": lambda d: rights(d).update(policy=""),
    "no JSON": text(rights, lambda t: t[:-1]),
    "two documents": text(rights, lambda t: t + t),
    "a comma too many": text(rights, lambda t: t.replace("]}]}", "],}]}")),
    "a comment": text(rights, lambda t: t + "// *"),
    "in a text": text(rights, json.dumps),
    "base64": text(rights, lambda t: f'${{base64decode("{t[:8]}")}}'),
    "in single quotes": text(rights, lambda t: t.replace('"', "'")),
    "the old version": whole(rights, lambda p: p.update(Version="2008-10-17")),
    "no version": whole(rights, lambda p: p.pop("Version")),
    "a version of tomorrow": whole(rights, lambda p: p.update(Version="2027-01-01")),
    "a version of numbers": whole(rights, lambda p: p.update(Version=20121017)),
    "one key more": whole(rights, lambda p: p.update(Statements=[])),
    "a twin in another case": whole(
        rights, lambda p: p.update(STATEMENT=[{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    ),
    "a comment of Terraform's": whole(rights, lambda p: p.update({"//": "x"})),
    "no statements": whole(rights, lambda p: p.update(Statement=[])),
    "null for statements": whole(rights, lambda p: p.update(Statement=None)),
    "a statement of text": whole(rights, lambda p: p["Statement"].append("Allow")),
    "a statement of null": whole(rights, lambda p: p["Statement"].append(None)),
    "a statement in a list": whole(
        rights,
        lambda p: p["Statement"].append([{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
    ),
    "an empty statement": whole(rights, lambda p: p["Statement"].append({})),
    "no effect": without(rights, 0, "Effect"),
    "an effect in capitals": statement(rights, 0, Effect="ALLOW"),
    "an effect in a list": statement(rights, 0, Effect=["Allow"]),
    "an effect by choice": statement(rights, 0, Effect='${true ? "Deny" : "Allow"}'),
    "the other effect": statement(rights, 0, Effect="Deny"),
    "no action": without(rights, 0, "Action"),
    "no resource": without(rights, 0, "Resource"),
    "an action in another case": whole(
        rights, lambda p: p["Statement"][0].update(ACTION=p["Statement"][0].pop("Action"))
    ),
    "all but an action": whole(
        rights, lambda p: p["Statement"][0].update(NotAction=p["Statement"][0].pop("Action"))
    ),
    "all but a resource": whole(
        rights, lambda p: p["Statement"][0].update(NotResource=p["Statement"][0].pop("Resource"))
    ),
    "all but a principal": whole(
        queue, lambda p: p["Statement"][0].update(NotPrincipal=p["Statement"][0].pop("Principal"))
    ),
    "a principal and all but it": statement(queue, 0, NotPrincipal={"AWS": ROOT}),
    "a principal in the role's rights": statement(rights, 0, Principal="*"),
    "a condition of the rights": statement(
        rights, 0, Condition={"StringEquals": {"aws:PrincipalTag/x": "y"}}
    ),
    "a condition of null": statement(rights, 0, Condition=None),
    "a right twice, then all of it": added(
        rights, Effect="Allow", Action=["logs:PutLogEvents"], Resource="*"
    ),
    "a right denied": added(
        rights, Effect="Deny", Action="sqs:SendMessage", Resource="${" + QUEUE_OF + ".arn}"
    ),
    "everything denied": added(
        rights, Effect="Deny", Action="dynamodb:PartiQLInsert", Resource="*"
    ),
    "a service's": added(
        rights, Effect="Allow", Action="kms:Decrypt", Resource="${aws_kms_key.encryption_key.id}"
    ),
    "every key by its alias": added(
        rights,
        Effect="Allow",
        Action="kms:Decrypt",
        Resource="*",
        Condition={"StringLike": {"kms:RequestAlias": "alias/*"}},
    ),
    "a stream's by hand": added(
        rights,
        Effect="Allow",
        Action="dynamodb:GetRecords",
        Resource="${aws_dynamodb_table.storage_table.stream_arn}",
    ),
    "indexes": added(
        rights,
        Effect="Allow",
        Action="dynamodb:PartiQLSelect",
        Resource="${aws_dynamodb_table.storage_table.arn}/index/*",
    ),
    "the table's deletion": added(
        rights,
        Effect="Allow",
        Action="dynamodb:PartiQLDelete",
        Resource="${aws_dynamodb_table.storage_table.arn}",
    ),
    "another's role": lambda d: rights(d).update(role="${aws_iam_role.error_notifier_role.id}"),
    "a role of elsewhere": lambda d: rights(d).update(role="admin"),
    "a role by ARN": lambda d: rights(d).update(role="${aws_iam_role.webhook_processor_role.arn}"),
    "by a resource's name": lambda d: rights(d).update(
        policy="${aws_iam_role_policy.price_enricher_policy.policy}"
    ),
    "by data": lambda d: rights(d).update(policy="${data.aws_iam_policy_document.x.json}"),
    "by a file": lambda d: rights(d).update(policy='${file("policy.json")}'),
    "by a variable": lambda d: rights(d).update(policy="${var.policy}"),
    "by a choice": text(rights, lambda t: '${var.environmentSuffix == "prod" ? "{}" : "{}"}'),
    "by a format": text(rights, lambda t: '${format("%s", jsonencode({}))}'),
    "by replacing": lambda d: rights(d).update(
        policy='${replace(aws_iam_role_policy.price_enricher_policy.policy, "dynamodb:Query", '
        '"dynamodb:*")}'
    ),
    "by encoding another": encoded(
        rights, lambda t: t.replace('"logs:PutLogEvents"', 'join("", ["logs:", "*"])')
    ),
    "by encoding a choice": encoded(
        rights, lambda t: t.replace('"logs:PutLogEvents"', 'true ? "logs:*" : ""')
    ),
    "by encoding a merge": encoded(
        rights,
        lambda t: (
            f'merge({t}, {{Statement = [{{Effect = "Allow", Action = "*", Resource = "*"}}]}})'
        ),
    ),
    "by encoding a key": encoded(rights, lambda t: t.replace('"Action"', '"Not${"Action"}"')),
    "by encoding an open list": encoded(
        rights, lambda t: t.replace('"logs:PutLogEvents"', "aws_kms_key.encryption_key.tags.Owner")
    ),
    "by encoding twice": lambda d: rights(d).update(
        policy=f"${{jsonencode(jsonencode({rights(d)['policy']}))}}"
    ),
    "a tag that closes the text": both(
        tagged("arn", OPENED),
        added(
            queue,
            **OF_OURS,
            Condition={
                "StringLike": {"aws:PrincipalArn": "${aws_sns_topic.error_topic_topic.tags.arn}"}
            },
        ),
    ),
    "a tag of all that closes the text": both(
        tagged("arn", OPENED),
        added(
            queue,
            **OF_OURS,
            Condition={
                "StringLike": {
                    "aws:PrincipalArn": "${aws_sns_topic.error_topic_topic.tags_all.arn}"
                }
            },
        ),
    ),
    "a mark that stands for the account": text(
        errors,
        lambda t: t.replace(
            f'"aws:SourceAccount": "{ACCOUNT}"', '"aws:SourceAccount": "\\ue0000\\ue001"'
        ),
    ),
    "a mark that stands for an alarm": text(
        errors,
        lambda t: t.replace(f"us-east-1:{ACCOUNT}:alarm:*", "us-east-1:\\ue0000\\ue001:alarm:*"),
    ),
    "a mark that stands for a queue": text(
        rights, lambda t: t.replace('["${aws_sns_topic', '["\\ue0001\\ue001", "${aws_sns_topic')
    ),
    "a mark in other letters": text(
        errors,
        lambda t: t.replace(
            f'"aws:SourceAccount": "{ACCOUNT}"', '"aws:SourceAccount": "\\uE0000\\uE001"'
        ),
    ),
    "a mark that stands for nothing": text(
        errors,
        lambda t: t.replace(
            f'"aws:SourceAccount": "{ACCOUNT}"', '"aws:SourceAccount": "\\ue00099\\ue001"'
        ),
    ),
    "half a mark": text(errors, lambda t: t.replace("AlarmsPublish", "\\ue000Alarms")),
}

TRUST: dict[str, Alteration] = {
    "of a user": statement(trust, 0, Principal={"AWS": ROOT}),
    "of us besides": statement(
        trust, 0, Principal={"Service": "lambda.amazonaws.com", "AWS": ROOT}
    ),
    "of two services": statement(
        trust, 0, Principal={"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]}
    ),
    "of a service of a region": statement(
        trust, 0, Principal={"Service": "lambda.eu-west-1.amazonaws.com"}
    ),
    "of a service of China": statement(trust, 0, Principal={"Service": "lambda.amazonaws.com.cn"}),
    "of a look-alike": statement(trust, 0, Principal={"Service": "1ambda.amazonaws.com"}),
    "of a Cyrillic look-alike": statement(
        trust, 0, Principal={"Service": "l\u0430mbda.amazonaws.com"}
    ),
    "of a service in capitals": statement(trust, 0, Principal={"Service": "Lambda.amazonaws.com"}),
    "of the service twice": statement(
        trust, 0, Principal={"Service": ["lambda.amazonaws.com", "lambda.amazonaws.com"]}
    ),
    "of the service and nobody": statement(
        trust, 0, Principal={"Service": "lambda.amazonaws.com", "AWS": []}
    ),
    "of a tagged session": statement(trust, 0, Action=["sts:AssumeRole", "sts:TagSession"]),
    "of a web identity": statement(trust, 0, Action="sts:AssumeRoleWithWebIdentity"),
    "of a SAML session": statement(trust, 0, Action="sts:AssumeRoleWithSAML"),
    "of an action in lower case": statement(trust, 0, Action="sts:assumerole"),
    "of a resource": statement(trust, 0, Resource="*"),
    "under a condition": statement(trust, 0, Condition={"StringEquals": {"sts:ExternalId": "x"}}),
    "twice": whole(trust, lambda p: p["Statement"].append(p["Statement"][0])),
    "denied besides": added(
        trust, Effect="Deny", Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}
    ),
    "of anyone by a second statement": added(
        trust,
        Effect="Allow",
        Action="sts:AssumeRole",
        Principal={"AWS": "*"},
        Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
    ),
    "of all but one": whole(
        trust,
        lambda p: p["Statement"][0].update(
            NotPrincipal={"Service": "ec2.amazonaws.com"}, Principal="*"
        ),
    ),
    "by a variable": lambda d: trust(d).update(assume_role_policy="${var.trust}"),
    "missing": lambda d: trust(d).pop("assume_role_policy"),
    "of nobody": whole(trust, lambda p: p["Statement"][0].pop("Principal")),
    "of text": statement(trust, 0, Principal="lambda.amazonaws.com"),
}

KEYS: dict[str, Alteration] = {
    "everything": statement(key, 0, Action="kms:*"),
    "everything of everything": statement(key, 0, Action="*"),
    "anyone": statement(key, 1, Principal="*"),
    "anyone by way of a service": statement(
        key,
        1,
        Principal={"AWS": "*"},
        Condition={
            "StringEquals": {
                "kms:ViaService": "sns.us-east-1.amazonaws.com",
                "kms:CallerAccount": ACCOUNT,
            }
        },
    ),
    "another account": added(
        key, Effect="Allow", Action="kms:Decrypt", Resource="*", Principal={"AWS": "111122223333"}
    ),
    "a service": added(
        key,
        Effect="Allow",
        Action="kms:Decrypt",
        Resource="*",
        Principal={"Service": "sns.amazonaws.com"},
    ),
    "a service's grants": added(
        key,
        Effect="Allow",
        Action="kms:CreateGrant",
        Resource="*",
        Principal={"Service": "lambda.amazonaws.com"},
        Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    ),
    "an owner with MFA": statement(
        key, 0, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    ),
    "an owner by role": statement(key, 0, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}),
    "an owner by no partition": statement(key, 0, Principal={"AWS": f"arn:iam::{ACCOUNT}:root"}),
    "an owner of another kind": statement(key, 0, Principal={"Service": ROOT}),
    "an owner denied": added(
        key, Effect="Deny", Action="kms:ScheduleKeyDeletion", Resource="*", Principal={"AWS": ROOT}
    ),
    "an owner by all but": whole(
        key, lambda p: p["Statement"][0].update(NotPrincipal={"AWS": "111122223333"})
    ),
    "this key by ARN": statement(key, 0, Resource="${aws_kms_key.encryption_key.arn}"),
    "another key": statement(key, 0, Resource=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"),
    "no deletion": whole(
        key, lambda p: p["Statement"][0]["Action"].remove("kms:ScheduleKeyDeletion")
    ),
    "no policy any more": whole(
        key, lambda p: p["Statement"][0]["Action"].remove("kms:PutKeyPolicy")
    ),
    "no use": whole(key, lambda p: p["Statement"].pop(1)),
    "a use denied": statement(key, 1, Effect="Deny"),
    "imported material": whole(
        key, lambda p: p["Statement"][0]["Action"].append("kms:ImportKeyMaterial")
    ),
    "another region's": whole(
        key, lambda p: p["Statement"][0]["Action"].append("kms:ReplicateKey")
    ),
    "encrypting anew": whole(key, lambda p: p["Statement"][1]["Action"].append("kms:ReEncryptTo")),
    "alarms that encrypt only": statement(key, 2, Action=["kms:GenerateDataKey"]),
    "alarms that administer": statement(key, 2, Action=["kms:Decrypt", "kms:PutKeyPolicy"]),
    "alarms of no account": without(key, 2, "Condition"),
    "alarms of another region": statement(
        key,
        2,
        Condition={
            **ALARMS_WHEN,
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:*"},
        },
    ),
    "alarms of one name": statement(
        key,
        2,
        Condition={
            **ALARMS_WHEN,
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:x"},
        },
    ),
    "alarms, by equality of a pattern": statement(
        key,
        2,
        Condition={
            "StringEquals": {
                **ALARMS_WHEN["StringEquals"],
                "aws:SourceArn": (f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*"),
            }
        },
    ),
    "no policy": lambda d: key(d).pop("policy"),
    "the policy of another key": lambda d: d["resource"].update(
        aws_kms_key_policy={
            "x": {"key_id": "${aws_kms_key.encryption_key.id}", "policy": key(d)["policy"]}
        }
    ),
    "a grant": lambda d: d["resource"].update(
        aws_kms_grant={
            "x": {
                "key_id": "${aws_kms_key.encryption_key.id}",
                "operations": ["Decrypt"],
                "grantee_principal": ROOT,
            }
        }
    ),
    "no lock-out check": lambda d: key(d).update(bypass_policy_lockout_safety_check=True),
    "rotation once in years": lambda d: key(d).update(rotation_period_in_days=2560),
    "no rotation, by text": lambda d: key(d).update(enable_key_rotation="false"),
    "no rotation, by number": lambda d: key(d).update(enable_key_rotation=0),
    "rotation by expression": lambda d: key(d).update(enable_key_rotation="${!true}"),
    "a key for signatures": lambda d: key(d).update(key_usage="SIGN_VERIFY"),
    "a key of a hardware module": lambda d: key(d).update(custom_key_store_id="cks-1"),
    "a key of many regions": lambda d: key(d).update(multi_region="1"),
    "a key of thirty days": lambda d: key(d).update(deletion_window_in_days="30"),
    "a second key": lambda d: d["resource"][KEY].update(again=key(d)),
    "a key that is elsewhere": lambda d: d["resource"].update(aws_kms_external_key={"x": {}}),
    "an alias for another": lambda d: first(d, "aws_kms_alias").update(target_key_id="alias/x"),
    "an alias of AWS": lambda d: first(d, "aws_kms_alias").update(name="alias/aws/sns"),
}


def _admitted(condition: Document) -> Alteration:
    """Let alarms of the condition publish errors, in the place of this account's."""
    return both(statement(errors, 1, Condition=condition))


EVASIONS: dict[str, Alteration] = {
    **{f"an action: {what}": statement(rights, 0, Action=value) for what, value in ACTIONS.items()},
    **{
        f"an action of the key: {what}": statement(key, 1, Action=["kms:Decrypt", value])
        for what, value in ACTIONS.items()
    },
    **{
        f"a resource: {what}": statement(rights, 1, Resource=value)
        for what, value in RESOURCES.items()
    },
    **{
        f"a queue's resource: {what}": statement(queue, 0, Resource=value)
        for what, value in RESOURCES.items()
    },
    **{
        f"a principal: {what}": added(
            queue, Effect="Allow", Action="sqs:SendMessage", Resource=QUEUE_ARN, Principal=value
        )
        for what, value in PRINCIPALS.items()
    },
    **{
        f"a topic's principal: {what}": added(
            errors, Effect="Allow", Action="sns:Publish", Resource=ERRORS_ARN, Principal=value
        )
        for what, value in PRINCIPALS.items()
    },
    **{f"alarms: {what}": _admitted(value) for what, value in CONDITIONS.items()},
    **{
        f"alarms of the key: {what}": statement(key, 2, Condition=value)
        for what, value in CONDITIONS.items()
    },
    **{f"TLS: {what}": statement(queue, 0, Condition=value) for what, value in BEYOND_TLS.items()},
    **{
        f"TLS of a topic: {what}": statement(errors, 0, Condition=value)
        for what, value in BEYOND_TLS.items()
    },
    **{f"the form: {what}": change for what, change in FORMS.items()},
    **{f"trust: {what}": change for what, change in TRUST.items()},
    **{f"the key: {what}": change for what, change in KEYS.items()},
}
