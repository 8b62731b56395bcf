"""Names and the suffix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack import naming, settings

SUFFIXES = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?", fullmatch=True)
ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789-")


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TF_VAR_environmentSuffix", "ENVIRONMENT_SUFFIX"):
            patch.delenv(name, raising=False)
            if (value := variables.get(name)) is not None:
                patch.setenv(name, value)
        yield


@given(suffix=SUFFIXES)
def test_a_good_suffix_is_given_back(suffix: str) -> None:
    assert naming.validate_suffix(suffix) == suffix


@given(text=st.text(max_size=20))
def test_a_suffix_is_good_when_it_keeps_the_rules_one_by_one(text: str) -> None:
    good = (
        1 <= len(text) <= 16
        and set(text) <= ALLOWED
        and not text.startswith("-")
        and not text.endswith("-")
    )
    if good:
        assert naming.validate_suffix(text) == text
    else:
        with pytest.raises(naming.SuffixError, match=re.escape(repr(text))):
            naming.validate_suffix(text)


@pytest.mark.parametrize(
    "suffix",
    ["", "Dev", "dev_1", "-dev", "dev-", "a" * 17, "dev\n", " dev", "dév", "a.b", "${x}", "١"],
)
def test_a_bad_suffix_is_named_in_the_error(suffix: str) -> None:
    with pytest.raises(naming.SuffixError, match=re.escape(repr(suffix))):
        naming.validate_suffix(suffix)


def test_a_context_value_that_is_no_text_is_refused() -> None:
    with environment(), pytest.raises(naming.SuffixError, match="42"):
        naming.suffix_from_environment(42)  # type: ignore[arg-type]


@given(variable=st.none() | SUFFIXES, other=st.none() | SUFFIXES, context=st.none() | SUFFIXES)
def test_the_first_source_counts(
    variable: str | None, other: str | None, context: str | None
) -> None:
    with environment(TF_VAR_environmentSuffix=variable, ENVIRONMENT_SUFFIX=other):
        found = naming.suffix_from_environment(context)
    given_values = [value for value in (variable, other, context) if value is not None]
    assert found == (given_values[0] if given_values else "dev")


def test_a_bad_source_is_refused_although_a_later_one_is_good() -> None:
    with (
        environment(TF_VAR_environmentSuffix="Bad", ENVIRONMENT_SUFFIX="good"),
        pytest.raises(naming.SuffixError, match="TF_VAR_environmentSuffix"),
    ):
        naming.suffix_from_environment()


@given(suffix=SUFFIXES)
def test_every_name_fits_the_limits_of_aws(suffix: str) -> None:
    chosen = settings.load()
    for function in chosen.functions.values():
        # 64: Lambda functions and IAM roles; 80: SQS queues.
        assert len(naming.named(function.name, suffix)) <= 64
        assert len(naming.named(f"{function.name}-dlq", suffix)) <= 80
    assert naming.stack_name(suffix) == f"crypto-prices-{suffix}"


@given(one=SUFFIXES, other=SUFFIXES)
def test_different_suffixes_make_different_names(one: str, other: str) -> None:
    assert (naming.named("name", one) == naming.named("name", other)) == (one == other)
