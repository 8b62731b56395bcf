"""The ways in which a function gives up on an invocation.

Both are raised out of the handler on purpose: an exception is how a function asks Lambda to try
again and, after the last attempt, to put the untouched event into the dead-letter queue. What can
never succeed is not raised but refused (see `lambdas.domain.outcomes`).
"""


class RetryLater(Exception):
    """Work is left undone for a passing reason; the same event, sent again, finishes it."""


class MisconfiguredEnvironment(Exception):
    """The function's environment is missing a value or holds a wrong one.

    The message names the variable and what was expected; it never repeats a secret. It is raised,
    not refused: the events are sound, and they wait in the retries and the dead-letter queue
    until the environment is mended and they are redriven.
    """
