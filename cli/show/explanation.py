"""Everything known about one drug, and what a run changes of each drug, for people."""

from collections.abc import Sequence

from cli.show.show import BAD, GOOD
from cli.show.terminal import Out, many
from workflow.operate.changes import ChangedDrug
from workflow.operate.explain import Explanation, TextFacts
from workflow.operate.place import Place

NONE = "-"


def show_explanation(out: Out, one: Explanation) -> None:
    """The verdict first, then what it rests on."""
    well = one.in_catalog and one.in_index and not (one.differs or one.rejected or one.failures)
    out.say("{} [bold]{}[/]: {}", GOOD if well else BAD, one.ndc, one.verdict)
    for part, error in one.failures.items():
        out.say("  [red]{}[/]: {}", part, error)
    _show_columns(out, one)
    if one.text:
        _show_text(out, one.text)
    if one.in_index:
        out.say("  written by run {} at {}", one.written_by, one.written_at)
        if one.verified_by:
            out.say("  verified by run {}, started {}", one.verified_by, one.verified_at)
        out.say("  in generation {}, space {}", one.generation, one.space)
    if one.to_repair:
        out.say("  [yellow]the next sync writes it again[/]: an earlier run found it damaged")
    if one.place:
        _show_place(out, one.place)


def show_changes(out: Out, drugs: Sequence[ChangedDrug]) -> None:
    """One block per drug: removed values in red, new values in green."""
    if not drugs:
        out.say("nothing changes")
    for one in drugs:
        out.say("[bold]{}[/] {}", one.ndc, one.kind)
        for column in one.columns:
            if column.before:
                out.say("  [red]- {:18}[/] {}", column.column, column.before)
            if column.after:
                out.say("  [green]+ {:18}[/] {}", column.column, column.after)


def _show_columns(out: Out, one: Explanation) -> None:
    for column in one.columns:
        if column.catalog == column.index:
            out.say("  {:18} {}", column.column, column.catalog)
        else:
            out.say("  [red]{:18}[/] catalog: {}", column.column, column.catalog or NONE)
            out.say("  {:18} index:   {}", "", column.index or NONE)


def _show_text(out: Out, text: TextFacts) -> None:
    out.say("  text: [bold]{}[/]", text.text)
    if text.refused:
        out.say("  [red]the model refused it[/]: {}", text.refused)
    elif text.record:
        out.say("  embedded in run {}, {}", text.run, many(text.tokens, "token"))
    else:
        out.say("  [yellow]not embedded yet[/]")


def _show_place(out: Out, place: Place) -> None:
    if place.rank is None:
        out.say("  [yellow]{}[/]: {}", place.query, place.why_not)
    else:
        near = "" if place.cosine is None else f", cosine {place.cosine:.3f}"
        products = many(place.products, "product")
        out.say("  [bold]{}[/]: place {} of {}", place.query, place.rank, products)
        out.say("    {}: {}{}", place.part, place.why, near)
    for notice in place.notices:
        out.say("    {}", notice)
