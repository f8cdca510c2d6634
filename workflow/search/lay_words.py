"""The words of lay phrases, however they are inflected or spelled."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Final, TypeVar

from workflow.search.edits import distance
from workflow.search.known import KnownNames

ENDINGS: Final = ("ing", "ed", "es", "s")
DOUBLING: Final = ("ing", "ed")
DOUBLED: Final = "bdgmnprt"
"""Before these endings a last letter is doubled: wetting, but falling."""

SHORTEST_STEM: Final = 3
NO_PLURALS: Final = {"aids", "hives"}
"""Words that only look like plurals: `aids` is not `aid`, `hives` is not `HIV`."""

SHORTEST_SLIP: Final = 6
SHORTEST_BESIDE: Final = 4
"""Letters of a word with a slip, and of one next to the other words of its phrase."""

SHORTEST_HEARD: Final = 5
SHORTEST_TWO: Final = 9
"""Letters of a stem that is spelled by ear, and of one with two slips."""

OPPOSITES: Final = ("hypo", "hyper")
"""Hypotension is no slip of hypertension."""

SHORTEST_SOUND: Final = 3
"""Consonants that are enough for a word of less than six letters."""

LETTERS_A_SLIP: Final = 3
MOST_BY_SOUND: Final = 3
"""Edits between two spellings of one sound: `diahrea` and `diarrhoea`."""

STEMS_KEPT: Final = 8192

Key = TypeVar("Key")

_SAME: Final = (
    "stomach belly tummy gut abdomen abdominal tum",
    "pee urine urinate urination urinating piss urinary tinkle",
    "poop stool feces faeces poo bm crap",
    "bottom bum butt anus anal backside buttocks rectum arse",
    "pain hurts hurting hurt ache aching painful achy",
    "swollen swelling swell swells puffy puffiness",
    "baby infant newborn babies",
    "kid child children toddler kiddo",
    "injection shot jab injectable injections",
    "vomit puke barf vomiting puking upchuck",
    "nausea nauseous nauseated queasy nausia queasiness",
    "fungus fungal fungi",
    "sex intercourse",
    "dry dryness",
    "foot feet",
    "tooth teeth",
    "cancer carcinoma malignancy",
    "pregnancy pregnant",
    "infection infected infections infeckshun",
    "itch itchy itchiness itches itching",
    "sneeze sneezing",
    "shaky shaking shake shakes",
    "labor labour",
    "tumor tumour",
    "constipated constipation",
    "diarrhea diarrhoea",
    "year yearly annual annually",
    "month monthly",
    "week weekly",
    "dizzy dizziness lightheaded woozy",
    "period periods menses menstrual menstruation menstruating",
    "sweat sweaty sweats perspiration perspire",
    "phlegm flem",
    "quit quitting stop stopping",
    "smoke smoking cigarettes cigarette smokes",
    "alcohol booze liquor",
    "drink drinking",
    "forgetful forgetting forgets",
    "sleepy drowsy sleepiness drowsiness",
    "vagina vaginal vag",
    "penis dick",
    "hemorrhoids haemorrhoids hemroids piles",
    "bite bites bitten bit",
    "eyelid eyelids lid",
    "grow growing growth grows",
    "bald balding baldness",
    "breathe breathing breath",
    "clot clots clotting",
    "prevent prevention preventing prevents preventive prophylaxis",
)
"""Words that say the same in a phrase; the first stands for the others."""

_SOUNDS: Final = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("^(pn|kn|gn)", "n"),
        ("^ps", "s"),
        ("^wr", "r"),
        ("ph", "f"),
        ("ght", "t"),
        ("xc|[ckg]+z|[ckg]s|x", "ks"),
        ("sc(?=[eiy])|c(?=[eiy])|(?<=.)z", "s"),
        ("ck|ch|c|q", "k"),
        (r"(.)\1+", r"\1"),
        ("y", "i"),
    )
)
"""What sounds alike, in the order in which it is replaced."""

_FIRST_VOWEL: Final = re.compile("^[aeiou]")
_VOWELS: Final = re.compile("(?<=.)[aeiouhw]")


@lru_cache(STEMS_KEPT)
def stem(word: str) -> str:
    """A word without its commonest English endings, or the one that says the same: pimples,
    allergies; wets, wetting, wet; tummy, stomach."""
    found = _without_ending(word)
    return SAME.get(found, found)


def _without_ending(word: str) -> str:
    if word in NO_PLURALS:
        return word
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = word.removesuffix(ending)
            if ending in DOUBLING and word[-1] == word[-2] and word[-1] in DOUBLED:
                word = word[:-1]
            break
    for letter in "eyi":
        if len(word) > SHORTEST_STEM:
            word = word.removesuffix(letter)
    return word


SAME: Final = {
    _without_ending(one): _without_ending(words.split()[0])
    for words in _SAME
    for one in words.split()
}


def sound(word: str) -> str:
    """Equal for words that sound alike, but for their vowels: `numonia` and `pneumonia`."""
    return _VOWELS.sub("", _FIRST_VOWEL.sub("a", _as_heard(word)))


def _as_heard(word: str) -> str:
    for pattern, by in _SOUNDS:
        word = pattern.sub(by, word)
    return word


class LayWords:
    """The stems of all phrases."""

    def __init__(self, stems: Iterable[str]) -> None:
        self._stems = frozenset(stems)
        self._read = lru_cache(STEMS_KEPT)(self._meant)

    def __contains__(self, one: str) -> bool:
        return one in self._stems

    def read(self, word: str, known: KnownNames) -> str:
        """The stem of a word; a long one that is misspelled is that of a phrase's.

        A drug's name is never changed, nor what is nearer to one.
        """
        return self._read(word, known)

    def near(self, one: str) -> list[str]:
        """Stems one slip away that begin with the same letter."""
        sizes = range(len(one) - 1, len(one) + 2)
        like = (of for size in sizes for of in self._like.get((one[:1], size), ()))
        return [of for of in like if distance(one, of) == 1]

    def _meant(self, word: str, known: KnownNames) -> str:
        found = stem(word)
        if found in self._stems or len(word) < SHORTEST_SLIP or known.is_name(word):
            return found
        if word.endswith("in") and (whole := stem(f"{word}g")) in self._stems:
            return whole  # smokin
        if len(found) < SHORTEST_HEARD:
            return found
        if len(found) >= SHORTEST_SLIP and (near := self.near(found)):
            return min(near)
        most = min(MOST_BY_SOUND, len(found) // LETTERS_A_SLIP)
        heard = {_as_heard(of): of for of in self._by_sound.get(sound(found), ())}
        alike = heard.get(_closest(_as_heard(found), heard, most), "")
        if alike or len(found) < SHORTEST_TWO or known.near(word, 1):
            return alike or found
        sizes = range(len(found) - 2, len(found) + 3)
        like = [of for size in sizes for of in self._like.get((found[0], size), ())]
        return _closest(found, like, 2) or found

    @cached_property
    def _like(self) -> dict[tuple[str, int], list[str]]:
        return _grouped(self._stems, lambda one: (one[:1], len(one)))

    @cached_property
    def _by_sound(self) -> dict[str, list[str]]:
        """Built at the first misspelled word."""
        groups = _grouped((one for one in self._stems if len(one) > SHORTEST_STEM), sound)
        return {
            key: [one for one in of if len(key) >= SHORTEST_SOUND or len(one) >= SHORTEST_SLIP]
            for key, of in groups.items()
        }


def _closest(found: str, stems: Iterable[str], most: int) -> str:
    near = sorted((away, of) for of in stems if (away := distance(found, of)) <= most)
    return next((of for _, of in near if not _are_opposites(found, of)), "")


def _are_opposites(left: str, right: str) -> bool:
    return {low for low in OPPOSITES if low in left} ^ {
        low for low in OPPOSITES if low in right
    } == set(OPPOSITES)


def _grouped(stems: Iterable[str], key: Callable[[str], Key]) -> dict[Key, list[str]]:
    groups: dict[Key, list[str]] = defaultdict(list)
    for one in stems:
        groups[key(one)].append(one)
    return groups
