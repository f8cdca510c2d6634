"""Prepares the repair that the next sync makes, after an index failed its verification."""

from collections.abc import Sequence

from workflow.contract.events.payloads import Plan, TextsPage
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.server import Server
from workflow.contract.ports.texts import Texts
from workflow.contract.runs import EMBED_MANIFEST, EMBED_TEXTS, RunFiles


def mend_index(
    plan: Plan, keys: Sequence[str], *, documents: Documents, server: Server, keys_fit: bool
) -> None:
    """Note the keys for the next sync; repair the key set, FT indexes and aliases.

    `keys_fit` says whether the key set had as many keys as the pages.

    Only what is live: the next run removes a generation that never went live. An index that lacks
    existing hashes is created again. The aliases come last, because their indexes must exist.
    """
    if plan.new_generation:
        return
    holder = plan.run.holder
    names = LiveNames(plan.generation, plan.space)
    documents.report_damage(plan.generation, holder, keys)
    drugs = server.index("drugs", names.generation)
    # One missing and one extra key cancel out in the counts, so any damage is reason enough.
    if (
        keys
        or not keys_fit
        or drugs is None
        or drugs.documents != documents.count(names.generation)
    ):
        documents.rebuild_key_set(names.generation, holder)
    if drugs is None or drugs.unlike or drugs.documents != documents.count(names.generation):
        server.rebuild_index("drugs", names, holder)
    server.create_indexes(names)
    server.point_aliases(names, holder)


def note_bad_texts(plan: Plan, keys: Sequence[str], *, documents: Documents) -> None:
    """For a generation next to the live one: the next sync rewrites their records.

    Both generations search with the same records, and a backfill does not touch them.
    """
    if plan.new_generation and plan.live_generation:
        documents.report_damage(plan.live_generation, plan.run.holder, keys)


def mend_texts_index(plan: Plan, *, server: Server) -> None:
    """Create the texts' index of a live space again, if it lacks records."""
    if not plan.new_generation:
        names = LiveNames(plan.generation, plan.space)
        server.rebuild_index("texts", names, plan.run.holder)


def doubt_own_texts(plan: Plan, files: RunFiles, *, texts: Texts) -> None:
    """Let the next run embed again what this run embedded.

    Otherwise it would find these vectors, embed nothing, and publish two models in one space.
    """
    if plan.live_generation is None:
        return
    for page in files.read_manifest(EMBED_MANIFEST, TextsPage):
        hashes = [one.hash for one in files.read_texts(EMBED_TEXTS.format(page.page))]
        texts.doubt(plan.space, plan.run.holder, hashes)


def settle_drift(plan: Plan, drifted: Sequence[str], documents: Documents) -> None:
    """Note rows that changed during the run for the next sync.

    A first generation leaves their documents out. One next to a live generation keeps them, because
    they are newer than what is live.
    """
    if not drifted or not plan.new_generation or plan.run.input.dry_run:
        return
    if plan.live_generation is None:
        documents.leave_out(plan.generation, plan.run.holder, drifted)
    else:
        documents.report_damage(plan.generation, plan.run.holder, drifted)
