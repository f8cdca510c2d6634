"""Reports and search results, for people."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from workflow.contract.errors import advice
from workflow.contract.events.files import Check
from workflow.contract.events.report import RunReport
from workflow.search.cards import Product
from workflow.search.ndcs import dashed
from workflow.search.search import Answer
from workflow.search.shown import heading
from workflow.search.strengths import shown_of


def show_report(console: Console, report: RunReport, where: Path) -> None:
    """The outcome first, then the counts, then what was checked."""
    _headline(console, report)
    if report.catalog_rows:
        _show_counts(console, report)
    if report.verification:
        _show_verification(console, report)
    what = "page" if where.suffix == ".html" else "page (report.html), files and log"
    console.print(f"  [dim]{what}: {escape(_short(where))}[/]", soft_wrap=True)


def _show_counts(console: Console, report: RunReport) -> None:
    console.print(
        f"  catalog {report.catalog_rows:,} rows: "
        f"[bold]{report.added:,}[/] added, [bold]{report.changed:,}[/] changed, "
        f"[bold]{report.removed:,}[/] removed, {report.unchanged:,} unchanged"
        + (f", [red]{report.rejected:,} rejected[/]" if report.rejected else ""),
        highlight=False,
    )
    console.print(f"  {_embedding(report)}", highlight=False)
    for guard in report.guards:
        if guard.tripped:
            what = "accepted" if guard.accepted else f"override: --accept {guard.guard}"
            console.print(f"  [yellow]guard {guard.guard} ({what})[/]: {escape(guard.message)}")
    for warning in report.warnings:
        console.print(f"  [yellow]warning[/]: {escape(warning)}")


def _headline(console: Console, report: RunReport) -> None:
    name = f"{report.mode}{' (dry run)' if report.dry_run else ''} {report.run_id}"
    if report.status != "SUCCEEDED":
        console.print(f"[bold red]✗ {name}: {report.status}[/]", highlight=False)
        console.print(
            f"  [red]{escape(report.error or '')}[/] {escape(report.cause or '')}", soft_wrap=True
        )
        hint = advice(report.error or "")
        if hint:
            console.print(f"  {escape(hint)}", highlight=False, soft_wrap=True)
        return
    end = f"published as generation {report.generation}" if report.published else "nothing written"
    console.print(
        f"[bold green]✓ {name}[/]: {end}, {report.duration_s:.1f} s",
        highlight=False,
        soft_wrap=True,
    )


def _embedding(report: RunReport) -> str:
    if report.dry_run:
        return (
            f"to embed: {report.texts_to_embed:,} texts, about {report.estimated_tokens:,} tokens, "
            f"${report.estimated_usd:.4f}; on AWS {report.estimated_minutes:.1f} minutes "
            f"and ${report.estimated_aws_usd:.3f} beside the model"
        )
    return (
        f"texts: {report.texts_embedded:,} embedded ({report.tokens:,} tokens), "
        f"{report.texts_reused:,} drugs reused one"
    )


def _show_verification(console: Console, report: RunReport) -> None:
    passed = sum(check.passed for check in report.verification)
    color = "green" if passed == len(report.verification) else "red"
    console.print(f"  verification: [{color}]{passed} of {len(report.verification)} checks hold[/]")
    show_checks(console, report.verification)


def show_checks(console: Console, checks: Sequence[Check]) -> None:
    """A line a check; what was expected where it does not hold."""
    for check in checks:
        mark = "[green]✓[/]" if check.passed else "[bold red]✗[/]"
        expected = "" if check.passed else f" (expected {check.expected})"
        console.print(
            f"    {mark} {check.check:28} {escape(check.found + expected)}",
            highlight=False,
            soft_wrap=True,
        )


def show_found(console: Console, query: str, found: Answer) -> None:
    """What is to be told, then the parts: one line a product, with its strengths."""
    console.print(f"[bold]{escape(query)}[/]", highlight=False)
    for notice in found.notices:
        console.print(f"  [yellow]{escape(notice.text)}[/]", highlight=False, soft_wrap=True)
    for part in found.parts:
        console.print(f"  [bold]{escape(heading(part))}[/]", highlight=False, soft_wrap=True)
        for product in part.products:
            _show_product(console, product)


def _show_product(console: Console, product: Product) -> None:
    """One key, what it is, its strengths, and how many packages there are."""
    fields = product.packages[0]
    names = (fields.get(name, "") for name in ("drug_name", "generic_name"))
    strengths = ", ".join(shown_of(item.strength) for item in product.items if item.strength)
    more = (strengths, fields.get("dosage_form", ""), f"{product.total} packages")
    what = " · ".join(dict.fromkeys(value for value in (*names, *more) if value))
    console.print(
        f"    {escape(dashed(fields['ndc']))}  {escape(what)}",
        highlight=False,
        no_wrap=True,
        overflow="ellipsis",
    )


def _short(path: Path) -> str:
    """Relative to where the user stands, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
