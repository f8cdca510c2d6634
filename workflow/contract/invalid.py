"""What a ValidationError says, in our words: each wrong field, its value, and what it must be.

Pydantic's own sentences ("Input should be a valid integer, unable to parse string as an integer")
are for programmers. Everything that a user typed or wrote is refused by this module's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

LONGEST = 60
"""Characters of a value that are shown."""

NO_VALUE = frozenset({"missing", "extra_forbidden", "value_error", "json_invalid"})
"""The words say it all, or the value is the whole document."""

REQUIRED, UNKNOWN = "is required", "is not known"

WORDS: Mapping[str, str] = {
    "missing": REQUIRED,
    "extra_forbidden": UNKNOWN,
    "json_invalid": "is not JSON: {error}",
    "value_error": "{error}",
    "assertion_error": "{error}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must have the form {pattern}",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have at most {max_length} entries",
    "none_required": "must be left out",
    "string_unicode": "must be UTF-8",
}
KINDS: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "names and values",
    "model": "names and values",
    "mapping": "names and values",
    "json": "JSON",
    "date": "a date",
    "datetime": "a date and time",
    "timezone": "a time with its zone",
    "time": "a time",
    "path": "a path",
    "url": "an address (URL)",
    "uuid": "a UUID",
    "bytes": "bytes",
}
"""Errors such as `int_parsing` and `list_type` begin with the kind."""


class Wrong(NamedTuple):
    """One wrong field."""

    field: str
    """Its path, such as `accept.0`; empty where it is the whole, or several together."""
    reason: str
    """Without a subject: `must be 1 or more`."""
    value: str
    """As Python writes it; empty where it says nothing."""

    def __str__(self) -> str:
        if not self.field:
            return self.reason
        given = f" = {self.value}" if self.value else ""
        return f"{self.field}{given}: {self.reason}"


def wrongs(error: ValidationError) -> list[Wrong]:
    """Every wrong field, in the document's order."""
    return [_wrong(one) for one in error.errors(include_url=False)]


def in_words(error: ValidationError, *, most: int | None = None) -> str:
    """All of them, or the first few, in one line."""
    found = wrongs(error)
    more = f"; and {len(found) - most} more" if most is not None and len(found) > most else ""
    return "; ".join(map(str, found[:most])) + more


def reason_of(kind: str, context: Mapping[str, Any], message: str = "") -> str:
    """What pydantic's error of this kind means. `message` is its own, where we have none."""
    if kind in WORDS:
        return WORDS[kind].format_map(context)
    for beginning, words in KINDS.items():
        if kind.split("_")[0] == beginning:
            return f"must be {words}"
    return message.replace("Input should be", "must be").replace("Input should", "must") or kind


def _wrong(problem: Any) -> Wrong:
    field = ".".join(map(str, problem["loc"]))
    reason = reason_of(problem["type"], problem.get("ctx", {}), problem["msg"])
    value = "" if problem["type"] in NO_VALUE else repr(problem["input"])
    shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}..."
    return Wrong(field, reason, shown)
