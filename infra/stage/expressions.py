"""What EventBridge Scheduler takes as a schedule, so that no deployment fails by it after minutes.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from typing import Final, NamedTuple

MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DAY: Final = f"([1-7]|{'|'.join(DAYS)})"


class CronField(NamedTuple):
    """Numbers from `least` to `most`, or `names`; `special` is what only this field takes."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    special: str = r"(?!)"


FIELDS: Final = (
    CronField("minutes", 0, 59),
    CronField("hours", 0, 23),
    CronField("day of month", 1, 31, special=r"L|([1-9]|[12]\d|3[01])W"),
    CronField("month", 1, 12, MONTHS),
    CronField("day of week", 1, 7, DAYS, special=rf"{DAY}?L|{DAY}#[1-5]"),
    CronField("year", 1970, 2199),
)
DAY_OF_MONTH, DAY_OF_WEEK = 2, 4
RATE: Final = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")


def wrong_expression(expression: str) -> str:
    """Why Scheduler would refuse it; empty if it would not."""
    kind, _, rest = expression.partition("(")
    if kind == "rate":
        known = RATE.fullmatch(expression)
        return "" if known else "use a positive number of minutes, hours or days: rate(12 hours)"
    values = rest.removesuffix(")").split(" ")
    days = values[DAY_OF_MONTH], values[DAY_OF_WEEK]
    if days.count("?") != 1:
        return "one of day of month (third) and day of week (fifth) must be ?, and only one"
    for field, value in zip(FIELDS, values, strict=True):
        if value != "?" and not all(_fits(field, part) for part in value.split(",")):
            return f"{field.name}: {value!r} is not from {field.least} to {field.most}"
        if value == "?" and field not in (FIELDS[DAY_OF_MONTH], FIELDS[DAY_OF_WEEK]):
            return f"{field.name}: '?' is for days only"
    return ""


def _fits(field: CronField, part: str) -> bool:
    if re.fullmatch(field.special, part):
        return True
    among, slash, step = part.partition("/")
    if slash and not re.fullmatch(r"[1-9]\d*", step):
        return False
    ends = among.split("-")
    return among == "*" or (len(ends) <= 2 and all(_is_one(field, end) for end in ends))


def _is_one(field: CronField, end: str) -> bool:
    return end in field.names or (end.isdigit() and field.least <= int(end) <= field.most)
