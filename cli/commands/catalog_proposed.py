"""What `catalog init` proposes for a table or a file: columns, text, and rows that stay out."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from cli.documents import CatalogProposed, RejectedSample
from local.catalogs.csv_catalog import DASHED_NDC, CsvForm, as_loaded, first_rows
from local.catalogs.headings import unmatched
from local.catalogs.proposal import Proposal, file_mapping, quoted, template_of
from local.catalogs.source_table import SourceTables
from workflow.contract.columns import KEY
from workflow.contract.documents import Renderer
from workflow.contract.ports.catalog import Row, UnreadableRow
from workflow.contract.rows import SAMPLE_ROWS, read_row

TEXTS = 5
LONGEST = 2_000
"""Longest text that is shown, in characters."""


def of_table(tables: SourceTables, proposal: Proposal, template: str | None) -> CatalogProposed:
    rows = tables.preview(proposal)
    theirs = [column.name for column in tables.columns(proposal.table)]
    made = "\n".join(proposal.columns.values())
    return _found(
        source=proposal.table,
        view=proposal.view,
        columns=proposal.columns,
        unused=[] if proposal.given else [one for one in theirs if quoted(one) not in made],
        notes=proposal.notes,
        template=template or proposal.template,
        rows=rows,
        sql=proposal.sql + (tables.grant(proposal.view) if proposal.sql else ""),
        then="drugsync run --dry-run",
    )


def of_file(
    path: Path, form: CsvForm, chosen: dict[str, str], template: str | None
) -> CatalogProposed:
    """The proposal for a CSV file is the command that loads it."""
    header, sample = first_rows(path, form, SAMPLE_ROWS)
    mapping = file_mapping(path, header, chosen)
    command = ["drugsync", "catalog", "load", "--source", str(path)]
    if form.delimiter:
        command += ["--delimiter", {"\t": "tab"}.get(form.delimiter, form.delimiter)]
    command += ["--encoding", form.encoding] if form.encoding else []
    for ours, theirs in mapping.items():
        command += ["--column", f"{ours}={theirs}"] if ours != theirs else []
    command += [
        word
        for ours, theirs in chosen.items()
        if not theirs and ours in header
        for word in ("--column", f"{ours}=")
    ]
    keys = [str(row.get(mapping[KEY]) or "") for row in sample]
    dashed = [key for key in keys if DASHED_NDC.fullmatch(key.strip())]
    command += ["--pad-keys"] if dashed else []
    left_out = unmatched(header, mapping)
    command += ["--other-columns"] if left_out else []
    return _found(
        source=str(path),
        view="drugs",
        columns=mapping,
        unused=left_out,
        notes=[f"{dashed[0]} has dashes: eleven digits are stored"] if dashed else [],
        template=template or template_of(mapping),
        rows=[
            {ours: as_loaded(ours, row.get(theirs)) for ours, theirs in mapping.items()}
            for row in sample
        ],
        sql="",
        then=shlex.join(command),
    )


def _found(
    *,
    source: str,
    view: str,
    columns: dict[str, str],
    unused: Iterable[str],
    notes: Iterable[str],
    template: str,
    rows: Sequence[Row],
    sql: str,
    then: str,
) -> CatalogProposed:
    read = [read_row(row) for row in rows]
    good = [row for row in read if not isinstance(row, UnreadableRow)]
    blank = [row for row in good if not (row["ndc"] or "").strip()]
    rejected = [
        RejectedSample(ndc=row.ndc, column=row.column, value=row.value, reason=row.reason)
        for row in read
        if isinstance(row, UnreadableRow)
    ]
    rejected += [RejectedSample(ndc="", column=KEY, value="", reason="is blank") for _ in blank]
    renderer = Renderer(template, LONGEST, space="")
    return CatalogProposed(
        source=source,
        view=view,
        columns=columns,
        unused=tuple(unused),
        notes=(*notes, *_doubts(columns, good)),
        template=template,
        texts=tuple(_texts(renderer, good)),
        sampled=len(rows),
        rejected=tuple(rejected),
        sql=sql,
        created=False,
        next=then,
    )


def _texts(renderer: Renderer, rows: Sequence[Row]) -> list[str]:
    """Texts of drugs spread over the sample, because neighbours are packages of one drug."""
    step = max(1, len(rows) // TEXTS)
    return [renderer.text(renderer.document(row).fields).text for row in rows[::step][:TEXTS]]


def _doubts(columns: Iterable[str], rows: Sequence[Row]) -> list[str]:
    """Columns with one value in every row: usually a wrong mapping."""
    found = []
    for column in columns:
        values = {(row.get(column) or "").strip() for row in rows}
        if len(rows) > 1 and len(values) == 1:
            (only,) = values
            found.append(f"{column} is {only!r} in every row" if only else f"{column} is blank")
    return found
