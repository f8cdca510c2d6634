"""The demonstration: a catalog, a dry run, and the index kept in step with it."""

from collections.abc import Callable
from typing import Any

import typer
from redis import Redis
from rich.console import Console
from rich.rule import Rule

from local.servers.servers import connect
from local.servers.stack import Stack
from workflow.contract.events.report import RunReport

PAGE_SIZE = 250
SEARCHES = (
    ("blood thinner", "lay words"),
    ("Coumadin", "a brand name"),
    ("atorvastatine", "a misspelling"),
)

CHANGES = (
    (
        "three new drugs",
        """INSERT INTO ndc_products
           SELECT CONCAT('demo-', LEFT(product_id, 40)), product_ndc, product_type,
                  CONCAT(proprietary_name, ' Forte'), proprietary_name_suffix, nonproprietary_name,
                  dosage_form, route, start_marketing_date, end_marketing_date, marketing_category,
                  application_number, labeler_name, substance_name, strength, pharm_classes,
                  dea_schedule, exclude_flag
           FROM ndc_products ORDER BY product_id LIMIT 3""",
        """INSERT INTO ndc_packages
           SELECT CONCAT('9999900', LPAD(ROW_NUMBER() OVER (ORDER BY product_id), 4, '0')),
                  product_id, '', 'demonstration', NULL, NULL, '', 'N'
           FROM ndc_products WHERE product_id LIKE 'demo-%'""",
    ),
    (
        "another labeler's name (no new text) on every drug of one product",
        """UPDATE ndc_products SET labeler_name = CONCAT(labeler_name, ' (renamed)')
           WHERE product_id = (SELECT product_id FROM ndc_packages ORDER BY ndc LIMIT 1)""",
    ),
    (
        "another strength (a new text) on every drug of one product",
        """UPDATE ndc_products SET strength = CONCAT(strength, '; 1 mg/1')
           WHERE product_id =
             (SELECT product_id FROM ndc_packages ORDER BY ndc LIMIT 1 OFFSET 40)""",
    ),
    (
        "four drugs deleted",
        "DELETE FROM ndc_packages WHERE ndc < '99999' ORDER BY ndc DESC LIMIT 4",
    ),
)


def show(
    console: Console,
    *,
    empty: Callable[[], None],
    load: Callable[[], object],
    change: Callable[[], list[str]],
    run: Callable[[dict[str, Any]], RunReport],
    search: Callable[[str], None],
) -> None:
    """Play it; ends with exit code 1 where a run failed."""

    def act(title: str, **run_input: Any) -> None:
        console.print(Rule(title, align="left"))
        report = run({"page_size": PAGE_SIZE, **run_input})
        if report.status != "SUCCEEDED":
            raise typer.Exit(1)

    console.print(Rule("The catalog: the FDA's NDC directory in MariaDB", align="left"))
    empty()
    load()
    act("Dry run: what would happen, and what it would cost", dry_run=True)
    act("First sync: builds the index from nothing")
    console.print(Rule("The catalog changes", align="left"))
    for line in change():
        console.print(f"  {line}")
    act("Sync: only what changed")
    act(
        "Backfill: a second generation beside the live one, verified, then switched to",
        mode="backfill",
    )
    console.print(Rule("Search", align="left"))
    for text, kind in SEARCHES:
        console.print(f"[dim]{kind}[/]")
        search(text)
    console.print(
        "\nThe servers are still running: [bold]drugsync search TEXT[/], [bold]drugsync run[/], "
        "[bold]drugsync down[/]."
    )


def empty_index(stack: Stack) -> None:
    """Delete everything in the local Redis, so that the first sync is one."""
    with Redis.from_url(stack.redis.url) as client:
        client.flushall()


def change_catalog(stack: Stack) -> list[str]:
    """Insert, edit and delete; what was done, with the number of rows."""
    connection = connect(stack.mysql)
    done = []
    try:
        for title, *statements in CHANGES:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                done.append(f"{title}: {cursor.rowcount} row{'s' * (cursor.rowcount != 1)}")
        connection.commit()
    finally:
        connection.close()
    return done
