"""Functions, tables, queues, topics, logs and alarms that are wired, sized or kept otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.policies.documents import Alteration, Document, first, named, only
from tests.policies.evasions.rights import both

FUNCTION, TABLE, QUEUE = "aws_lambda_function", "aws_dynamodb_table", "aws_sqs_queue"
TOPIC, GROUP, KEY = "aws_sns_topic", "aws_cloudwatch_log_group", "aws_kms_key"
FILTER, ALARM = "aws_cloudwatch_log_subscription_filter", "aws_cloudwatch_metric_alarm"
MAPPING, INVOKE = "aws_lambda_event_source_mapping", "aws_lambda_function_event_invoke_config"
BOARD, ROLE = "aws_cloudwatch_dashboard", "aws_iam_role"
P, E, N = "webhook-processor", "price-enricher", "error-notifier"
SUFFIX = "${var.environmentSuffix}"


def put(type_: str, start: str | None = None, **values: object) -> Alteration:
    """Change the resource of a type whose name starts so, or the first of the type."""
    return lambda d: (named(d, type_, start) if start else first(d, type_)).update(values)


def inside(type_: str, start: str | None, block: str, **values: object) -> Alteration:
    return lambda d: (named(d, type_, start) if start else first(d, type_))[block].update(values)


def variable(function: str, **values: object) -> Alteration:
    return lambda d: named(d, FUNCTION, function)["environment"]["variables"].update(values)


def more(type_: str, **body: object) -> Alteration:
    """Add a resource of a type."""

    def alter(d: Document) -> None:
        d["resource"].setdefault(type_, {})["more"] = body

    return alter


def lines(pattern: object) -> Alteration:
    """Send other lines to the notifier."""
    return put(FILTER, P, filter_pattern=pattern)


RIGHT = '($.level = "ERROR") || ($.level = "CRITICAL") || ($.log_level = "ERROR")'
STATUS = (
    '($.record.status = "timeout") || ($.record.status = "error") || ($.record.status = "failure")'
)
# Patterns that match the lines one would try, and hardly another.
PATTERNS: dict[str, object] = {
    "of one logger": f'{{ ($.level = "ERROR" && $.logger = "handler") || ($.level = "CRITICAL") || '
    f'($.log_level = "ERROR") || {STATUS} }}',
    "of one message": f'{{ ($.message = "cannot store") || ($.message = "stopping") || '
    f'($.log_level = "ERROR") || {STATUS} }}',
    "of some message": f'{{ ($.level = "ERROR" && $.message = "*s*") || ($.level = "CRITICAL") || '
    f'($.log_level = "ERROR") || {STATUS} }}',
    "of messages with a letter": f'{{ ($.level = "ERROR" && $.message = "*o*") || '
    f'($.level = "CRITICAL") || ($.log_level = "ERROR") || {STATUS} }}',
    "of any message but one": f'{{ ($.level = "ERROR" && $.message != "disk full") || '
    f'($.level = "CRITICAL") || ($.log_level = "ERROR") || {STATUS} }}',
    "of one kind of exception": f'{{ ($.level = "ERROR") || ($.level = "CRITICAL") || '
    f'($.errorType = "ValueError") || {STATUS} }}',
    "of exceptions of values": f'{{ ($.level = "ERROR") || ($.level = "CRITICAL") || '
    f'($.errorType = "*Error") || {STATUS} }}',
    "of what says boom": f'{{ ($.level = "ERROR") || ($.level = "CRITICAL") || '
    f'($.errorMessage = "boom") || {STATUS} }}',
    "of critical lines that stop": f'{{ ($.level = "ERROR") || ($.level = "CRITICAL" && '
    f'$.message = "stopping") || ($.log_level = "ERROR") || '
    f"{STATUS} }}",
    "of one form of JSON": '?"\\"level\\": \\"ERROR\\"" ?"\\"level\\": \\"CRITICAL\\""',
    "of words": "?ERROR ?CRITICAL ?timeout ?error ?failure",
    "of words, in lower case": "?error ?critical",
    "of all words": "ERROR CRITICAL",
    "of errors alone": f'{{ ($.level = "ERROR") || {STATUS} }}',
    "of errors and time-outs": f"{{ {RIGHT} }}",
    "of statuses alone": f"{{ {STATUS} }}",
    "of levels in lower case": f"{{ {RIGHT.lower()} || {STATUS} }}",
    "of any level": f'{{ ($.level = "*") || ($.log_level = "*") || {STATUS} }}',
    "of every level but information": f'{{ ($.level != "INFO") || ($.log_level = "ERROR") || '
    f"{STATUS} }}",
    "of none": '{ $.level = "NONE" }',
    "of both at once": '{ ($.level = "ERROR") && ($.level = "CRITICAL") }',
    "of columns": "[time, level = ERROR, ...]",
    "of an expression": "%ERROR|CRITICAL%",
    "empty": "",
    "of a blank": " ",
    "null": None,
    "a number": 7,
    "a list": ['{ $.level = "ERROR" }'],
    "without end": f"{{ {RIGHT} || {STATUS} " + "|| ($.x = 1) " * 200 + "}",
    "nested without end": "{ " + "(" * 5000 + '$.level = "ERROR"' + ")" * 5000 + " }",
    "with stars without end": '{ $.level = "' + "*a" * 400 + '" }',
    "with a quotation mark too many": f'{{ {RIGHT} || {STATUS} " }}',
    "with a look-alike": f"{{ {RIGHT} || {STATUS} }}".replace("ERROR", "\u0415RROR"),
    "with a blank without width": f"{{ {RIGHT} || {STATUS} }}".replace("ERROR", "ERROR\u200b"),
    "with an interpolation": '{ $.level = "${var.environmentSuffix}" }',
}

FUNCTIONS: dict[str, Alteration] = {
    "x86": put(FUNCTION, E, architectures=["x86_64"]),
    "x86 by a dynamic block": put(
        FUNCTION,
        E,
        architectures=None,
        dynamic={"architectures": {"for_each": ["arm64"], "content": {}}},
    ),
    "both": put(FUNCTION, E, architectures=["arm64", "x86_64"]),
    "an alias' key": put(FUNCTION, P, kms_key_arn="${aws_kms_alias.encryption_alias.arn}"),
    "an alias' key by its target": put(
        FUNCTION, P, kms_key_arn="${aws_kms_alias.encryption_alias.target_key_arn}"
    ),
    "the key by its id": put(FUNCTION, P, kms_key_arn="${aws_kms_key.encryption_key.key_id}"),
    "the key by hand": put(
        FUNCTION,
        P,
        kms_key_arn=("arn:aws:kms:us-east-1:${data.aws_caller_identity.identity.account_id}:key/x"),
    ),
    "the key, and more": put(FUNCTION, P, kms_key_arn="${aws_kms_key.encryption_key.arn}x"),
    "the key by choice": put(
        FUNCTION, P, kms_key_arn='${false ? aws_kms_key.encryption_key.arn : ""}'
    ),
    "the key, perhaps": put(FUNCTION, P, kms_key_arn='${try(aws_kms_key.encryption_key.arns, "")}'),
    "no key": put(FUNCTION, P, kms_key_arn=""),
    "a key of null": put(FUNCTION, P, kms_key_arn=None),
    "no variables": put(FUNCTION, N, environment={"variables": {}}),
    "null for variables": put(FUNCTION, N, environment={"variables": None}),
    "two environments": put(
        FUNCTION,
        N,
        environment=[{"variables": {"ENVIRONMENT_SUFFIX": SUFFIX}}, {"variables": {"A": "b"}}],
    ),
    "an environment by expression": put(FUNCTION, N, environment="${{variables = {}}}"),
    "variables by expression": put(FUNCTION, N, environment={"variables": "${merge({}, {})}"}),
    "variables by a name that is computed": variable(N, **{'${upper("pythonpath")}': "/tmp"}),
    "a variable of the loader": variable(N, LD_PRELOAD="/tmp/x.so"),
    "a variable of the wrapper": variable(N, AWS_LAMBDA_EXEC_WRAPPER="/tmp/x"),
    "a variable of Python": variable(N, PYTHONPATH="/tmp"),
    "a variable of Python's start": variable(N, PYTHONSTARTUP="/tmp/x.py"),
    "a variable of the endpoint": variable(N, AWS_ENDPOINT_URL_SNS="https://example.com"),
    "a variable of the region": variable(P, AWS_REGION="eu-west-1"),
    "a variable of the proxy": variable(P, HTTPS_PROXY="http://example.com"),
    "a variable of the authorities": variable(P, AWS_CA_BUNDLE="/tmp/x.pem"),
    "a comment among the variables": variable(N, **{"//": "x"}),
    "a suffix of another": variable(N, ENVIRONMENT_SUFFIX="prod"),
    "a suffix in capitals": variable(N, ENVIRONMENT_SUFFIX="${upper(var.environmentSuffix)}"),
    "another topic": variable(N, ERROR_TOPIC_ARN="${aws_sns_topic.success_topic_topic.arn}"),
    "a topic by id": variable(N, ERROR_TOPIC_ARN="${aws_sns_topic.error_topic_topic.id}x"),
    "another queue": variable(
        P, DEAD_LETTER_QUEUE_URL="${aws_sqs_queue.price_enricher_dead_letters_queue.url}"
    ),
    "another table": variable(P, TABLE_NAME=f"crypto-prices-{SUFFIX}-x"),
    "secrets in the clear": variable(P, WEBHOOK_SECRETS='{"kraken": {"scheme": "none"}}'),
    "secrets of null": variable(P, WEBHOOK_SECRETS=None),
    "secrets of another variable": variable(P, WEBHOOK_SECRETS="${var.environmentSuffix}"),
    "secrets for the enricher": variable(E, WEBHOOK_SECRETS="${var.webhook_secrets}"),
    "replays for ever": variable(P, SIGNATURE_TOLERANCE_SECONDS="1e9"),
    "replays by another script": variable(P, SIGNATURE_TOLERANCE_SECONDS="\u0663\u0660\u0660"),
    "no replays": variable(P, SIGNATURE_TOLERANCE_SECONDS="0"),
    "a price of infinity": variable(P, PRICE_MAXIMUM="1e400"),
    "a price that is no number": variable(P, PRICE_MAXIMUM="nan"),
    "a price below zero": variable(P, PRICE_MINIMUM="-1"),
    "nesting without end": variable(P, MAXIMUM_NESTING="100000"),
    "bodies without end": variable(P, MAXIMUM_BODY_BYTES="10000000"),
    "a quote in lower case": variable(P, HOME_QUOTE="usd"),
    "a quote with a line": variable(P, HOME_QUOTE="USD\n"),
    "digits by a truth": variable(P, SIGNIFICANT_DIGITS=True),
    "no memory said": lambda d: named(d, FUNCTION, E).pop("memory_size"),
    "memory by expression": put(FUNCTION, E, memory_size="${256 + 257}"),
    "memory by text": put(FUNCTION, P, memory_size="1025"),
    "a time-out by text": put(FUNCTION, P, timeout="61"),
    "a notifier of a quarter hour and more": put(FUNCTION, N, timeout=901),
    "no concurrency": put(FUNCTION, P, reserved_concurrent_executions="-1"),
    "no concurrency, by expression": put(FUNCTION, P, reserved_concurrent_executions="${-1}"),
    "concurrency of null": put(FUNCTION, P, reserved_concurrent_executions=None),
    "concurrency of zero": put(FUNCTION, P, reserved_concurrent_executions="0"),
    "concurrency of a thousand": put(FUNCTION, P, reserved_concurrent_executions=1000),
    "concurrency of an exponent": put(FUNCTION, P, reserved_concurrent_executions="1e3"),
    "concurrency of a list": put(FUNCTION, P, reserved_concurrent_executions=[10]),
    "concurrency provisioned": more(
        "aws_lambda_provisioned_concurrency_config", function_name=P, qualifier="1"
    ),
    "an old runtime": put(FUNCTION, P, runtime="python3.8"),
    "a runtime of Amazon Linux": put(FUNCTION, P, runtime="provided.al2023"),
    "a runtime with a blank": put(FUNCTION, P, runtime="python3.13 "),
    "a runtime of null": put(FUNCTION, P, runtime=None),
    "an image": put(FUNCTION, P, package_type="Image"),
    "a package type in lower case": put(FUNCTION, P, package_type="zip"),
    "a layer": put(FUNCTION, P, layers=["arn:aws:lambda:us-east-1:1:layer:x:1"]),
    "a layer by expression": put(FUNCTION, P, layers='${["arn:aws:lambda:us-east-1:1:layer:x:1"]}'),
    "a layer of its own": more("aws_lambda_layer_version", layer_name="x"),
    "a file system": put(FUNCTION, P, file_system_config={"arn": "x", "local_mount_path": "x"}),
    "a VPC": put(FUNCTION, P, vpc_config={"subnet_ids": ["x"], "security_group_ids": ["y"]}),
    "traces": put(FUNCTION, P, tracing_config={"mode": "Active"}),
    "storage": put(FUNCTION, P, ephemeral_storage={"size": 10240}),
    "a snapshot": put(FUNCTION, P, snap_start={"apply_on": "PublishedVersions"}),
    "a version": put(FUNCTION, P, publish=True),
    "no destruction": put(FUNCTION, P, skip_destroy=True),
    "no destruction, by number": put(FUNCTION, P, skip_destroy="1"),
    "another's role": put(FUNCTION, N, role="${aws_iam_role.webhook_processor_role.arn}"),
    "a role by name": put(FUNCTION, N, role="${aws_iam_role.error_notifier_role.name}"),
    "a role by hand": put(FUNCTION, N, role="arn:aws:iam::111122223333:role/admin"),
    "a security group replaced": put(FUNCTION, N, replace_security_groups_on_destroy=True),
    "code signing": put(FUNCTION, N, code_signing_config_arn="x"),
    "a zip of elsewhere": put(FUNCTION, N, filename="../../evil.zip"),
    "a zip of elsewhere, by detour": put(FUNCTION, N, filename="assets/../../evil.zip"),
    "a zip by a detour": put(FUNCTION, N, filename="assets/./webhook_processor.zip"),
    "a zip by an absolute path": put(FUNCTION, N, filename="/tmp/evil.zip"),
    "a zip by the module's path": put(FUNCTION, N, filename="${path.module}/assets/x.zip"),
    "a zip of a bucket": put(FUNCTION, N, s3_bucket="b", s3_key="k"),
    "another's zip": put(FUNCTION, N, filename="assets/webhook_processor.zip"),
    "another's zip and hash": lambda d: named(d, FUNCTION, N).update(
        filename="assets/webhook_processor.zip",
        source_code_hash=named(d, FUNCTION, P)["source_code_hash"],
    ),
    "a hash of the file": put(
        FUNCTION, N, source_code_hash=('${filebase64sha256("assets/error_notifier.zip")}')
    ),
    "no hash": lambda d: named(d, FUNCTION, N).pop("source_code_hash"),
    "a hash in hexadecimal": put(FUNCTION, N, source_code_hash="0" * 64),
    "a hash with a blank": lambda d: named(d, FUNCTION, N).update(
        source_code_hash=named(d, FUNCTION, N)["source_code_hash"] + " "
    ),
    "another handler": put(FUNCTION, N, handler="lambdas.error_notifier.handler.handle_"),
    "a handler of the library": put(FUNCTION, N, handler="os.system"),
    "logs as text": inside(FUNCTION, N, "logging_config", log_format="Text"),
    "logs in lower case": inside(FUNCTION, N, "logging_config", log_format="json"),
    "logs of fatal errors": inside(FUNCTION, N, "logging_config", application_log_level="FATAL"),
    "logs of errors": inside(FUNCTION, N, "logging_config", system_log_level="ERROR"),
    "logs to another's group": inside(
        FUNCTION,
        N,
        "logging_config",
        log_group=("${aws_cloudwatch_log_group.price_enricher_log_group.name}"),
    ),
    "logs to a group by ARN": inside(
        FUNCTION,
        N,
        "logging_config",
        log_group=("${aws_cloudwatch_log_group.error_notifier_log_group.arn}"),
    ),
    "logs to a group of AWS": inside(FUNCTION, N, "logging_config", log_group="/aws/lambda/x"),
    "dead letters nowhere": put(FUNCTION, N, dead_letter_config={}),
    "dead letters to null": put(FUNCTION, N, dead_letter_config={"target_arn": None}),
    "dead letters to a topic": put(
        FUNCTION, N, dead_letter_config={"target_arn": "${aws_sns_topic.error_topic_topic.arn}"}
    ),
    "dead letters to another's": put(
        FUNCTION,
        N,
        dead_letter_config={"target_arn": "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}"},
    ),
    "dead letters by URL": put(
        FUNCTION,
        N,
        dead_letter_config={"target_arn": "${aws_sqs_queue.error_notifier_dead_letters_queue.url}"},
    ),
    "dead letters to two": put(
        FUNCTION,
        N,
        dead_letter_config=[
            {"target_arn": "${aws_sqs_queue.error_notifier_dead_letters_queue.arn}"},
            {"target_arn": "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}"},
        ],
    ),
    "dead letters in lists of lists": put(
        FUNCTION,
        N,
        dead_letter_config=[
            [{"target_arn": "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}"}]
        ],
    ),
    "dead letters by a dynamic block": put(
        FUNCTION,
        N,
        dead_letter_config=[],
        dynamic={
            "dead_letter_config": {
                "for_each": {"a": "price_enricher"},
                "content": {"target_arn": "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}"},
            }
        },
    ),
    "dead letters by an empty dynamic block": put(
        FUNCTION,
        N,
        dead_letter_config=None,
        dynamic=[
            {
                "dead_letter_config": {
                    "for_each": {},
                    "content": {
                        "target_arn": "${aws_sqs_queue.error_notifier_dead_letters_queue.arn}"
                    },
                }
            }
        ],
    ),
    "no order": put(FUNCTION, N, depends_on=[]),
    "an order of null": put(FUNCTION, N, depends_on=None),
    "an order of text": put(FUNCTION, N, depends_on="aws_iam_role_policy.error_notifier_policy"),
    "an order of others": put(
        FUNCTION,
        N,
        depends_on=[
            "aws_iam_role_policy.price_enricher_policy",
            "aws_cloudwatch_log_group.error_notifier_log_group",
        ],
    ),
    "an order that only looks so": put(
        FUNCTION,
        N,
        depends_on=[
            "aws_iam_role_policy.error_notifier_policy ",
            "aws_cloudwatch_log_group.error_notifier_log_group",
        ],
    ),
    "a time to be made": put(FUNCTION, N, timeouts={"create": "1s"}),
    "all changes ignored": put(FUNCTION, N, lifecycle={"ignore_changes": ["all"]}),
    "changes ignored by keyword": put(FUNCTION, N, lifecycle=[{"ignore_changes": "all"}]),
    "changes ignored by expression": put(
        FUNCTION, N, lifecycle={"ignore_changes": "${[architectures]}"}
    ),
    "one change ignored": put(FUNCTION, N, lifecycle={"ignore_changes": ["source_code_hash"]}),
    "changes ignored, two ways": put(
        FUNCTION, N, lifecycle=[{"create_before_destroy": True}, {"ignore_changes": ["runtime"]}]
    ),
    "a condition before": put(
        FUNCTION,
        N,
        lifecycle={
            "precondition": {"condition": '${var.webhook_secrets != ""}', "error_message": "x"}
        },
    ),
    "a condition after": put(
        FUNCTION,
        N,
        lifecycle={
            "postcondition": [
                {"condition": "${self.memory_size > 0}", "error_message": "${var.webhook_secrets}"}
            ]
        },
    ),
    "a replacement triggered": put(
        FUNCTION, N, lifecycle={"replace_triggered_by": ["aws_kms_key.encryption_key"]}
    ),
    "an action triggered": put(
        FUNCTION,
        N,
        lifecycle={
            "action_trigger": {
                "events": ["after_create"],
                "actions": ["action.aws_lambda_invoke.x"],
            }
        },
    ),
    "a lifecycle of text": put(FUNCTION, N, lifecycle="prevent_destroy"),
    "a lifecycle that is dynamic": put(
        FUNCTION, N, dynamic={"lifecycle": {"for_each": [1], "content": {"prevent_destroy": True}}}
    ),
    "a provisioner": put(FUNCTION, N, provisioner={"local-exec": {"command": "id"}}),
    "a provisioner at the end": put(
        FUNCTION, N, provisioner=[{"local-exec": {"command": "id", "when": "destroy"}}]
    ),
    "a connection": put(FUNCTION, N, connection={"host": "example.com"}),
    "another provider": put(FUNCTION, N, provider="aws.west"),
    "another provider by expression": put(FUNCTION, N, provider="${aws.west}"),
    "no provider": put(FUNCTION, N, provider="null"),
    "a provider in a list": put(FUNCTION, N, provider=["aws"]),
    "no instances": put(FUNCTION, N, count=0),
    "no instances by text": put(FUNCTION, N, count="0"),
    "no instances by expression": put(FUNCTION, N, count="${1 - 1}"),
    "no instances by choice": put(FUNCTION, N, count="${true ? 0 : 1}"),
    "no instances by a truth": put(FUNCTION, N, count="${false}"),
    "no instances by the suffix": put(
        FUNCTION, N, count='${var.environmentSuffix == "dev" ? 0 : 1}'
    ),
    "no instances by a length": put(FUNCTION, N, count="${length({})}"),
    "two instances": put(FUNCTION, N, count="2"),
    "a negative number of instances": put(FUNCTION, N, count=-1),
    "instances for each of none": put(FUNCTION, N, for_each={}),
    "instances for each of a set": put(FUNCTION, N, for_each='${toset(["a"])}'),
    "instances for each and count": put(FUNCTION, N, for_each={"a": 1}, count=1),
    "enabled by a new meta-argument": put(FUNCTION, N, lifecycle={"enabled": False}),
}

STORES: dict[str, Alteration] = {
    "a table provisioned": put(TABLE, billing_mode="PROVISIONED"),
    "a table provisioned, in lower case": put(TABLE, billing_mode="pay_per_request"),
    "a table with capacity": put(TABLE, read_capacity=0, write_capacity=0),
    "a table with a limit": put(TABLE, on_demand_throughput={"max_write_request_units": 1}),
    "a table that was warmed": put(TABLE, warm_throughput={"read_units_per_second": 12000}),
    "a table without a mode": put(TABLE, billing_mode=None),
    "a table with an index": put(TABLE, global_secondary_index={"name": "x", "hash_key": "symbol"}),
    "a table with an index by a dynamic block": put(
        TABLE,
        dynamic=[
            {
                "global_secondary_index": {
                    "for_each": [1],
                    "content": {"name": "x", "hash_key": "symbol"},
                }
            }
        ],
    ),
    "a table with an index inside": put(TABLE, local_secondary_index=[{"name": "x"}]),
    "a table with a copy": put(TABLE, replica={"region_name": "eu-west-1"}),
    "a table with a copy by a dynamic block": put(
        TABLE,
        dynamic={
            "replica": [
                {"for_each": [], "content": {}},
                {"for_each": ["eu-west-1"], "content": {"region_name": "${replica.value}"}},
            ]
        },
    ),
    "a table elsewhere": put(TABLE, region="eu-west-1"),
    "a table elsewhere, in part": put(TABLE, region="us-east-${1 + 1}"),
    "recovery off": put(TABLE, point_in_time_recovery=[{"enabled": "false"}]),
    "recovery off by number": put(TABLE, point_in_time_recovery={"enabled": "0"}),
    "recovery of nothing": put(TABLE, point_in_time_recovery={}),
    "recovery of null": put(TABLE, point_in_time_recovery={"enabled": None}),
    "recovery on and off": put(
        TABLE, point_in_time_recovery=[{"enabled": True}, {"enabled": False}]
    ),
    "recovery in a list of lists": put(
        TABLE, point_in_time_recovery=[[{"enabled": True}], [{"enabled": False}]]
    ),
    "recovery in a list with null": put(TABLE, point_in_time_recovery=[{"enabled": True}, None]),
    "recovery of a day": put(
        TABLE, point_in_time_recovery={"enabled": True, "recovery_period_in_days": "1"}
    ),
    "recovery by text": put(TABLE, point_in_time_recovery="true"),
    "recovery by a number": put(TABLE, point_in_time_recovery=1),
    "recovery of whatever the key says": put(
        TABLE, point_in_time_recovery={"enabled": "${aws_kms_key.encryption_key.is_enabled}"}
    ),
    "recovery by a dynamic block of none": put(
        TABLE,
        point_in_time_recovery=None,
        dynamic={
            "point_in_time_recovery": {
                "for_each": "${[for x in [] : x]}",
                "content": {"enabled": True},
            }
        },
    ),
    "recovery by a dynamic block of null": put(
        TABLE,
        point_in_time_recovery=None,
        dynamic={"point_in_time_recovery": {"for_each": None, "content": {"enabled": True}}},
    ),
    "recovery by two dynamic blocks": put(
        TABLE,
        point_in_time_recovery=None,
        dynamic={
            "point_in_time_recovery": [
                {"for_each": [1], "content": {"enabled": True}},
                {"for_each": [1], "content": {"enabled": False}},
            ]
        },
    ),
    "recovery by an iterator": put(
        TABLE,
        point_in_time_recovery=None,
        dynamic={
            "point_in_time_recovery": {
                "for_each": {"false": True},
                "iterator": "it",
                "content": {"enabled": "${it.key}"},
            }
        },
    ),
    "recovery by an iterator of another name": put(
        TABLE,
        point_in_time_recovery=None,
        dynamic={
            "point_in_time_recovery": {
                "for_each": [False],
                "iterator": "aws_kms_key",
                "content": {"enabled": "${aws_kms_key.value}"},
            }
        },
    ),
    "a stream of keys": put(TABLE, stream_view_type="KEYS_ONLY"),
    "no stream": put(TABLE, stream_enabled="0"),
    "a stream of null": put(TABLE, stream_view_type=None),
    "keys the other way": put(TABLE, hash_key="timestamp", range_key="symbol"),
    "keys with a blank": put(TABLE, hash_key="symbol "),
    "attributes of binary": put(
        TABLE, attribute=[{"name": "symbol", "type": "B"}, {"name": "timestamp", "type": "N"}]
    ),
    "one attribute more": lambda d: only(d, TABLE)["attribute"].append({"name": "x", "type": "S"}),
    "a time to live": put(TABLE, ttl={"attribute_name": "timestamp", "enabled": True}),
    "a time to live, off": put(TABLE, ttl=[{"attribute_name": "timestamp", "enabled": False}]),
    "a table of infrequent access": put(TABLE, table_class="STANDARD_INFREQUENT_ACCESS"),
    "a protected table": put(TABLE, deletion_protection_enabled="1"),
    "a protected table by expression": put(TABLE, deletion_protection_enabled="${!false}"),
    "a table under a key": put(TABLE, server_side_encryption={"enabled": True}),
    "a table from an export": put(TABLE, import_table={"input_format": "CSV"}),
    "a table from another": put(TABLE, restore_source_table_arn="arn:aws:dynamodb:x"),
    "a table's policy": more("aws_dynamodb_resource_policy", resource_arn="x", policy="{}"),
    "a table's export": more("aws_dynamodb_table_export", table_arn="x"),
    "a table's stream to Kinesis": more(
        "aws_dynamodb_kinesis_streaming_destination", table_name="x", stream_arn="y"
    ),
    "an item": more("aws_dynamodb_table_item", table_name="x", hash_key="y", item="{}"),
    "a queue of a day": put(QUEUE, P, message_retention_seconds="86400"),
    "a queue of nearly four days": put(QUEUE, P, message_retention_seconds="${345600 - 1}"),
    "a queue of fourteen days": put(QUEUE, P, message_retention_seconds=1209600),
    "a queue of four days of text": put(QUEUE, P, message_retention_seconds="4d"),
    "a queue of a product": put(QUEUE, P, message_retention_seconds="${60 * 60 * 24 * 5}"),
    "a queue in the clear": put(QUEUE, P, sqs_managed_sse_enabled="0"),
    "a queue in the clear by null": put(QUEUE, P, sqs_managed_sse_enabled=None),
    "a queue under a key": put(QUEUE, P, kms_master_key_id="alias/aws/sqs"),
    "a queue under no key": put(QUEUE, P, kms_master_key_id=""),
    "a queue in order": put(QUEUE, P, fifo_queue=True),
    "a queue in order, by name": put(QUEUE, P, name=f"webhook-processor-dlq-{SUFFIX}.fifo"),
    "a queue that delays": put(QUEUE, P, delay_seconds=900),
    "a queue of small messages": put(QUEUE, P, max_message_size=1024),
    "a queue that hides": put(QUEUE, P, visibility_timeout_seconds=43200),
    "a queue that moves on": put(QUEUE, P, redrive_policy='{"maxReceiveCount": 1}'),
    "a queue that is moved to": put(QUEUE, P, redrive_allow_policy='{"redrivePermission": "x"}'),
    "a queue's policy besides": lambda d: more(
        "aws_sqs_queue_policy",
        queue_url="${aws_sqs_queue.webhook_processor_dead_letters_queue.url}",
        policy=named(d, QUEUE, P)["policy"],
    )(d),
    "a queue's moving besides": more(
        "aws_sqs_queue_redrive_policy", queue_url="x", redrive_policy="{}"
    ),
    "a queue more": lambda d: d["resource"][QUEUE].update(x=named(d, QUEUE, P)),
    "a topic under AWS's key": put(TOPIC, kms_master_key_id="alias/aws/sns"),
    "a topic under an alias": put(
        TOPIC, kms_master_key_id=("${aws_kms_alias.encryption_alias.name}")
    ),
    "a topic under no key": put(TOPIC, kms_master_key_id=""),
    "a topic in order": put(TOPIC, fifo_topic="1"),
    "a topic with deliveries": put(TOPIC, delivery_policy="{}"),
    "a topic with an archive": put(TOPIC, archive_policy="{}"),
    "a topic with feedback": put(TOPIC, lambda_success_feedback_role_arn="x"),
    "a topic without policy": put(TOPIC, policy=None),
    "a topic's policy besides": more(
        "aws_sns_topic_policy", arn="${aws_sns_topic.error_topic_topic.arn}", policy="{}"
    ),
    "a topic's protection besides": more(
        "aws_sns_topic_data_protection_policy", arn="x", policy="{}"
    ),
    "a subscriber": more(
        "aws_sns_topic_subscription",
        topic_arn="${aws_sns_topic.error_topic_topic.arn}",
        protocol="email",
        endpoint="me@example.com",
    ),
    "a subscriber by firehose": more(
        "aws_sns_topic_subscription",
        topic_arn="${aws_sns_topic.success_topic_topic.arn}",
        protocol="firehose",
        endpoint="x",
    ),
    "logs for a week": put(GROUP, f"/aws/lambda/{P}", retention_in_days="7"),
    "logs for ever": put(GROUP, f"/aws/lambda/{P}", retention_in_days="0"),
    "logs of null": put(GROUP, f"/aws/lambda/{P}", retention_in_days=None),
    "logs that stay": put(GROUP, f"/aws/lambda/{P}", skip_destroy="1"),
    "logs under a key": put(
        GROUP, f"/aws/lambda/{P}", kms_key_id=("${aws_kms_key.encryption_key.arn}")
    ),
    "logs rarely read": put(GROUP, f"/aws/lambda/{P}", log_group_class="INFREQUENT_ACCESS"),
    "logs of another name": put(GROUP, f"/aws/lambda/{P}", name=f"/aws/lambda//{P}-{SUFFIX}"),
    "logs of another letter": put(
        GROUP, f"/aws/lambda/{P}", name=f"/aws/lambda/webh\u043eok-processor-{SUFFIX}"
    ),
    "logs with a prefix": put(GROUP, f"/aws/lambda/{P}", name_prefix="/aws/lambda/x"),
    "logs that go on": more("aws_cloudwatch_log_destination", name="x", role_arn="y"),
    "logs of a group more": lambda d: d["resource"][GROUP].update(
        x={"name": f"/aws/apigateway/x-{SUFFIX}", "retention_in_days": 3}
    ),
    "names that end otherwise": put(ROLE, P, name=f"{P}-{SUFFIX}-"),
    "names without hyphen": put(ROLE, P, name=f"{P}{SUFFIX}"),
    "names with the suffix twice": put(ROLE, P, name=f"{P}-{SUFFIX}-{SUFFIX}"),
    "names with a hyphen of another kind": put(ROLE, P, name=f"{P}\u2010{SUFFIX}"),
    "names by an escape": put(ROLE, P, name=f"{P}-${SUFFIX}"),
    "names by the default": put(ROLE, P, name=f"{P}-dev"),
    "names by another's": put(ROLE, P, name="${aws_lambda_function.webhook_processor_function.id}"),
    "names by a part": put(ROLE, P, name=f"{P}-${{substr(var.environmentSuffix, 0, 1)}}"),
    "names by a workspace": put(ROLE, P, name=f"{P}-${{terraform.workspace}}"),
    "names by what AWS makes": lambda d: named(d, ROLE, P).pop("name"),
    "tags of another environment": inside(TABLE, None, "tags", Environment="prod"),
    "tags by an escape": inside(TABLE, None, "tags", Environment="$${var.environmentSuffix}"),
    "tags of another owner": inside(TABLE, None, "tags", Owner="nobody"),
    "tags of a blank": inside(TABLE, None, "tags", Owner=" "),
    "tags in another case": inside(TABLE, None, "tags", owner="x"),
    "tags of null": inside(TABLE, None, "tags", Owner=None),
    "tags by expression": put(TABLE, tags="${{}}"),
}

FLOW: dict[str, Alteration] = {
    "every event": put(MAPPING, filter_criteria=[]),
    "every event, by an empty filter": put(
        MAPPING, filter_criteria={"filter": [{"pattern": '{"eventName": ["INSERT"]}'}, {}]}
    ),
    "every event, by null": put(
        MAPPING, filter_criteria={"filter": [{"pattern": '{"eventName": ["INSERT"]}'}, None]}
    ),
    "every event, by an empty pattern": put(MAPPING, filter_criteria={"filter": [{"pattern": ""}]}),
    "every event, by an object": put(MAPPING, filter_criteria={"filter": {"pattern": "{}"}}),
    "every event, by a dynamic block": lambda d: only(d, MAPPING)["filter_criteria"].update(
        dynamic={
            "filter": {
                "for_each": ["MODIFY"],
                "content": {"pattern": '{"eventName": ["${filter.value}"]}'},
            }
        }
    ),
    "every event, by a list of lists": put(
        MAPPING,
        filter_criteria={
            "filter": [[{"pattern": '{"eventName": ["INSERT"]}'}], [{"pattern": "{}"}]]
        },
    ),
    "every event, by two criteria": put(
        MAPPING,
        filter_criteria=[
            {"filter": {"pattern": '{"eventName": ["INSERT"]}'}},
            {"filter": {"pattern": "{}"}},
        ],
    ),
    "insertions and more": put(
        MAPPING,
        filter_criteria={"filter": {"pattern": '{"eventName": ["INSERT", {"prefix": ""}]}'}},
    ),
    "insertions in lower case": put(
        MAPPING, filter_criteria={"filter": {"pattern": '{"eventName": ["insert"]}'}}
    ),
    "insertions of others": put(
        MAPPING, filter_criteria={"filter": {"pattern": '{"eventname": ["INSERT"]}'}}
    ),
    "insertions of one symbol": put(
        MAPPING,
        filter_criteria={
            "filter": {
                "pattern": '{"eventName": ["INSERT"], "dynamodb": {"Keys": {"a": {"S": ["b"]}}}}'
            }
        },
    ),
    "anything but insertions": put(
        MAPPING,
        filter_criteria={"filter": {"pattern": '{"eventName": [{"anything-but": ["INSERT"]}]}'}},
    ),
    "insertions by another key": put(
        MAPPING,
        filter_criteria={
            "filter": {"pattern": '{"event\\u004eame": ["INSERT"], "eventName ": []}'}
        },
    ),
    "one or the other": put(
        MAPPING,
        filter_criteria={
            "filter": {"pattern": '{"$or": [{"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]}]}'}
        },
    ),
    "another's stream": put(
        MAPPING, event_source_arn="arn:aws:dynamodb:us-east-1:1:table/x/stream"
    ),
    "the table": put(MAPPING, event_source_arn="${aws_dynamodb_table.storage_table.arn}"),
    "a queue": put(
        MAPPING, event_source_arn=("${aws_sqs_queue.price_enricher_dead_letters_queue.arn}")
    ),
    "a label": put(MAPPING, event_source_arn="${aws_dynamodb_table.storage_table.stream_label}"),
    "from now on": put(MAPPING, starting_position="LATEST"),
    "failures to a topic": put(
        MAPPING,
        destination_config={
            "on_failure": {"destination_arn": "${aws_sns_topic.error_topic_topic.arn}"}
        },
    ),
    "failures to nothing": put(MAPPING, destination_config={"on_failure": {}}),
    "failures to nowhere": put(MAPPING, destination_config={}),
    "failures to two": put(
        MAPPING,
        destination_config=[
            {
                "on_failure": {
                    "destination_arn": ("${aws_sqs_queue.price_enricher_dead_letters_queue.arn}")
                }
            },
            {},
        ],
    ),
    "no retries": put(MAPPING, maximum_retry_attempts="0"),
    "retries for ever": put(MAPPING, maximum_retry_attempts="-1"),
    "records of any age": put(MAPPING, maximum_record_age_in_seconds=-1),
    "batches of a fault": put(MAPPING, bisect_batch_on_function_error="0"),
    "no report of items": put(MAPPING, function_response_types=[]),
    "a report of another kind": put(MAPPING, function_response_types=["ReportBatchItemFailure"]),
    "many at once": put(MAPPING, parallelization_factor="10"),
    "a window": put(MAPPING, tumbling_window_in_seconds=10),
    "stopped": put(MAPPING, enabled="0"),
    "stopped by expression": put(MAPPING, enabled="${1 == 2}"),
    "a mapping of metrics": put(MAPPING, metrics_config={"metrics": ["EventCount"]}),
    "a mapping's key": put(MAPPING, kms_key_arn="${aws_kms_key.encryption_key.arn}"),
    "a second mapping": lambda d: d["resource"][MAPPING].update(
        x={
            **only(d, MAPPING),
            "function_name": "${aws_lambda_function.error_notifier_function.arn}",
        }
    ),
    "successes to errors": lambda d: [
        b.update(
            destination_config={
                "on_success": {"destination": "${aws_sns_topic.error_topic_topic.arn}"}
            }
        )
        for b in d["resource"][INVOKE].values()
        if "destination_config" in b
    ],
    "successes to the function itself": lambda d: [
        b.update(
            destination_config={
                "on_success": {
                    "destination": "${aws_lambda_function.webhook_processor_function.arn}"
                }
            }
        )
        for b in d["resource"][INVOKE].values()
        if "destination_config" in b
    ],
    "successes to nothing": lambda d: [
        b.update(destination_config={"on_success": {}})
        for b in d["resource"][INVOKE].values()
        if "destination_config" in b
    ],
    "failures besides": lambda d: [
        b["destination_config"].update(
            on_failure={"destination": "${aws_sns_topic.error_topic_topic.arn}"}
        )
        for b in d["resource"][INVOKE].values()
        if "destination_config" in b
    ],
    "successes of a version": lambda d: [
        b.update(qualifier="$LATEST") for b in d["resource"][INVOKE].values()
    ],
    "events of a minute": put(INVOKE, maximum_event_age_in_seconds="60"),
    "no second try": put(INVOKE, maximum_retry_attempts="0"),
    "notices of another's group": put(
        FILTER, P, log_group_name=("${aws_cloudwatch_log_group.price_enricher_log_group.name}")
    ),
    "notices in a loop": put(
        FILTER, P, log_group_name=("${aws_cloudwatch_log_group.error_notifier_log_group.name}")
    ),
    "notices to a stream": put(FILTER, P, destination_arn="arn:aws:kinesis:us-east-1:1:stream/x"),
    "notices by a role": put(FILTER, P, role_arn="${aws_iam_role.webhook_processor_role.arn}"),
    "notices at random": put(FILTER, P, distribution="Random"),
    "notices before they may": put(FILTER, P, depends_on=[]),
    "notices after another may": put(
        FILTER,
        P,
        depends_on=["aws_lambda_permission.error_subscriptions_price_enricher_permission"],
    ),
    "notices twice": lambda d: d["resource"][FILTER].update(x=named(d, FILTER, P)),
    "notices of the account": more("aws_cloudwatch_log_account_policy", policy_name="x"),
    "an account's settings": more("aws_api_gateway_account", cloudwatch_role_arn="x"),
    "a rule": more("aws_cloudwatch_event_rule", name=f"x-{SUFFIX}"),
    "an invocation": more("aws_lambda_invocation", function_name="x", input="{}"),
    "a null": more("null_resource", triggers={}),
    "data by Terraform": more("terraform_data", input="x"),
    "a user": more("aws_iam_user", name=f"x-{SUFFIX}"),
    "an access key": more("aws_iam_access_key", user="x"),
    "a secret": more("aws_secretsmanager_secret", name=f"x-{SUFFIX}"),
    "a parameter": more("aws_ssm_parameter", name=f"x-{SUFFIX}"),
    "a bucket": more("aws_s3_bucket", bucket=f"x-{SUFFIX}"),
    "a trail": more("aws_cloudtrail", name=f"x-{SUFFIX}"),
    "any API": more("aws_cloudcontrolapi_resource", type_name="AWS::IAM::User"),
    "a stack": more("aws_cloudformation_stack", name=f"x-{SUFFIX}"),
    "a managed policy attached": more(
        "aws_iam_role_policy_attachment",
        role="${aws_iam_role.price_enricher_role.name}",
        policy_arn="arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    "the reader attached": more(
        "aws_iam_role_policy_attachment",
        role="${aws_iam_role.price_enricher_role.name}",
        policy_arn="${aws_iam_policy.price_reader.arn}",
    ),
    "a role's boundary": put(ROLE, permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess"),
    "a role's path": put(ROLE, path="/service-role/"),
    "a role's session": put(ROLE, max_session_duration=43200),
    "a role's inline policies": put(ROLE, inline_policy={"name": "x", "policy": "{}"}),
    "a role's end by force": put(ROLE, force_detach_policies=True),
}


def board(change: Callable[[Document], object]) -> Alteration:
    def alter(d: Document) -> None:
        page = json.loads(only(d, BOARD)["dashboard_body"])
        change(page)
        only(d, BOARD)["dashboard_body"] = json.dumps(page)

    return alter


CUSTOM = 'x", "metrics": []}}, {"type": "custom", "properties": {"endpoint": "arn", "t": "'
WATCH: dict[str, Alteration] = {
    "out of reach": put(ALARM, f"{P}-dlq-depth", threshold="1e9"),
    "out of reach by a fraction": put(ALARM, f"{P}-dlq-depth", threshold=1.5),
    "below nothing": put(ALARM, f"{P}-dlq-depth", threshold=0),
    "another comparison": put(
        ALARM, f"{P}-dlq-depth", comparison_operator="GreaterThanUpperThreshold"
    ),
    "a band": put(ALARM, f"{P}-dlq-depth", threshold_metric_id="e1"),
    "a percentile": put(ALARM, f"{P}-dlq-depth", extended_statistic="p99", statistic=None),
    "a unit": put(ALARM, f"{P}-dlq-depth", unit="Bytes"),
    "few samples ignored": put(
        ALARM, f"{P}-dlq-depth", evaluate_low_sample_count_percentiles="ignore"
    ),
    "an hour": put(ALARM, f"{P}-dlq-depth", period="3600"),
    "for a day": put(ALARM, f"{P}-dlq-depth", evaluation_periods=1440),
    "the average": put(ALARM, f"{P}-dlq-depth", statistic="Average"),
    "another queue": inside(
        ALARM,
        f"{P}-dlq-depth",
        "dimensions",
        QueueName=("${aws_sqs_queue.error_notifier_dead_letters_queue.name}"),
    ),
    "a queue by hand": inside(
        ALARM, f"{P}-dlq-depth", "dimensions", QueueName=(f"webhook-processor-dlq-{SUFFIX}x")
    ),
    "one dimension more": inside(ALARM, f"{P}-dlq-depth", "dimensions", **{"//": "x"}),
    "a dimension in lower case": put(
        ALARM,
        f"{P}-dlq-depth",
        dimensions={"queuename": "${aws_sqs_queue.webhook_processor_dead_letters_queue.name}"},
    ),
    "of another account": lambda d: named(d, ALARM, "function-errors")["metric_query"][1].update(
        account_id="111122223333"
    ),
    "with a label": lambda d: named(d, ALARM, "function-errors")["metric_query"][0].update(
        label="x"
    ),
    "with a period": lambda d: named(d, ALARM, "function-errors")["metric_query"][0].update(
        period=86400
    ),
    "an expression of none": lambda d: named(d, ALARM, "function-errors")["metric_query"][0].update(
        expression="SUM(FILL(METRICS(), 0)) - SUM(FILL(METRICS(), 0))"
    ),
    "an expression in letters that look so": lambda d: named(d, ALARM, "function-errors")[
        "metric_query"
    ][0].update(expression="SUM(FILL(METRICS(), \uff10))"),
    "an expression with tabs": lambda d: named(d, ALARM, "function-errors")["metric_query"][
        0
    ].update(expression="SUM(FILL(METRICS(),\t1))"),
    "queries by a dynamic block": lambda d: named(d, ALARM, "function-errors").update(
        dynamic={
            "metric_query": {
                "for_each": [1],
                "content": {"id": "x", "expression": "0", "return_data": True},
            }
        }
    ),
    "actions off": put(ALARM, "function-errors", actions_enabled="0"),
    "actions by null": put(ALARM, "function-errors", actions_enabled=None),
    "actions to nobody": put(ALARM, "function-errors", alarm_actions=None),
    "actions by id": put(
        ALARM, "function-errors", alarm_actions=["${aws_sns_topic.error_topic_topic.name}"]
    ),
    "actions by expression": put(
        ALARM, "function-errors", alarm_actions=("${[aws_sns_topic.success_topic_topic.arn]}")
    ),
    "actions to another and ours": put(
        ALARM,
        "function-errors",
        alarm_actions=[
            "${aws_sns_topic.error_topic_topic.arn}",
            "${aws_sns_topic.success_topic_topic.arn}",
        ],
    ),
    "actions on machines": put(
        ALARM, "function-errors", alarm_actions=["arn:aws:automate:us-east-1:ec2:terminate"]
    ),
    "actions without data": put(
        ALARM,
        "function-errors",
        insufficient_data_actions=["${aws_sns_topic.error_topic_topic.arn}"],
    ),
    "an alarm less": lambda d: d["resource"][ALARM].pop("alarms_iterator_age"),
    "an alarm of alarms": more(
        "aws_cloudwatch_composite_alarm", alarm_name="x", alarm_rule="FALSE"
    ),
    "a composite suppresses": more("aws_cloudwatch_metric_stream", name="x"),
    "a widget by a filter's name": both(
        put(FILTER, P, name=f"{CUSTOM}-{SUFFIX}"),
        board(
            lambda p: p["widgets"][1]["properties"].update(
                title="${aws_cloudwatch_log_subscription_filter"
                ".error_subscriptions_webhook_processor_filter.name}"
            )
        ),
    ),
    "a widget by a tag": both(
        lambda d: [
            b["tags"].update(name=CUSTOM)
            for bodies in d["resource"].values()
            for b in bodies.values()
            if "tags" in b
        ],
        board(
            lambda p: p["widgets"][1]["properties"].update(
                title="${aws_sns_topic.error_topic_topic.tags.name}"
            )
        ),
    ),
    "a widget by a validator's name": both(
        put("aws_api_gateway_request_validator", name=f"{CUSTOM}-{SUFFIX}"),
        board(
            lambda p: p["widgets"][1]["properties"].update(
                title="${aws_api_gateway_request_validator.ingress_validator.name}"
            )
        ),
    ),
    "a custom widget": board(
        lambda p: p["widgets"].append({"type": "custom", "properties": {"endpoint": "x"}})
    ),
    "a type in capitals": board(lambda p: p["widgets"][1].update(type="Metric")),
    "a widget of logs": board(
        lambda p: p["widgets"].append({"type": "log", "properties": {"query": "SOURCE 'x'"}})
    ),
    "a widget twice of a key": lambda d: only(d, BOARD).update(
        dashboard_body=only(d, BOARD)["dashboard_body"].replace(
            '"type": "alarm"', '"type": "custom", "type": "alarm"', 1
        )
    ),
    "a graph of another region": board(
        lambda p: p["widgets"][2]["properties"].update(region="eu-west-1")
    ),
    "a graph of another account": board(
        lambda p: p["widgets"][2]["properties"].update(accountId="111122223333")
    ),
    "a graph of a row's region": board(
        lambda p: p["widgets"][2]["properties"]["metrics"][0].append({"region": "eu-west-1"})
    ),
    "a start": board(lambda p: p.update(start="-P1D")),
    "a mark of the model's own": board(
        lambda p: p["widgets"][1]["properties"].update(title="\ue0000\ue001")
    ),
    "a dashboard of another name": put(BOARD, dashboard_name="price-pipeline"),
    "a second dashboard": lambda d: d["resource"][BOARD].update(x=only(d, BOARD)),
}

EVASIONS: dict[str, Alteration] = {
    **{f"lines: {what}": lines(value) for what, value in PATTERNS.items()},
    **{f"a function: {what}": change for what, change in FUNCTIONS.items()},
    **{f"a store: {what}": change for what, change in STORES.items()},
    **{f"the flow: {what}": change for what, change in FLOW.items()},
    **{f"the watch: {what}": change for what, change in WATCH.items()},
}
