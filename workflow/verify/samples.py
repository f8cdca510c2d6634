"""The texts that searches and the model are tested with: those of the plan's sample keys."""

from typing import NamedTuple

from workflow.contract.documents import record_fault
from workflow.contract.events.payloads import Plan
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.texts import TextRecord, Texts
from workflow.contract.settings import Settings


class Sampled(NamedTuple):
    """Sound text records with a vector. VerifyPage names those that are not sound."""

    hashes: list[str]
    records: list[TextRecord]

    def first(self, count: int) -> "Sampled":
        """The first `count` of them."""
        return Sampled(self.hashes[:count], self.records[:count])

    @property
    def vectors(self) -> dict[str, bytes]:
        """Text hash -> vector."""
        return {one: record.vector for one, record in zip(self.hashes, self.records, strict=True)}


def embedded_now(plan: Plan, sampled: Sampled, texts: Texts) -> set[str]:
    """The hashes of sampled texts that this run embedded."""
    origins = zip(sampled.hashes, texts.origins(plan.space, sampled.hashes), strict=True)
    return {one for one, origin in origins if origin and origin.run == plan.run.holder.identity}


def sample_texts(
    plan: Plan, count: int, *, documents: Documents, texts: Texts, settings: Settings
) -> Sampled:
    """The same order for every page and try of a run, so that pages can be added up."""
    keys = list(plan.sample_keys)
    stored = documents.read(plan.generation, keys)
    if not plan.new_generation:
        staged = documents.read_staged(plan.run.holder, keys)
        stored = [new or old for new, old in zip(staged, stored, strict=True)]
    hashes = list(dict.fromkeys(one["text_hash"] for one in stored if one.get("text_hash")))
    pairs = [
        (one, record)
        for one, record in zip(hashes, texts.records(plan.space, hashes), strict=True)
        if record
        and not record.refused
        and not record_fault(one, record, settings.embedding_dimensions)
    ][:count]
    return Sampled([one for one, _ in pairs], [record for _, record in pairs])
