"""Each difference between MiniStack and AWS is still there: the wrap that rights it is needed.

A probe tells whether it was answered as AWS answers. The emulator must pass it and MiniStack alone
must not. When MiniStack comes to pass one, its wrap can go.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import ACCOUNT_ID, REGION
from tests.emulator.embedded import Aws, Emulator, eventually
from tests.emulator.test_alarms import alarm, described, put
from tests.emulator.test_gateway import make_api
from tests.emulator.test_metering import statistic, units
from tests.emulator.test_permissions import INSERT, Caller, table_arn
from tests.emulator.test_streams import map_to, reader
from tests.emulator.test_streams import put as put_rows
from tests.emulator.test_topics import PUBLISH, key_for

Probe = Callable[[Aws], bool]
PROBES: dict[str, Probe] = {}


def probe(function: Probe) -> Probe:
    PROBES[function.__name__.replace("_", " ")] = function
    return function


def comes(look: Callable[[], Any], seconds: float = 2) -> Any:
    try:
        return eventually(look, seconds)
    except AssertionError:
        return None


def refused(call: Callable[[], Any], code: str) -> bool:
    try:
        call()
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == code)
    return False


@probe
def partiql_writes_reach_the_stream(aws: Aws) -> bool:
    table = aws.table()
    aws.dynamodb.execute_statement(Statement=INSERT.replace("TABLE", table))
    streams = aws.client("dynamodbstreams")
    arn = aws.stream_arn(table)
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return len(streams.get_records(ShardIterator=iterator)["Records"]) == 1


@probe
def a_partiql_insert_needs_its_own_action(aws: Aws) -> bool:
    table = aws.table()
    client = Caller(aws, ("dynamodb:PartiQLInsert", table_arn(table))).client("dynamodb")
    statement = {"Statement": INSERT.replace("TABLE", table)}
    return "Error" not in client.batch_execute_statement(Statements=[statement])["Responses"][0]


@probe
def a_stream_is_granted_on_its_own_arn(aws: Aws) -> bool:
    arn = aws.stream_arn(aws.table())
    client = Caller(aws, ("dynamodb:DescribeStream", arn)).client("dynamodbstreams")
    return bool(client.describe_stream(StreamArn=arn)["StreamDescription"])


@probe
def a_policy_is_made_under_its_own_name(aws: Aws) -> bool:
    name = f"policy-of-{aws.table()}"
    arn = f"arn:aws:iam::{ACCOUNT_ID}:policy/{name}"
    iam = Caller(aws, ("iam:CreatePolicy", arn)).client("iam")
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return bool(iam.create_policy(PolicyName=name, PolicyDocument=document))


@probe
def a_role_is_not_passed_without_the_right_to(aws: Aws) -> bool:
    function = aws.function("return 1")
    granted = ("lambda:UpdateFunctionConfiguration", function.arn)
    lambda_ = Caller(aws, granted).client("lambda")
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/{function.role}"
    return refused(
        lambda: lambda_.update_function_configuration(FunctionName=function.name, Role=role),
        "AccessDeniedException",
    )


@probe
def tags_are_not_given_without_the_right_to(aws: Aws) -> bool:
    name = f"queue-of-{aws.table()}"
    caller = Caller(aws, ("sqs:CreateQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"))
    return refused(
        lambda: caller.client("sqs").create_queue(QueueName=name, tags={"a": "b"}), "AccessDenied"
    )


@probe
def an_alias_is_granted_on_itself_and_its_key(aws: Aws) -> bool:
    key, alias = aws.kms.create_key()["KeyMetadata"]["Arn"], f"alias/of-{aws.table()}"
    own = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:{alias}"
    kms = Caller(aws, ("kms:CreateAlias", own), ("kms:CreateAlias", key)).client("kms")
    return bool(kms.create_alias(AliasName=alias, TargetKeyId=key))


@probe
def an_environment_is_not_shown_without_the_right_to_decrypt(aws: Aws) -> bool:
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    function = aws.function("return 1", variables={"A": "b"}, key=key)
    lambda_ = Caller(aws, ("lambda:GetFunctionConfiguration", function.arn)).client("lambda")
    shown = lambda_.get_function_configuration(FunctionName=function.name)["Environment"]
    return "Error" in shown


@probe
def a_log_group_is_granted_with_a_star(aws: Aws) -> bool:
    group = f"/probe/{aws.table()}"
    aws.logs.create_log_group(logGroupName=group)
    resource = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}:*"
    client = Caller(aws, ("logs:CreateLogStream", resource)).client("logs")
    client.create_log_stream(logGroupName=group, logStreamName="s")
    return True


@probe
def a_refusal_names_the_resource(aws: Aws) -> bool:
    table = aws.table()
    try:
        Caller(aws).client("dynamodb").describe_table(TableName=table)
    except ClientError as error:
        return f"on resource: {table_arn(table)}" in str(error)
    return False


@probe
def partiql_numbers_lose_their_trailing_zeros(aws: Aws) -> bool:
    table = aws.table()
    statement = f"INSERT INTO \"{table}\" VALUE {{'symbol': 'A', 'timestamp': ?}}"
    aws.dynamodb.execute_statement(Statement=statement, Parameters=[{"N": "1.50"}])
    return bool(aws.dynamodb.scan(TableName=table)["Items"][0]["timestamp"]["N"] == "1.5")


@probe
def a_large_write_costs_more(aws: Aws) -> bool:
    table = aws.table()
    statement = f"INSERT INTO \"{table}\" VALUE {{'symbol': 'A', 'timestamp': 1, 'x': ?}}"
    answer = aws.dynamodb.execute_statement(
        Statement=statement, Parameters=[{"S": "x" * 5000}], ReturnConsumedCapacity="TOTAL"
    )
    return bool(answer["ConsumedCapacity"]["CapacityUnits"] == 5)


@probe
def a_large_read_costs_more(aws: Aws) -> bool:
    table = aws.table()
    item = {"symbol": {"S": "A"}, "timestamp": {"N": "1"}, "x": {"S": "x" * 9000}}
    aws.dynamodb.put_item(TableName=table, Item=item)
    answer = aws.dynamodb.query(
        TableName=table,
        KeyConditionExpression="symbol = :s",
        ExpressionAttributeValues={":s": {"S": "A"}},
        ConsistentRead=True,
        ReturnConsumedCapacity="TOTAL",
    )
    return bool(answer["ConsumedCapacity"]["CapacityUnits"] == 3)


@probe
def logged_lines_are_json(aws: Aws) -> bool:
    function = aws.function("log.info('hello', extra={'n': 1})")
    function.invoke({})
    return bool(comes(lambda: [line["n"] for line in function.said("hello")] == [1], 1))


@probe
def an_error_tells_its_type(aws: Aws) -> bool:
    function = aws.function("raise KeyError('x')")
    return bool(json.loads(function.invoke({})["Payload"])["errorType"] == "KeyError")


@probe
def a_dead_letter_is_the_event(aws: Aws) -> bool:
    function = aws.function("raise ValueError('x')", dead_letters=True, retries=0)
    function.invoke({"n": 1}, "Event")
    found = comes(lambda: aws.messages(function.dead_letters), 4)
    return bool(found and found[0]["Body"] == '{"n": 1}')


@probe
def success_is_delivered(aws: Aws) -> bool:
    queue = aws.queue()
    function = aws.function("return 1", on_success=aws.queue_arn(queue))
    function.invoke({}, "Event")
    return bool(comes(lambda: aws.messages(queue)))


@probe
def a_large_event_is_refused(aws: Aws) -> bool:
    function = aws.function("return 1")
    large = {"x": "x" * 1_100_000}
    return refused(lambda: function.invoke(large, "Event"), "RequestEntityTooLargeException")


@probe
def a_disabled_key_stops_the_function(aws: Aws) -> bool:
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    function = aws.function("return 1", variables={"A": "b"}, key=key)
    aws.kms.disable_key(KeyId=key)
    return refused(lambda: function.invoke({}), "KMSDisabledException")


@probe
def a_mapping_without_rights_is_refused(aws: Aws) -> bool:
    arn = aws.stream_arn(aws.table())
    function = aws.function("return 1")
    return refused(
        lambda: aws.lambda_.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=function.name, StartingPosition="LATEST"
        ),
        "InvalidParameterValueException",
    )


@probe
def a_reported_item_comes_again(aws: Aws) -> bool:
    table = aws.table()
    stream = aws.stream_arn(table)
    actions = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    function = aws.function(
        """
        import urllib.request
        print("seen")
        number = event["Records"][0]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": number}]}
        """,
        (actions, stream),
    )
    aws.lambda_.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=function.name,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=3,
    )
    aws.dynamodb.put_item(TableName=table, Item={"symbol": {"S": "A"}, "timestamp": {"N": "1"}})
    return bool(comes(lambda: function.lines().count("seen") > 1, 3))


@probe
def a_malformed_pattern_is_refused(aws: Aws) -> bool:
    function = aws.function("return 1")
    return refused(
        lambda: aws.logs.put_subscription_filter(
            logGroupName=function.group,
            filterName="f",
            filterPattern="{ nonsense",
            destinationArn=function.arn,
        ),
        "InvalidParameterException",
    )


@probe
def a_templates_event_arrives_asynchronously(aws: Aws) -> bool:
    function = aws.function("print(json.dumps({'got': event}))")
    status, _, _ = make_api(aws, function).post(b'{"a": 1}')

    def event() -> Any:
        lines = [line["got"] for line in function.lines() if isinstance(line, dict)]
        return lines and lines[0].get("body")

    return status == 202 and comes(event) == base64.b64encode(b'{"a": 1}').decode()


@probe
def an_unset_quota_is_left_out(aws: Aws) -> bool:
    return "quota" not in aws.client("apigateway").create_usage_plan(name="plan")


@probe
def an_empty_key_value_is_none(aws: Aws) -> bool:
    return bool(aws.client("apigateway").create_api_key(name="key", value="")["value"])


@probe
def a_patch_finds_the_template_of_a_content_type(aws: Aws) -> bool:
    api = make_api(aws, aws.function("pass"))
    changed = aws.client("apigateway").update_integration(
        restApiId=api.id,
        resourceId=api.resource,
        httpMethod="POST",
        patchOperations=[
            {"op": "replace", "path": "/requestTemplates/application~1json", "value": "{}"}
        ],
    )
    return bool(changed["requestTemplates"] == {"application/json": "{}"})


@probe
def a_usage_plan_is_changed_in_place(aws: Aws) -> bool:
    gateway = aws.client("apigateway")
    plan = gateway.create_usage_plan(name="plan", throttle={"rateLimit": 1.0, "burstLimit": 1})
    step = {"op": "replace", "path": "/throttle/burstLimit", "value": "7"}
    changed = gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=[step])
    step = {"op": "add", "path": "/apiStages", "value": "abc:v1"}
    changed = gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=[step])
    return bool(changed.get("apiStages") == [{"apiId": "abc", "stage": "v1"}])


@probe
def an_alarm_is_described_in_full(aws: Aws) -> bool:
    return bool(described(aws, alarm(aws, "f")).get("Dimensions"))


@probe
def an_alarm_watches_its_own_dimensions(aws: Aws) -> bool:
    other = alarm(aws, "quiet")
    put(aws, "loud", 9)
    return bool(described(aws, other)["StateValue"] != "ALARM")


@probe
def publishing_under_a_key_needs_the_key(aws: Aws) -> bool:
    topic = aws.topic(KmsMasterKeyId=key_for(aws))
    function = aws.function(PUBLISH, ("sns:Publish", topic))
    return "KMSAccessDenied" in json.loads(function.invoke(topic)["Payload"])


@probe
def a_table_tells_what_it_consumed(aws: Aws) -> bool:
    table = aws.table()
    aws.dynamodb.execute_statement(Statement=INSERT.replace("TABLE", table))
    return units(aws, table)[0] == 1


@probe
def a_reader_of_a_stream_tells_its_lag(aws: Aws) -> bool:
    table, function = reader(aws, "")
    put_rows(aws, table, 1)
    map_to(aws, table, function)
    of = {"FunctionName": function.name}
    return bool(comes(lambda: statistic(aws, "AWS/Lambda", "IteratorAge", "Maximum", **of), 4))


@probe
def a_log_group_tells_its_bytes(aws: Aws) -> bool:
    function = aws.function("log.info('a line')")
    function.invoke({})
    of = {"LogGroupName": function.group}
    return bool(comes(lambda: statistic(aws, "AWS/Logs", "IncomingBytes", "Sum", **of)))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    running = Emulator(tmp_path_factory.mktemp("plain"), plain=True)
    yield Aws(running.endpoint)
    running.stop()


@pytest.mark.parametrize("name", PROBES)
def test_the_emulator_does_as_aws(aws: Aws, name: str) -> None:
    assert PROBES[name](aws)


@pytest.mark.parametrize("name", PROBES)
def test_ministack_alone_does_not(plain: Aws, name: str) -> None:
    try:
        done = PROBES[name](plain)
    except (ClientError, KeyError, IndexError, AttributeError):
        done = False
    assert not done, f"MiniStack does it by itself now ({name}): the wrap can go"
