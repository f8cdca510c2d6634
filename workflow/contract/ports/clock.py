"""The time, where a step needs it."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""The current time, aware, in UTC."""
