"""AWS time: waits and ages of the services, compressed by one factor.

With a time scale of 60 a minute of AWS's waiting passes in a second. It applies to what a service
waits for or measures by itself (retry intervals, back-off, event and record age, batching window),
not to what the functions' own code takes.
"""

import time

_scale = 1.0


def set_scale(scale: float) -> None:
    """Let AWS time run `scale` times as fast as the wall clock; `ValueError` unless positive."""
    global _scale
    if not scale > 0:
        raise ValueError(f"time scale is {scale}: expected a number above 0, such as 60")
    _scale = scale


def scale() -> float:
    """How many seconds of AWS time pass in one second."""
    return _scale


def real(aws_seconds: float) -> float:
    """How many seconds of the wall clock an AWS wait of `aws_seconds` takes."""
    return aws_seconds / _scale


def age(since: float) -> float:
    """AWS seconds that have passed since the wall-clock moment `since` (as of `time.time()`)."""
    return max(0.0, time.time() - since) * _scale
