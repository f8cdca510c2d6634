"""What pages say in figures is what the code, the templates and other pages have."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.peers.page import PAGE as PEERS
from benchmarks.peers.page import README, readme, sentence
from cli.commands.demo import SEARCHES
from tests.contract.test_pages_agree import OF, page
from tools.known_names import MOST_BYTES
from workflow.search.synonyms import MOST_CLASSES, MOST_LETTERS, MOST_PHRASES
from workflow.verify.floor import WORDS

ROOT = Path(__file__).parents[2]
NUMBERS = {3: "three", 50: "fifty"}


def test_the_readme_says_what_the_demo_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rows = re.search(r"^ROWS \?= (\d+)$", makefile, re.MULTILINE)
    size = re.search(r"about (\d+ MB), once", makefile)
    assert rows
    assert size
    text = page("README.md")
    assert f"`make demo` loads {int(rows[1]):,} packages" in text
    assert f"loads {int(rows[1]):,} packages" in page("docs/index.md")
    assert f"it also downloads {size[1]} of packages" in text
    assert f"The demo then searches {NUMBERS[len(SEARCHES)]} times" in text


def test_the_first_sentences_of_readme_and_site_are_the_same() -> None:
    begins = "drug-catalog-sync keeps a Redis search index"
    readme_words, site = (
        page(name).partition(begins)[2] for name in ("README.md", "docs/index.md")
    )
    assert readme_words
    assert readme_words.partition(" **For you**")[0] == site.partition(" [![")[0]


def test_the_readme_has_the_figures_of_the_page_about_alternatives() -> None:
    text = README.read_text(encoding="utf-8")
    assert readme(text, sentence(PEERS.read_text(encoding="utf-8"))) == text


def test_the_limits_of_lay_words_and_the_words_of_the_floor_are_those_of_the_code() -> None:
    text = page("docs/search.md")
    said = f"{MOST_PHRASES:,} phrases, {MOST_CLASSES} classes per phrase, and {MOST_LETTERS} char"
    assert said in text
    assert f"also embeds {NUMBERS[WORDS]} made-up words" in text


def test_the_cosine_of_a_text_embedded_again_is_the_settings() -> None:
    said = f"(cosine above {OF['verify_cosine']})".replace("0.", ".")
    assert said in page("docs/how-it-works.md")


def test_the_counts_of_known_names_are_those_of_their_provenance() -> None:
    made = page("workflow/search/known_names.md")
    said = page("docs/decisions/known-names.md")
    names, substances = re.search(r"([\d,]+) names of ([\d,]+) substances", made).groups()  # type: ignore[union-attr]
    more, size = (
        re.search(form, made)[1]  # type: ignore[index]
        for form in (r"([\d,]+) more names of one word", r"([\d,]+) bytes")
    )
    for figure, form in ((names, "{} names"), (substances, "of {} substances"), (more, "{} more")):
        assert form.format(f"{round(int(figure.replace(',', '')), -2):,}") in said
    assert f"{size} bytes" in said
    assert f"{MOST_BYTES:,}" in said
