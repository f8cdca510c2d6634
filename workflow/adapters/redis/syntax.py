"""What may be put into a query: letters and digits, or a whole value, escaped."""

import re


def word(text: str) -> str:
    """Letters, digits and `_` pass unchanged. Anything else is the caller's defect."""
    if not re.fullmatch(r"\w+", text):
        raise ValueError(f"{text!r} is no word")
    return text


def tag(value: str) -> str:
    """A whole value for `@column:{...}`: every mark of ASCII is escaped, and nothing else.

    A backslash before a letter beyond ASCII would be a part of the value.
    """
    # No stored value has a control character, and NUL would end the query.
    printable = re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", value)
    return re.sub(r"([\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e])", r"\\\1", printable)
