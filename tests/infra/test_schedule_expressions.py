"""A schedule is refused where EventBridge Scheduler would refuse it, and nowhere else.

The right ones are the examples of Scheduler's user guide.
"""

from __future__ import annotations

import pytest

from infra.stage.expressions import wrong_expression


@pytest.mark.parametrize(
    "expression",
    [
        *("cron(0 3 * * ? *)", "cron(15 10 ? * 6L 2022-2023)", "cron(0 8 1 * ? *)"),
        *("cron(0 18 ? * MON-FRI *)", "cron(0/15 * * * ? *)", "cron(0/5 8-17 ? * MON-FRI *)"),
        *("cron(0 5 ? * SUN#1 *)", "cron(0 9 L * ? *)", "cron(0 9 3W JAN,JUL ? *)"),
        *("cron(5,35 14 * * ? *)", "cron(15 10 ? * L 2019-2022)", "rate(1 day)", "rate(1 days)"),
        *("rate(5 minutes)", "rate(12 hours)"),
    ],
)
def test_what_scheduler_takes_is_taken(expression: str) -> None:
    assert wrong_expression(expression) == ""


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("cron(0 3 * * * *)", "one of day of month"),
        ("cron(0 3 ? * ? *)", "one of day of month"),
        ("cron(0 25 * * ? *)", "hours: '25'"),
        ("cron(60 3 * * ? *)", "minutes: '60'"),
        ("cron(0 3 32 * ? *)", "day of month: '32'"),
        ("cron(0 3 * 13 ? *)", "month: '13'"),
        ("cron(0 3 ? * 0 *)", "day of week: '0'"),
        ("cron(0 3 ? * SUN#6 *)", "day of week: 'SUN#6'"),
        ("cron(0 3 * * ? 26)", "year: '26'"),
        ("cron(? 3 * * ? *)", "minutes: '?' is for days only"),
        ("cron(0/0 3 * * ? *)", "minutes: '0/0'"),
        ("cron(1-2-3 3 * * ? *)", "minutes: '1-2-3'"),
        ("rate(0 hours)", "a positive number"),
        ("rate(3 fortnights)", "a positive number"),
    ],
)
def test_what_scheduler_refuses_is_refused_with_the_reason(expression: str, reason: str) -> None:
    assert reason in wrong_expression(expression)
