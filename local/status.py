"""What stands on this machine, on one screen."""

from __future__ import annotations

from rich.table import Table

from local import process
from local.console import Voice
from local.emulator.addresses import webhook_url
from local.pipeline import Deployment, attach
from local.places import Places


def show(voice: Voice, places: Places) -> None:
    """Print the emulator and every environment with its rows and dead letters."""
    emulator = process.running(places)
    if emulator is None:
        voice.say("nothing runs; `python -m local up` or `python -m local demo` starts it")
        return
    health = "answers" if emulator.healthy() else "does not answer"
    voice.say(f"embedded AWS: {emulator.endpoint}, process {emulator.pid}, {health}")
    table = Table(box=None, header_style="bold")
    for column in ("environment", "rows", "dead letters", "webhook"):
        table.add_column(column)
    for suffix in places.deployed():
        deployment = attach(places, suffix, emulator)
        if "webhook_url" not in deployment.outputs:
            table.add_row(suffix, "", "", "half deployed: run `python -m local up` again")
            continue
        table.add_row(suffix, str(_rows(deployment)), str(_dead(deployment)), _address(deployment))
    voice.say(table)


def explain(voice: Voice, deployment: Deployment) -> None:
    """Say what to do with an environment that has just come up."""
    suffix = deployment.suffix
    voice.say()
    voice.say(f"  webhook   {_address(deployment)}")
    voice.say(f"  table     {deployment.outputs['table_name']}")
    voice.say(f"  AWS       {deployment.emulator.endpoint} (see local/emulator/__init__.py)")
    voice.say(f"  next      python -m local demo --suffix {suffix}; python -m local down")


def _address(deployment: Deployment) -> str:
    url = webhook_url(deployment.outputs["webhook_url"], deployment.emulator.endpoint)
    return f"{url}/{{exchange}}"


def _rows(deployment: Deployment) -> int:
    pages = deployment.client("dynamodb").get_paginator("scan")
    table = deployment.outputs["table_name"]
    return sum(page["Count"] for page in pages.paginate(TableName=table, Select="COUNT"))


def _dead(deployment: Deployment) -> int:
    sqs, name = deployment.client("sqs"), "ApproximateNumberOfMessages"
    return sum(
        int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
        for url in (deployment.outputs["webhook_dlq_url"], deployment.outputs["enricher_dlq_url"])
    )
