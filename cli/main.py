"""`drugsync`: the whole workflow on one machine, and its runs on AWS.

Imports almost nothing, so that a command which the standby of `up` takes starts at once, and
nothing before Ctrl-C is heeded.
"""

import os


def main() -> None:
    """The entry point. Ends at once after Ctrl-C, wherever it came."""
    try:
        from local.uninterrupted import INTERRUPTED, end_at_once, heed_ctrl_c, work_is_over

        heed_ctrl_c()
        try:
            _do()
        finally:
            work_is_over()
    except KeyboardInterrupt:
        # While it imports: nothing has begun, and what ends it properly may be missing.
        os._exit(130)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            end_at_once()
        raise


def _do() -> None:
    """In the standby, or in this process."""
    import sys

    from cli.standby.client import handed_over
    from cli.streams import hold

    hold()
    code = handed_over()
    if code is not None:
        sys.exit(code)
    from cli.app import main as in_this_process

    in_this_process()


if __name__ == "__main__":
    main()
