"""The emulator as a process, and small AWS resources made for one test."""

import functools
import io
import itertools
import json
import os
import socket
import subprocess
import textwrap
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from local.emulator import ACCOUNT_ID, HEALTH_PATH, REGION, root_environment

ROOT = Path(__file__).resolve().parents[2]
_T = TypeVar("_T")
_numbers = itertools.count(1)
_SESSION = boto3.Session(region_name=REGION)
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def interpreter() -> Path:
    """The interpreter that has MiniStack; the test fails or skips where set-up has not made it."""
    found = ROOT / ".venv-local" / "bin" / "python"
    if not found.exists():
        message = f"{found} is missing: run `make setup`"
        if os.environ.get("CI") or os.environ.get("REQUIRE_ALL"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with _OPENER.open(request, timeout=30) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def eventually(probe: Callable[[], _T | None], seconds: float = 15, what: str = "") -> _T:
    """What `probe` returns as soon as that is something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"nothing came within {seconds} s{': ' + what if what else ''}")


class Emulator:
    """The emulator's process.

    `plain` is MiniStack without the wraps; `kept` is where that keeps its state when it ends.
    """

    def __init__(
        self,
        state: Path,
        time_scale: float = 1.0,
        plain: bool = False,
        kept: Path | None = None,
    ) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.state = state
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = ["-m", "local.emulator", "--port", str(self.port), "--state", str(state)]
        command += ["--time-scale", str(time_scale)]
        health = HEALTH_PATH
        if plain:
            command, health = ["-m", "ministack"], "/_ministack/health"
            environment |= {
                "AUTH": "true",
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
                "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.01",
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
            }
        if kept is not None:
            environment |= {"PERSIST_STATE": "1", "STATE_DIR": str(kept)}
        self.output = state / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [interpreter(), *command], env=environment, cwd=state, stdout=output, stderr=output
            )
        eventually(lambda: self._answers(health), 30, "the emulator did not become ready")

    def _answers(self, path: str) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator ended: {self.output.read_text()}")
        try:
            return fetch(self.endpoint + path)[0] == 200
        except OSError:
            return False

    def control(self, method: str, path: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        status, _, answer = fetch(f"{self.endpoint}/_local/{path}", method, body)
        found = json.loads(answer)
        assert status == 200, found
        return found

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=15)


def package(source: str) -> bytes:
    """A function's zip with `handler.py`; the source is the body of `handle(event, context)`."""
    lines = textwrap.indent(textwrap.dedent(source).strip(), "    ") + "\n"
    head = "import json, logging, os, sys, time\nlog = logging.getLogger('test')\n"
    if "boto3" in source:
        head = "import boto3\n" + head
    if "def handle(" not in source:
        source = f"{head}\ndef handle(event, context):\n{lines}"
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("handler.py", source)
    return memory.getvalue()


Statement = tuple[str | list[str], str]


@dataclass
class Function:
    """A function made for a test, with its role, its log group and its queues."""

    aws: "Aws"
    name: str
    arn: str
    role: str
    group: str
    dead_letters: str = ""
    extras: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[dict[str, Any] | str]:
        """Its log events, parsed where they are JSON."""
        found: list[dict[str, Any] | str] = []
        logs = self.aws.logs
        for event in logs.filter_log_events(logGroupName=self.group)["events"]:
            try:
                found.append(json.loads(event["message"]))
            except ValueError:
                found.append(event["message"])
        return found

    def said(self, message: str) -> list[dict[str, Any]]:
        """Its JSON log lines with that message."""
        lines = [line for line in self.lines() if isinstance(line, dict)]
        return [line for line in lines if line.get("message") == message]

    def grant(self, *statements: Statement) -> None:
        self.aws.put_policy(self.role, statements)

    def invoke(self, event: Any, kind: str = "RequestResponse") -> dict[str, Any]:
        answer = self.aws.lambda_.invoke(
            FunctionName=self.name, InvocationType=kind, Payload=json.dumps(event).encode()
        )
        found = dict(answer)
        found["Payload"] = answer["Payload"].read()
        return found


class Aws:
    """Clients of the emulator as root, and makers of small resources."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, service: str, **credentials: str) -> Any:
        environment = root_environment(self.endpoint)
        credentials = credentials or {
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        }
        return _SESSION.client(
            service,
            endpoint_url=self.endpoint,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
            **credentials,
        )

    @functools.cached_property
    def lambda_(self) -> Any:
        return self.client("lambda")

    @functools.cached_property
    def logs(self) -> Any:
        return self.client("logs")

    @functools.cached_property
    def sqs(self) -> Any:
        return self.client("sqs")

    @functools.cached_property
    def sns(self) -> Any:
        return self.client("sns")

    @functools.cached_property
    def dynamodb(self) -> Any:
        return self.client("dynamodb")

    @functools.cached_property
    def iam(self) -> Any:
        return self.client("iam")

    @functools.cached_property
    def kms(self) -> Any:
        return self.client("kms")

    def put_policy(self, role: str, statements: tuple[Statement, ...]) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": action, "Resource": resource}
                for action, resource in statements
            ],
        }
        self.iam.put_role_policy(
            RoleName=role, PolicyName="own", PolicyDocument=json.dumps(document)
        )

    def role(self, *statements: Statement, service: str = "lambda.amazonaws.com") -> str:
        name = f"role-{next(_numbers)}"
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
            ],
        }
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            self.put_policy(name, statements)
        return name

    def queue(self, **attributes: str) -> str:
        """A new queue's URL."""
        name = f"queue-{next(_numbers)}"
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def queue_arn(self, url: str) -> str:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{url.rsplit('/', 1)[-1]}"

    def topic(self, **attributes: str) -> str:
        name = f"topic-{next(_numbers)}"
        return str(self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"])

    def listen(self, topic: str, *, raw: bool = True) -> str:
        """The URL of a new queue that is subscribed to the topic."""
        url = self.queue()
        policy = {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": self.queue_arn(url),
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
                }
            ]
        }
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        self.sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=self.queue_arn(url),
            Attributes={"RawMessageDelivery": str(raw).lower()},
        )
        return url

    def messages(self, url: str) -> list[dict[str, Any]]:
        """Messages that are in the queue now; they are taken out."""
        found = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return list(found)

    def message(self, url: str, seconds: float = 15) -> dict[str, Any]:
        return eventually(lambda: self.messages(url), seconds, f"a message in {url}")[0]

    def table(self, *, stream: bool = True, sort: str = "N") -> str:
        name = f"table-{next(_numbers)}"
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "symbol", "KeyType": "HASH"},
                {"AttributeName": "timestamp", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "symbol", "AttributeType": "S"},
                {"AttributeName": "timestamp", "AttributeType": sort},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={
                "StreamEnabled": stream,
                **({"StreamViewType": "NEW_IMAGE"} if stream else {}),
            },
        )
        return name

    def stream_arn(self, table: str) -> str:
        return str(self.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"])

    def function(
        self,
        source: str,
        *statements: Statement,
        timeout: int = 5,
        reserved: int | None = None,
        retries: int | None = None,
        on_success: str | None = None,
        on_failure: str | None = None,
        event_age: int | None = None,
        dead_letters: bool = False,
        logging: dict[str, str] | None = None,
        may_log: bool = True,
        variables: dict[str, str] | None = None,
        key: str | None = None,
    ) -> Function:
        name = f"function-{next(_numbers)}"
        group = f"/aws/lambda/{name}"
        self.logs.create_log_group(logGroupName=group)
        granted = list(statements)
        if may_log:
            resource = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}:*"
            granted.append((["logs:CreateLogStream", "logs:PutLogEvents"], resource))
        queue = self.queue() if dead_letters else ""
        if queue:
            granted.append(("sqs:SendMessage", self.queue_arn(queue)))
        for target in (on_success, on_failure):
            if target:
                action = "sns:Publish" if ":sns:" in target else "sqs:SendMessage"
                granted.append((action, target))
        role = self.role(*granted)
        options: dict[str, Any] = {}
        if queue:
            options["DeadLetterConfig"] = {"TargetArn": self.queue_arn(queue)}
        if variables:
            options["Environment"] = {"Variables": variables}
        if key:
            options["KMSKeyArn"] = key
        settings = {"LogFormat": "JSON", "LogGroup": group, "SystemLogLevel": "WARN"}
        created = self.lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{ACCOUNT_ID}:role/{role}",
            Handler="handler.handle",
            Code={"ZipFile": package(source)},
            Timeout=timeout,
            LoggingConfig={**settings, **(logging or {})},
            **options,
        )
        if reserved is not None:
            self.lambda_.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )
        self._configure(name, retries, event_age, on_success, on_failure)
        return Function(self, name, created["FunctionArn"], role, group, queue)

    def _configure(
        self,
        name: str,
        retries: int | None,
        event_age: int | None,
        on_success: str | None,
        on_failure: str | None,
    ) -> None:
        wanted: dict[str, Any] = {}
        if retries is not None:
            wanted["MaximumRetryAttempts"] = retries
        if event_age is not None:
            wanted["MaximumEventAgeInSeconds"] = event_age
        destinations = {}
        if on_success:
            destinations["OnSuccess"] = {"Destination": on_success}
        if on_failure:
            destinations["OnFailure"] = {"Destination": on_failure}
        if destinations:
            wanted["DestinationConfig"] = destinations
        if wanted:
            self.lambda_.put_function_event_invoke_config(FunctionName=name, **wanted)


def run_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m local.emulator …` until it ends by itself."""
    return subprocess.run(
        [interpreter(), "-m", "local.emulator", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
