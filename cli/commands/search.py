"""Search the live index from the terminal: the filters and the answer of the API."""

from typing import Annotated

import typer

from cli.options import AsJson, Profile, Region, Stage, stage_of
from cli.show.show import show_found
from cli.show.terminal import console, print_json
from handlers.wiring import Wiring
from local.places import home
from local.servers import stack as stacks
from workflow.contract.folding import fold
from workflow.contract.ports.search import Filters
from workflow.search.answers import find_drugs, meaning_of
from workflow.search.shown import DrugsFound
from workflow.search.synonyms import read_synonyms

FILTERS = "Filters"


Value = Annotated[
    list[str] | None,
    typer.Option(rich_help_panel=FILTERS, help="Show only this value; repeat the option for more."),
]
Flag = Annotated[
    bool | None, typer.Option(rich_help_panel=FILTERS, help="Show only these, or exclude them.")
]


def search(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What to look for: a name, an NDC, or any words.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=50, help="Products to show.")] = 10,
    packages: Annotated[
        int, typer.Option(min=1, max=100, help="Packages to show per product.")
    ] = 5,
    facets: Annotated[
        bool, typer.Option("--facets", help="Count the filter values of the best products.")
    ] = False,
    as_written: Annotated[
        bool, typer.Option("--as-written", help="Do not correct spelling.")
    ] = False,
    dosage_form: Value = None,
    route: Value = None,
    drug_class: Value = None,
    therapeutic_class: Value = None,
    dea_schedule: Value = None,
    manufacturer: Value = None,
    gcn_seqno: Value = None,
    is_generic: Flag = None,
    is_brand: Flag = None,
    is_active: Flag = None,
    as_json: AsJson = False,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Find drugs by name, NDC or meaning in the live index.

    With --stage, the function of that stage's search API answers. Exit code 1 if nothing is found.
    """
    if not fold(text):
        raise typer.BadParameter("enter what to look for", param_hint="TEXT")
    filters: dict[str, list[str] | bool | None] = {
        "dosage_form": dosage_form,
        "route": route,
        "drug_class": drug_class,
        "therapeutic_class": therapeutic_class,
        "dea_schedule": dea_schedule,
        "manufacturer": manufacturer,
        "gcn_seqno": gcn_seqno,
        "is_generic": is_generic,
        "is_brand": is_brand,
        "is_active": is_active,
    }
    given = {name: value for name, value in filters.items() if value not in (None, [])}
    site = stage_of(stage, profile, region)
    if site:
        shown = {"limit": limit, "packages": packages, "facets": facets, "as_written": as_written}
        found = site.search({"q": text, **shown, **given})
    else:
        found = search_live(
            stacks.ready(home()),
            text,
            {name: _as_stored(value) for name, value in given.items()},
            limit=limit,
            packages=packages,
            facets=facets,
            as_written=as_written,
        )
    if as_json:
        print_json(found)
    else:
        show_found(console(), text, found)
    if not found.parts:
        raise typer.Exit(1)


def search_live(
    stack: stacks.Stack,
    text: str,
    filters: Filters,
    *,
    limit: int,
    packages: int = 1,
    facets: bool = False,
    as_written: bool = False,
) -> DrugsFound:
    """Search the live generation with the adapters that the functions use."""
    with stacks.functions_see(stack.environment()):
        w = Wiring()
        return find_drugs(
            text,
            filters,
            limit=limit,
            offset=0,
            packages=packages,
            facets=facets,
            as_written=as_written,
            meaning=lambda names: meaning_of(names, w.index.search, w.settings, w.embedder),
            index=w.index.search,
            synonyms=read_synonyms(w.settings.synonyms_file),
            on_degraded=lambda _: None,
        )


def _as_stored(value: list[str] | bool | None) -> tuple[str, ...]:
    return (str(int(value)),) if isinstance(value, bool) else tuple(value or ())
