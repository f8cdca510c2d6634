"""The error that the local tools show to the user instead of a traceback."""

from __future__ import annotations


class LocalError(Exception):
    """Something on this machine is missing or wrong: says what, and the one command to run."""
