"""The time, for steps that need it."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""The current time, aware, in UTC."""
