"""What the pinned MiniStack keeps over a restart, and why no journey restarts it.

It offers to keep its state (`PERSIST_STATE`). AWS keeps what it accepted whatever ends; of that the
pipeline needs the table's stream, from which rows get their metrics, and MiniStack loses it. When
these tests fail, a journey over a restart has come within reach.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.embedded import Aws, Emulator


def restarted(folder: Path, ending: signal.Signals) -> dict[str, Any]:
    """A row, its stream record, a queued message and a ciphertext, looked for after a restart."""
    kept = folder / "kept"
    first = Emulator(folder, plain=True, kept=kept)
    aws = Aws(first.endpoint)
    table = aws.table()
    aws.dynamodb.put_item(TableName=table, Item={"symbol": {"S": "A"}, "timestamp": {"N": "1"}})
    assert records(aws, table) == 1
    queue = aws.sqs.create_queue(QueueName="kept")["QueueUrl"]
    aws.sqs.send_message(QueueUrl=queue, MessageBody="kept")
    key = aws.kms.create_key()["KeyMetadata"]["KeyId"]
    secret = aws.kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    first.process.send_signal(ending)
    first.process.wait(timeout=15)

    second = Emulator(folder, plain=True, kept=kept)
    try:
        again = Aws(second.endpoint)
        if not again.dynamodb.list_tables()["TableNames"]:
            assert not again.sqs.list_queues().get("QueueUrls")
            return {}
        url = again.sqs.get_queue_url(QueueName="kept")["QueueUrl"]
        return {
            "rows": again.dynamodb.scan(TableName=table)["Count"],
            "stream records": records(again, table),
            "messages": len(again.sqs.receive_message(QueueUrl=url).get("Messages", [])),
            "decrypted": again.kms.decrypt(CiphertextBlob=secret)["Plaintext"],
        }
    finally:
        second.stop()


def records(aws: Aws, table: str) -> int:
    streams, arn = aws.client("dynamodbstreams"), aws.stream_arn(table)
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return len(streams.get_records(ShardIterator=iterator)["Records"])


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        (
            signal.SIGTERM,
            {"rows": 1, "stream records": 0, "messages": 1, "decrypted": b"kept"},
        ),
        (signal.SIGKILL, {}),
    ],
    ids=["ended in order", "killed"],
)
def test_ministack_does_not_keep_a_stream_over_a_restart(
    tmp_path: Path, ending: signal.Signals, found: dict[str, Any]
) -> None:
    assert restarted(tmp_path, ending) == found
