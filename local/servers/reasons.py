"""Why a server did not start, read from its log: one sentence if the reason is known."""

import re
from pathlib import Path

from local.places import ELSEWHERE

LONGEST = 65_536
CODE = r"err(no|code|or):? ?"
REASONS = {
    # MySQL counts the bytes, MariaDB names the error.
    rf"no space left|file size limit|disk (is )?full|only \d+ bytes written|{CODE}(28|27)\b": (
        f"there is no space left; make room, {ELSEWHERE}"
    ),
    rf"read-only file system|{CODE}30\b": (
        f"the file system is read-only; mount it writable, {ELSEWHERE}"
    ),
    rf"permission denied|{CODE}13\b": (
        "permission was denied; check owner and mode of the folder (ls -ld)"
    ),
    rf"cannot allocate memory|out of memory|{CODE}12\b": (
        "there is too little memory; end other programs"
    ),
    r"address already in use": "its address is taken; try again",
}


def why(log: str) -> str:
    """The reason in a log; empty if we do not know it."""
    end = log[-LONGEST:].lower()
    return next((words for pattern, words in REASONS.items() if re.search(pattern, end)), "")


def did_not_start(what: str, path: Path, lines: int = 15) -> str:
    """The message for a server that did not start, with its log or the log's place."""
    if not path.exists():
        return f"{what}, and left no log"
    log = path.read_text(encoding="utf-8", errors="replace")
    reason = why(log)
    if reason:
        return f"{what}: {reason}. Its log: {path}"
    shown = "\n".join(log.splitlines()[-lines:])
    return f"{what}. The end of its log:\n{shown}\nThe whole log: cat {path}"
