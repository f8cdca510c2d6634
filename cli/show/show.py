"""Reports and search results, for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from cli.show.terminal import Markup, Out, many, markup
from workflow.contract.errors import advice
from workflow.contract.events.base import Acceptable
from workflow.contract.events.files import Check, GuardResult
from workflow.contract.events.report import RunReport
from workflow.report.plot import seconds
from workflow.search.shown import DrugsFound, ProductShown

GOOD, BAD = Markup("[green]✓[/]"), Markup("[bold red]✗[/]")


def show_report(out: Out, report: RunReport, where: Path, *, each_check: bool = True) -> None:
    """The outcome first, then the counts, then what was checked; each check that failed always."""
    _headline(out, report)
    if report.catalog_rows:
        _show_counts(out, report)
    if report.verification:
        _show_verification(out, report, each_check=each_check)
    out.say("  [dim]page: {}[/]", _short(where))


def _headline(out: Out, report: RunReport) -> None:
    dry = " (dry run)" if report.dry_run and report.mode != "verify" else ""
    name = f"{report.mode}{dry} {report.run_id}"
    if report.status != "SUCCEEDED":
        out.say("[bold red]✗ {}: {}[/]", name, report.status)
        out.say("  [red]{}[/] {}", report.error or "", report.cause or "")
        hint = advice(report.error or "")
        if hint:
            out.say("  {}", hint)
        return
    out.say("[bold green]✓ {}[/]: {}, {}", name, report.outcome, seconds(report.duration_s))


def _show_counts(out: Out, report: RunReport) -> None:
    rejected = markup(", [red]{:,} rejected[/]", report.rejected) if report.rejected else ""
    out.say(
        "  catalog {}: [bold]{:,}[/] added, [bold]{:,}[/] changed, [bold]{:,}[/] removed, "
        "{:,} unchanged{}",
        many(report.catalog_rows, "row"),
        report.added,
        report.changed,
        report.removed,
        report.unchanged,
        rejected,
    )
    _show_rejected(out, report)
    if report.mode != "verify" or report.texts_to_embed:
        out.say("  {}", _embedding(report))
    for guard in report.guards:
        if guard.tripped:
            what = "accepted" if guard.accepted else _override(guard)
            out.say("  [yellow]guard {} ({})[/]: {}", guard.guard, what, guard.message)
    for warning in report.warnings:
        out.say("  [yellow]warning[/]: {}", warning)


def _override(guard: GuardResult) -> str:
    if guard.guard in get_args(Acceptable):
        return f"override: --accept {guard.guard}"
    return "no override: --mode backfill"


def _show_rejected(out: Out, report: RunReport) -> None:
    """Names a few, because a reader of "3 rejected" asks which."""
    rows = report.rejected_rows[:3]
    for row in rows:
        out.say("    [red]{}[/] {}", row.ndc, row.reason)
    if report.rejected > len(rows) > 0:
        out.say("    and {} more: drugsync report {}", report.rejected - len(rows), report.run_id)


def _embedding(report: RunReport) -> str:
    if report.mode == "verify":
        return f"a sync would embed {many(report.texts_to_embed, 'text')}"
    if report.dry_run:
        return (
            f"to embed: {many(report.texts_to_embed, 'text')}, about "
            f"{many(report.estimated_tokens, 'token')}, ${report.estimated_usd:.4f}; on AWS "
            f"{report.estimated_minutes:.1f} minutes and ${report.estimated_aws_usd:.3f} beside "
            "the model"
        )
    return (
        f"texts: {report.texts_embedded:,} embedded ({many(report.tokens, 'token')}), "
        f"{many(report.texts_reused, 'drug')} reused one"
    )


def _show_verification(out: Out, report: RunReport, *, each_check: bool) -> None:
    passed = sum(check.passed for check in report.verification)
    colour = Markup("green" if passed == len(report.verification) else "red")
    out.say("  verification: [{}]{} of {} checks hold[/]", colour, passed, len(report.verification))
    show_checks(out, [one for one in report.verification if each_check or not one.passed])


def show_checks(out: Out, checks: Sequence[Check]) -> None:
    """One line per check, with the expected value if it does not hold."""
    for check in checks:
        mark = GOOD if check.passed else BAD
        expected = "" if check.passed else f" (expected {check.expected})"
        out.say("    {} {:32} {}{}", mark, check.check, check.found, expected)


FLAGS: Final = {"true": "yes", "false": "no"}


def show_found(out: Out, query: str, found: DrugsFound) -> None:
    """Notices first, then the parts: one line per product, with its strengths."""
    out.say("[bold]{}[/]", query)
    for notice in found.notices:
        out.say("  [yellow]{}[/]", notice.text)
    for part in found.parts:
        out.say("  [bold]{}[/]", part.heading)
        for product in part.products:
            _show_product(out, product)
    for column, counts in found.facets.items():
        if counts:
            counted = ", ".join(f"{FLAGS.get(one, one)} {n:,}" for one, n in counts.items())
            out.say("  [dim]{}: {}[/]", column.removeprefix("is_").replace("_", " "), counted)


def _show_product(out: Out, product: ProductShown) -> None:
    """One key, what it is, its strengths, and how many packages there are."""
    strengths = ", ".join(one.strength_shown for one in product.strengths if one.strength_shown)
    names = (product.drug_name, product.generic_name, strengths, product.dosage_form)
    what = dict.fromkeys([*filter(None, names), many(product.package_count, "package")])
    out.fit("    {}  {}", product.strengths[0].packages[0].ndc_dashed, " · ".join(what))


def _short(path: Path) -> str:
    """Relative to the current folder, if the path is below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
