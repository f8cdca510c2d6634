"""First Databank's tables filled with made-up rows, for tests of ``catalogs/first_databank.sql``.

First Databank's data are licensed. These rows have its shape (column types, codes, zero dates,
blanks, cut names) and the FDA's content.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from mysql.connector.abstracts import MySQLConnectionAbstract

from local.catalogs.catalog import CatalogLoad, create_view
from local.catalogs.fda import Package, Product, select
from local.catalogs.tables import Row, Table, execute, fill_draft, publish_drafts

# As FDB's SQL DDL has them. Dates are filled with 0000-00-00 where there is none.
RNDC14 = Table(
    "rndc14",
    """
    NDC CHAR(11) NOT NULL PRIMARY KEY, LBLRID CHAR(6) NOT NULL, LN VARCHAR(30), LN60 VARCHAR(60),
    BN VARCHAR(30), GCN_SEQNO DECIMAL(6,0) NOT NULL, INNOV CHAR(1), DEA CHAR(1), DF CHAR(1),
    CL CHAR(1), OBSDTEC DATE, PS DECIMAL(11,3), PD VARCHAR(10), OBC CHAR(2), REPACK CHAR(1),
    DUPDC DATE
    """,
)
RGCNSEQ4 = Table(
    "rgcnseq4",
    """
    GCN_SEQNO DECIMAL(6,0) NOT NULL PRIMARY KEY, HIC3 CHAR(3), HICL_SEQNO DECIMAL(6,0),
    GCDF CHAR(2), GCRT CHAR(1), STR VARCHAR(10), STR60 VARCHAR(60), GTC DECIMAL(2,0)
    """,
)
RLBLRID3 = Table("rlblrid3", "LBLRID CHAR(6) NOT NULL PRIMARY KEY, MFG VARCHAR(15)")

ZERO_DATE = "0000-00-00"
DEA = {"CI": "1", "CII": "2", "CIII": "3", "CIV": "4", "CV": "5"}
FORMS = {"TABLET": "TA", "CAPSULE": "CA", "SOLUTION": "SO", "INJECTION": "VL", "CREAM": "CR"}
ROUTES = {"ORAL": "1", "INTRAVENOUS": "C", "TOPICAL": "Q", "SUBCUTANEOUS": "D"}


def load_fdb_shaped(connection: MySQLConnectionAbstract, rows: int) -> CatalogLoad:
    """``rows`` drugs in ``rndc14``, ``rgcnseq4``, ``rlblrid3``, and the view ``drugs`` over them.

    Every ninth has a class code without a word (Q), of the others every second is sold over the
    counter; every third is a generic, every fifth is obsolete, every
    seventh has no formulation (GCN_SEQNO 0), every eleventh no LN60.
    """
    started = time.monotonic()
    selection = select(rows)
    products = {product.product_id: product for product in selection.products}
    # MySQL's default mode refuses zero dates; MariaDB's, and FDB's own loaders, allow them.
    execute(connection, "SET SESSION sql_mode = 'STRICT_TRANS_TABLES'")
    formulations = {key: number for number, key in enumerate(products, start=1)}
    labelers = {name: f"A{number:05}" for number, name in enumerate(_labelers(products), start=1)}
    drugs = (
        _rndc14(i, package, products[package.product_id], formulations, labelers)
        for i, package in enumerate(selection.packages, start=1)
    )
    fill_draft(connection, RNDC14, drugs, _ignore)
    fill_draft(connection, RGCNSEQ4, _rgcnseq4(products, formulations), _ignore)
    fill_draft(connection, RLBLRID3, ((key, name[:15]) for name, key in labelers.items()), _ignore)
    publish_drafts(connection, [RNDC14, RGCNSEQ4, RLBLRID3])
    create_view(connection, "first_databank")
    return CatalogLoad(len(selection.packages), (), time.monotonic() - started)


def _rndc14(
    i: int,
    package: Package,
    product: Product,
    formulations: dict[str, int],
    labelers: dict[str, str],
) -> Row:
    label = f"{product.proprietary_name} {product.strength} {product.dosage_form}".upper()
    brand = product.marketing_category in ("NDA", "BLA") and i % 3 != 0
    return (
        package.ndc,
        labelers[product.labeler_name],
        label[:30],
        "" if i % 11 == 0 else label[:60],
        (product.proprietary_name if brand else product.nonproprietary_name)[:30].upper(),
        0 if i % 7 == 0 else formulations[product.product_id],
        "1" if brand else "0",
        DEA.get(product.dea_schedule, "0"),
        _form(product),
        "Q" if i % 9 == 0 else "O" if i % 2 == 0 else "F",
        "2018-06-30" if i % 5 == 0 else ZERO_DATE,
        "100.000",
        "BOTTLE",
        "",
        "0",
        ZERO_DATE,
    )


def _rgcnseq4(products: dict[str, Product], formulations: dict[str, int]) -> Iterator[Row]:
    for key, product in products.items():
        number = formulations[key]
        form = product.dosage_form.partition(",")[0]
        yield (
            number,
            f"A{number % 9}{'ABC'[number % 3]}",
            number,
            FORMS.get(form, ""),
            ROUTES.get(product.route, ""),
            product.strength[:10],
            product.strength[:60] if number % 13 else "",
            number % 99,
        )


def _form(product: Product) -> str:
    solid = product.dosage_form.startswith(("TABLET", "CAPSULE"))
    liquid = "SOLUTION" in product.dosage_form
    return "1" if solid else "2" if liquid else "3"


def _labelers(products: dict[str, Product]) -> list[str]:
    return sorted({product.labeler_name for product in products.values()})


def _ignore(count: int) -> None:
    """Nobody watches the progress of a test's rows."""
