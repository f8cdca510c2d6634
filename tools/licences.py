"""Write the tables of libraries in docs/licences.md: python -m tools.licences."""

from infra.stage.stage import ROOT
from tools.parts import Part, Use, parts

PAGE = ROOT / "docs" / "licences.md"
TABLES = "## In the functions on AWS"
"""What stands before is written by people."""

TITLES: dict[Use, str] = {
    "functions": TABLES,
    "one machine": "## Beside those, in `pip install drug-catalog-sync`",
    "deployment": "## To deploy",
    "development": "## To develop and test",
}


def page(text: str) -> str:
    """The page with its tables; libraries by what they are for."""
    found = parts()
    tables = [
        _table(title, [one for one in found if one.use == use]) for use, title in TITLES.items()
    ]
    return text.partition(TABLES)[0] + "\n".join(tables)


def row(part: Part) -> str:
    return f"| {part.name} | {part.licence} |\n"


def _table(title: str, found: list[Part]) -> str:
    return f"{title}\n\n| library | licence |\n|---|---|\n" + "".join(map(row, found))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
