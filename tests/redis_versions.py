"""Versions of Redis and whether each is free of the known faults: every door is asked these."""

from typing import Final

VERSIONS: Final = {
    "7.4.11": False,
    "8.0.6": False,
    "8.2.3": False,
    "8.2.8": False,
    "8.2.9": True,
    "8.2.10": True,
    "8.4.0": False,
    "8.4.5": False,
    "8.4.6": True,
    "8.5.240": False,
    "8.6.1": False,
    "8.6.7": True,
    "8.8.1": False,
    "8.8.2": True,
    "8.9.240": False,
    "8.10.0": False,
    "8.10.1": True,
    "8.10.2": True,
    "8.12.0": True,
    "9.0.0": True,
}
