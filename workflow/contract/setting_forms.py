"""The allowed values of each setting, in words: for error messages and docs/settings.md."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from workflow.contract.invalid import REQUIRED, UNKNOWN, Wrong, wrongs

Problem = tuple[str, str]
"""The name of a setting, and what is wrong with it and what to do."""

KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}


def form_of(model: type[BaseModel], name: str) -> str:
    """What a setting may be: `a whole number from 2 to 512, or none`."""
    schema = model.model_json_schema(by_alias=False)["properties"][name]
    forms = [_form(one) for one in schema.get("anyOf", [schema])]
    return ", or ".join(forms)


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every wrong setting once, in order; never a value, which may be a secret."""
    found: dict[str, str] = {}
    for one in wrongs(error):
        name, reason = _problem(one, model)
        found.setdefault(name, reason)
    return list(found.items())


def _problem(one: Wrong, model: type[BaseModel]) -> Problem:
    if not one.field:
        # A message about several settings starts with the name of the first.
        name, _, reason = one.reason.partition(" ")
        return name.rstrip(":"), reason
    name = one.field.partition(".")[0]
    if one.reason == UNKNOWN:
        return name, _unknown(name, model)
    if name not in model.model_fields or one.reason == REQUIRED:
        return name, one.reason
    field = model.model_fields[name]
    advice = "" if field.is_required() else f"; leave it out for {_shown(field.default)}"
    return name, f"must be {form_of(model, name)}{advice}"


def _unknown(name: str, model: type[BaseModel]) -> str:
    near = get_close_matches(name, model.model_fields, n=1)
    hint = f"the nearest is {near[0]}" if near else "see docs/settings.md"
    return f"is not a setting; {hint}"


def _form(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return str(schema["const"])
    if "$ref" in schema:
        return "a table"
    if schema["type"] == "object":
        return "names and values"
    if schema["type"] == "array":
        most = schema.get("maxItems")
        return f"a list{f' of at most {most}' if most else ''}: each {_form(schema['items'])}"
    if "pattern" in schema:
        return f"text of the form {schema['pattern']}"
    if schema["type"] == "null":
        return "none"
    if schema["type"] == "string":
        return f"text{_characters(schema.get('minLength'), schema.get('maxLength'))}"
    if "exclusiveMinimum" in schema:
        return f"{KINDS[schema['type']]} above {schema['exclusiveMinimum']:g}"
    return KINDS[schema["type"]] + _limits(schema.get("minimum"), schema.get("maximum"))


def _characters(least: int | None, most: int | None) -> str:
    if least is None:
        return "" if most is None else f" of at most {most} characters"
    return (
        f" of {least} characters or more" if most is None else f" of {least} to {most} characters"
    )


def _limits(least: float | None, most: float | None) -> str:
    if least is None:
        return "" if most is None else f" of at most {most:g}"
    return f" of at least {least:g}" if most is None else f" from {least:g} to {most:g}"


def _shown(default: object) -> str:
    return "none" if default in (None, "") else str(default)
