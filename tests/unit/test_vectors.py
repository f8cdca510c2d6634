"""float32 arithmetic without numpy."""

from __future__ import annotations

import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workflow.contract.vectors import cosine, fault, to_bytes, to_floats

FLOATS = st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20)


@given(FLOATS)
def test_vectors_are_stored_as_little_endian_float32(values: list[float]) -> None:
    assert to_bytes(values) == struct.pack(f"<{len(values)}f", *values)
    assert list(to_floats(to_bytes(values))) == values


@given(FLOATS, st.floats(0.5, 100))
def test_the_cosine_does_not_depend_on_length(values: list[float], factor: float) -> None:
    assume(sum(value * value for value in values) > 1e-6)
    assert cosine(values, [factor * value for value in values]) == pytest.approx(1)
    assert cosine(values, [-factor * value for value in values]) == pytest.approx(-1)


def test_a_sound_vector_has_no_fault() -> None:
    assert fault(to_bytes([0.0, -1.0]), 2) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (to_bytes([1.0]), "has 1 dimensions, not 2"),
        (b"", "has 0 dimensions, not 2"),
        (to_bytes([1.0, 2.0])[:-1], "has 1.75 dimensions"),
        (to_bytes([1.0, float("nan")]), "NaN or infinity"),
        (to_bytes([1.0, float("inf")]), "NaN or infinity"),
        (to_bytes([float("inf"), float("-inf")]), "NaN or infinity"),
        (to_bytes([0.0, 0.0]), "all zeros"),
        (to_bytes([0.0, -0.0]), "all zeros"),
    ],
)
def test_a_wrong_vector_is_told_from_a_sound_one(data: bytes, words: str) -> None:
    found = fault(data, 2)
    assert found is not None
    assert words in found


@pytest.mark.parametrize("value", ["1", None, [1.0]])
def test_what_is_no_number_is_no_vector(value: object) -> None:
    with pytest.raises(TypeError):
        to_bytes([value])  # type: ignore[list-item]
