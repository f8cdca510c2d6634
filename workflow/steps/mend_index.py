"""Mending: what the next sync needs to repair an index that failed its verification."""

from collections.abc import Sequence

from workflow.contract.events.payloads import Plan
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.server import Server


def mend_index(plan: Plan, keys: Sequence[str], *, documents: Documents, server: Server) -> None:
    """Name the keys for the next sync; make key set, FT indexes and aliases whole again.

    Only of what is live: a generation that never went live is dropped by the next run. An index
    that lacks hashes which exist was made by somebody else, so it is made anew.
    """
    if plan.new_generation:
        return
    holder = plan.run.holder
    names = LiveNames(plan.generation, plan.space)
    documents.report_damage(plan.generation, holder, keys)
    drugs = server.index("drugs", names.generation)
    if drugs is None or drugs.documents != documents.count(names.generation):
        documents.rebuild_key_set(names.generation, holder)
    if drugs is None or drugs.documents != documents.count(names.generation):
        server.rebuild_index("drugs", names, holder)
    server.point_aliases(names, holder)


def mend_texts_index(plan: Plan, *, server: Server) -> None:
    """Make the texts' index of a live space anew, where records are missing in it."""
    if not plan.new_generation:
        names = LiveNames(plan.generation, plan.space)
        server.rebuild_index("texts", names, plan.run.holder)
        server.point_aliases(names, plan.run.holder)
