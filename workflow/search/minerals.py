"""Salts of minerals as orders write them: `K phos`, `mag sulf`, `Na acetate`, `NaHCO3`, `cacl`.

By rule, because each metal goes with each acid; a pair that no directory knows is none.
"""

from collections.abc import Iterator
from typing import Final

METALS: Final = {
    "aluminum": ("al", "alum"),
    "ammonium": ("nh4",),
    "calcium": ("ca", "cal"),
    "ferrous": ("fe", "ferr"),
    "lithium": ("li",),
    "magnesium": ("mg", "mag", "magn"),
    "potassium": ("k", "pot"),
    "sodium": ("na", "sod"),
    "zinc": ("zn",),
}
ACIDS: Final = {
    "acetate": ("acet", "ac"),
    "bicarbonate": ("bicarb", "hco3"),
    "carbonate": ("carb", "co3"),
    "chloride": ("chlor", "chl", "cl"),
    "citrate": ("cit",),
    "fluoride": ("fluor",),
    "fumarate": ("fum",),
    "gluconate": ("gluc", "glucon"),
    "hydroxide": ("hydrox", "oh"),
    "iodide": ("iod",),
    "lactate": ("lact",),
    "oxide": ("ox",),
    "phosphate": ("phos", "phosphates", "po4"),
    "sulfate": ("sulf", "sulphate", "so4"),
}
SHORTEST: Final = 4
"""Letters of a metal and an acid in one word: shorter ones mean other things as well."""


def short_names() -> Iterator[tuple[str, tuple[str, str]]]:
    """What is written, and the names that it may mean: labels say `phosphates`, too."""
    for metal, metals in METALS.items():
        for acid, acids in ACIDS.items():
            full = (f"{metal} {acid}", f"{metal} {acid}s")
            pairs = [(one, of) for one in (metal, *metals) for of in (acid, *acids)]
            for one, of in pairs[1:]:
                yield f"{one} {of}", full
                if one != metal and len(one) + len(of) >= SHORTEST:
                    yield f"{one}{of}", full
