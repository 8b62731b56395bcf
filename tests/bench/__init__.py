"""Benchmarks: where the time goes, each figure beside what a user would pick instead.

``make bench``, or ``python -m tests.bench [--only NAME ...] [--json PATH] [--quick]``. One
benchmark a file; each measures its subjects side by side in one run, in turns, and answers with
:class:`~tests.bench.figures.Figure` objects: a value, the machine's noise, and where there is an
aim whether it is met. The peers live in an environment of their own, ``.venv-bench``, whose Python
also runs the measuring process (:mod:`tests.bench.worker`); our code under test needs the standard
library only. Nothing here asserts a time: a busy machine is not a defect. What can be counted is
asserted in ``test_counts.py``.
"""
