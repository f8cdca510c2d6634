"""The words of uses: each is reached, names drugs of the FDA's directory, and is no drug itself."""

from __future__ import annotations

from collections import defaultdict

import pytest

from local.catalogs.fda import ENCODING, packaged_directory
from workflow.contract.folding import fold, fold_words
from workflow.search.known import KnownNames, known_names
from workflow.search.lay_words import SAME, stem
from workflow.search.naming import terms_of
from workflow.search.queries import understand
from workflow.search.synonyms import Synonyms, fda_synonyms
from workflow.search.used import UseDrug, drug_of
from workflow.search.uses import uses

NONPROPRIETARY_NAME, FORM, ROUTE = 5, 6, 7
"""Columns of the directory's products."""

Made = tuple[frozenset[str], frozenset[str]]
"""Substances, and the words of the routes and forms of products that are made of them."""

MOST_SUBSTANCES = 2
"""A homeopathic that is called `Allergy` has more, a drug that is one thing has fewer."""


@pytest.fixture(scope="module")
def known() -> KnownNames:
    return known_names()


def test_every_drug_of_a_use_is_in_the_directory_in_that_form_or_by_that_route(
    known: KnownNames,
) -> None:
    how: dict[str, set[str]] = defaultdict(set)
    with (packaged_directory() / "product.txt").open(encoding=ENCODING) as lines:
        for line in lines:
            columns = line.split("\t")
            how[columns[NONPROPRIETARY_NAME]].add(f"{columns[FORM]} {columns[ROUTE]}")
    by_word: dict[str, list[Made]] = defaultdict(list)
    for name, described in how.items():
        substances = known.substances_of(fold(name))
        made = (substances, frozenset(fold_words(" ".join(described))))
        for word in {word for one in substances for word in one.split()}:
            by_word[word].append(made)
    drugs = {name: drug_of(name) for of in uses().values() for name in of}
    assert len(drugs) > 900
    lacking = [
        name
        for name, drug in drugs.items()
        if not any(_fits(drug, *made) for made in by_word[drug.parts[0][0]])
    ]
    assert lacking == []


def _fits(drug: UseDrug, substances: frozenset[str], how: frozenset[str]) -> bool:
    return drug.is_made_of(substances) and (not drug.how or not how.isdisjoint(drug.how))


def test_every_phrase_of_a_use_is_reached_and_brings_its_own_drugs_first() -> None:
    synonyms = fda_synonyms()
    words = {phrase: fold_words(phrase) for phrase in uses()}
    meant = {phrase: synonyms.meant_by(of) for phrase, of in words.items()}
    hidden = [
        phrase
        for phrase, drugs in uses().items()
        if meant[phrase].lay != frozenset(words[phrase]) or meant[phrase].drugs[:1] != drugs[:1]
    ]
    assert hidden == []


def test_no_phrase_of_a_use_is_the_name_of_a_drug(known: KnownNames) -> None:
    single = [
        phrase for phrase in uses() if any(len(of) <= MOST_SUBSTANCES for of in known.means(phrase))
    ]
    assert single == []


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("my son wets the bed at night", "wet bed"),
        ("bedwetting 5 year old", "wet bed"),
        ("numonia", "pneumonia"),
        ("quit smokin", "quit smoking"),
        ("diarrhoea for 3 days", "diarrhea"),
        ("scabbies", "scabies"),
        ("sifilis", "syphilis"),
        ("hemroids", "hemorrhoids"),
        ("head ache", "headache"),
        ("what helps a tummy ache", "stomach pain"),
        ("eggzema on my arms", "eczema"),
    ],
)
def test_a_use_is_found_however_it_is_put(text: str, phrase: str) -> None:
    assert understand(text, fda_synonyms()).drugs[:3] == uses()[phrase][:3]


@pytest.mark.parametrize("word", ["hypotension", "Zantac", "Zyrtec", "colistin", "lamisil"])
def test_a_drug_s_name_and_the_opposite_of_a_use_are_no_slips_of_it(word: str) -> None:
    synonyms = Synonyms({}, {"hypertension": ["a"], "lamisis": ["b"], "colitis": ["c"]})
    assert synonyms.meant_by(fold_words(word)).drugs == ()


def test_words_that_say_the_same_have_one_stem() -> None:
    assert stem("tummy") == stem("belly") == stem("stomach")
    assert [one for one in SAME.values() if stem(one) != one] == []


def test_the_drugs_of_two_phrases_of_one_length_come_in_turn() -> None:
    synonyms = Synonyms({}, {"sore knee": ["a", "b"], "stiff neck": ["c"], "back": ["d"]})
    assert synonyms.meant_by(["sore", "knee", "stiff", "neck", "back"]).drugs == (
        "a",
        "c",
        "b",
        "d",
    )


def test_the_name_of_a_class_asks_for_the_class_not_for_its_use() -> None:
    assert fda_synonyms().meant_by(["thiazide", "diuretics"]).drugs == ()
    assert fda_synonyms().meant_by(["potassium", "sparing", "diuretic"]).drugs == ()


def test_what_causes_a_use_is_no_name_that_is_asked_for(known: KnownNames) -> None:
    assert terms_of(understand("drooling from my clozapine", fda_synonyms()), known) == []
    assert terms_of(understand("clozapine", fda_synonyms()), known) != []
