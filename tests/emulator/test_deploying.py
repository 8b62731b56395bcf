"""What AWS asks of whoever deploys: each right is needed, and together they are enough."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import ACCOUNT_ID, REGION
from tests.emulator.embedded import Aws, Statement, package
from tests.emulator.test_permissions import Caller

OWN = f"{REGION}:{ACCOUNT_ID}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ANYTHING = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [ANYTHING]})
_numbers = itertools.count(1)

Deed = Callable[[Aws, str], tuple[list[Statement], Callable[[Caller], Any]]]
"""Given an unused name: the rights that are needed, and the call that needs them."""

DEEDS: dict[str, Deed] = {}


def deed(function: Deed) -> Deed:
    DEEDS[function.__name__.replace("_", " ")] = function
    return function


def key(aws: Aws, *actions: str) -> str:
    """A key whose policy lets the account hand out these actions."""
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
        "Action": ["kms:PutKeyPolicy", *actions],
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [owner]})
    return str(aws.kms.create_key(Policy=policy)["KeyMetadata"]["Arn"])


@deed
def a_function_with_a_role_an_encrypted_environment_and_tags(aws: Aws, name: str) -> Any:
    encryption = key(aws, "kms:CreateGrant", "kms:Encrypt", "kms:Decrypt")
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/{aws.role()}"
    arn = f"arn:aws:lambda:{OWN}:function:{name}"
    needed: list[Statement] = [
        ("lambda:CreateFunction", arn),
        ("lambda:TagResource", arn),
        ("iam:PassRole", role),
        ("kms:CreateGrant", encryption),
        ("kms:Encrypt", encryption),
    ]
    return needed, lambda caller: caller.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handle",
        Code={"ZipFile": package("return 1")},
        KMSKeyArn=encryption,
        Environment={"Variables": {"A": "b"}},
        Tags={"Environment": "dev"},
    )


@deed
def another_environment_under_the_key_that_stands(aws: Aws, name: str) -> Any:
    encryption = key(aws, "kms:CreateGrant", "kms:Encrypt", "kms:Decrypt")
    function = aws.function("return 1", variables={"A": "b"}, key=encryption)
    needed: list[Statement] = [
        ("lambda:UpdateFunctionConfiguration", function.arn),
        ("kms:CreateGrant", encryption),
        ("kms:Encrypt", encryption),
    ]
    return needed, lambda caller: caller.client("lambda").update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"A": name}}
    )


@deed
def an_alias_of_a_key(aws: Aws, name: str) -> Any:
    target = key(aws, "kms:CreateAlias")
    alias = f"alias/{name}"
    needed: list[Statement] = [
        ("kms:CreateAlias", f"arn:aws:kms:{OWN}:{alias}"),
        ("kms:CreateAlias", target),
    ]
    return needed, lambda caller: caller.client("kms").create_alias(
        AliasName=alias, TargetKeyId=target
    )


@deed
def an_alias_that_moves(aws: Aws, name: str) -> Any:
    old, new = key(aws, "kms:UpdateAlias"), key(aws, "kms:UpdateAlias")
    alias = f"alias/{name}"
    aws.kms.create_alias(AliasName=alias, TargetKeyId=old)
    needed: list[Statement] = [
        ("kms:UpdateAlias", f"arn:aws:kms:{OWN}:{alias}"),
        ("kms:UpdateAlias", old),
        ("kms:UpdateAlias", new),
    ]
    return needed, lambda caller: caller.client("kms").update_alias(
        AliasName=alias, TargetKeyId=new
    )


@deed
def a_key_with_tags(aws: Aws, name: str) -> Any:
    needed: list[Statement] = [
        ("kms:CreateKey", "*"),
        ("kms:TagResource", f"arn:aws:kms:{OWN}:key/*"),
    ]
    tags = [{"TagKey": "Environment", "TagValue": "dev"}]
    return needed, lambda caller: caller.client("kms").create_key(Tags=tags)


@deed
def a_table_with_tags(aws: Aws, name: str) -> Any:
    arn = f"arn:aws:dynamodb:{OWN}:table/{name}"
    needed: list[Statement] = [("dynamodb:CreateTable", arn), ("dynamodb:TagResource", arn)]
    return needed, lambda caller: caller.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "Environment", "Value": "dev"}],
    )


@deed
def a_queue_with_tags(aws: Aws, name: str) -> Any:
    arn = f"arn:aws:sqs:{OWN}:{name}"
    needed: list[Statement] = [("sqs:CreateQueue", arn), ("sqs:TagQueue", arn)]
    return needed, lambda caller: caller.client("sqs").create_queue(
        QueueName=name, tags={"Environment": "dev"}
    )


@deed
def a_topic_with_tags(aws: Aws, name: str) -> Any:
    arn = f"arn:aws:sns:{OWN}:{name}"
    needed: list[Statement] = [("sns:CreateTopic", arn), ("sns:TagResource", arn)]
    return needed, lambda caller: caller.client("sns").create_topic(
        Name=name, Tags=[{"Key": "Environment", "Value": "dev"}]
    )


@deed
def a_role_with_tags(aws: Aws, name: str) -> Any:
    arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"
    needed: list[Statement] = [("iam:CreateRole", arn), ("iam:TagRole", arn)]
    return needed, lambda caller: caller.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Tags=[{"Key": "Environment", "Value": "dev"}],
    )


@deed
def a_policy_with_tags(aws: Aws, name: str) -> Any:
    arn = f"arn:aws:iam::{ACCOUNT_ID}:policy/{name}"
    needed: list[Statement] = [("iam:CreatePolicy", arn), ("iam:TagPolicy", arn)]
    return needed, lambda caller: caller.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=DOCUMENT,
        Tags=[{"Key": "Environment", "Value": "dev"}],
    )


@deed
def a_log_group_with_tags(aws: Aws, name: str) -> Any:
    arn = f"arn:aws:logs:{OWN}:log-group:{name}"
    needed: list[Statement] = [("logs:CreateLogGroup", f"{arn}:*"), ("logs:TagResource", arn)]
    return needed, lambda caller: caller.client("logs").create_log_group(
        logGroupName=name, tags={"Environment": "dev"}
    )


@deed
def a_log_groups_tags(aws: Aws, name: str) -> Any:
    """These take the group's ARN as it is, other calls with `:*` behind it."""
    aws.logs.create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:{OWN}:log-group:{name}"
    needed: list[Statement] = [("logs:ListTagsForResource", arn)]
    return needed, lambda caller: caller.client("logs").list_tags_for_resource(resourceArn=arn)


@deed
def an_api_with_tags(aws: Aws, name: str) -> Any:
    apis = f"arn:aws:apigateway:{REGION}::/restapis"
    needed: list[Statement] = [
        ("apigateway:POST", apis),
        ("apigateway:PUT", f"arn:aws:apigateway:{REGION}::/tags/*"),
    ]
    return needed, lambda caller: caller.client("apigateway").create_rest_api(
        name=name, tags={"Environment": "dev"}
    )


@pytest.mark.parametrize("name", DEEDS)
def test_every_right_is_needed_and_together_they_are_enough(aws: Aws, name: str) -> None:
    needed, call = DEEDS[name](aws, f"deed-{next(_numbers)}")
    for missing in needed:
        caller = Caller(aws, *[right for right in needed if right != missing])
        with pytest.raises(ClientError) as caught:
            call(caller)
        assert "not authorized to perform: " + str(missing[0]) in str(caught.value), missing
    assert call(Caller(aws, *needed))["ResponseMetadata"]["HTTPStatusCode"] in (200, 201)


def test_nothing_is_asked_for_tags_that_are_not_there(aws: Aws) -> None:
    name = f"deed-{next(_numbers)}"
    caller = Caller(aws, ("sqs:CreateQueue", f"arn:aws:sqs:{OWN}:{name}"))
    assert caller.client("sqs").create_queue(QueueName=name)["QueueUrl"]


@pytest.mark.parametrize("via", ["lambda", "sns"])
def test_the_keys_use_can_be_bound_to_lambda(aws: Aws, via: str) -> None:
    encryption = key(aws, "kms:CreateGrant", "kms:Encrypt")
    function = aws.function("return 1", variables={"A": "b"}, key=encryption)
    caller = Caller(aws, ("lambda:UpdateFunctionConfiguration", function.arn))
    statement = {
        "Effect": "Allow",
        "Action": ["kms:CreateGrant", "kms:Encrypt"],
        "Resource": encryption,
        "Condition": {"StringEquals": {"kms:ViaService": f"{via}.{REGION}.amazonaws.com"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.iam.put_role_policy(RoleName=caller.role, PolicyName="key", PolicyDocument=document)
    lambda_, new = caller.client("lambda"), {"Variables": {"A": "c"}}
    if via == "lambda":
        lambda_.update_function_configuration(FunctionName=function.name, Environment=new)
    else:
        with pytest.raises(ClientError, match="kms:CreateGrant on resource"):
            lambda_.update_function_configuration(FunctionName=function.name, Environment=new)


def test_the_key_policy_must_let_the_account_hand_its_use_out(aws: Aws) -> None:
    encryption = key(aws, "kms:Encrypt")
    function = aws.function("return 1", variables={"A": "b"}, key=encryption)
    rights = ("lambda:UpdateFunctionConfiguration", "kms:CreateGrant", "kms:Encrypt")
    caller = Caller(aws, *((right, "*") for right in rights))
    with pytest.raises(ClientError, match="kms:CreateGrant on resource"):
        caller.client("lambda").update_function_configuration(
            FunctionName=function.name, Environment={"Variables": {"A": "c"}}
        )


def test_who_may_not_decrypt_sees_the_function_without_its_environment(aws: Aws) -> None:
    encryption = key(aws, "kms:Decrypt")
    function = aws.function("return 1", variables={"A": "b"}, key=encryption)
    reading: list[Statement] = [
        ("lambda:GetFunction", function.arn),
        ("lambda:GetFunctionConfiguration", function.arn),
    ]

    def seen(caller: Caller) -> list[Any]:
        lambda_ = caller.client("lambda")
        return [
            lambda_.get_function(FunctionName=function.name)["Configuration"]["Environment"],
            lambda_.get_function_configuration(FunctionName=function.name)["Environment"],
        ]

    for environment in seen(Caller(aws, *reading)):
        assert environment["Error"]["ErrorCode"] == "AccessDeniedException"
        assert "Variables" not in environment
    allowed = seen(Caller(aws, *reading, ("kms:Decrypt", encryption)))
    assert allowed == [{"Variables": {"A": "b"}}] * 2


@pytest.mark.parametrize("own", [True, False])
def test_a_mapping_can_be_bound_to_its_function(aws: Aws, own: bool) -> None:
    streams = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    stream = aws.stream_arn(aws.table())
    function = aws.function("return 1", (streams, stream), ("dynamodb:ListStreams", "*"))
    caller, other = Caller(aws), function.arn + "-other"
    condition = {"ArnEquals": {"lambda:FunctionArn": function.arn if own else other}}
    verbs = ("Create", "Update", "Delete")
    statement = {
        "Effect": "Allow",
        "Action": [f"lambda:{verb}EventSourceMapping" for verb in verbs],
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    aws.iam.put_role_policy(
        RoleName=caller.role, PolicyName="mapping", PolicyDocument=json.dumps(document)
    )
    root, bound = aws.lambda_, caller.client("lambda")

    def make(lambda_: Any) -> str:
        return str(
            lambda_.create_event_source_mapping(
                EventSourceArn=stream, FunctionName=function.name, StartingPosition="LATEST"
            )["UUID"]
        )

    if own:
        made = make(bound)
        bound.update_event_source_mapping(UUID=made, BatchSize=5)
        bound.delete_event_source_mapping(UUID=made)
        return
    with pytest.raises(ClientError, match="lambda:CreateEventSourceMapping"):
        make(bound)
    made = make(root)
    with pytest.raises(ClientError, match="lambda:UpdateEventSourceMapping"):
        bound.update_event_source_mapping(UUID=made, BatchSize=5)
    with pytest.raises(ClientError, match="lambda:DeleteEventSourceMapping"):
        bound.delete_event_source_mapping(UUID=made)
    root.delete_event_source_mapping(UUID=made)
