"""Words of queries that name no drug: fillers, dosage forms, and routes."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILLERS: Final = _words(
    """
    a an and are at be but by can do does drug drugs every for free from get give has have help i in
    into is it make makes me med medication medications medicine medicines my need needs not of
    off on or our please so some something take taking that the thing this to too treat treatment
    treats up used want what when which who why will with without
    bid daily once prn qd qid tid twice versus vs
    """
)

NO_BEGINNINGS: Final = _words(
    """
    jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july
    august september october november december mon tue tues wed thu thur thurs fri sat sun monday
    tuesday wednesday thursday friday saturday sunday
    atom auto born call case code digit done ever form gram line list meta mine more part past plan
    probe string trip turn
    """
)
"""Words before numbers that also begin substances, and are never short for them: `dec 25`."""

NEGATIONS: Final = _words("without no not non minus except excluding")
"""Words before what an answer must not have; `free` stands behind it."""

VERBS: Final = _words("am are can could did do does has have is must should was will would")
"""Words before a `not` that is about what somebody does: `can not sleep`."""

NEGATED_VERBS: Final = _words(
    """
    cannot cant couldnt didnt doesnt dont hasnt havent isnt mustnt shouldnt wont wouldnt
    """
)
"""Such verbs with their `not`; folding leaves no apostrophes."""

BETWEEN: Final = (
    FILLERS | _words("any contain containing contains include includes use using")
) - _words("make makes")
"""Words between a negation and what is negated. What a body does not make is rather asked for."""

KINDS_OF_DRUGS: Final = _words(
    """
    acei agonist antagonist arb barbiturate benzo benzodiazepine biologic bisphosphonate blocker ccb
    contraceptive corticosteroid decongestant diuretic doac fluoroquinolone gliptin inhibitor
    insulin laxative maoi narcotic nsaid opiate opioid painkiller ppi quinolone relaxant relaxer
    sartan sedative setron snri ssri statin steroid stimulant sulfa sulfonylurea suppressant
    thiazide thinner tricyclic triptan vaccine vasodilator
    """
)
"""Lay words for drugs, in the singular, with those that begin with `anti`: what somebody can not
take. Other lay words are of uses: what somebody can not do."""

FREE: Final = "free"

CLASS_TYPES: Final = _words("cs epc ext moa pe")
"""The FDA marks its classes with these in brackets; they describe no drug."""

KINDS: Final = _words(
    """
    agonist agonists antagonist antagonists antibody antibodies blocker blockers inhibitor
    inhibitors receptor receptors
    """
)
"""Words of classes that name no drug by themselves: C1 esterase inhibitor is named as a whole."""

FORMS: Final = {
    **{word: (word,) for word in _words("gel lotion syrup elixir patch spray kit powder film")},
    **{word: (word,) for word in _words("aerosol shampoo emulsion granule lozenge paste foam")},
    **dict.fromkeys(("tab", "tabs", "tablet", "tablets"), ("tablet",)),
    **dict.fromkeys(("pill", "pills"), ("tablet", "capsule")),
    **dict.fromkeys(("cap", "caps", "capsule", "capsules"), ("capsule",)),
    **dict.fromkeys(("inj", "injection", "injections", "injectable", "shot"), ("injection",)),
    **dict.fromkeys(("ointment", "oint"), ("ointment",)),
    **dict.fromkeys(("cream", "creams", "crm"), ("cream",)),
    **dict.fromkeys(("suspension", "susp"), ("suspension",)),
    **dict.fromkeys(("solution", "soln", "drop", "drops", "gtt", "gtts"), ("solution",)),
    **dict.fromkeys(("inhaler", "puffer", "puff", "puffs"), ("aerosol", "inhalant", "powder")),
    **dict.fromkeys(("mdi", "hfa"), ("aerosol",)),
    **dict.fromkeys(("dpi",), ("powder",)),
    **dict.fromkeys(("neb", "nebs", "nebule"), ("solution", "suspension", "inhalant")),
    **dict.fromkeys(("suppository", "suppositories", "supp"), ("suppository",)),
    **dict.fromkeys(("implant", "implants"), ("implant",)),
    **dict.fromkeys(("liquid", "liquids"), ("liquid", "solution", "suspension", "syrup", "elixir")),
    **dict.fromkeys(("er", "xr", "xl", "sr", "cr", "extended"), ("extended",)),
    **{"sprays": ("spray",), "patches": ("patch",), "lozenges": ("lozenge",)},
    **dict.fromkeys(("release", "coated"), ()),
    **dict.fromkeys(("vial", "vials", "syringe", "syringes", "ampule", "amp"), ("injection",)),
    **dict.fromkeys(("drip", "infusion", "bolus", "premix", "bag"), ("injection", "solution")),
    **dict.fromkeys(("delayed", "ec", "dr"), ("delayed",)),
    **dict.fromkeys(("chewable", "chew"), ("chewable",)),
    **dict.fromkeys(("disintegrating", "odt"), ("disintegrating",)),
}
"""A word of a query, and the words of a dosage form that it may mean."""

ROUTES: Final = {
    **{word: word for word in _words("oral topical ophthalmic nasal rectal vaginal transdermal")},
    **{word: word for word in _words("sublingual subcutaneous intravenous intramuscular otic")},
    **{word: word for word in _words("inhalation respiratory dental")},
    **{"iv": "intravenous", "im": "intramuscular", "ivpb": "intravenous", "eye": "ophthalmic"},
    **dict.fromkeys(("sc", "sq", "subq", "subcut"), "subcutaneous"),
    **dict.fromkeys(("ou", "oph", "opth", "ophthal"), "ophthalmic"),
    **{"ivp": "intravenous", "pv": "vaginal", "au": "otic", "td": "transdermal"},
    **{"po": "oral", "pr": "rectal", "ophth": "ophthalmic", "vag": "vaginal"},
    **{"ear": "otic", "mouth": "oral", "skin": "topical", "nose": "nasal", "sl": "sublingual"},
}
"""A word of a query, and the word of a route that it means."""

ROUTES_OF_CLASSES: Final = {
    **dict.fromkeys(("doac", "doacs", "noac", "noacs", "ocp", "ocps"), "oral"),
    **dict.fromkeys(("ics", "laba", "lama", "saba", "sama"), "respiratory"),
}
"""A word that means a class, and how its drugs are given: direct *oral* anticoagulants."""


def is_description(word: str) -> bool:
    """True for words of forms and routes, which a name need not hold."""
    return word in FORMS or word in ROUTES
