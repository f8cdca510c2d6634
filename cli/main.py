"""`drugsync`: the whole workflow on one machine, and its runs on AWS.

Imports next to nothing: where the standby of `up` takes the command, that is all that is imported.
"""

import sys

from cli.standby.client import handed_over


def main() -> None:
    """The entry point."""
    code = handed_over()
    if code is not None:
        sys.exit(code)
    from cli.app import main as in_this_process

    in_this_process()


if __name__ == "__main__":
    main()
