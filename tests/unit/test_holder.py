"""Who may write: one execution, by its name and its start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workflow.contract.holder import Holder

# Step Functions gives the start in milliseconds.
TIMES = st.datetimes(datetime(2001, 9, 10), datetime(2200, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
NAMES = st.text("abcXYZ019-_ ", min_size=1, max_size=80)


@given(NAMES, TIMES, NAMES, TIMES)
def test_two_executions_never_share_an_identity_or_a_token(
    name: str, start: datetime, other: str, later: datetime
) -> None:
    one, two = Holder(name, start), Holder(other, later)
    assert (one.identity == two.identity) == (one == two)
    assert (one.token == two.token) == (one == two)


@given(NAMES, TIMES, NAMES, TIMES)
def test_the_token_of_a_later_start_sorts_higher_whatever_the_names(
    name: str, start: datetime, other: str, later: datetime
) -> None:
    if start < later:
        assert Holder(name, start).token < Holder(other, later).token


def test_a_name_that_is_used_again_is_another_execution() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    first, again = Holder("nightly", start), Holder("nightly", start + timedelta(days=91))
    assert first.identity != again.identity
    assert first.token < again.token


def test_a_token_says_whose_it_is() -> None:
    holder = Holder("nightly run", datetime(2026, 3, 1, tzinfo=UTC))
    assert holder.token.partition(" ")[2] == "nightly run"


def test_a_millisecond_makes_another_execution() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    first, second = Holder("nightly", start), Holder("nightly", start + timedelta(milliseconds=1))
    assert first.identity != second.identity
    assert first.token < second.token
