"""error-notifier: what the working functions log as an error becomes a notice on SNS."""

from __future__ import annotations

import logging
from functools import cache

from lambdas.adapters import aws, environment
from lambdas.adapters.notices import Topic
from lambdas.error_notifier import notice

_LOG = logging.getLogger("error_notifier")


def handle(event: object, _context: object) -> dict[str, int]:
    """Publish one notice for a delivery of log lines; answer how many notices and lines it were.

    Whatever goes wrong is raised: Lambda tries again and then keeps the delivery in this
    function's dead-letter queue.
    """
    delivery = notice.decode(event)
    told = notice.compose(delivery, environment.text("ENVIRONMENT_SUFFIX"))
    if told is None:
        return {"notices": 0, "lines": 0}
    lines = len(delivery["logEvents"])
    _topic().publish(
        told.text,
        {"function": told.function, "suffix": environment.text("ENVIRONMENT_SUFFIX")},
        told.subject,
    )
    _LOG.info("notice published", extra={"subject": told.subject, "lines": lines})
    return {"notices": 1, "lines": lines}


@cache
def _topic() -> Topic:
    return Topic(aws.client("sns"), environment.text("ERROR_TOPIC_ARN"))
