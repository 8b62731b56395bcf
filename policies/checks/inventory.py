"""The stack holds every resource the pipeline needs, once, and no other."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.inventory import allowed, identity, wanted
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem
from stack import settings


class Inventory(Policy):
    """A rule that finds nothing to look at proves nothing: so what must be there is listed."""

    id = "CKV_PRICE_21"
    name = "Every resource of the pipeline exists once, and nothing else does"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/syntax/json"
    fix = "Bring back what is missing, remove what is extra, or change policies/allowed.toml."
    applies_to = (DOCUMENT,)
    guards = ("name", "alarm_name", "dashboard_name", "function_name")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Compare what each resource is with the list of what there must be."""
        needed = wanted()
        types = {type_ for type_, _ in needed}
        found: dict[tuple[str, str | None], str] = {}
        for one in stack.resources.values():
            if one.kind == "data":
                if one.type not in allowed()["data"]:
                    yield Problem(
                        "is a data source the pipeline does not need", address=one.address
                    )
                continue
            try:
                what = identity(one, stack)
            except UnresolvedError as error:
                yield Problem(f"cannot be told what it is: {error}", address=one.address)
                continue
            key = (one.type, what)
            if one.type not in types:
                yield Problem("is of a type the pipeline does not need", address=one.address)
            elif key in found:
                yield Problem(f"is {what} like {found[key]}", address=one.address)
                yield Problem(f"is {what} like {one.address}", address=found[key])
            elif key not in needed and not _may_be(type_=one.type, name=what):
                yield Problem(f"is {what}, which the pipeline does not need", address=one.address)
            else:
                found[key] = one.address
        for type_, what in sorted(needed - set(found)):
            yield Problem(f"{type_} {what!r} is missing", "none", "one", f"{type_}.{what}")


def _may_be(type_: str, name: str | None) -> bool:
    """Whether it is one of the exchanges' own that the settings ask for."""
    form = allowed()["optional"].get(type_)
    found = re.fullmatch(form, name) if form is not None and name is not None else None
    return found is not None and found["own"] in settings.load().ingress.own_api_keys


offer(Inventory, __name__)
