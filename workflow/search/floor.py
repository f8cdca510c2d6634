"""How near a text must be to count as an answer."""

from typing import Final

FLOOR: Final = 0.5
"""A cosine that nonsense hardly reaches with any of the models: docs/search.md."""
