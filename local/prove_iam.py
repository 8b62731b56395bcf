"""Least privilege, proved both ways: all grants suffice, and none can be spared.

With everything granted, each thing that the pipeline does is seen to happen and nothing is denied.
Then each grant is taken away, in the running emulator, and what depends on it must no longer
happen; afterwards it is given back. What AWS needs and the emulator does not ask for stands, with
its AWS page, in local/aws_only_grants.toml.
"""

from __future__ import annotations

import json
import secrets
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from rich.table import Table

from local import demo, pipeline, report
from local.console import Voice
from local.ear import Ear
from local.errors import LocalError
from local.grants import FUNCTIONS, KEY, READER, TOPIC, Grant, configuration, deployed, reader_arn
from local.messages import Message
from local.pipeline import Deployment
from local.places import Places

AWS_ONLY = Path(__file__).with_name("aws_only_grants.toml")

_PATIENCE_SECONDS = 30.0
"""How long what must happen may take; what must not is watched so long unless it is denied."""

_GRACE_SECONDS = 1.5
"""How long it is still watched after the refusal that should prevent it."""

_POLL_SECONDS = 0.25
_SYMBOL = "PROOF"

Seen = Callable[[], bool]
"""Whether what was provoked has happened."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Calls of one function that fail for good, so that the failure has to be kept."""

    service: str
    operation: str
    error: str
    function: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that the pipeline does: how to provoke it, and what is missing when it fails."""

    missing: str
    provoke: Callable[[Bench], Seen]
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of taking one grant away; `ok` when the proof holds for it."""

    holder: str
    statement: str
    action: str
    ok: bool
    shown: str
    page: str = ""


@dataclass(slots=True)
class Bench:
    """One environment under proof: its clients, and what its topics have told so far."""

    deployment: Deployment
    ears: Mapping[str, Ear]
    heard: dict[str, list[str]] = field(default_factory=lambda: {"success": [], "errors": []})

    def post(self, body: bytes, attempts: int = 8) -> tuple[int, str]:
        """Post a message of our own documented form; the status, and the request id if taken."""
        message = Message("generic", body, "proof")
        status, text = demo.webhook(self.deployment).post(
            message, f"msg_{secrets.token_hex(8)}", attempts
        )
        return status, str(json.loads(text)["request_id"]) if status == 202 else ""

    def tick(self) -> tuple[str, bytes]:
        """A new price and its event id."""
        id_ = f"proof-{secrets.token_hex(6)}"
        now = int(time.time() * 1000)
        body = {"symbol": f"{_SYMBOL}/USD", "price": "100.5", "size": "1", "time": now, "id": id_}
        return id_, json.dumps(body).encode()

    def row(self, id_: str) -> dict[str, Any] | None:
        """The row of an event, if it is stored."""
        rows = demo.last_rows(
            self.deployment.client("dynamodb"), self.deployment.outputs["table_name"], _SYMBOL, 200
        )
        return next((row for row in rows if row["event_id"]["S"] == id_), None)

    def listen(self, topic: str) -> list[str]:
        """Everything that a topic told since the proof began."""
        self.heard[topic] += self.ears[topic].listen()
        return self.heard[topic]

    def dead_letters(self, id_: str) -> list[dict[str, Any]]:
        """What lies in a function's dead-letter queue."""
        name = configuration(self.deployment, id_)["DeadLetterConfig"]["TargetArn"].split(":")[-1]
        sqs = self.deployment.client("sqs")
        return report.peek(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def control(self, method: str, path: str, document: object = None) -> Any:
        """Ask the emulator itself: faults, denials, state."""
        return self.deployment.emulator.control(method, path, document)

    @contextmanager
    def fault(self, fault: Fault) -> Iterator[None]:
        """Let calls fail for a while."""
        role = configuration(self.deployment, fault.function)["Role"].rsplit("/", 1)[-1]
        described = {
            "service": fault.service,
            "operation": fault.operation,
            "error": fault.error,
            "principal": role,
        }
        id_ = self.control("POST", "faults", described)["id"]
        try:
            yield
        finally:
            self.control("DELETE", f"faults?id={id_}")

    def anew(self, id_: str) -> None:
        """Let a function start in a new environment, as it does after any update."""
        lambda_, now = self.deployment.client("lambda"), configuration(self.deployment, id_)
        lambda_.update_function_configuration(
            FunctionName=now["FunctionArn"], Timeout=now["Timeout"]
        )

    def error_line(self, watched: str) -> str:
        """Write an error into a function's log group, as the function would; its mark."""
        logs, mark = self.deployment.client("logs"), f"proof-{secrets.token_hex(6)}"
        group = configuration(self.deployment, watched)["LoggingConfig"]["LogGroup"]
        logs.create_log_stream(logGroupName=group, logStreamName=mark)
        line = json.dumps({"level": "ERROR", "message": mark, "logger": watched})
        event = {"timestamp": int(time.time() * 1000), "message": line}
        logs.put_log_events(logGroupName=group, logStreamName=mark, logEvents=[event])
        return mark

    def settle(self) -> None:
        """Wait until no invocation, retry or stream record is on its way."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (
            any((s := self.control("GET", "state"))[n] for n in ("running", "waiting"))
            or (s["stream_backlog"])
        ):
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_SECONDS)


# -- what is provoked ------------------------------------------------------------------------------


def _stored(bench: Bench) -> Seen:
    id_, body = bench.tick()
    bench.post(body)
    return lambda: bench.row(id_) is not None


def _duplicate_told(bench: Bench) -> Seen:
    id_, body = bench.tick()
    bench.post(body)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while bench.row(id_) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    _, again = bench.post(body)
    return lambda: any(again in text for text in bench.listen("success"))


def _accepted(bench: Bench) -> Seen:
    _, body = bench.tick()
    status, _ = bench.post(body, attempts=1)
    return lambda: status == 202


def _told(bench: Bench) -> Seen:
    _, body = bench.tick()
    _, request_id = bench.post(body)
    return lambda: any(
        request_id in text and "responsePayload" in text for text in bench.listen("success")
    )


def _refused_kept(bench: Bench) -> Seen:
    _, request_id = bench.post(b'{"symbol": "PROOF/USD", "price": "-1"}')
    return lambda: any(
        json.loads(letter["Body"]).get("request_id") == request_id
        for letter in bench.dead_letters("webhook_processor")
    )


def _enriched(bench: Bench) -> Seen:
    id_, body = bench.tick()
    bench.post(body)
    return lambda: bool((bench.row(id_) or {}).get("window", {}).get("S"))


def _summarized(bench: Bench) -> Seen:
    known = len(bench.listen("success"))
    _, body = bench.tick()
    bench.post(body)
    return lambda: any(
        json.loads(text).get("source") == "price-enricher"
        for text in bench.listen("success")[known:]
    )


def _batch_kept(bench: Bench) -> Seen:
    known = {letter["MessageId"] for letter in bench.dead_letters("price_enricher")}
    _, body = bench.tick()
    bench.post(body)
    return lambda: any(
        letter["MessageId"] not in known for letter in bench.dead_letters("price_enricher")
    )


def _noticed(bench: Bench, watched: str = "webhook_processor") -> Seen:
    mark = bench.error_line(watched)
    return lambda: any(mark in text for text in bench.listen("errors"))


def _notice_kept(bench: Bench) -> Seen:
    known = {letter["MessageId"] for letter in bench.dead_letters("error_notifier")}
    bench.error_line("webhook_processor")
    return lambda: any(
        letter["MessageId"] not in known for letter in bench.dead_letters("error_notifier")
    )


def _logged(bench: Bench, id_: str) -> Seen:
    bench.settle()
    bench.anew(id_)
    since = int(time.time() * 1000)
    if id_ == "error_notifier":
        bench.error_line("webhook_processor")
    else:
        bench.post(bench.tick()[1])
    group = configuration(bench.deployment, id_)["LoggingConfig"]["LogGroup"]
    logs = bench.deployment.client("logs")
    return lambda: bool(logs.filter_log_events(logGroupName=group, startTime=since)["events"])


def _environment_set(bench: Bench) -> Seen:
    """Set a function's environment again as it is, as whoever deploys."""
    now = configuration(bench.deployment, "error_notifier")
    variables = bench.deployment.terraform.variables
    lambda_ = boto3.client(
        "lambda",
        endpoint_url=bench.deployment.emulator.endpoint,
        region_name=bench.deployment.settings.project.region,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    try:
        lambda_.update_function_configuration(
            FunctionName=now["FunctionArn"],
            Environment={"Variables": now["Environment"]["Variables"]},
        )
    except ClientError:
        return lambda: False
    return lambda: True


def _alarm_noticed(bench: Bench) -> Seen:
    watch, outputs = bench.deployment.client("cloudwatch"), bench.deployment.outputs
    name = f"proof-{secrets.token_hex(6)}-{bench.deployment.suffix}"
    watch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[outputs["error_topic_arn"]],
        Namespace="Proof",
        MetricName="proof",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    try:
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="proof")
    finally:
        watch.delete_alarms(AlarmNames=[name])
    return lambda: any(name in text for text in bench.listen("errors"))


def _read(bench: Bench, action: str) -> Seen:
    """Read prices as an algorithm does whose role has the reader's policy and nothing else."""
    deployment = bench.deployment
    # Its name holds the policy's, by which a refusal is recognized.
    iam, name = deployment.client("iam"), f"proof-{READER}-{deployment.suffix}"
    account = deployment.outputs["success_topic_arn"].split(":")[4]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    try:
        iam.attach_role_policy(RoleName=name, PolicyArn=reader_arn(deployment))
        try:
            done = _reads_as(deployment, role, action)
        finally:
            iam.detach_role_policy(RoleName=name, PolicyArn=reader_arn(deployment))
    finally:
        iam.delete_role(RoleName=name)
    return lambda: done


def _reads_as(deployment: Deployment, role: str, action: str) -> bool:
    keys = deployment.client("sts").assume_role(RoleArn=role, RoleSessionName="proof")
    session = boto3.session.Session(
        keys["Credentials"]["AccessKeyId"],
        keys["Credentials"]["SecretAccessKey"],
        keys["Credentials"]["SessionToken"],
        region_name=deployment.settings.project.region,
    )
    dynamodb = session.client("dynamodb", endpoint_url=deployment.emulator.endpoint)
    table, key = deployment.outputs["table_name"], {"symbol": {"S": "X"}, "timestamp": {"N": "1"}}
    try:
        if action == "GetItem":
            dynamodb.get_item(TableName=table, Key=key)
        elif action == "BatchGetItem":
            dynamodb.batch_get_item(RequestItems={table: {"Keys": [key]}})
        else:
            demo.last_rows(dynamodb, table, "X", 1)
    except ClientError as error:
        if "AccessDenied" not in error.response["Error"]["Code"]:
            raise
        return False
    return True


_ENRICHED = Scenario("the row is not enriched", _enriched)
_TOLD = Scenario("no notice of the processed message", _told)
_SUMMARIZED = Scenario("no summary of the batch", _summarized)
_NOTICED = Scenario("no notice of the error", _noticed)
_ALARM = Scenario("no notice of the alarm", _alarm_noticed)
_PUBLISHING = ("sns:Publish", "kms:Decrypt", "kms:GenerateDataKey")

SCENARIOS: Mapping[tuple[str, str, str], Scenario] = {
    ("webhook-processor", "SendDeadLetters", "sqs:SendMessage"): Scenario(
        "no dead letter of the refused message", _refused_kept
    ),
    ("webhook-processor", "InsertPrices", "dynamodb:PartiQLInsert"): Scenario(
        "no row stored", _stored
    ),
    ("webhook-processor", "InsertPrices", "dynamodb:PartiQLSelect"): Scenario(
        "no answer to a message that came twice", _duplicate_told
    ),
    ("price-enricher", "SendDeadLetters", "sqs:SendMessage"): Scenario(
        "no dead letter of the failed batch",
        _batch_kept,
        Fault("dynamodb", "Query", "ValidationException", "price_enricher"),
    ),
    **{
        ("price-enricher", "EnrichPrices", f"dynamodb:{a}"): _ENRICHED
        for a in ("PartiQLUpdate", "Query")
    },
    **{
        ("price-enricher", "ReadStream", f"dynamodb:{a}"): _ENRICHED
        for a in ("DescribeStream", "GetRecords", "GetShardIterator")
    },
    ("price-enricher", "ListStreams", "dynamodb:ListStreams"): _ENRICHED,
    ("error-notifier", "SendDeadLetters", "sqs:SendMessage"): Scenario(
        "no dead letter of the notice",
        _notice_kept,
        Fault("sns", "Publish", "InvalidParameter", "error_notifier"),
    ),
    **{
        (holder, "Publish" if action == "sns:Publish" else "PublishEncrypted", action): scenario
        for holder, scenario in (
            ("webhook-processor", _TOLD),
            ("price-enricher", _SUMMARIZED),
            ("error-notifier", _NOTICED),
        )
        for action in _PUBLISHING
    },
    **{
        (id_.replace("_", "-"), "WriteLogs", f"logs:{action}"): Scenario(
            "no line in its log", partial(_logged, id_=id_)
        )
        for id_ in FUNCTIONS
        for action in ("CreateLogStream", "PutLogEvents")
    },
    **{
        (READER, "ReadPrices", f"dynamodb:{action}"): Scenario(
            "the algorithm may not read", partial(_read, action=action)
        )
        for action in ("BatchGetItem", "GetItem", "Query")
    },
    ("webhook-processor (function policy)", "price-webhooks", "lambda:InvokeFunction"): Scenario(
        "the webhook is not accepted", _accepted
    ),
    **{
        (
            "error-notifier (function policy)",
            f"{id_.replace('_', '-')}-errors",
            "lambda:InvokeFunction",
        ): Scenario("no notice of the error", partial(_noticed, watched=id_))
        for id_ in ("webhook_processor", "price_enricher")
    },
    (TOPIC, "AlarmsPublish", "sns:Publish"): _ALARM,
    **{(KEY, "AlarmsPublish", f"kms:{a}"): _ALARM for a in ("Decrypt", "GenerateDataKey")},
    **{(KEY, "OwnerDelegatesUse", f"kms:{a}"): _TOLD for a in ("Decrypt", "GenerateDataKey")},
    **{
        (KEY, "OwnerDelegatesUse", f"kms:{a}"): Scenario(
            "the deployer may not set an environment", _environment_set
        )
        for a in ("CreateGrant", "Encrypt")
    },
}


def run(
    voice: Voice, deployment: Deployment, only: Callable[[Grant], bool] = lambda _: True
) -> list[Verdict]:
    """Prove the grants of an environment that stands, all of them unless `only` chooses.

    Raises `LocalError` when a grant has no scenario, when something fails with everything
    granted, or when something was denied then.
    """
    grants = [grant for grant in deployed(deployment) if only(grant)]
    unknown = [str(grant) for grant in grants if _key(grant) not in SCENARIOS]
    if unknown:
        raise LocalError(
            f"no scenario shows what these grants are for: {', '.join(unknown)}",
            "Add one to SCENARIOS in local/prove_iam.py, or remove the grant from stack/.",
        )
    with ExitStack() as stack:
        sns, sqs = deployment.client("sns"), deployment.client("sqs")
        topics = {"success": "success_topic_arn", "errors": "error_topic_arn"}
        ears = {
            name: stack.enter_context(Ear(sns, sqs, deployment.outputs[output], deployment.suffix))
            for name, output in topics.items()
        }
        bench = Bench(deployment, ears)
        chosen = {id(scenario): scenario for scenario in map(SCENARIOS.get, map(_key, grants))}
        _all_granted(voice, bench, [scenario for scenario in chosen.values() if scenario])
        return _one_by_one(voice, bench, grants)


def _all_granted(voice: Voice, bench: Bench, scenarios: Sequence[Scenario]) -> None:
    bench.settle()
    bench.control("DELETE", "denials")
    with voice.step("all granted") as step:
        for done, scenario in enumerate(scenarios):
            step.update(done, len(scenarios), scenario.missing)
            if not _happens(bench, scenario, lambda: False):
                raise LocalError(
                    f"with everything granted: {scenario.missing}",
                    "The emulator's log tells more; see `python -m local status`.",
                )
        bench.settle()
        if denied := bench.control("GET", "denials")["denials"]:
            listed = "\n".join(f"  {d['principal']} {d['action']} {d['resource']}" for d in denied)
            raise LocalError(
                f"with everything granted, this was denied:\n{listed}",
                "Grant it in stack/, or do not ask for it.",
            )
        step.outcome = f"{len(scenarios)} scenarios happen, nothing is denied"


def _one_by_one(voice: Voice, bench: Bench, grants: Sequence[Grant]) -> list[Verdict]:
    listed = aws_only()
    verdicts = []
    with voice.step("one by one") as step:
        for done, grant in enumerate(grants):
            step.update(done, len(grants), str(grant))
            scenario = SCENARIOS[_key(grant)]
            bench.settle()
            bench.control("DELETE", "denials")
            with grant.withheld():
                happens = _happens(bench, scenario, partial(_denied, bench, grant))
            verdicts.append(judged(grant, scenario, happens, listed.get(_key(grant))))
        bench.settle()
        failed = sum(not verdict.ok for verdict in verdicts)
        step.outcome = f"{len(verdicts)} grants taken away and given back, {failed} unproved"
    return verdicts


def _happens(bench: Bench, scenario: Scenario, denied: Callable[[], bool]) -> bool:
    """Whether what is provoked happens, before patience or the grace after a refusal ends."""
    with ExitStack() as stack:
        if scenario.fault is not None:
            stack.enter_context(bench.fault(scenario.fault))
        seen = scenario.provoke(bench)
        deadline, refused = time.monotonic() + _PATIENCE_SECONDS, False
        while not seen():
            if not refused and denied():
                refused, deadline = True, time.monotonic() + _GRACE_SECONDS
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _denied(bench: Bench, grant: Grant) -> bool:
    return any(
        denial["action"] == grant.action and grant.principal in denial["principal"]
        for denial in bench.control("GET", "denials")["denials"]
    )


def judged(grant: Grant, scenario: Scenario, happens: bool, entry: str | None) -> Verdict:
    """What it means that the scenario still `happens` or not without the grant.

    `entry` is the page that says that only AWS needs the grant, if one is listed.
    """
    key = _key(grant)
    if entry is None:
        shown = "nothing is missing: remove the grant" if happens else scenario.missing
        return Verdict(*key, not happens, shown)
    if happens:
        return Verdict(*key, True, "needed on AWS only", entry)
    return Verdict(*key, False, f"{scenario.missing}: strike it from {AWS_ONLY.name}", entry)


def _key(grant: Grant) -> tuple[str, str, str]:
    return grant.holder, grant.statement, grant.action


def aws_only() -> dict[tuple[str, str, str], str]:
    """The grants that the emulator does not ask for, and the AWS page that does."""
    entries = tomllib.loads(AWS_ONLY.read_text())["grant"]
    return {(e["holder"], e["statement"], e["action"]): e["page"] for e in entries}


def prove(voice: Voice, places: Places, suffix: str, port: int, time_scale: float) -> list[Verdict]:
    """Bring an environment up, prove its grants, and show a table for each holder."""
    deployment = pipeline.up(voice, places, suffix, port, time_scale=time_scale)
    verdicts = run(voice, deployment)
    for holder in dict.fromkeys(verdict.holder for verdict in verdicts):
        table = Table(title=holder, title_justify="left", header_style="bold", box=None)
        for column in ("", "action", "statement", "without it"):
            table.add_column(column, no_wrap=True)
        for each in verdicts:
            if each.holder == holder:
                mark = "[green]✓[/]" if each.ok else "[red]✗[/]"
                table.add_row(mark, each.action, each.statement, each.shown)
        voice.say()
        voice.say(table)
        # Below, because beside them the pages leave no room for anything else.
        for each in verdicts:
            if each.holder == holder and each.page:
                voice.say(f"  [dim]{each.action}: {each.page}[/]")
    return verdicts


def as_json(verdicts: Sequence[Verdict]) -> str:
    """The object that `--json` ends with."""
    proved = all(verdict.ok for verdict in verdicts)
    return json.dumps({"proved": proved, "grants": [asdict(verdict) for verdict in verdicts]})
