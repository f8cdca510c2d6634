"""What a person reads of a wrong value: field, value, limit. Never pydantic's English."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import core_schema

from workflow.contract.invalid import KINDS, WORDS, in_words, reason_of, wrongs

ROOT = Path(__file__).parents[2]


class Inner(BaseModel):
    share: float = Field(0.5, gt=0, lt=1)


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: Literal["sync", "backfill"] = "sync"
    size: int = Field(5, ge=1, le=50)
    name: str = Field("x", min_length=1, max_length=3, pattern="[a-z]*")
    flag: bool = False
    inner: Inner = Inner()
    many: tuple[Annotated[int, Field(ge=0)], ...] = Field((), max_length=2)

    @field_validator("name")
    @classmethod
    def _no_z(cls, value: str) -> str:
        if value == "z":
            raise ValueError("'z' is reserved; take another letter")
        return value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "foo"}, "mode = 'foo': must be 'sync' or 'backfill'"),
        ({"size": "x"}, "size = 'x': must be a whole number"),
        ({"size": 2.5}, "size = 2.5: must be a whole number"),
        ({"size": 0}, "size = 0: must be 1 or more"),
        ({"size": 51}, "size = 51: must be 50 or less"),
        ({"name": ""}, "name = '': must have 1 or more characters"),
        ({"name": "aaaa"}, "name = 'aaaa': must have at most 3 characters"),
        ({"name": 5}, "name = 5: must be text"),
        ({"name": "z"}, "name: 'z' is reserved; take another letter"),
        ({"flag": "perhaps"}, "flag = 'perhaps': must be true or false"),
        ({"inner": {"share": 1}}, "inner.share = 1: must be below 1.0"),
        ({"inner": 3}, "inner = 3: must be names and values"),
        ({"many": [0, -1]}, "many.1 = -1: must be 0 or more"),
        ({"many": [1, 2, 3]}, "many = [1, 2, 3]: must have at most 2 entries"),
        ({"colour": "red"}, "colour: is not known"),
        ({"size": 0, "mode": 7}, "mode = 7: must be 'sync' or 'backfill'; size = 0: must be 1 or"),
    ],
)
def test_a_wrong_value_is_said_with_its_field_and_limit(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(given)
    assert in_words(caught.value).startswith(said)


def test_what_is_no_json_at_all_is_said_so() -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate_json("{")
    assert in_words(caught.value).startswith("is not JSON: EOF")


def test_of_many_the_first_are_said_and_the_others_counted() -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(dict.fromkeys("abcde"))
    assert in_words(caught.value, most=2) == "a: is not known; b: is not known; and 3 more"


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate({"name": "a" * 1_000})
    assert len(wrongs(caught.value)[0].value) < 70


NOT_FROM_OUTSIDE = {
    *("no_such_attribute", "needs_python_object", "recursion_loop", "recursion_depth_exceeded"),
    *("frozen_field", "frozen_instance", "invalid_key", "get_attribute_error", "dataclass_type"),
    *("dataclass_exact_type", "named_tuple_type", "default_factory_not_called", "iterable_type"),
    *("iteration_error", "frozen_dict_type", "ordered_dict_type", "counter_type", "deque_type"),
    *("missing_sentinel_error", "ellipsis_error", "frozen_set_type", "is_instance_of"),
    *("is_subclass_of", "callable_type", "union_tag_invalid", "union_tag_not_found"),
    *("arguments_type", "missing_argument", "unexpected_keyword_argument"),
    *("missing_keyword_only_argument", "unexpected_positional_argument"),
    *("missing_positional_only_argument", "multiple_argument_values", "fraction_type"),
    *("fraction_parsing", "complex_type", "complex_str_parsing"),
}
"""Kinds that no model of ours, filled from JSON, TOML or text, can give."""


def test_every_kind_that_can_come_has_words() -> None:
    kinds = set(get_args(core_schema.ErrorType))
    without = {kind for kind in kinds if kind not in WORDS and kind.split("_")[0] not in KINDS}
    assert without == NOT_FROM_OUTSIDE & kinds
    assert reason_of("is_instance_of", {}, "Input should be an instance of X") == (
        "must be an instance of X"
    )


PRODUCT = [
    path
    for room in ("workflow", "handlers", "infra", "local", "cli")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "ValidationError" in path.read_text("utf-8") and path.name != "invalid.py"
]


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_prints_a_validation_error_as_pydantic_has_it(path: Path) -> None:
    """Neither its own text in a message, nor a translation beside ours."""
    tree = ast.parse(path.read_text("utf-8"))
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler) and handler.name and _catches(handler):
            for node in ast.walk(handler):
                if isinstance(node, ast.FormattedValue):
                    assert ast.unparse(node.value) != handler.name, ast.unparse(node)
    asked = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "errors"
        and "error" in ast.unparse(node.value)
    ]
    assert not asked, f"{path}: error.errors(); use workflow.contract.invalid"


def _catches(handler: ast.ExceptHandler) -> bool:
    return "ValidationError" in ast.unparse(handler.type or ast.Constant(None))


def test_a_translation_needs_no_value_that_json_cannot_have() -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(json.loads('{"size": NaN}'))
    assert in_words(caught.value) == "size = nan: must be a finite number"
