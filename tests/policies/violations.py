"""Ways to break the stack, each with the policy that has to name it and the resource it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.policies.documents import Document, first, named, only, rewrite

P = "webhook-processor"
E = "price-enricher"
N = "error-notifier"


@dataclass(frozen=True)
class Case:
    """One violation: policy number, what it is, the resource's type and name, and the change."""

    policy: int
    what: str
    type: str
    start: str | None
    change: Callable[[Document], object]

    @property
    def id(self) -> str:
        return f"{self.policy}-{self.what}".replace(" ", "-")

    def body(self, document: Document) -> Document:
        if self.start is not None:
            return named(document, self.type, self.start)
        return first(document, self.type)


def put(**values: object) -> Callable[[Document], object]:
    return lambda body: body.update(values)


def drop(name: str) -> Callable[[Document], object]:
    return lambda body: body.pop(name)


def inside(*path: str | int, **values: object) -> Callable[[Document], object]:
    def change(body: Document) -> None:
        target = body
        for step in path:
            target = target[step]  # type: ignore[index]
        target.update(values)

    return change


def statement(position: int, **values: object) -> Callable[[Document], object]:
    return lambda body: rewrite(body, lambda s: s[position].update(values))


def add_statement(**values: object) -> Callable[[Document], object]:
    return lambda body: rewrite(body, lambda s: s.append(values))


QUEUE, TOPIC, TABLE = "aws_sqs_queue", "aws_sns_topic", "aws_dynamodb_table"
FUNCTION, GROUP, ROLE = "aws_lambda_function", "aws_cloudwatch_log_group", "aws_iam_role"
KEY, RIGHTS, MAPPING = "aws_kms_key", "aws_iam_role_policy", "aws_lambda_event_source_mapping"
INVOKE, FILTER = "aws_lambda_function_event_invoke_config", "aws_cloudwatch_log_subscription_filter"
PERMISSION, METHOD = "aws_lambda_permission", "aws_api_gateway_method"
INTEGRATION, PLAN = "aws_api_gateway_integration", "aws_api_gateway_usage_plan"
SETTINGS, RESPONSE = "aws_api_gateway_method_settings", "aws_api_gateway_integration_response"
ALARM, BOARD = "aws_cloudwatch_metric_alarm", "aws_cloudwatch_dashboard"
DEPLOYMENT, API = "aws_api_gateway_deployment", "aws_api_gateway_rest_api"
ARN = "${aws_sqs_queue.webhook_processor_dead_letters_queue.arn}"


def queries(change: Callable[[list[Document]], object]) -> Callable[[Document], object]:
    """Change the metric queries of an alarm: the sum first, then one a function."""
    return lambda body: change(body["metric_query"])


def measured(position: int, **values: object) -> Callable[[Document], object]:
    return queries(lambda q: q[position]["metric"].update(values))


def widgets(change: Callable[[list[Document]], object]) -> Callable[[Document], object]:
    """Change the widgets of a dashboard: the alarms first, then the graphs."""

    def rewritten(body: Document) -> None:
        page = json.loads(body["dashboard_body"])
        change(page["widgets"])
        body["dashboard_body"] = json.dumps(page)

    return rewritten


def graph(position: int, **values: object) -> Callable[[Document], object]:
    return widgets(lambda w: w[position]["properties"].update(values))


def dimension(type_: str, name: str, attribute: str) -> str:
    return f"${{{type_}.{name}.{attribute}}}"


TEMPLATES = "aws_api_gateway_integration.ingress_integration.request_templates"


def triggered(by: Callable[[str], object]) -> Callable[[Document], object]:
    """Change the expression that triggers a deployment."""
    return lambda body: body["triggers"].update(definition=by(body["triggers"]["definition"]))


RESOURCES = [
    Case(1, "x86", FUNCTION, P, put(architectures=["x86_64"])),
    Case(1, "absent", FUNCTION, E, drop("architectures")),
    Case(1, "both", FUNCTION, N, put(architectures=["arm64", "x86_64"])),
    Case(1, "wrong case", FUNCTION, P, put(architectures=["ARM64"])),
    Case(1, "a variable", FUNCTION, P, put(architectures=["${var.architecture}"])),
    Case(2, "a week", GROUP, f"/aws/lambda/{P}", put(retention_in_days=7)),
    Case(2, "for ever", GROUP, f"/aws/lambda/{E}", put(retention_in_days=0)),
    Case(2, "true", GROUP, f"/aws/lambda/{E}", put(retention_in_days=True)),
    Case(2, "absent", GROUP, f"/aws/lambda/{N}", drop("retention_in_days")),
    Case(2, "null", GROUP, f"/aws/lambda/{N}", put(retention_in_days=None)),
    Case(2, "a conditional", GROUP, f"/aws/lambda/{N}", put(
        retention_in_days='${var.environmentSuffix == "dev" ? 3 : 30}')),
    Case(2, "delivery class", GROUP, f"/aws/lambda/{N}", put(log_group_class="DELIVERY")),
    Case(3, "another's group", FUNCTION, P, inside(
        "logging_config", log_group="${aws_cloudwatch_log_group.error_notifier_log_group.name}")),
    Case(3, "text", FUNCTION, P, inside("logging_config", log_format="Text")),
    Case(3, "no config", FUNCTION, E, drop("logging_config")),
    Case(3, "errors only", FUNCTION, E, inside("logging_config", application_log_level="ERROR")),
    Case(3, "literal name, no dependency", FUNCTION, E, lambda b: (
        b.update(depends_on=[d for d in b["depends_on"] if "log_group" not in d]),
        b["logging_config"].pop("log_group"))),
    Case(4, "a day", QUEUE, f"{P}-dlq", put(message_retention_seconds=86400)),
    Case(4, "one second more", QUEUE, f"{E}-dlq", put(message_retention_seconds=345601)),
    Case(4, "left to the default", QUEUE, f"{N}-dlq", drop("message_retention_seconds")),
    Case(5, "plain", QUEUE, f"{P}-dlq", put(sqs_managed_sse_enabled=False)),
    Case(5, "under the key", QUEUE, f"{E}-dlq", put(
        kms_master_key_id="${aws_kms_key.encryption_key.arn}")),
    Case(5, "no policy", QUEUE, f"{E}-dlq", drop("policy")),
    Case(5, "TLS not demanded", QUEUE, f"{N}-dlq", statement(0, Condition={
        "Bool": {"aws:SecureTransport": "true"}})),
    Case(5, "only for one principal", QUEUE, f"{N}-dlq", statement(0, Principal={
        "AWS": "arn:aws:iam::111122223333:root"})),
    Case(5, "sending without TLS", QUEUE, f"{N}-dlq", statement(
        0, Action=["sqs:ReceiveMessage"])),
    Case(5, "deaf to everyone", QUEUE, f"{N}-dlq", add_statement(
        Effect="Deny", Action="sqs:SendMessage", Principal="*", Resource=ARN)),
    Case(5, "one action without TLS", QUEUE, f"{N}-dlq", lambda b: rewrite(
        b, lambda s: s[0]["Action"].remove("sqs:DeleteMessage"))),
    Case(6, "another's queue", FUNCTION, P, inside("dead_letter_config", target_arn=(
        "${aws_sqs_queue.price_enricher_dead_letters_queue.arn}"))),
    Case(6, "none", FUNCTION, E, drop("dead_letter_config")),
    Case(6, "empty", FUNCTION, N, put(dead_letter_config=[])),
    Case(6, "spelled out", FUNCTION, N, inside(
        "dead_letter_config", target_arn="arn:aws:sqs:us-east-1:111122223333:other")),
    Case(7, "AWS's key", FUNCTION, P, drop("kms_key_arn")),
    Case(7, "an alias", FUNCTION, E, put(kms_key_arn="alias/aws/lambda")),
    Case(7, "a spelled-out key", FUNCTION, N, put(
        kms_key_arn="arn:aws:kms:us-east-1:111122223333:key/x")),
    Case(7, "no environment", FUNCTION, N, drop("environment")),
    Case(8, "no rotation", KEY, None, put(enable_key_rotation=False)),
    Case(8, "thirty days", KEY, None, put(deletion_window_in_days=30)),
    Case(8, "disabled", KEY, None, put(is_enabled=False)),
    Case(8, "alias elsewhere", "aws_kms_alias", None, put(target_key_id="mrk-1")),
    Case(9, "off", TABLE, None, put(point_in_time_recovery={"enabled": False})),
    Case(9, "absent", TABLE, None, drop("point_in_time_recovery")),
    Case(9, "a day", TABLE, None, inside("point_in_time_recovery", recovery_period_in_days=1)),
    Case(10, "provisioned", TABLE, None, put(
        billing_mode="PROVISIONED", read_capacity=1, write_capacity=1)),
    Case(10, "default", TABLE, None, drop("billing_mode")),
    Case(10, "an index", TABLE, None, put(global_secondary_index=[{"name": "x"}])),
    Case(11, "another key", TABLE, None, put(hash_key="exchange")),
    Case(11, "keys only", TABLE, None, put(stream_view_type="KEYS_ONLY")),
    Case(11, "old images too", TABLE, None, put(stream_view_type="NEW_AND_OLD_IMAGES")),
    Case(11, "no stream", TABLE, None, put(stream_enabled=False)),
    Case(11, "timestamp as text", TABLE, None, put(
        attribute=[{"name": "symbol", "type": "S"}, {"name": "timestamp", "type": "S"}])),
    Case(11, "TTL", TABLE, None, put(ttl={"attribute_name": "t", "enabled": True})),
    Case(12, "all of a service", RIGHTS, P, statement(0, Action="logs:*")),
    Case(12, "everything", RIGHTS, E, statement(0, Action=["*"])),
    Case(12, "a question mark", RIGHTS, N, statement(0, Action=["logs:PutLogEvent?"])),
    Case(12, "escaped", RIGHTS, N, lambda b: b.update(
        policy=b["policy"].replace("logs:PutLogEvents", "logs:\\u002a"))),
    Case(12, "in a Deny", RIGHTS, N, add_statement(
        Effect="Deny", Action="iam:*", Resource="*")),
    Case(12, "NotAction", RIGHTS, P, lambda b: rewrite(b, lambda s: (
        s[0].pop("Action"), s[0].update(NotAction="iam:PassRole")))),
    Case(12, "in the key policy", KEY, None, statement(0, Action="kms:*")),
    Case(12, "in a topic policy", TOPIC, None, statement(0, Action="sns:*")),
    Case(12, "in a queue policy", QUEUE, None, statement(0, Action="SQS:*")),
    Case(12, "in the reader", "aws_iam_policy", None, statement(0, Action=["dynamodb:Get*"])),
    Case(12, "in the trust", ROLE, P, statement(0, Action="sts:*")),
    Case(12, "interpolated", RIGHTS, P, statement(0, Action="logs:${var.environmentSuffix}")),
    Case(12, "wrong-case twin", RIGHTS, P, statement(0, action="logs:*")),
    Case(12, "by jsonencode", RIGHTS, P, put(policy=(
        '${jsonencode({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
        '"Action": "s3:*", "Resource": aws_sqs_queue.x.arn}]})}'))),
    Case(12, "key twice", RIGHTS, P, put(policy=(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*",'
        '"Action":"logs:PutLogEvents","Resource":"*"}]}'))),
    Case(12, "an inline policy", ROLE, E, put(inline_policy=[{"name": "x", "policy": json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]})}])),
    Case(12, "missing", RIGHTS, E, drop("policy")),
    Case(13, "unreserved", FUNCTION, P, put(reserved_concurrent_executions=-1)),
    Case(13, "stopped", FUNCTION, E, put(reserved_concurrent_executions=0)),
    Case(13, "absent", FUNCTION, N, drop("reserved_concurrent_executions")),
    Case(13, "a fraction", FUNCTION, N, put(reserved_concurrent_executions=0.5)),
    Case(14, "old", FUNCTION, P, put(runtime="python3.9")),
    Case(14, "node", FUNCTION, E, put(runtime="nodejs22.x")),
    Case(14, "own image", FUNCTION, N, put(package_type="Image", image_uri="x")),
    Case(14, "a layer", FUNCTION, N, put(layers=["arn:aws:lambda:us-east-1:1:layer:x:1"])),
    Case(15, "small", FUNCTION, P, put(memory_size=512)),
    Case(15, "nearly", FUNCTION, E, put(memory_size=513)),
    Case(15, "short", FUNCTION, P, put(timeout=59)),
    Case(15, "too short for batches", FUNCTION, E, put(timeout=3)),
    Case(16, "no suffix", FUNCTION, P, put(function_name="webhook-processor")),
    Case(16, "a fixed suffix", TABLE, None, put(name="crypto-prices-dev")),
    Case(16, "suffix in front", QUEUE, f"{P}-dlq", put(name="${var.environmentSuffix}-x")),
    Case(16, "something behind", TOPIC, None, put(name="x-${var.environmentSuffix}-y")),
    Case(16, "no hyphen", GROUP, None, put(name="/aws/lambda/x${var.environmentSuffix}")),
    Case(16, "another variable", API, None, put(name="price-webhooks-${var.suffix}")),
    Case(16, "escaped", ROLE, P, put(name="webhook-processor-$${var.environmentSuffix}")),
    Case(16, "prefix", ROLE, P, put(name_prefix="x")),
    Case(17, "protected table", TABLE, None, put(deletion_protection_enabled=True)),
    Case(17, "prevent_destroy", TABLE, None, put(lifecycle={"prevent_destroy": True})),
    Case(17, "as text", TABLE, None, put(lifecycle=[{"prevent_destroy": "true"}])),
    Case(17, "kept logs", GROUP, None, put(skip_destroy=True)),
    Case(19, "every event", MAPPING, None, drop("filter_criteria")),
    Case(19, "one filter more", MAPPING, None, lambda b: b["filter_criteria"]["filter"].append(
        {"pattern": '{"eventName": ["MODIFY"]}'})),
    Case(19, "modifications", MAPPING, None, put(filter_criteria={"filter": [
        {"pattern": '{"eventName": ["INSERT", "MODIFY"]}'}]})),
    Case(19, "retries without end", MAPPING, None, put(maximum_retry_attempts=-1)),
    Case(19, "no retries", MAPPING, None, put(maximum_retry_attempts=0)),
    Case(19, "young", MAPPING, None, put(maximum_record_age_in_seconds=43199)),
    Case(19, "no bisect", MAPPING, None, drop("bisect_batch_on_function_error")),
    Case(19, "no report", MAPPING, None, put(function_response_types=[])),
    Case(19, "latest", MAPPING, None, put(starting_position="LATEST")),
    Case(19, "parallel", MAPPING, None, put(parallelization_factor=10)),
    Case(19, "stopped", MAPPING, None, put(enabled=False)),
    Case(19, "another's queue", MAPPING, None, put(
        destination_config={"on_failure": {"destination_arn": ARN}})),
    Case(19, "failures nowhere", MAPPING, None, drop("destination_config")),
    Case(19, "another reader", MAPPING, None, put(
        function_name="${aws_lambda_function.error_notifier_function.arn}")),
    Case(19, "another source", MAPPING, None, put(event_source_arn=ARN)),
    Case(20, "elsewhere", INVOKE, None, put(destination_config={"on_success": {
        "destination": "${aws_sns_topic.error_topic_topic.arn}"}})),
    Case(20, "no retry bound", INVOKE, None, drop("maximum_retry_attempts")),
    Case(20, "a minute", INVOKE, None, put(maximum_event_age_in_seconds=60)),
    Case(22, "ignored changes", TABLE, None, put(lifecycle={"ignore_changes": ["billing_mode"]})),
    Case(22, "all ignored", FUNCTION, P, put(lifecycle={"ignore_changes": "all"})),
    Case(22, "a provisioner", QUEUE, None, put(provisioner=[{"local-exec": {"command": "id"}}])),
    Case(22, "a VPC", FUNCTION, P, put(vpc_config={"subnet_ids": ["x"]})),
    Case(28, "every resource", RIGHTS, P, statement(1, Resource="*")),
    Case(28, "a pattern", RIGHTS, E, statement(1, Resource="arn:aws:sqs:us-east-1:*:x-*")),
    Case(28, "NotResource", RIGHTS, N, lambda b: rewrite(b, lambda s: (
        s[1].pop("Resource"), s[1].update(NotResource=ARN)))),
    Case(28, "another queue's ARN", QUEUE, f"{E}-dlq", statement(0, Resource=ARN)),
    Case(29, "another service too", ROLE, P, statement(
        0, Principal={"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]})),
    Case(29, "another account", ROLE, E, add_statement(
        Effect="Allow", Action="sts:AssumeRole", Principal={"AWS": "111122223333"})),
    Case(29, "nobody", ROLE, N, statement(
        0, Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}})),
    Case(29, "everyone", ROLE, N, statement(0, Principal="*")),
    Case(30, "everyone sends", QUEUE, f"{P}-dlq", add_statement(
        Effect="Allow", Action="sqs:SendMessage", Principal="*", Resource=ARN)),
    Case(30, "another account's key", KEY, None, statement(
        0, Principal={"AWS": "arn:aws:iam::111122223333:root"})),
    Case(30, "alarms of anyone", TOPIC, "processing-errors", lambda b: rewrite(
        b, lambda s: s[1].pop("Condition"))),
    Case(31, "too much", RIGHTS, N, add_statement(
        Effect="Allow", Action="dynamodb:PutItem",
        Resource="${aws_dynamodb_table.storage_table.arn}")),
    Case(31, "no dead letters", RIGHTS, P, lambda b: rewrite(b, lambda s: s.pop(1))),
    Case(31, "writing reader", "aws_iam_policy", None, statement(0, Action="dynamodb:PutItem")),
    Case(32, "managed policy", ROLE, P, put(
        managed_policy_arns=["arn:aws:iam::aws:policy/AdministratorAccess"])),
    Case(33, "cannot be deleted", KEY, None, lambda b: rewrite(
        b, lambda s: s[0]["Action"].remove("kms:ScheduleKeyDeletion"))),
    Case(33, "no alarms", KEY, None, lambda b: rewrite(b, lambda s: s.pop(2))),
    Case(33, "alarms of another region", KEY, None, lambda b: b.update(
        policy=b["policy"].replace("cloudwatch:us-east-1", "cloudwatch:eu-west-1"))),
    Case(33, "AWS's own policy", KEY, None, drop("policy")),
    Case(34, "AWS's key", TOPIC, None, put(kms_master_key_id="alias/aws/sns")),
    Case(34, "plain", TOPIC, None, drop("kms_master_key_id")),
    Case(34, "deaf to alarms", TOPIC, "processing-errors", lambda b: rewrite(
        b, lambda s: s.pop(1))),
    Case(35, "unhandled errors missed", FILTER, None, put(
        filter_pattern='{ $.level = "ERROR" }')),
    Case(35, "everything", FILTER, None, put(filter_pattern="")),
    Case(35, "a text pattern", FILTER, None, put(filter_pattern='"Task timed out"')),
    Case(35, "a loop", FILTER, P, put(
        log_group_name="${aws_cloudwatch_log_group.error_notifier_log_group.name}")),
    Case(35, "to the processor", FILTER, E, put(
        destination_arn="${aws_lambda_function.webhook_processor_function.arn}")),
    Case(37, "synchronous", INTEGRATION, None, put(request_parameters={})),
    Case(37, "proxy", INTEGRATION, None, put(type="AWS_PROXY")),
    Case(37, "anything passes", INTEGRATION, None, put(passthrough_behavior="WHEN_NO_MATCH")),
    Case(37, "no key", METHOD, None, put(api_key_required=False)),
    Case(37, "any verb", METHOD, None, put(http_method="ANY")),
    Case(38, "the key travels", INTEGRATION, None, lambda b: b["request_templates"].update({
        "application/json": b["request_templates"]["application/json"].replace(
            "x-event-id", "x-api-key")})),
    Case(38, "every header", INTEGRATION, None, lambda b: b["request_templates"].update({
        "application/json": b["request_templates"]["application/json"].replace(
            "#if($lower", "#if(true || $lower")})),
    Case(38, "body as text", INTEGRATION, None, lambda b: b["request_templates"].update({
        "application/json": b["request_templates"]["application/json"].replace(
            "$util.base64Encode($input.body)", "$util.escapeJavaScript($input.body)")})),
    Case(39, "no throttle", PLAN, None, drop("throttle_settings")),
    Case(39, "a flood", SETTINGS, None, inside("settings", throttling_rate_limit=100000)),
    Case(39, "logs that never expire", SETTINGS, None, inside("settings", logging_level="INFO")),
    *(Case(39, f"trigger: {what}", DEPLOYMENT, None, triggered(by)) for what, by in {
        "a constant digest": lambda e: "0" * 64,
        "a digest of a text": lambda e: '${sha256("x")}',
        "no digest": lambda e: e.replace("sha256(", "(", 1),
        "a part left out": lambda e: e.replace(f"{TEMPLATES}, ", ""),
        "a part of a map": lambda e: e.replace(TEMPLATES, f'{TEMPLATES}["text/plain"]'),
        "another resource": lambda e: e.replace("([", "([aws_kms_key.encryption_key.arn, ", 1),
        "a whole resource": lambda e: e.replace(TEMPLATES, TEMPLATES.rsplit(".", 1)[0]),
        "references thrown away": lambda e: f'${{{e[2:-1]} == "" ? sha256("a") : sha256("b")}}',
        "a choice": lambda e: f'${{var.environmentSuffix == "dev" ? "a" : {e[2:-1]}}}',
        "a choice within": lambda e: e.replace(
            TEMPLATES, f'var.environmentSuffix == "dev" ? "a" : {TEMPLATES}'),
        "a part of the digest": lambda e: f"${{substr({e[2:-1]}, 0, 0)}}",
        "a file": lambda e: '${filesha256("cdk.tf.json")}',
        "the moment": lambda e: e.replace("([", "([timestamp(), ", 1),
        "null": lambda e: None,
    }.items()),
    Case(39, "no triggers", DEPLOYMENT, None, put(triggers={})),
    Case(39, "triggers of another name only", DEPLOYMENT, None, put(triggers={"x": "y"})),
    Case(39, "an edge", API, None, put(endpoint_configuration={"types": ["EDGE"]})),
    Case(40, "untagged", TABLE, None, drop("tags")),
    Case(40, "another environment", QUEUE, None, inside("tags", Environment="prod")),
    Case(40, "another owner", QUEUE, None, inside("tags", Owner="nobody")),
    Case(41, "a wrong hash", FUNCTION, E, put(source_code_hash="A" * 43 + "=")),
    Case(41, "from elsewhere", FUNCTION, N, put(filename="../x.zip")),
    Case(41, "another handler", FUNCTION, N, put(handler="lambdas.price_enricher.handler.handle")),
    Case(41, "from S3", FUNCTION, N, put(s3_bucket="b")),
    Case(42, "before its rights", FUNCTION, P, put(
        depends_on=["aws_cloudwatch_log_group.webhook_processor_log_group"])),
    Case(43, "another's role", FUNCTION, P, put(
        role="${aws_iam_role.price_enricher_role.arn}")),
    Case(44, "another endpoint", FUNCTION, P, inside(
        "environment", "variables", AWS_ENDPOINT_URL="https://example.com")),
    Case(44, "a written secret", FUNCTION, P, inside(
        "environment", "variables", WEBHOOK_SECRETS="{}")),
    Case(44, "another table", FUNCTION, E, inside("environment", "variables", TABLE_NAME="x")),
    Case(44, "a day of replays", FUNCTION, P, inside(
        "environment", "variables", SIGNATURE_TOLERANCE_SECONDS="86400")),
    Case(45, "a missing resource", QUEUE, None, inside("tags", Owner="${aws_x.y.arn}")),
    Case(45, "a secret in a tag", QUEUE, None, inside("tags", Owner="${var.webhook_secrets}")),
    Case(45, "a file", QUEUE, None, inside("tags", Owner='${file("/etc/passwd")}')),
    Case(45, "a missing dependency", QUEUE, None, put(depends_on=["aws_x.y"])),
    Case(46, "another API", METHOD, None, put(rest_api_id="abc")),
    Case(46, "errors accepted", RESPONSE, None, put(response_templates={
        "application/json": '{"accepted": true}'})),
    Case(49, "an empty metric", ALARM, f"{P}-dlq-depth", put(
        metric_name="ApproximateNumberOfMessagesNotVisible")),
    Case(49, "another's queue", ALARM, f"{P}-dlq-depth", put(dimensions={
        "QueueName": dimension(QUEUE, "price_enricher_dead_letters_queue", "name")})),
    Case(49, "a spelled-out queue", ALARM, f"{E}-dlq-depth", put(dimensions={
        "QueueName": "price-enricher-dlq-prod"})),
    Case(49, "the queue's ARN", ALARM, f"{E}-dlq-depth", put(dimensions={"QueueName": ARN})),
    Case(49, "no dimension", ALARM, f"{N}-dlq-depth", put(dimensions={})),
    Case(49, "one dimension more", ALARM, "enricher-lag", inside("dimensions", Resource="x")),
    Case(49, "the least of it", ALARM, "enricher-lag", put(statistic="Minimum")),
    Case(49, "five minutes", ALARM, "stale-feed", put(period=300)),
    Case(49, "another namespace", ALARM, "stale-feed", put(namespace="Custom")),
    Case(49, "a query beside it", ALARM, "stale-feed", put(metric_query=[
        {"id": "e", "expression": "0", "return_data": True}])),
    Case(49, "nothing added up", ALARM, "function-errors", queries(
        lambda q: q[0].update(expression="SUM(METRICS()) * 0"))),
    Case(49, "missing data not filled", ALARM, "dead-letter-errors", queries(
        lambda q: q[0].update(expression="webhook_processor + price_enricher"))),
    Case(49, "one function only", ALARM, "dead-letter-errors", queries(lambda q: q.pop())),
    Case(49, "one function twice", ALARM, "dead-letter-errors", queries(
        lambda q: q.append({**q[1], "id": "again"}))),
    Case(49, "the notifier left out for another", ALARM, "function-errors", queries(
        lambda q: q.__setitem__(3, {**q[1], "id": "again"}))),
    Case(49, "no sum", ALARM, "function-throttles", queries(lambda q: q.pop(0))),
    Case(49, "two sums", ALARM, "function-throttles", queries(lambda q: q.append(
        {**q[0], "id": "e2"}))),
    Case(49, "the sum not returned", ALARM, "function-throttles", queries(
        lambda q: q[0].update(return_data=False))),
    Case(49, "a part returned", ALARM, "function-throttles", queries(
        lambda q: q[1].update(return_data=True))),
    Case(49, "another metric in it", ALARM, "destination-failures", measured(
        1, metric_name="Invocations")),
    Case(49, "samples instead of failures", ALARM, "destination-failures", measured(
        1, stat="SampleCount")),
    Case(49, "another's function in it", ALARM, "function-errors", measured(
        1, dimensions={"FunctionName": "webhook-processor-prod"})),
    Case(49, "an id twice", ALARM, "function-errors", queries(
        lambda q: q[1].update(id="price_enricher"))),
    Case(49, "a metric and an expression", ALARM, "function-errors", queries(
        lambda q: q[0].update(metric=q[1]["metric"]))),
    Case(49, "a single metric beside the sum", ALARM, "function-errors", put(
        namespace="AWS/Lambda", metric_name="Errors")),
    Case(50, "out of reach", ALARM, f"{P}-dlq-depth", put(threshold=2)),
    Case(50, "the other way", ALARM, f"{E}-dlq-depth", put(
        comparison_operator="LessThanThreshold")),
    Case(50, "more than", ALARM, f"{N}-dlq-depth", put(
        comparison_operator="GreaterThanThreshold")),
    Case(50, "silence is well", ALARM, "stale-feed", put(treat_missing_data="notBreaching")),
    Case(50, "silence is ignored", ALARM, "stale-feed", put(treat_missing_data="ignore")),
    Case(50, "silence is an alarm", ALARM, "function-errors", put(
        treat_missing_data="breaching")),
    Case(50, "silence is the default", ALARM, "dead-letter-errors", drop("treat_missing_data")),
    Case(50, "any quiet minute", ALARM, "stale-feed", put(datapoints_to_alarm=1)),
    Case(50, "two days", ALARM, "stale-feed", put(
        evaluation_periods=2880, datapoints_to_alarm=2880)),
    Case(50, "one filled-in minute", ALARM, "function-errors", put(
        evaluation_periods=1, datapoints_to_alarm=1)),
    Case(50, "more than all of them", ALARM, "function-errors", put(datapoints_to_alarm=6)),
    Case(50, "a day behind", ALARM, "enricher-lag", put(threshold=86_400_000)),
    Case(50, "seconds for milliseconds", ALARM, "enricher-lag", put(threshold=300)),
    Case(51, "disabled", ALARM, "function-errors", put(actions_enabled=False)),
    Case(51, "to nobody", ALARM, f"{P}-dlq-depth", put(alarm_actions=[])),
    Case(51, "to the wrong topic", ALARM, f"{E}-dlq-depth", put(
        alarm_actions=["${aws_sns_topic.success_topic_topic.arn}"])),
    Case(51, "to one more", ALARM, "stale-feed", lambda b: b["alarm_actions"].append(
        "arn:aws:sns:us-east-1:111122223333:x")),
    Case(51, "to a function", ALARM, "enricher-lag", put(
        alarm_actions=["${aws_lambda_function.error_notifier_function.arn}"])),
    Case(51, "its end untold", ALARM, "dead-letter-errors", drop("ok_actions")),
    Case(52, "another region", BOARD, None, graph(1, region="eu-west-1")),
    Case(52, "another account", BOARD, None, graph(1, accountId="111122223333")),
    Case(52, "another environment", BOARD, None, graph(3, metrics=[
        ["AWS/Lambda", "Invocations", "FunctionName", "webhook-processor-prod"]])),
    Case(52, "every function", BOARD, None, graph(3, metrics=[["AWS/Lambda", "Invocations"]])),
    Case(52, "a search", BOARD, None, graph(3, metrics=[[{"expression": "SEARCH('x', 'Sum')"}]])),
    Case(52, "a custom widget", BOARD, None, widgets(lambda w: w.append(
        {"type": "custom", "properties": {"endpoint": "arn:aws:lambda:us-east-1:1:function:x"}}))),
    Case(52, "a text", BOARD, None, widgets(lambda w: w.append(
        {"type": "text", "properties": {"markdown": "[log in](https://example.com)"}}))),
    Case(52, "no alarms", BOARD, None, widgets(lambda w: w.pop(0))),
    Case(52, "an alarm less", BOARD, None, widgets(
        lambda w: w[0]["properties"]["alarms"].pop())),
    Case(52, "an alarm of someone", BOARD, None, widgets(
        lambda w: w[0]["properties"]["alarms"].append(
            "arn:aws:cloudwatch:us-east-1:111122223333:alarm:x"))),
    Case(52, "no queue", BOARD, None, widgets(lambda w: w.pop(9))),
    Case(52, "no table", BOARD, None, widgets(lambda w: w.pop(10))),
    Case(52, "an ARN for a name", BOARD, None, graph(9, metrics=[
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", ARN]])),
    Case(52, "a dimension without value", BOARD, None, graph(9, metrics=[
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"]])),
    Case(52, "no page", BOARD, None, put(dashboard_body='{"widgets": []}')),
    Case(52, "no JSON", BOARD, None, put(dashboard_body="{")),
    Case(52, "variables of the page", BOARD, None, lambda b: b.update(dashboard_body=json.dumps(
        {**json.loads(b["dashboard_body"]), "variables": []}))),
    Case(52, "a tag spliced in", BOARD, None, widgets(lambda w: w[1].update(
        title=dimension(QUEUE, "webhook_processor_dead_letters_queue", "tags.Owner")))),
]  # fmt: skip


def _document(path: tuple[str, ...], **values: object) -> Callable[[Document], object]:
    def change(document: Document) -> None:
        target: Document = document
        for step in path:
            target = target.setdefault(step, {})
        target.update(values)

    return change


def _api_permission(document: Document) -> None:
    for body in document["resource"]["aws_lambda_permission"].values():
        if body["principal"] == "apigateway.amazonaws.com":
            body["source_arn"] = body["source_arn"].split("/")[0] + "/*/*/*"


# Policy, what it is, the address named (None: any), and the change of the document.
DOCUMENTS: list[tuple[int, str, str | None, Callable[[Document], object]]] = [
    (18, "another region", "provider.aws", lambda d: d["provider"]["aws"][0].update(
        region="eu-west-1")),
    (18, "own endpoints", "provider.aws", lambda d: d["provider"]["aws"][0].update(
        endpoints=[{"sqs": "http://localhost"}])),
    (18, "a second region", None, lambda d: d["provider"]["aws"].append(
        {"region": "eu-west-1", "alias": "west"})),
    (18, "a region of one's own", "aws_dynamodb_table.storage_table", lambda d: only(
        d, "aws_dynamodb_table").update(region="eu-west-1")),
    (18, "an alias used", "aws_dynamodb_table.storage_table", lambda d: only(
        d, "aws_dynamodb_table").update(provider="aws.west")),
    (21, "a queue less", None, lambda d: d["resource"]["aws_sqs_queue"].popitem()),
    (21, "an alarm less", None, lambda d: d["resource"][ALARM].pop("alarms_errors")),
    (21, "no stale feed", None, lambda d: d["resource"][ALARM].pop("alarms_stale_feed")),
    (21, "an alarm under another name", None, lambda d: named(d, ALARM, "function-errors").update(
        alarm_name="all-well-${var.environmentSuffix}")),
    (21, "an alarm twice", None, lambda d: d["resource"][ALARM].update(
        again=named(d, ALARM, "function-errors"))),
    (21, "no dashboard", None, lambda d: d["resource"].pop(BOARD)),
    (21, "a subscriber", "aws_sns_topic_subscription.x", _document(
        ("resource", "aws_sns_topic_subscription"), x={
            "topic_arn": "${aws_sns_topic.success_topic_topic.arn}", "protocol": "https",
            "endpoint": "https://example.com"})),
    (53, "a subscriber of successes", "aws_sns_topic_subscription.x", _document(
        ("resource", "aws_sns_topic_subscription"), x={
            "topic_arn": "${aws_sns_topic.success_topic_topic.arn}", "protocol": "email",
            "endpoint": "ops@example.com"})),
    (21, "no table", None, lambda d: d["resource"].pop("aws_dynamodb_table")),
    (21, "null", None, lambda d: d["resource"].update(aws_kms_key=None)),
    (21, "a user", "aws_iam_user.x", _document(("resource", "aws_iam_user"), x={"name": "x"})),
    (21, "a function URL", "aws_lambda_function_url.x", _document(
        ("resource", "aws_lambda_function_url"), x={"authorization_type": "NONE"})),
    (21, "a stack in a stack", "aws_cloudformation_stack.x", _document(
        ("resource", "aws_cloudformation_stack"), x={"name": "x"})),
    (21, "a second function", "aws_lambda_function.rogue", lambda d: d["resource"][
        "aws_lambda_function"].update(rogue=named(d, FUNCTION, P))),
    (21, "external data", "data.external.x", _document(
        ("data", "external"), x={"program": ["id"]})),
    (23, "a module", "module.x", _document(("module", "x"), source="./x")),
    (23, "an import", None, _document(("import",), id="x", to="aws_sqs_queue.x")),
    (23, "removed", None, _document(("removed",), **{"from": "aws_sqs_queue.x"})),
    (23, "moved", None, _document(("moved",), **{"from": "aws_sqs_queue.x"})),
    (23, "locals", None, _document(("locals",), x=3)),
    (23, "a check", None, _document(("check", "x"), assert_={})),
    (23, "zero of it", "aws_dynamodb_table.storage_table", lambda d: only(
        d, "aws_dynamodb_table").update(count=0)),
    (23, "two of it", "aws_dynamodb_table.storage_table", lambda d: only(
        d, "aws_dynamodb_table").update(count=2)),
    (23, "for each", "aws_dynamodb_table.storage_table", lambda d: only(
        d, "aws_dynamodb_table").update(for_each=["a"])),
    (25, "another source", "terraform.required_providers.aws", lambda d: d["terraform"][
        "required_providers"]["aws"].update(source="evil/aws")),
    (25, "any version", "terraform.required_providers.aws", lambda d: d["terraform"][
        "required_providers"]["aws"].update(version=">= 5.0")),
    (25, "a second provider", "terraform.required_providers.null", lambda d: d["terraform"][
        "required_providers"].update(null={"source": "hashicorp/null"})),
    (25, "what blinds Checkov", "terraform", _document(("terraform",), required_version=">= 1")),
    (26, "remote execution", "terraform.backend.remote", lambda d: d["terraform"].update(
        backend={"remote": {}})),
    (26, "none", "terraform.backend", lambda d: d["terraform"].pop("backend")),
    (26, "plain S3", "terraform.backend.s3", lambda d: d["terraform"].update(backend={"s3": {
        "bucket": "b", "key": "k", "region": "us-east-1"}})),
    (26, "another's state", "terraform.backend.local", lambda d: d["terraform"]["backend"][
        "local"].update(path="../../../terraform.crypto-prices-prod.tfstate")),
    (20, "the notifier announced", None, lambda d: [
        b.update(destination_config={"on_success": {
            "destination": "${aws_sns_topic.success_topic_topic.arn}"}})
        for b in d["resource"][INVOKE].values() if "error_notifier" in b["function_name"]]),
    (18, "default tags", "provider.aws", lambda d: d["provider"]["aws"][0].update(
        default_tags=[{"tags": {"x": "${var.webhook_secrets}"}}])),
    (27, "one more", "variable.x", _document(("variable", "x"), default=3)),
    (27, "unbound suffix", "variable.environmentSuffix", lambda d: d["variable"][
        "environmentSuffix"].pop("validation")),
    (27, "loosely bound", "variable.environmentSuffix", lambda d: d["variable"][
        "environmentSuffix"].update(validation=[{
            "condition": '${var.environmentSuffix != ""}', "error_message": "x"}])),
    (27, "shown secrets", "variable.webhook_secrets", lambda d: d["variable"][
        "webhook_secrets"].update(sensitive=False)),
    (27, "default secrets", "variable.webhook_secrets", lambda d: d["variable"][
        "webhook_secrets"].update(default="{}")),
    (32, "AWS's policy", "aws_iam_role_policy_attachment.x", _document(
        ("resource", "aws_iam_role_policy_attachment"),
        x={"policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "role": "x"})),
    (36, "any API", None, _api_permission),
    (36, "any caller", None, lambda d: first(d, "aws_lambda_permission").update(principal="*")),
    (36, "no source", None, lambda d: first(d, "aws_lambda_permission").pop("source_arn")),
    (41, "another zip", "aws_lambda_function.webhook_processor_function", lambda d: named(
        d, FUNCTION, P).update(filename=named(d, FUNCTION, E)["filename"])),
    (47, "the key's value", "output.api_key_id", lambda d: d["output"]["api_key_id"].update(
        value="${aws_api_gateway_api_key.ingress_key.value}")),
    (47, "the secrets", "output.table_name", lambda d: d["output"]["table_name"].update(
        value="${var.webhook_secrets}")),
    (47, "one less", "output.table_name", lambda d: d["output"].pop("table_name")),
]  # fmt: skip
