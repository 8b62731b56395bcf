"""The dead-letter queues are looked into without loss and sent again without loss."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from client import dead_letters, environment
from client.__main__ import main
from client.dead_letters import Queue, Unreadable, webhook_of
from client.dlq import FINDING_SYMBOLS, LOOKING, READING_BATCHES, REDRIVING
from client.environment import Environment
from client.functions import Kept
from client.redrive import StreamBatches, Webhooks, redrive
from local.emulator import ACCOUNT_ID
from tests.emulator.embedded import ROOT, Aws, Emulator, Function, Statement, eventually

SECRET = "v1,c2lnbmF0dXJl"
DONE = "return {'batchItemFailures': []}"


@dataclass(frozen=True)
class Small(Environment):
    """An environment of one queue and one function, under whatever names they have."""

    queue_name: str = ""
    function_name: str = ""
    table_name: str = ""
    caller: Callable[[str], Any] | None = None

    @property
    def table(self) -> str:
        return self.table_name

    def function(self, key: str) -> str:
        return self.function_name

    def dead_letters(self, key: str) -> str:
        return self.queue_name

    def client(self, service: str) -> Any:
        return self.caller(service) if self.caller else super().client(service)


class Caller:
    """A session of a role that may do just what it is granted."""

    def __init__(self, aws: Aws, *statements: Statement) -> None:
        self._aws = aws
        arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{aws.role(*statements)}"
        keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        self._keys = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def client(self, service: str) -> Any:
        return self._aws.client(service, **self._keys)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator"), time_scale=600)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def aws(emulator: Emulator) -> Aws:
    return Aws(emulator.endpoint)


@pytest.fixture(autouse=True)
def _no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "emulator" in request.fixturenames:
        request.getfixturevalue("emulator").control("DELETE", "faults")


@pytest.fixture(autouse=True)
def _one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator's queues lie in one place: there is nothing to wait for."""
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)


@pytest.fixture
def queue(aws: Aws) -> str:
    return aws.queue()


def event(number: int, body: bytes = b'{"symbol":"BTC"}') -> dict[str, Any]:
    def text(value: bytes) -> str:
        return base64.b64encode(value).decode()

    return {
        "version": 1,
        "exchange": text(b"generic"),
        "received_at": 1_764_000_000_000 + number,
        "request_id": f"request-{number}",
        "headers": {"webhook-signature": text(SECRET.encode())},
        "body": text(body),
    }


def bury(aws: Aws, queue: str, body: object, **attributes: str) -> None:
    aws.sqs.send_message(
        QueueUrl=queue,
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
        },
    )


def refused(number: int, reason: str = "signature-mismatch") -> dict[str, str]:
    told = json.dumps([{"reason": reason, "detail": "no signature of ours"}])
    return {
        "RequestID": f"invocation-{number}",
        "ErrorMessage": f"{reason}: no signature of ours",
        "Reason": reason,
        "Refused": told,
    }


def client(
    monkeypatch: pytest.MonkeyPatch,
    aws: Aws,
    queue: str,
    function: str,
    *words: str,
    table: str = "",
) -> int:
    where = Small("test", aws.endpoint, queue.rsplit("/", 1)[-1], function, table)
    monkeypatch.setattr(environment, "chosen", lambda args: where)
    return main(["dlq", *words])


def no_repairs(batch: object) -> list[dict[str, str]]:
    raise AssertionError(f"{batch} was not forgotten")


def depth(aws: Aws, queue: str) -> int:
    """Messages that anybody could receive now."""
    attributes = aws.sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def processor(aws: Aws) -> tuple[Function, str]:
    """A function that takes everything, and the queue of what it took."""
    taken = aws.queue()
    return aws.function("return {}", on_success=aws.queue_arn(taken)), taken


def taken_events(aws: Aws, taken: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def all_came() -> bool:
        found.extend(json.loads(m["Body"])["requestPayload"] for m in aws.messages(taken))
        return len(found) >= count

    eventually(all_came, what=f"{count} events in the function")
    return sorted(found, key=lambda one: str(one["request_id"]))


def test_a_redriven_message_reaches_the_function_and_leaves_the_queue(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN Lambda's own dead letter and the function's WHEN redriven THEN both events arrive."""
    function, taken = processor(aws)
    bury(aws, queue, event(1), RequestID="invocation-1", ErrorMessage="RetryLater: throttled")
    bury(aws, queue, event(2), **refused(2))
    assert client(monkeypatch, aws, queue, function.name, "redrive", "--apply") == 0
    assert taken_events(aws, taken, 2) == [event(1), event(2)]
    assert depth(aws, queue) == 0
    assert "2 messages" in capsys.readouterr().out


def test_only_the_reason_that_was_asked_for_is_redriven(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, taken = processor(aws)
    bury(aws, queue, event(1), **refused(1))
    bury(aws, queue, event(2), **refused(2, "symbol-unknown"))
    words = ("redrive", "--reason", "symbol-unknown", "--apply")
    assert client(monkeypatch, aws, queue, function.name, *words) == 0
    assert taken_events(aws, taken, 1) == [event(2)]
    (left,) = aws.messages(queue)
    assert json.loads(left["Body"]) == event(1)


def test_a_message_stays_when_the_function_is_not_invoked(
    aws: Aws,
    emulator: Emulator,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """GIVEN the first invoke fails WHEN redriven THEN one is taken and one stays, to be seen."""
    function, taken = processor(aws)
    for number in (1, 2):
        bury(aws, queue, event(number), **refused(number))
    fault = {"service": "lambda", "operation": "Invoke", "error": "AccessDeniedException"}
    emulator.control("POST", "faults", {**fault, "status": 403, "count": 1})
    assert client(monkeypatch, aws, queue, function.name, "redrive", "--apply") == 1
    assert "AccessDeniedException" in capsys.readouterr().out
    arrived = taken_events(aws, taken, 1)
    (left,) = aws.messages(queue)
    both = [*arrived, json.loads(left["Body"])]
    assert sorted(both, key=lambda one: one["request_id"]) == [event(1), event(2)]


def test_what_fails_again_comes_back_and_is_not_sent_round_for_ever(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = aws.function("raise ValueError('still')", dead_letters=True, retries=0)
    bury(aws, function.dead_letters, event(1), **refused(1))
    words = (function.name, "redrive", "--apply")
    assert client(monkeypatch, aws, function.dead_letters, *words) == 0
    again = aws.message(function.dead_letters)
    assert json.loads(again["Body"]) == event(1)
    assert "Reason" not in again["MessageAttributes"]


def test_a_dry_run_changes_nothing(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function, taken = processor(aws)
    bury(aws, queue, event(1), **refused(1))
    assert client(monkeypatch, aws, queue, function.name, "redrive") == 0
    assert "1 messages" in capsys.readouterr().out
    assert depth(aws, queue) == 1
    assert aws.messages(taken) == []


@pytest.mark.parametrize("body", ["no JSON", "[1]", json.dumps({**event(1), "body": "%"})])
def test_an_unreadable_body_is_shown_and_kept(
    body: str,
    aws: Aws,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    function, taken = processor(aws)
    bury(aws, queue, body)
    words = ("show", "--queue", "webhook_processor", "--json")
    assert client(monkeypatch, aws, queue, function.name, *words) == 0
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert shown["unreadable"]
    assert shown["raw"][:5] == body[:5]
    assert base64.b64encode(SECRET.encode()).decode() not in line
    assert client(monkeypatch, aws, queue, function.name, "redrive", "--apply") == 1
    assert [message["Body"] for message in aws.messages(queue)] == [body]
    assert aws.messages(taken) == []


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_message_is_shown_decoded_and_without_its_signature(
    form: tuple[str, ...],
    aws: Aws,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bury(aws, queue, event(1, b'{"price":"1"}\x1b[2J'), **refused(1))
    words = ("show", "--queue", "webhook_processor", *form)
    assert client(monkeypatch, aws, queue, "none", *words) == 0
    out = capsys.readouterr().out
    for expected in (
        "signature-mismatch",
        "generic",
        "request-1",
        "1764000000001",
        "no signature of",
    ):
        assert expected in out
    assert "price" in out
    assert "\x1b" not in out
    assert SECRET not in out
    assert base64.b64encode(SECRET.encode()).decode() not in out
    assert depth(aws, queue) == 1


def test_the_list_counts_messages_and_reasons_and_takes_none(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):  # more than one call brings
        bury(
            aws,
            queue,
            event(number),
            **refused(number, "symbol-unknown" if number < 9 else "price-not-positive"),
        )
    bury(aws, queue, event(12), ErrorMessage="timed out")
    assert client(monkeypatch, aws, queue, "none", "list") == 0
    out = capsys.readouterr().out
    for expected in (" 13 ", "9 symbol-unknown", "3 price-not-positive", "1 timed out"):
        assert expected in out
    assert depth(aws, queue) == 13


def stream_letter(aws: Aws, table: str, first: int, last: int) -> dict[str, Any]:
    """What a mapping leaves of the records from the first to the last."""
    arn, streams = aws.stream_arn(table), aws.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = streams.get_records(ShardIterator=iterator)["Records"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in found]
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {
            "streamArn": arn,
            "shardId": shard["ShardId"],
            "startSequenceNumber": numbers[first],
            "endSequenceNumber": numbers[last],
            "batchSize": last - first + 1,
        },
    }


def filled(aws: Aws) -> str:
    table = aws.table()
    for number in range(5):
        row = {"symbol": {"S": "BTC"}, "timestamp": {"N": str(number)}}
        aws.dynamodb.put_item(TableName=table, Item=row)
    return table


def test_a_batch_of_the_stream_is_read_again_and_goes_when_the_function_is_done(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN positions WHEN redriven THEN the function gets exactly these records, as inserted."""
    function = aws.function("""
        records = event["Records"]
        keys = [one["dynamodb"]["NewImage"]["timestamp"]["N"] for one in records]
        right = keys == ["1", "2", "3"] and {one["eventName"] for one in records} == {"INSERT"}
        return {"batchItemFailures": [] if right else [{"itemIdentifier": "1"}]}
    """)
    table = filled(aws)
    words = (function.name, "redrive", "--queue", "price_enricher")
    bury(aws, queue, stream_letter(aws, table, 1, 3))
    assert client(monkeypatch, aws, queue, *words) == 0
    assert depth(aws, queue) == 1
    assert client(monkeypatch, aws, queue, *words, "--apply") == 0
    assert depth(aws, queue) == 0

    bury(aws, queue, stream_letter(aws, table, 0, 3))
    assert client(monkeypatch, aws, queue, *words, "--apply") == 1
    assert depth(aws, queue) == 1


def forgotten(aws: Aws, table: str, **times: str) -> dict[str, Any]:
    """What is left of a batch whose records are not in the stream."""
    letter = stream_letter(aws, table, 0, 4)
    letter["DDBStreamBatchInfo"]["endSequenceNumber"] += "0"
    letter["DDBStreamBatchInfo"] |= times
    return letter


TIMES = {
    "approximateArrivalOfFirstRecord": "2026-11-20T12:00:00Z",
    "approximateArrivalOfLastRecord": "2026-11-20T12:00:02Z",
}


def test_a_batch_that_has_left_the_stream_is_repaired_symbol_by_symbol(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN positions that are gone WHEN redriven THEN every symbol's rows of then are repaired."""
    function = aws.function("""
        log.warning("asked", extra=event["repair"])
        more = event["repair"]["symbol"] == "ETH" and event["repair"]["from"] != "7"
        return {"rows": 1, "written": 1, "next": "7" if more else None}
    """)
    table = filled(aws)
    for number in range(3):
        row = {"symbol": {"S": "ETH"}, "timestamp": {"N": str(number)}}
        aws.dynamodb.put_item(TableName=table, Item=row)
    bury(aws, queue, forgotten(aws, table, **TIMES))
    words = (function.name, "redrive", "--queue", "price_enricher")
    assert client(monkeypatch, aws, queue, *words, table=table) == 0
    assert depth(aws, queue) == 1
    assert not function.said("asked")
    assert client(monkeypatch, aws, queue, *words, "--apply", table=table) == 0
    assert depth(aws, queue) == 0
    eventually(lambda: len(function.said("asked")) == 3)
    repairs = function.said("asked")
    assert sorted((one["symbol"], one["from"] == "7") for one in repairs) == [
        ("BTC", False),
        ("ETH", False),
        ("ETH", True),
    ]
    (span,) = {(one["from"], one["to"]) for one in repairs if one["from"] != "7"}
    arrived = 1_795_176_000_000
    assert int(span[0]) == arrived - (86_400 + 21_600 + 345_600) * 1000
    assert int(span[1]) == arrived + (2 + 60 + 1) * 1000


def test_a_table_without_rows_has_nothing_to_repair(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a forgotten batch of a table that is empty now THEN the letter goes."""
    letter = forgotten(aws, filled(aws), **TIMES)
    function = aws.function("raise ValueError('nothing was to be asked')")
    bury(aws, queue, letter)
    words = (function.name, "redrive", "--queue", "price_enricher", "--apply")
    assert client(monkeypatch, aws, queue, *words, table=aws.table()) == 0
    assert depth(aws, queue) == 0


def test_a_table_that_does_not_tell_its_symbols_keeps_the_letter_and_the_others_go_on(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = filled(aws)
    bury(aws, queue, forgotten(aws, table, **TIMES))
    bury(aws, queue, stream_letter(aws, table, 1, 3))
    function = aws.function(DONE)
    words = (function.name, "redrive", "--queue", "price_enricher", "--apply")
    assert client(monkeypatch, aws, queue, *words, table="gone") == 1
    assert "gone did not tell its symbols" in capsys.readouterr().out
    assert depth(aws, queue) == 1


@pytest.mark.parametrize("times", [{}, {**TIMES, "approximateArrivalOfLastRecord": "soon"}])
def test_a_batch_that_has_left_the_stream_and_tells_no_time_stays_and_says_so(
    aws: Aws,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    times: dict[str, str],
) -> None:
    table = filled(aws)
    bury(aws, queue, forgotten(aws, table, **times))
    function = aws.function(DONE)
    words = (function.name, "redrive", "--queue", "price_enricher", "--apply")
    assert client(monkeypatch, aws, queue, *words, table=table) == 1
    assert "python -m client repair" in capsys.readouterr().out
    assert depth(aws, queue) == 1


def test_a_repair_is_followed_to_its_end(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a repair that takes three calls WHEN redriven THEN it goes only after the third."""
    function = aws.function("""
        start = int(event["repair"]["from"])
        log.warning(json.dumps(event))
        return {"next": str(start + 1) if start < 3 else None}
    """)
    bury(aws, queue, {"repair": {"symbol": "BTC", "from": "1", "to": "9"}})
    words = (function.name, "redrive", "--queue", "price_enricher", "--apply")
    assert client(monkeypatch, aws, queue, *words) == 0
    assert depth(aws, queue) == 0
    eventually(lambda: len([line for line in function.lines() if "repair" in str(line)]) == 3)


def test_the_listed_actions_suffice(
    aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a caller with exactly the documented actions THEN every form of the command works."""
    function, table, name = aws.function(DONE), filled(aws), queue.rsplit("/", 1)[-1]
    caller = Caller(
        aws,
        (list(LOOKING), aws.queue_arn(queue)),
        (REDRIVING[0], aws.queue_arn(queue)),
        (REDRIVING[1], function.arn),
        (list(READING_BATCHES), aws.stream_arn(table)),
        (list(FINDING_SYMBOLS), aws.stream_arn(table).partition("/stream/")[0]),
    )
    where = Small("test", aws.endpoint, name, function.name, table, caller.client)
    monkeypatch.setattr(environment, "chosen", lambda args: where)
    bury(aws, queue, stream_letter(aws, table, 0, 4))
    assert main(["dlq", "list"]) == 0
    assert main(["dlq", "show"]) == 0
    assert main(["dlq", "redrive", "--queue", "price_enricher"]) == 0
    assert main(["dlq", "redrive", "--queue", "price_enricher", "--apply"]) == 0
    assert depth(aws, queue) == 0
    bury(aws, queue, forgotten(aws, table, **TIMES))
    capsys.readouterr()
    assert main(["dlq", "redrive", "--queue", "price_enricher"]) == 0
    assert capsys.readouterr().out.startswith("1 messages of")
    aws.messages(queue)
    bury(aws, queue, event(1), **refused(1))
    assert main(["dlq", "redrive", "--apply"]) == 0
    assert depth(aws, queue) == 0


@pytest.mark.parametrize("lacking", [*LOOKING, *REDRIVING])
def test_no_action_is_listed_in_vain(
    lacking: str, aws: Aws, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a caller who lacks one action THEN the command says that something went wrong."""
    function = aws.function("return {}")
    granted = [action for action in (*LOOKING, *REDRIVING) if action != lacking]
    caller = Caller(aws, (granted, "*"))
    where = Small("test", aws.endpoint, queue.rsplit("/", 1)[-1], function.name, "", caller.client)
    monkeypatch.setattr(environment, "chosen", lambda args: where)
    bury(aws, queue, event(1), **refused(1))
    bury(aws, queue, "no JSON")
    assert main(["dlq", "list"]) + main(
        ["dlq", "redrive", "--reason", "signature-mismatch", "--apply"]
    )


def test_the_page_names_every_action() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    assert all(
        f"`{action}`" in page
        for action in (*LOOKING, *REDRIVING, *READING_BATCHES, *FINDING_SYMBOLS)
    )


@pytest.mark.parametrize(
    "answer",
    ["return None", "raise ValueError('no')", "return {}", "return {'batchItemFailures': [1]}"],
)
def test_a_batch_stays_unless_the_function_says_that_all_is_done(aws: Aws, answer: str) -> None:
    function = aws.function(answer)
    target = StreamBatches(aws.lambda_, None, function.name, no_repairs)
    url = aws.queue()
    bury(aws, url, {"Records": []})
    queue = Queue(aws.sqs, url.rsplit("/", 1)[-1])
    done = redrive(queue, target, None, time.time_ns() // 1_000_000)
    assert len(done.kept) == 1
    assert depth(aws, url) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "version"),
        ({"received_at": True}, "received_at"),
        ({"request_id": None}, "request_id"),
        ({"exchange": "ö"}, "exchange"),
        ({"body": 7}, "body"),
    ],
)
def test_what_is_wrong_with_an_event_is_named(change: Mapping[str, Any], says: str) -> None:
    with pytest.raises(Unreadable, match=f"^{says} is .*expected"):
        webhook_of({**event(1), **change})


@dataclass
class Unkind:
    """SQS and Lambda in memory, of which each call fails as its message's fate says."""

    fates: list[str]
    delivered: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number, fate in enumerate(self.fates):
            text = "no JSON" if fate == "unreadable" else json.dumps(event(number))
            self.left[str(number)] = text

    def fates_of(self, fate: str) -> list[str]:
        return [str(number) for number, one in enumerate(self.fates) if one == fate]

    def get_queue_url(self, **_: Any) -> dict[str, str]:
        return {"QueueUrl": "queue"}

    def receive_message(self, **wanted: Any) -> dict[str, Any]:
        free = [id_ for id_ in self.left if id_ not in self.hidden]
        free = free[: wanted["MaxNumberOfMessages"]]
        self.hidden.update(free)
        messages = [
            {
                "MessageId": id_,
                "ReceiptHandle": id_,
                "Body": self.left[id_],
                "Attributes": {"SentTimestamp": "99" if self.fates[int(id_)] == "later" else "1"},
            }
            for id_ in free
        ]
        return {"Messages": messages} if messages else {}

    def change_message_visibility(self, **wanted: Any) -> None:
        self.hidden.discard(wanted["ReceiptHandle"])

    def delete_message(self, **wanted: Any) -> None:
        id_ = wanted["ReceiptHandle"]
        self._fail_if(id_, "not deleted")
        self.hidden.discard(id_)
        del self.left[id_]

    def invoke(self, **wanted: Any) -> dict[str, Any]:
        id_ = json.loads(wanted["Payload"])["request_id"].removeprefix("request-")
        self._fail_if(id_, "not invoked")
        if self.fates[int(id_)] == "not accepted":
            return {"StatusCode": 200, "Payload": io.BytesIO()}
        if self.fates[int(id_)] == "interrupted":
            raise KeyboardInterrupt
        self.delivered.append(id_)
        return {"StatusCode": 202, "ResponseMetadata": {"RequestId": f"ours-{id_}"}}

    def _fail_if(self, id_: str, fate: str) -> None:
        if self.fates[int(id_)] == fate:
            raise ClientError({"Error": {"Code": "Throttled", "Message": "no"}}, "call")


FATES = (
    "taken",
    "not invoked",
    "not accepted",
    "not deleted",
    "unreadable",
    "later",
    "interrupted",
)


@given(st.lists(st.sampled_from(FATES), max_size=30))
def test_no_message_is_ever_lost(fates: list[str]) -> None:
    """GIVEN any mixture of failures THEN a message is where it was, or was delivered once."""
    cloud = Unkind(fates)
    try:
        done = redrive(Queue(cloud, "queue"), Webhooks(cloud, "function"), None, began_ms=50)
    except KeyboardInterrupt:
        assert "interrupted" in fates
    else:
        assert set(done.delivered) == set(cloud.fates_of("taken"))
        assert len(done.delivered) + len(done.kept) + done.later == len(fates)
        assert set(done.kept) == set(cloud.left) - set(cloud.fates_of("later"))
    assert {*cloud.left, *cloud.delivered} == {str(number) for number in range(len(fates))}
    assert len(cloud.delivered) == len(set(cloud.delivered))
    assert set(cloud.left) & set(cloud.delivered) <= set(cloud.fates_of("not deleted"))
    assert not cloud.hidden


def test_a_target_names_what_it_does_not_take() -> None:
    cloud = Unkind(["taken"])
    (letter,) = Queue(cloud, "queue").peek()
    with pytest.raises(Kept, match="neither a batch of the stream"):
        StreamBatches(cloud, cloud, "price-enricher", no_repairs).prepare(letter)
