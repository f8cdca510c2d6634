"""The demonstration: a catalog, a dry run, and the index kept in step with it."""

import shutil
from typing import Any

import typer
from redis import Redis
from rich.rule import Rule

from cli.commands.catalog import DEFAULT_ROWS, Rows, load_catalog, rows_of
from cli.commands.search import search_live
from cli.commands.servers import STAYS
from cli.show.show import show_found, show_report
from cli.show.terminal import Out, console, many
from cli.sites.local_site import LocalSite
from cli.sites.stopping import leaving
from local.places import HOME_VARIABLE, demo_home
from local.servers.servers import connect
from local.servers.stack import Stack, up
from local.standin.bedrock_process import control
from workflow.contract.events.report import RunReport

REFUSED = {"kind": "AccessDeniedException", "times": 1, "match": "[epc]"}
"""Part of a class name in the FDA's catalog. The call that measures the speed of embedding
(cli/sites/embedding_rate.py) does not contain it, so it is not the call that is refused."""

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


def demo(rows: Rows = DEFAULT_ROWS) -> None:
    """Watch everything: dry run, sync, a failed page and its redrive, backfill, search.

    It has its own servers and folder, and does not touch your catalog or index.
    """
    out = console()
    count = rows_of(rows)
    with out.status("starting") as status, leaving(out, lambda: STAYS):
        stack = up(demo_home(), lambda part: status.update(f"starting {part}"))
    _title(out, f"The catalog: the FDA's NDC directory of April 2019, in {stack.mysql.version}")
    _empty(stack)
    load_catalog(out, stack, "fda", count)
    _runs(out, stack)
    _title(out, "Search")
    for text, kind in SEARCHES:
        out.say("[dim]{}[/]", kind)
        show_found(out, text, search_live(stack, text, {}, limit=5))
    _farewell(out)


def _runs(out: Out, stack: Stack) -> None:
    site = LocalSite(stack.root)

    def act(title: str, **run_input: Any) -> None:
        _title(out, title)
        report = site.run({"page_size": PAGE_SIZE, **run_input}, out)
        _succeed(out, site, report, each_check=False)

    act("Dry run: what would happen, and what it would cost", dry_run=True)
    _title(out, "First sync: one model call is refused, so one page fails")
    control(stack.bedrock, faults=[REFUSED])
    failed = site.run({"page_size": PAGE_SIZE}, out)
    show_report(out, *site.report(failed.run_id))
    _title(out, "Redrive: only that page, then the remaining steps")
    _succeed(out, site, site.redrive(failed.run_id, out), each_check=True)
    _title(out, "The catalog changes")
    for line in change_catalog(stack):
        out.say("  {}", line)
    act("Sync: only what changed")
    act(
        "Backfill: build a second generation, verify it, then switch to it",
        mode="backfill",
    )


def _succeed(out: Out, site: LocalSite, report: RunReport, *, each_check: bool) -> None:
    """The checks are the same in each run, so one of them shows them all."""
    show_report(out, *site.report(report.run_id), each_check=each_check)
    if report.status != "SUCCEEDED":
        raise typer.Exit(1)


def _title(out: Out, title: str) -> None:
    out.print(Rule(title, align="left"))


def _empty(stack: Stack) -> None:
    """The demonstration's own Redis and runs, so that its first sync builds the index."""
    control(stack.bedrock, reset=True)
    shutil.rmtree(stack.root / "runs", ignore_errors=True)
    with Redis.from_url(stack.redis.url) as client:
        client.flushall()


def _farewell(out: Out) -> None:
    out.say("")
    out.say("The demo's servers keep running. Look around:")
    out.say("  export {}={}", HOME_VARIABLE, demo_home())
    out.say("  drugsync search TEXT")
    out.say("  drugsync serve")
    out.say("  drugsync report --open")
    out.say("  drugsync runs")
    out.say("Stop them: [bold]drugsync down[/]")


def change_catalog(stack: Stack) -> list[str]:
    """Insert, edit and delete; what was done, with the number of rows."""
    connection = connect(stack.mysql)
    done = []
    try:
        for title, *statements in CHANGES:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                done.append(f"{title}: {many(cursor.rowcount, 'row')}")
        connection.commit()
    finally:
        connection.close()
    return done
