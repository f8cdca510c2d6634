"""What the words of a query say, and what a misspelt one means."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from local.catalogs.fda import ENCODING, packaged_directory
from workflow.contract.errors import SettingsInvalid
from workflow.contract.folding import fold_words
from workflow.contract.ports.model import Vector
from workflow.search import synonyms
from workflow.search.edits import distance
from workflow.search.facts import facts_of
from workflow.search.known import known_names
from workflow.search.lay_words import stem
from workflow.search.naming import terms_of
from workflow.search.queries import understand
from workflow.search.query_cache import CachedQueries
from workflow.search.ranking import LAST, unusual
from workflow.search.substances import SALTS
from workflow.search.synonyms import Meant, Synonyms, fda_synonyms, read_synonyms
from workflow.search.vocabulary import FILLERS, FORMS, ROUTES
from workflow.search.written import Strength

NONE = Synonyms({})
ESTABLISHED = " [EPC]"
"""The FDA marks an established pharmacologic class so."""
PHARM_CLASSES = 16
MANY, WORDS_OF_MANY = 20, 2
"""A class of so many products has so many phrases: its use, and what people or pharmacists say."""


def test_a_query_is_taken_apart() -> None:
    found = understand("Lisinopril 20 MG Tablets, oral", NONE)
    assert found.words == ("lisinopril", "tablets", "oral")
    assert (found.strengths, found.numbers) == ((Strength(20, "mg"),), ("20",))
    assert (found.forms, found.routes) == ((("tablet",),), ("oral",))


def test_a_text_that_is_a_name_as_a_whole_has_no_strength() -> None:
    assert understand("2 l menthoxy ethanol", NONE).strengths == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("red no 105 1", ("red", "no", "105", "1")),
        ("tylenol no 4", ("tylenol", "4")),
        ("d10w", ("dextrose",)),
        ("lidocaine w/o epinephrine", ("lidocaine",)),
    ],
)
def test_what_is_no_name_is_spelled_out(text: str, words: tuple[str, ...]) -> None:
    assert understand(text, NONE).words == words


@pytest.mark.parametrize("text", ["omega 3", "vitamin b 12"])
def test_a_number_that_belongs_to_a_name_is_no_strength(text: str) -> None:
    assert understand(text, fda_synonyms()).bare == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("lisinopril hctz", ["lisinopril hctz"]),
        ("insulin glargine pen", ["insulin glargine", "pen"]),
        ("oxycodone-apap 5/325", ["oxycodone apap"]),
        ("losartan potassium", ["losartan potassium"]),
        ("potassium salt", ["potassium", "salt"]),
        ("prednisone tablets", ["prednisone"]),
        ("tylenol with codeine", ["tylenol with codeine"]),
    ],
)
def test_the_longest_known_names_are_the_terms(text: str, names: list[str]) -> None:
    terms = terms_of(understand(text, NONE), known_names())
    assert [term.name for term in terms] == names


def test_a_phrase_is_meant_when_all_its_words_are_there() -> None:
    synonyms = Synonyms({"blood": ["A"], "blood thinner": ["B"], "pimple": ["C"]})
    assert synonyms.meant_by(["thinner", "for", "blood"]).classes == ("B",)
    assert synonyms.meant_by(["my", "blood"]).classes == ("A",)
    assert synonyms.meant_by(["pimples"]) == Meant(("C",), frozenset({"pimples"}))


def test_a_short_lay_word_may_have_a_slip_beside_the_others_of_its_phrase() -> None:
    synonyms = Synonyms({"blood thinner": ["A"], "blood": ["B"]})
    assert synonyms.meant_by(["blod", "thinner"]) == Meant(("A",), frozenset({"blod", "thinner"}))
    assert synonyms.meant_by(["blod"]) == Meant((), frozenset())
    assert synonyms.meant_by(["blod", "sugar"]) == Meant((), frozenset())


def test_a_long_lay_word_may_have_a_slip() -> None:
    assert Synonyms({"blood pressure": ["A"]}).meant_by(["blood", "presure"]).classes == ("A",)


@pytest.mark.parametrize(("left", "right"), [("allergies", "allergy"), ("seizures", "seizure")])
def test_endings_do_not_count(left: str, right: str) -> None:
    assert stem(left) == stem(right)


def test_every_class_of_the_synonyms_is_spelt_as_the_fda_does() -> None:
    classes = fda_synonyms().meant_by(["statin"]).classes
    assert classes == ("HMG-CoA Reductase Inhibitor",)


def test_every_established_class_of_the_directory_has_its_words_and_no_other_has() -> None:
    with (packaged_directory() / "product.txt").open(encoding=ENCODING) as lines:
        columns = (line.split("\t")[PHARM_CLASSES] for line in lines)
        listed = Counter(one.strip() for column in columns for one in column.split(","))
    classes = {
        one.removesuffix(ESTABLISHED): products
        for one, products in listed.items()
        if one.endswith(ESTABLISHED)
    }
    assert len(classes) > 500
    meant = Counter(name for of in fda_synonyms().phrases.values() for name in of)
    assert set(classes) ^ set(meant) == set()
    large = (name for name, products in classes.items() if products >= MANY)
    assert [name for name in large if meant[name] < WORDS_OF_MANY] == []


def test_no_two_phrases_of_the_synonyms_are_the_same_words() -> None:
    phrases = [frozenset(map(stem, phrase.split())) for phrase in fda_synonyms().phrases]
    assert len(phrases) == len(set(phrases))


def test_a_phrase_of_the_synonyms_says_more_than_a_form_or_a_route() -> None:
    described = FILLERS | SALTS | FORMS.keys() | ROUTES.keys()
    assert [one for one in fda_synonyms().phrases if described.issuperset(one.split())] == []


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("azole antifungals", {"Azole Antifungal"}),
        ("quinolone antibiotics", {"Quinolone Antimicrobial"}),
        ("5-HT3 receptor antagonist", {"Serotonin-3 Receptor Antagonist"}),
        ("PDE-5 inhibitors", {"Phosphodiesterase 5 Inhibitor"}),
        ("GnRH agonist", {"Gonadotropin Releasing Hormone Receptor Agonist"}),
    ],
)
def test_a_word_of_a_class_s_name_chooses_it(text: str, classes: set[str]) -> None:
    assert set(fda_synonyms().meant_by(fold_words(text)).classes) == classes


def test_words_beside_a_phrase_that_no_class_has_choose_none() -> None:
    antibiotics = fda_synonyms().meant_by(("antibiotic",)).classes
    assert fda_synonyms().meant_by(("antibiotic", "drugs", "children")).classes == antibiotics
    assert len(antibiotics) > 1


@pytest.mark.parametrize("text", ["il 99 inhibitor", "pde 5 receptor antagonists"])
def test_a_number_and_the_kind_of_a_class_name_no_drug(text: str) -> None:
    named = {
        word for term in terms_of(understand(text, NONE), known_names()) for word in term.words
    }
    assert named.isdisjoint({"99", "5", "inhibitor", "receptor", "antagonists"})


def test_the_name_of_a_class_means_that_class() -> None:
    synonyms = fda_synonyms()
    names = {name for classes in synonyms.phrases.values() for name in classes}
    meant = {name: synonyms.meant_by(fold_words(name)).classes for name in names}
    assert [name for name, found in meant.items() if found and name not in found] == []


@pytest.mark.parametrize(
    "name",
    ["Procrit", "Sutent", "Strovite", "Retin-A", "retinol", "morphine sulfate", "silver nitrate"],
)
def test_a_name_like_a_lay_word_is_none(name: str) -> None:
    assert fda_synonyms().meant_by(fold_words(name)) == Meant((), frozenset())


def test_a_team_may_have_synonyms_of_its_own(synonyms_file: Callable[[str], str]) -> None:
    name = synonyms_file('{"Blood Thinner": ["Anticoagulants, Coumarin"]}')
    found = read_synonyms(name).meant_by(["blood", "thinner"])
    assert found.classes == ("Anticoagulants, Coumarin",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"gout": []}', "gout = []: must have 1 or more entries"),
        ('{"gout": ["A", "-"]}', "gout.1 = '-': must have the form"),
        (f'{{"gout": ["{"A" * 201}"]}}', "gout.0 = 'AAAA"),
        ('["gout"]', "must be names and values"),
        ('{"gout"', "is not JSON: EOF"),
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


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"product_type": "PRESCRIPTION"}, 0),
        ({"product_type": "Q"}, 0),
        ({}, 0),
        ({"product_type": "HUMAN OTC DRUG"}, 1),
        ({"product_type": "DEVICE"}, 2),
        ({"product_type": "Kit"}, 2),
        ({"dosage_form": "intrauterine device"}, 0),
        ({"dosage_form": "kit"}, 2),
        ({"product_type": "homeopathic"}, LAST),
    ],
)
def test_what_a_catalog_says_that_a_product_is_ranks_it(said: dict[str, str], place: int) -> None:
    facts = facts_of({"drug_name": "quorvex", **said}, known_names())
    assert unusual(facts, ["quorvex"]) == place
    assert unusual(facts, ["quorvex", "otc", "device", "kit", "homeopathic"]) == 0
