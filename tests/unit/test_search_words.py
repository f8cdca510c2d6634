"""What the words of a query say, and what a misspelt one means."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from workflow.contract.errors import SettingsInvalid
from workflow.contract.ports.model import Vector
from workflow.search import synonyms
from workflow.search.queries import (
    Strength,
    amounts_of,
    ndcs_of,
    strengths_of,
    understand,
    words_of,
)
from workflow.search.query_cache import CachedQueries
from workflow.search.ranking import (
    SPELT,
    Term,
    are_decisive,
    competition_ranks,
    rank_names,
    score_names,
)
from workflow.search.spelling import corrections, distance
from workflow.search.synonyms import Synonyms, fda_synonyms, read_synonyms, stem
from workflow.search.vocabulary import FILLERS, FORMS, ROUTES, SALTS

NONE = Synonyms({})


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("0093-5057-01", "00093505701"),
        ("10956-003-01", "10956000301"),
        ("10096-0241-3", "10096024103"),
        ("00093-5057-01", "00093505701"),
        (" NDC: 00093505701 ", "00093505701"),
        ("0093505701", "00093505701"),
    ],
)
def test_an_ndc_of_any_form_has_eleven_digits(written: str, key: str) -> None:
    assert key in ndcs_of(written)


@pytest.mark.parametrize("text", ["", "aspirin", "1-2-3", "123456789012", "٠٠٠٩٣٥٠٥٧٠١"])
def test_other_words_are_no_ndc(text: str) -> None:
    assert ndcs_of(text) == ()


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("20 mg", [(20, "mg")]),
        ("50mcg", [(0.05, "mg")]),
        ("0.5 g", [(500, "mg")]),
        ("5-325mg", [(5, "mg"), (325, "mg")]),
        ("1,000 units", [(1000, "unit")]),
        (".05 %", [(0.05, "%")]),
        ("b12 mgx", []),
    ],
)
def test_a_strength_is_read_in_its_base_unit(text: str, amounts: list[tuple[float, str]]) -> None:
    assert list(strengths_of(text)) == [Strength(*one) for one in amounts]


def test_a_strength_per_volume_is_a_percentage_too() -> None:
    assert Strength(1, "%") in amounts_of("10 mg/mL").forms
    assert Strength(5, "%") in amounts_of("5 g/100mL").forms
    assert Strength(5, "ml") in amounts_of("250 mg/5mL").volumes


def test_a_query_is_taken_apart() -> None:
    found = understand("Lisinopril 20 MG Tablets, oral", NONE)
    assert found.words == ("lisinopril", "tablets", "oral")
    assert (found.strengths, found.numbers) == ((Strength(20, "mg"),), ("20",))
    assert (found.forms, found.routes) == (("tablet",), ("oral",))


def test_only_letters_and_digits_are_words() -> None:
    assert words_of("@a:{b}|(c*) -\"d\" e_f 'ζ'") == ("a", "b", "c", "d", "e", "f", "ζ")


def test_a_phrase_is_meant_when_all_its_words_are_there() -> None:
    synonyms = Synonyms({"blood": ["A"], "blood thinner": ["B"], "pimple": ["C"]})
    assert synonyms.classes_of(["thinner", "for", "blood"])[0] == ("B",)
    assert synonyms.classes_of(["my", "blood"])[0] == ("A",)
    assert synonyms.classes_of(["pimples"]) == (("C",), frozenset({"pimples"}))


def test_a_long_lay_word_may_have_a_slip() -> None:
    assert Synonyms({"blood pressure": ["A"]}).classes_of(["blood", "presure"])[0] == ("A",)


@pytest.mark.parametrize(("left", "right"), [("allergies", "allergy"), ("seizures", "seizure")])
def test_endings_do_not_count(left: str, right: str) -> None:
    assert stem(left) == stem(right)


def test_every_class_of_the_synonyms_is_spelt_as_the_fda_does() -> None:
    classes, _ = fda_synonyms().classes_of(["statin"])
    assert classes == ("HMG-CoA Reductase Inhibitor",)


def test_no_two_phrases_of_the_synonyms_are_the_same_words() -> None:
    phrases = [frozenset(map(stem, phrase.split())) for phrase in fda_synonyms().phrases]
    assert len(phrases) == len(set(phrases))


def test_a_phrase_of_the_synonyms_says_more_than_a_form_or_a_route() -> None:
    described = FILLERS | SALTS | FORMS.keys() | ROUTES.keys()
    assert [one for one in fda_synonyms().phrases if described.issuperset(one.split())] == []


def test_the_name_of_a_class_means_that_class() -> None:
    synonyms = fda_synonyms()
    names = {name for classes in synonyms.phrases.values() for name in classes}
    meant = {name: synonyms.classes_of(words_of(name))[0] for name in names}
    assert [name for name, found in meant.items() if found and name not in found] == []


@pytest.mark.parametrize(
    "name",
    ["Procrit", "Sutent", "Strovite", "Retin-A", "retinol", "morphine sulfate", "silver nitrate"],
)
def test_a_name_like_a_lay_word_is_none(name: str) -> None:
    assert fda_synonyms().classes_of(words_of(name)) == ((), frozenset())


def test_a_team_may_have_synonyms_of_its_own(synonyms_file: Callable[[str], str]) -> None:
    name = synonyms_file('{"Blood Thinner": ["Anticoagulants, Coumarin"]}')
    found = read_synonyms(name).classes_of(["blood", "thinner"])
    assert found == (("Anticoagulants, Coumarin",), frozenset({"blood", "thinner"}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"gout": []}', "gout: List should have at least 1 item"),
        ('{"gout": ["A", "-"]}', "gout 1: String should match"),
        (f'{{"gout": ["{"A" * 201}"]}}', "gout 0: String should have at most 200 characters"),
        ('["gout"]', "the file: Input should be an object"),
        ('{"gout"', "the file: Invalid JSON"),
    ],
)
def test_wrong_synonyms_name_the_file_the_entry_and_the_limit(
    synonyms_file: Callable[[str], str], text: str, said: str
) -> None:
    name = synonyms_file(text)
    with pytest.raises(SettingsInvalid) as refused:
        read_synonyms(name)
    assert str(refused.value).startswith(f"synonyms_file {name}: {said}")


def test_synonyms_that_are_not_there_are_named() -> None:
    with pytest.raises(SettingsInvalid, match=r"workflow/absent\.json is not in the bundle"):
        read_synonyms("absent.json")


@pytest.fixture
def synonyms_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], str]]:
    """Writes a file where those of the package are; its name."""

    def write(text: str) -> str:
        (tmp_path / "own.json").write_text(text)
        return "own.json"

    monkeypatch.setattr(synonyms, "files", lambda _: tmp_path)
    read_synonyms.cache_clear()
    yield write
    read_synonyms.cache_clear()


@pytest.mark.parametrize(
    ("word", "among", "meant"),
    [
        ("lipitro", ["lipitor", "nitro", "lipid"], "lipitor"),
        ("hydroxizine", ["hydroxyzine", "hydralazine"], "hydroxyzine"),
        ("metphormin", ["metformin"], "metformin"),
        ("xyz", ["xyl"], None),
        ("b1200", ["b1201"], None),
        ("thinner", ["dinner"], "dinner"),
    ],
)
def test_a_misspelt_word_means_what_is_most_like_it(
    word: str, among: list[str], meant: str | None
) -> None:
    assert next(iter(corrections(word, among)), None) == meant


def test_a_swap_of_neighbours_is_one_edit() -> None:
    assert (distance("lipitro", "lipitor"), distance("", "ab"), distance("abc", "abc")) == (1, 2, 0)


def test_any_two_words_are_as_far_apart_as_by_the_table_of_edits() -> None:
    draw = random.Random(1)  # noqa: S311 - the same words each time
    words = ["".join(draw.choices("abc", k=draw.randrange(8))) for _ in range(300)]
    for left, right in pairwise(words):
        assert distance(left, right) == by_table(left, right), (left, right)


def by_table(left: str, right: str) -> int:
    table = {(i, 0): i for i in range(len(left) + 1)} | {(0, j): j for j in range(len(right) + 1)}
    for i, a in enumerate(left, 1):
        for j, b in enumerate(right, 1):
            best = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
            if i > 1 and j > 1 and (a, left[i - 2]) == (right[j - 2], b):
                best = min(best, table[i - 2, j - 2] + 1)
            table[i, j] = best
    return table[len(left), len(right)]


def test_equal_scores_share_a_rank() -> None:
    assert competition_ranks({"a": 1.0, "b": 2.0, "c": 1.0, "d": 0.5}) == {
        "b": 1,
        "a": 2,
        "c": 2,
        "d": 4,
    }


def test_a_word_spelt_right_beats_the_beginning_of_one() -> None:
    query = understand("pred", NONE)
    terms = [Term("pred", {"pred": 1.0}, True)]
    found = {"whole": {"brand_name": "pred"}, "begun": {"brand_name": "prednisone"}}
    scores = score_names(query, terms, found)
    assert scores["whole"] > scores["begun"] > (0.5, 0.5)


def test_strength_counts_before_form() -> None:
    query = understand("x 20 mg tablet", NONE)
    terms = [Term("x", {"x": 1.0}, False)]
    names = {"generic_name": "x"}
    strong = names | {"strength": "20 mg/1", "dosage_form": "capsule"}
    formed = names | {"strength": "10 mg/1", "dosage_form": "tablet"}
    scores = score_names(query, terms, {"strong": strong, "formed": formed})
    assert scores["strong"] > scores["formed"]


def test_a_salt_counts_less_than_the_rest_of_a_name() -> None:
    query = understand("warfarin sodium", NONE)
    terms = [Term(word, {word: 1.0}, False) for word in query.words]
    found = {"drug": {"generic_name": "warfarin"}, "salt": {"generic_name": "heparin sodium"}}
    scores = score_names(query, terms, found)
    assert scores["drug"].share > SPELT > scores["salt"].share


def test_equal_names_come_with_the_fewest_other_words_first() -> None:
    query = understand("aspirin", NONE)
    terms = [Term("aspirin", {"aspirin": 1.0}, False)]
    found = {
        "a": {"drug_name": "bayer low dose", "generic_name": "aspirin"},
        "b": {"drug_name": "aspirin", "generic_name": "aspirin"},
    }
    scores = score_names(query, terms, found)
    assert are_decisive(scores)
    assert [one.hash for one in rank_names(found, scores)] == ["b", "a"]


def test_a_query_is_embedded_once() -> None:
    class Counting:
        texts_per_call = 1
        calls = 0

        def embed(self, texts: list[str], purpose: str = "document") -> list[Vector]:
            self.calls += 1
            return [Vector(purpose.encode(), 1) for _ in texts]

    model = Counting()
    cached = CachedQueries(model)  # type: ignore[arg-type]
    assert [cached.embed(["a"], "query")[0].data for _ in range(3)] == [b"query"] * 3
    assert cached.embed(["a"], "document")[0].data == b"document"
    assert model.calls == 2
