"""The functions of the states, called in this process as Lambda calls them."""

import importlib
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from local.engine.invocations import Payload


def call(state: str, event: Payload, request_id: str) -> Payload:
    """A state's function. Raises whatever the handler raises."""
    context = SimpleNamespace(function_name=state, aws_request_id=request_id)
    return handler_of(state)(event, context)


def handler_of(state: str) -> Callable[[Payload, Any], Payload]:
    """The handler whose file is named after the state: DiffPage is handlers/diff_page.py."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", state).lower()
    handler: Callable[[Payload, Any], Payload] = importlib.import_module(f"handlers.{name}").handler
    return handler
