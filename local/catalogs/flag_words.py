"""Other people's words for yes and no, in the columns that are flags."""

TRUE = ("1", "y", "yes", "t", "true", "j", "ja", "o", "oui", "s", "si", "有", "○")
FALSE = ("0", "n", "no", "f", "false", "nein", "non", "無", "-")
OURS = ("0", "1", "true", "false")
"""What a run reads without a translation."""


def are_words(values: set[str]) -> bool:
    """Whether all of these lower-case values say yes or no, and some not as a run reads it."""
    return not values <= {*OURS} and values <= {*TRUE, *FALSE}


def flag_of(value: str | None) -> str | None:
    """`ja` as 1, `nein` as 0; other words stay, and their rows are reported as left out."""
    word = (value or "").strip().lower()
    if word in TRUE:
        return "1"
    return "0" if word in FALSE else value
