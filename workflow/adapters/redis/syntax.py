"""What of a value may stand in a query: letters and digits, or a whole value escaped."""

import re


def word(text: str) -> str:
    """Letters, digits and `_` as they are. Anything else is a defect of the caller."""
    if not re.fullmatch(r"\w+", text):
        raise ValueError(f"{text!r} is no word")
    return text


def tag(value: str) -> str:
    """A whole value for `@column:{...}`: everything but letters and digits is escaped."""
    # No stored value has a control character, and NUL would end the query.
    return re.sub(r"([\W_])", r"\\\1", re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", value))
