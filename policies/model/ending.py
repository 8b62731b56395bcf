"""When rows end, as the functions' environments say it."""

from __future__ import annotations

import re

from policies.model.stack import Stack
from policies.model.wiring import named

KEPT, WITHIN, REACH = "ROW_RETENTION_SECONDS", "INSERT_WITHIN_SECONDS", "WINDOW_REACH_SECONDS"
"""How long a row is kept, how old a tick may be to become one, and how far a window reaches back:
all in seconds, 0 where there is no such bound."""


def seconds(stack: Stack, function: str, name: str) -> int | None:
    """The number of seconds that a variable of a function says, None where it says none.

    Raises `UnresolvedError` where the document leaves it open.
    """
    resource = named(stack, "aws_lambda_function", function)
    blocks = [] if resource is None else resource.body.blocks("environment")
    if len(blocks) != 1:
        return None
    variables = blocks[0].value("variables")
    if not isinstance(variables, dict) or name not in variables:
        return None
    text = str(stack.literal(variables[name], name))
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None
