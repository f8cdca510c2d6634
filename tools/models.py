"""Models as tables: their fields, types, and what the strings below the fields say."""

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any, get_args, get_origin

from pydantic import BaseModel


def described(model: type[BaseModel]) -> list[tuple[str, Any, str]]:
    """Name, type and meaning of each field of a model's JSON, computed ones, too."""
    docs = docstrings(model)
    fields = [
        (name, field.annotation, docs.get(name) or field.description or "")
        for name, field in model.model_fields.items()
    ]
    model.model_rebuild()  # what a computed field returns is known once the model is built
    computed = [
        (name, field.return_type, field.description or "")
        for name, field in model.model_computed_fields.items()
    ]
    return [*fields, *computed]


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The string below each attribute; Python itself does not keep it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found = {}
    for one, following in pairwise(body):
        if not isinstance(one, ast.AnnAssign) or not isinstance(following, ast.Expr):
            continue
        if isinstance(one.target, ast.Name) and isinstance(following.value, ast.Constant):
            found[one.target.id] = " ".join(str(following.value.value).split())
    return found


def shown_type(annotation: object) -> str:
    parts = get_args(annotation)
    if not parts:
        return getattr(annotation, "__name__", str(annotation))
    origin = getattr(get_origin(annotation), "__name__", "")
    if origin == "Literal":
        return " or ".join(f"`{part}`" for part in parts)
    if origin in ("tuple", "list"):
        return f"list of {shown_type(parts[0])}"
    if origin == "dict":
        return f"{shown_type(parts[1])}, by {shown_type(parts[0])}"
    return " or ".join("none" if part is type(None) else shown_type(part) for part in parts)
