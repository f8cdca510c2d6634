"""How this program was called, so that a command which is named can be typed as it stands."""

import os
import re
import shlex
import shutil
import sys

NAME = "drugsync"


def typed() -> str:
    """`drugsync` where the PATH finds this very program, else as it was called."""
    called = sys.argv[0]
    if os.path.basename(called) != NAME or not os.path.exists(called):
        return NAME
    found = shutil.which(NAME)
    if found and os.path.samefile(found, called):
        return NAME
    return shlex.quote(called)


def as_typed(text: str) -> str:
    """With each command of ours in it named as `typed` says."""
    program = typed()
    return text if program == NAME else COMMAND.sub(lambda _: program, text)


COMMAND = re.compile(rf"(?<![\w./-]){NAME}(?= (?:--?[a-z]|[a-z]+))")
"""The name before a verb or an option; neither a path nor a file's name."""
