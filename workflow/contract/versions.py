"""Versions of what a run leaves for its later steps. They are part of the settings digest.

A deployment between the start of a run and its redrive must not misread its files.
"""

from typing import Final

TEXTS: Final = 3
"""Raise it when rows get other texts: a new space, so a backfill.

Where only rare rows do, such as names with Cyrillic letters among Latin ones, their hashes tell,
and the next sync embeds them again.
"""

HASHES: Final = 4
"""Raise it when a document or text record is hashed in another way."""

KEYS: Final = 2
"""Raise it when Redis keys change their names or what they hold."""

FILES: Final = 5
"""Raise it when a file of the run bucket or a payload changes its form."""
