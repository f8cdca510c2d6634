"""From a user's own table to a view that is a catalog: the key, the columns, the text.

Nothing here talks to a server; `source_table.py` reads from it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from local.catalogs.csv_catalog import DASHED_NDC
from local.catalogs.flag_words import FALSE, TRUE, are_words
from local.catalogs.headings import match, plain_name
from local.catalogs.spreadsheet_keys import NDC_LENGTHS
from local.errors import LocalError
from workflow.contract.columns import COLUMNS, FLAG_COLUMNS, KEY, REQUIRED
from workflow.contract.ports.catalog import Row
from workflow.contract.settings import DEFAULT_TEMPLATE

PRODUCT = re.compile(r"\d{4,5}-\d{3,4}")
SHORT = re.compile(r"\d{8,10}")
TEXT_TYPES = ("char", "varchar", "binary", "varbinary")
NDC11, OTHER_KEY = ("ndc11", 11), ("catalog_key", 20)
"""A column that is added for the key, and its length."""

PZN = ("pzn", "pharmazentralnummer")
PZN_DIGITS = 8
PLAIN = re.compile(r"[A-Za-z0-9_$]+")
"""A table name that the setting `catalog_table` accepts."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")
CATEGORIES = ("marketingcategory", "marketingcategoryname")
MARKETING = {
    "is_generic": "CASE WHEN {} IN ('ANDA', 'NDA AUTHORIZED GENERIC') THEN '1' ELSE '0' END",
    "is_brand": "CASE WHEN {} IN ('NDA', 'BLA') THEN '1' ELSE '0' END",
}
"""Flags from the FDA's marketing category, as in `catalogs/fda_ndc.sql`."""


@dataclass(frozen=True)
class SourceColumn:
    """One of their columns; `unique` if it alone is a unique key."""

    name: str
    type: str
    unique: bool = False

    @property
    def kind(self) -> str:
        return re.split(r"[ (]", self.type, maxsplit=1)[0].lower()


@dataclass(frozen=True)
class Proposal:
    """The statements to run, and the settings for runs."""

    table: str
    view: str
    columns: dict[str, str]
    """Our column -> its expression over `t`, the table."""
    key: str = ""
    """The key's expression before `alter` was run."""
    alter: tuple[str, ...] = ()
    """Statements before the view's: the key must be stored, as text, and unique."""
    notes: tuple[str, ...] = ()
    given: str = ""
    """A view that is shipped for exactly these tables."""
    template: str = DEFAULT_TEMPLATE

    @property
    def create(self) -> str:
        """CREATE VIEW; empty if the table already is a catalog."""
        if self.given:
            return self.given.replace("VIEW drugs AS", f"VIEW {place(self.view)} AS")
        if self.view == self.table:
            return ""
        lines = ",\n".join(f"  {sql} AS {name}" for name, sql in self.columns.items())
        return (
            f"CREATE OR REPLACE VIEW {place(self.view)} AS\nSELECT\n{lines}\n"
            f"FROM {quoted(self.table)} t"
        )

    @property
    def now(self) -> dict[str, str]:
        """The columns as they can be read before `alter` was run."""
        return {**self.columns, KEY: self.key} if self.key else self.columns

    @property
    def sql(self) -> str:
        return "".join(f"{one};\n\n" for one in (*self.alter, self.create) if one)


def quoted(name: str) -> str:
    """One name of theirs, whatever stands in it: a table may be called `mysql.user`."""
    return "`{}`".format(name.replace("`", "``"))


def place(name: str) -> str:
    """A view's name as a user gives it, perhaps with its database in front."""
    return ".".join(map(quoted, name.split(".")))


def propose(
    table: str,
    view: str,
    columns: Sequence[SourceColumn],
    sample: Sequence[Row],
    chosen: Mapping[str, str],
) -> Proposal:
    """`chosen` are the person's own pairs, ours to theirs. Raises LocalError."""
    by_name = {column.name: column for column in columns}
    mapping = _mapping(by_name, chosen)
    only = [column.name for column in columns if column.unique and column.kind in TEXT_TYPES]
    if KEY not in mapping and len(only) == 1:
        mapping = {KEY: only[0], **mapping}
    _check_required(table, mapping, by_name)
    key = _key(table, by_name[mapping[KEY]], by_name, sample)
    expressions = {KEY: _column(key.name)}
    for ours, theirs in mapping.items():
        if ours != KEY:
            expressions[ours] = _expression(ours, theirs, sample)
    expressions |= _more(mapping, by_name, chosen)
    as_it_is = (
        key.name == KEY
        and PLAIN.fullmatch(table)
        and all(sql == _column(ours) for ours, sql in expressions.items())
    )
    return Proposal(
        table=table,
        view=table if as_it_is else view,
        columns=expressions,
        key=key.expression,
        alter=tuple(key.alter),
        notes=tuple(key.notes),
        template=template_of(expressions),
    )


def _more(
    mapping: Mapping[str, str], columns: Mapping[str, SourceColumn], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Columns of ours that need several of theirs, or other words."""
    more = {}
    brand, generic = mapping.get("brand_name"), mapping.get("generic_name")
    if generic and brand and mapping["drug_name"] == brand:
        more["drug_name"] = f"COALESCE(NULLIF(TRIM({_column(brand)}), ''), {_column(generic)})"
    category = next((one for one in columns if plain_name(one) in CATEGORIES), None)
    for flag, sql in MARKETING.items():
        if category and flag not in mapping and chosen.get(flag) != "":
            more[flag] = sql.format(_column(category))
    return more


def file_mapping(path: Path, header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Our column -> the heading of a file. Raises LocalError."""
    mapping = _mapping(header, chosen)
    _check_required(str(path), mapping, header)
    return mapping


def _mapping(theirs: Collection[str], chosen: Mapping[str, str]) -> dict[str, str]:
    wrong = [name for name in chosen.values() if name and name not in theirs]
    if wrong:
        raise LocalError(f"there is no column {wrong[0]!r}; there are: {', '.join(theirs)}")
    found = {**match(theirs), **chosen}
    return {ours: found[ours] for ours in COLUMNS if found.get(ours)}


def _check_required(source: str, mapping: Mapping[str, str], theirs: Collection[str]) -> None:
    missing = [name for name in REQUIRED if name not in mapping]
    if missing:
        raise LocalError(
            f"{source} has no column that looks like {' or '.join(missing)}; name it with "
            f"--column {missing[0]}=NAME (its columns: {', '.join(theirs)})"
        )


def _column(name: str) -> str:
    return f"t.{quoted(name)}"


def template_of(columns: Mapping[str, str]) -> str:
    """The default text, with the columns that exist; the drug's name if there is no other name."""
    names = [name for name in PLACEHOLDER.findall(DEFAULT_TEMPLATE) if name in columns]
    if not {"generic_name", "brand_name"} & set(names):
        names.insert(0, "drug_name")
    return " ".join(f"{{{name}}}" for name in names)


def _expression(ours: str, theirs: str, sample: Sequence[Row]) -> str:
    """A word that is not in the sample stays as it is, so its row is reported as left out."""
    column = _column(theirs)
    if ours not in FLAG_COLUMNS:
        return column
    values = {(row.get(theirs) or "").strip().lower() for row in sample} - {""}
    if not are_words(values):
        return column
    word = f"LOWER(TRIM({column}))"
    no = _words(FALSE, values)
    is_no = f"{word} IN ({no})" if no else f"COALESCE({word}, '') = ''"
    return (
        f"CASE WHEN {word} IN ({_words(TRUE, values)}) THEN '1' WHEN {is_no} THEN '0' "
        f"ELSE {column} END"
    )


def _words(known: Sequence[str], values: set[str]) -> str:
    return ", ".join(f"'{word}'" for word in known if word in values)


class Key(NamedTuple):
    """The column that the view gives as `ndc`, what makes it, and why."""

    name: str
    expression: str = ""
    alter: Sequence[str] = ()
    notes: Sequence[str] = ()


def _key(
    table: str,
    column: SourceColumn,
    columns: Mapping[str, SourceColumn],
    sample: Sequence[Row],
) -> Key:
    values = [value for row in sample if (value := (row.get(column.name) or "").strip())]
    name = column.name
    expression, why = _as_text(column, values)
    if not expression:
        return Key(name, alter=_unique(table, column), notes=[why] if why else [])
    made, length = OTHER_KEY if expression.startswith("CAST") else NDC11
    if made in columns:
        return Key(made, alter=_unique(table, columns[made]), notes=[f"{why}; {made} is taken"])
    alter = (
        f"ALTER TABLE {quoted(table)} ADD {made} CHAR({length}) CHARACTER SET ascii "
        f"COLLATE ascii_bin AS ({expression}) STORED UNIQUE"
    )
    return Key(made, expression, [alter], [f"{why}; {made} is made of it and stored"])


def _as_text(column: SourceColumn, values: Sequence[str]) -> tuple[str, str]:
    """The expression that makes it a key, if it is not one yet, and remarks."""
    name = quoted(column.name)
    if values and all(map(DASHED_NDC.fullmatch, values)):
        return (
            f"CONCAT(LPAD(SUBSTRING_INDEX({name}, '-', 1), 5, '0'), "
            f"LPAD(SUBSTRING_INDEX(SUBSTRING_INDEX({name}, '-', 2), '-', -1), 4, '0'), "
            f"LPAD(SUBSTRING_INDEX({name}, '-', -1), 2, '0'))",
            f"{column.name} has dashes ({values[0]}): a search by eleven digits would not find it",
        )
    if values and all(map(PRODUCT.fullmatch, values)):
        return "", (
            f"{column.name} ({values[0]}) names products, each of which has several packages; name "
            "the column of the packages' codes with --column ndc=NAME if there is one"
        )
    if column.kind not in TEXT_TYPES:
        why = f"{column.name} is {column.type}: a number has lost its zeros, and pages need text"
        if plain_name(column.name) in PZN:
            return f"CAST(LPAD({name}, {PZN_DIGITS}, '0') AS CHAR(20))", why
        is_ndc = max(map(len, values), default=0) in NDC_LENGTHS
        return f"LPAD({name}, 11, '0')" if is_ndc else f"CAST({name} AS CHAR(20))", why
    lengths = set(map(len, values))
    if values and all(map(SHORT.fullmatch, values)) and len(lengths) > 1:
        digits = f"{min(lengths)} to {max(lengths)} digits"
        return "", f"{column.name} has numbers of {digits}: zeros in front may be lost"
    return "", ""


def _unique(table: str, column: SourceColumn) -> list[str]:
    """Pages are ranges of the key: it needs an index, and no two rows may share it."""
    if column.unique:
        return []
    return [f"ALTER TABLE {quoted(table)} ADD UNIQUE ({quoted(column.name)})"]
