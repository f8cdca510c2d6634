"""What a substance is called without its salt, so that two spellings of one drug are one drug."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

REMEMBERED: Final = 32_768


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHORT_SALTS: Final = {
    **{"bitart": "bitartrate", "fum": "fumarate", "hbr": "hydrobromide", "pot": "potassium"},
    **{"sod": "sodium", "succ": "succinate", "tart": "tartrate"},
    **{"hcl": "hydrochloride", "sulphate": "sulfate", "besilate": "besylate"},
    **{"mesilate": "mesylate", "trometamol": "tromethamine"},
}
"""As prescribers and labels write them behind a name: `metop succ`, `clav pot`."""

SALTS: Final = frozenset(SHORT_SALTS) | _words(
    """
    acetate anhydrous ascorbate aspartate besilate besylate bisulfate bitartrate bromide
    camphorsulfonate camsylate carbonate chloride cilexetil citrate dihydrate dihydrochloride
    diphosphate disodium edisylate embonate erbumine estolate ethanolate ethylsuccinate etexilate
    fumarate gluceptate gluconate hcl hemifumarate hemihydrate hemitartrate heptahydrate
    hexahydrate hyclate hydrate hydrobromide hydrochloride hydroxide lactate lactobionate lysine
    magnesium malate maleate marboxil medoxomil meglumine mesilate mesylate methanesulfonate
    methylsulfate monohydrate monosodium napsylate nitrate olamine oxalate axetil proxetil pamoate
    pentahydrate phosphate pivalate polistirex potassium saccharate salicylate sesquihydrate
    sodium stearate succinate sulfate sulphate tartrate tetrahydrate tosylate trihydrate trisodium
    tromethamine trometamol xinafoate calcium zinc arginine dipotassium dihydrobromide
    monoethanolamine diethylamine epolamine hippurate unspecified form
    """
)
"""Words after a substance's name that do not make it another drug.

Esters that last longer or work elsewhere are not here (decanoate, benzathine, furoate, mofetil,
disoproxil): those are drugs that a pharmacist tells apart.
"""

MINERALS: Final = _words(
    """
    aluminum aluminium ammonium bismuth calcium copper cupric dibasic ferric ferrous hydrogen iron
    lithium magnesium manganese monobasic potassium selenium silver sodium strontium tribasic zinc
    nitric acetic citric phosphoric boric lactic salicylic ascorbic folic
    """
)
"""First words of drugs that are salts themselves: potassium chloride, ferrous sulfate."""

HYDRATES: Final = _words(
    "anhydrous hydrate monohydrate dihydrate trihydrate pentahydrate heptahydrate hexahydrate"
)
JOINTS: Final = _words("and with in plus w or of for the usp")
"""Words between the substances of a name."""


def salts_of(words: Iterable[str]) -> set[str]:
    """The salts among these words, each in full: `succ` is succinate."""
    return {SHORT_SALTS.get(word, word) for word in words if word in SALTS}


@lru_cache(REMEMBERED)
def base_of(words: Sequence[str]) -> tuple[str, ...]:
    """The words of one substance without its salt; all of them if the salt is its name."""
    start, end = 0, len(words)
    while start < end - 1 and words[start] == "anhydrous":
        start += 1
    dropped = HYDRATES if start < end and words[start] in MINERALS else SALTS
    while end > start + 1 and words[end - 1] in dropped:
        end -= 1
    return tuple(words[start:end])
