"""`drugsync`: the whole workflow on one machine, and its runs on AWS.

Imports almost nothing, so that a command which the standby of `up` takes starts at once.
"""

import sys

from cli.standby.client import handed_over
from cli.streams import hold


def main() -> None:
    """The entry point."""
    hold()
    code = handed_over()
    if code is not None:
        sys.exit(code)
    from cli.app import main as in_this_process

    in_this_process()


if __name__ == "__main__":
    main()
