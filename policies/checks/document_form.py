"""The document has no part that could slip past the other policies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.document import ORDINARY
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem


class DocumentForm(Policy):
    """Modules, imports, moves, removals, checks and locals are not needed, so they are refused."""

    id = "CKV_PRICE_23"
    name = "Only resources, data, one provider, variables, outputs and settings; nothing repeated"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/syntax/json"
    fix = "Remove the block; write each resource once, without count, for_each or override file."
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Refuse foreign blocks, repetition, and what was not read."""
        for block in stack.content:
            if block.kind not in ORDINARY:
                yield Problem(f"the block {block.kind} is not allowed", address=block.address)
        for trouble in stack.troubles:
            yield Problem(trouble.message, address=trouble.address)
        for sentence in stack.unread:
            yield Problem(sentence)


offer(DocumentForm, __name__)
