"""Other people's names for our columns: proposals for a mapping, never a decision.

Names are compared without case, accents of width, blanks and punctuation. The first name of a line
that a table has is proposed; names are of First Databank, the FDA's directory and openFDA, and of
German, French, Spanish and Japanese catalogs.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from workflow.contract.columns import COLUMNS, KEY

NAMES: Final[Mapping[str, str]] = {
    "ndc": """ndc11 ndc ndc_11 ndc_code national_drug_code package_ndc ndc_package_code product_ndc
        pzn pharmazentralnummer cip13 code_cip din codigo_nacional yj_code YJコード hot_code
        HOTコード 薬価基準収載医薬品コード 医薬品コード drug_code product_code drug_id""",
    "drug_name": """drug_name ln60 ln label_name product_name medicine_name drug_description
        arzneimittelname arzneimittel präparatename präparat bezeichnung artikelbezeichnung
        医薬品名 医薬品名称 薬品名 品名 販売名 denomination nom_medicament nombre_medicamento
        medicamento proprietary_name brand_name name nombre nom""",
    "brand_name": """brand_name proprietary_name bn trade_name handelsname markenname warenzeichen
        商品名 販売名 nom_commercial nom_de_marque nombre_comercial marca""",
    "generic_name": """generic_name nonproprietary_name generic gnn60 gnn inn wirkstoff wirkstoffe
        wirkstoffname freiname 一般名 一般的名称 成分名 有効成分 dci principe_actif substance_active
        principio_activo substance_name substance active_ingredient""",
    "gcn_seqno": "gcn_seqno gcn",
    "dosage_form": """dosage_form dosage_form_name gcdf_desc gcdf form darreichungsform arzneiform
        剤形 剤型 forme_pharmaceutique forme forma_farmaceutica""",
    "route": """route route_name route_of_administration gcrt_desc gcrt applikationsart
        applikationsweg anwendungsart verabreichungsart 投与経路 投与方法 voie_administration
        voie_d_administration voie via_administracion via_de_administracion""",
    "strength": """strength str60 str active_strength active_numerator_strength
        active_ingredients_strength wirkstärke
        wirkstoffmenge stärke dosierung 規格 規格単位 含量 dosage concentracion dosis dose""",
    "manufacturer": """manufacturer mfg labeler_name labeler manufacturer_name company hersteller
        anbieter zulassungsinhaber pharmazeutischer_unternehmer メーカー 製造会社 製造販売業者
        会社名 laboratoire titulaire fabricant laboratorio fabricante""",
    "drug_class": """drug_class pharm_classes pharm_class hic3_desc hic3 atc_bezeichnung atc_name
        wirkstoffklasse wirkstoffgruppe stoffgruppe 薬効分類名 薬効分類 薬効 atc atc_code
        classe_therapeutique grupo_terapeutico class""",
    "therapeutic_class": """therapeutic_class gtc_desc gtc therapeutic_group indikationsgruppe
        hauptgruppe therapieklasse 治療分類 効能分類""",
    "dea_schedule": "dea_schedule dea schedule controlled_substance_schedule",
    "is_generic": "is_generic generic_flag ist_generikum generikum 後発医薬品 後発品 generique",
    "is_brand": "is_brand brand_flag innov ist_original original 先発医薬品 先発品 princeps",
    "is_active": "is_active active_flag active aktiv ist_aktiv im_handel 有効 販売中 actif activo",
    "product_type": """product_type product_type_name producttypename abgabestatus
        abgabekategorie verschreibungspflicht 規制区分""",
}


def plain_name(name: str) -> str:
    """`NDC_Package-Code` as `ndcpackagecode`; ä as ae, so that both spellings are one."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        folded = folded.replace(umlaut, letters)
    bare = unicodedata.normalize("NFC", _without_accents(folded))
    return "".join(letter for letter in bare if letter.isalnum() or letter == "ー")


def _without_accents(text: str) -> str:
    """For Latin letters only, because in Japanese the mark makes another letter."""
    return "".join(
        unicodedata.normalize("NFD", letter)[0] if letter < "\u0250" else letter for letter in text
    )


def match(theirs: Iterable[str]) -> dict[str, str]:
    """Our column -> theirs. One of theirs may serve for two of ours, such as drug name and
    brand."""
    by_plain: dict[str, str] = {}
    for name in theirs:
        by_plain.setdefault(plain_name(name), name)
    found = {}
    for column in COLUMNS:
        names = (plain_name(name) for name in NAMES[column].split())
        known = [by_plain[name] for name in names if name in by_plain]
        if known:
            found[column] = known[0]
    for stand_in in ("brand_name", "generic_name"):
        if stand_in in found:
            found.setdefault("drug_name", found[stand_in])
    return found


def unmatched(theirs: Iterable[str], mapping: Mapping[str, str]) -> list[str]:
    """Their columns that are not used."""
    used = set(mapping.values())
    return [name for name in theirs if name not in used]


assert set(NAMES) == set(COLUMNS) and next(iter(NAMES)) == KEY  # noqa: S101, PT018
