"""IAM as AWS asks it: PartiQL, streams, log groups, and the refusals that are kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from local.emulator import ACCOUNT_ID, REGION
from local.emulator.permissions import statement_grant
from tests.emulator.embedded import Aws, Emulator, Statement


class Caller:
    """A role's session, as boto3 clients."""

    def __init__(self, aws: Aws, *statements: Statement) -> None:
        self._aws = aws
        self.role = aws.role(*statements)
        arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{self.role}"
        keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        self._keys = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def client(self, service: str) -> Any:
        return self._aws.client(service, **self._keys)


def table_arn(table: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{table}"


INSERT = "INSERT INTO \"TABLE\" VALUE {'symbol': 'A', 'timestamp': 2}"
UPDATE = 'UPDATE "TABLE" SET price = 1 WHERE symbol = \'A\' AND "timestamp" = 1'
SELECT = 'SELECT * FROM "TABLE" WHERE symbol = \'A\' AND "timestamp" = 1'
DELETE = 'DELETE FROM "TABLE" WHERE symbol = \'A\' AND "timestamp" = 1'


@pytest.mark.parametrize(
    ("action", "statement"),
    [
        ("PartiQLInsert", INSERT),
        ("PartiQLUpdate", UPDATE),
        ("PartiQLSelect", SELECT),
        ("PartiQLDelete", DELETE),
    ],
)
def test_a_statement_needs_its_own_action_and_no_other_helps(
    aws: Aws, emulator: Emulator, action: str, statement: str
) -> None:
    table = aws.table()
    aws.dynamodb.put_item(TableName=table, Item={"symbol": {"S": "A"}, "timestamp": {"N": "1"}})
    every = ["PartiQLInsert", "PartiQLUpdate", "PartiQLSelect", "PartiQLDelete"]
    others = [f"dynamodb:{one}" for one in every if one != action]
    others += ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchExecuteStatement"]
    text = statement.replace("TABLE", table)
    refused = Caller(aws, (others, table_arn(table))).client("dynamodb")
    emulator.control("DELETE", "denials")
    for call, arguments in (
        (refused.batch_execute_statement, {"Statements": [{"Statement": text}]}),
        (refused.execute_statement, {"Statement": text}),
    ):
        with pytest.raises(ClientError, match=f"dynamodb:{action} on resource") as caught:
            call(**arguments)
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    denials = emulator.control("GET", "denials")["denials"]
    assert [(one["action"], one["resource"]) for one in denials] == [
        (f"dynamodb:{action}", table_arn(table))
    ] * 2

    allowed = Caller(aws, (f"dynamodb:{action}", table_arn(table))).client("dynamodb")
    answer = allowed.batch_execute_statement(Statements=[{"Statement": text}])
    assert "Error" not in answer["Responses"][0]


def test_every_table_of_a_batch_is_asked_for(aws: Aws) -> None:
    mine, other = aws.table(), aws.table()
    client = Caller(aws, ("dynamodb:PartiQLInsert", table_arn(mine))).client("dynamodb")
    statements = [{"Statement": INSERT.replace("TABLE", name)} for name in (mine, other)]
    with pytest.raises(ClientError, match=other):
        client.batch_execute_statement(Statements=statements)
    assert aws.dynamodb.scan(TableName=mine)["Count"] == 0


names = st.from_regex(r"[A-Za-z0-9_.\-]{3,30}", fullmatch=True).filter(
    lambda name: name.strip(".") and name.upper() not in ("WHERE", "INTO", "FROM")
)


@given(table=names, verb=st.sampled_from(["insert", "Update", "SELECT", "delete"]))
def test_action_and_table_are_read_from_any_statement(table: str, verb: str) -> None:
    rest = {
        "insert": f'into "{table}" value {{}}',
        "Update": f'"{table}" set a = 1 where b = 2',
        "SELECT": f'a, "b" from "{table}" where x = 1',
        "delete": f'from "{table}" where x = 1',
    }[verb]
    action, found = statement_grant(f"  {verb}\n{rest}")
    assert action == f"dynamodb:PartiQL{verb.title()}"
    assert found == table


def test_reading_a_stream_is_allowed_on_the_streams_own_arn(aws: Aws) -> None:
    table = aws.table()
    stream = aws.stream_arn(table)
    granted = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    client = Caller(aws, (granted, stream)).client("dynamodbstreams")
    aws.dynamodb.put_item(TableName=table, Item={"symbol": {"S": "A"}, "timestamp": {"N": "1"}})

    shard = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(
        StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert len(client.get_records(ShardIterator=iterator)["Records"]) == 1

    for missing in granted:
        kept = [one for one in granted if one != missing]
        limited = Caller(aws, (kept, stream)).client("dynamodbstreams")
        calls: dict[str, Callable[[Any], Any]] = {
            "dynamodb:DescribeStream": lambda c: c.describe_stream(StreamArn=stream),
            "dynamodb:GetShardIterator": lambda c: c.get_shard_iterator(
                StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            ),
            "dynamodb:GetRecords": lambda c: c.get_records(ShardIterator=iterator),
        }
        for action, call in calls.items():
            if action == missing:
                with pytest.raises(ClientError, match=missing):
                    call(limited)
            else:
                call(limited)


def test_log_groups_are_granted_with_a_star_behind_their_arn(aws: Aws) -> None:
    group = "/test/permissions"
    aws.logs.create_log_group(logGroupName=group)
    resource = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}:*"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:FilterLogEvents"]
    client = Caller(aws, (actions, resource)).client("logs")
    where = {"logGroupName": group, "logStreamName": "s"}
    client.create_log_stream(**where)
    client.put_log_events(**where, logEvents=[{"timestamp": 1_700_000_000_000, "message": "m"}])
    assert len(client.filter_log_events(logGroupName=group)["events"]) == 1
    with pytest.raises(ClientError, match="logs:DeleteLogGroup"):
        client.delete_log_group(logGroupName=group)


def test_the_loopback_stands_for_tls(aws: Aws) -> None:
    """A policy that denies plain connections lets the pipeline through, and refuses plain ones."""
    url = aws.queue()
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": aws.queue_arn(url),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    client = Caller(aws, ("sqs:SendMessage", aws.queue_arn(url))).client("sqs")
    client.send_message(QueueUrl=url, MessageBody="over TLS")

    def plain(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-Proto"] = "http"

    client.meta.events.register("before-send.sqs", plain)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.send_message(QueueUrl=url, MessageBody="in the open")


def test_a_function_has_the_rights_of_its_role_and_no_more(aws: Aws) -> None:
    table = aws.table()
    function = aws.function(
        """
        table = boto3.client("dynamodb")
        try:
            table.get_item(TableName=event, Key={"symbol": {"S": "A"}, "timestamp": {"N": "1"}})
        except Exception as error:
            return str(error)
        return boto3.client("sts").get_caller_identity()["Arn"]
        """
    )
    denied = json.loads(function.invoke(table)["Payload"])
    assert "AccessDeniedException" in denied
    assert f"dynamodb:GetItem on resource: {table_arn(table)}" in denied
    function.grant(("dynamodb:GetItem", table_arn(table)))
    assert json.loads(function.invoke(table)["Payload"]) == (
        f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{function.role}/{function.name}"
    )


def test_every_right_that_a_function_uses_is_counted_its_own_and_lambdas_for_it(
    aws: Aws, emulator: Emulator
) -> None:
    """Who wants to know which grants are needed asks here: HTTP calls, logs, dead letters."""
    table = aws.table()
    function = aws.function(
        f"""
        boto3.client("dynamodb").execute_statement(Statement={SELECT.replace("TABLE", table)!r})
        raise ValueError
        """,
        ("dynamodb:PartiQLSelect", table_arn(table)),
        dead_letters=True,
        retries=0,
    )
    function.invoke({}, "Event")
    aws.message(function.dead_letters)
    grants = emulator.control("GET", "grants")["grants"]
    mine = {(g["action"], g["resource"]) for g in grants if g["principal"] == function.role}
    group = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{function.group}:log-stream:"
    assert ("dynamodb:PartiQLSelect", table_arn(table)) in mine
    assert ("sqs:SendMessage", aws.queue_arn(function.dead_letters)) in mine
    assert ("logs:CreateLogStream", group) in mine
    assert {action for action, _ in mine} == {
        "dynamodb:PartiQLSelect",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }
    root = {(g["action"], g["resource"]) for g in grants if g["principal"] == "root"}
    assert ("lambda:CreateFunction", function.arn) in root or (
        "lambda:InvokeFunction",
        function.arn,
    ) in root


def test_event_invoke_configurations_are_guarded(aws: Aws) -> None:
    function = aws.function("return 1")
    action = "lambda:PutFunctionEventInvokeConfig"
    put = {"FunctionName": function.name, "MaximumRetryAttempts": 1}
    with pytest.raises(ClientError, match=action):
        Caller(aws, ("lambda:GetFunction", "*")).client("lambda").put_function_event_invoke_config(
            **put
        )
    allowed = Caller(aws, (action, function.arn)).client("lambda")
    assert allowed.put_function_event_invoke_config(**put)["MaximumRetryAttempts"] == 1


@pytest.mark.parametrize("service", [None, "ec2.amazonaws.com", "lambda.amazonaws.com"])
def test_who_gives_a_function_its_role_must_be_allowed_to_pass_it(
    aws: Aws, service: str | None
) -> None:
    function = aws.function("return 1")
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/{function.role}"
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": "lambda:UpdateFunctionConfiguration",
            "Resource": function.arn,
        }
    ]
    if service:
        condition = {"StringEquals": {"iam:PassedToService": service}}
        statements.append(
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": condition}
        )
    caller = Caller(aws)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws.client("iam").put_role_policy(
        RoleName=caller.role, PolicyName="deploying", PolicyDocument=document
    )
    lambda_ = caller.client("lambda")
    # What does not name a role passes none.
    lambda_.update_function_configuration(FunctionName=function.name, Timeout=4)
    if service == "lambda.amazonaws.com":
        lambda_.update_function_configuration(FunctionName=function.name, Role=role)
    else:
        with pytest.raises(ClientError, match="iam:PassRole on resource"):
            lambda_.update_function_configuration(FunctionName=function.name, Role=role)


def test_a_call_is_granted_on_what_it_names(aws: Aws) -> None:
    table, topic = aws.table(), aws.topic()
    mine, other = f"policy-of-{table}", f"other-of-{table}"
    policies = f"arn:aws:iam::{ACCOUNT_ID}:policy/"
    caller = Caller(
        aws,
        ("iam:CreatePolicy", policies + mine),
        ("dynamodb:ListTagsOfResource", table_arn(table)),
        ("sns:ListTagsForResource", topic),
    )
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    caller.client("dynamodb").list_tags_of_resource(ResourceArn=table_arn(table))
    caller.client("sns").list_tags_for_resource(ResourceArn=topic)
    caller.client("iam").create_policy(PolicyName=mine, PolicyDocument=document)
    with pytest.raises(ClientError, match=other):
        caller.client("iam").create_policy(PolicyName=other, PolicyDocument=document)
