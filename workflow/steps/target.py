"""The generation that a run writes: the live one, or a new one beside it."""

from typing import NamedTuple

from workflow.contract.documents import space_of
from workflow.contract.errors import GenerationMismatch, NothingLive
from workflow.contract.events.payloads import Run
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.generations import Generation, Generations, LiveNames
from workflow.contract.ports.server import Server
from workflow.contract.settings import Settings


class Target(NamedTuple):
    """The generation that the run writes, and the live one if there is one."""

    generation: Generation
    live: Generation | None

    @property
    def new(self) -> bool:
        return self.live is None or self.generation.name != self.live.name

    @property
    def names(self) -> LiveNames:
        return LiveNames(self.generation.name, self.generation.space)

    @property
    def space_exists(self) -> bool:
        return self.live is not None and self.live.space == self.generation.space


def choose_target(
    run: Run, generations: Generations, server: Server, settings: Settings, clock: Clock
) -> Target:
    """The live generation for a sync or a verification; otherwise, or if none is live, a new one.

    Raises GenerationMismatch if the live one was built with other settings, NothingLive.
    """
    live = live_generation(generations)
    revision = live.space_revision if live else "0"
    schema = server.schema_digest()
    if live is not None and run.input.mode != "backfill":
        check_same(live, space_of(settings, revision).id, schema)
        return Target(live, live)
    if run.input.mode == "verify":
        raise NothingLive("there is no live index to verify; build it with a sync")
    if run.input.partial:
        raise GenerationMismatch(
            "a key range needs a live generation and there is none yet; start a sync without "
            "after_key and through_key"
        )
    identity = run.holder.identity
    if run.input.reembed:
        revision = identity
    elif live is not None and live.schema != schema:
        # The live texts index has the old options, and searches need it until the switch.
        revision = f"index-{schema}"
    space = space_of(settings, revision)
    generation = Generation(
        name=identity,
        space=space.id,
        space_revision=space.revision,
        schema=schema,
        state="building",
        run_id=run.run_id,
        created_at=clock().isoformat(timespec="seconds"),
    )
    _check_own(generations.find(identity), generation)
    return Target(generation, live)


def _check_own(existing: Generation | None, wanted: Generation) -> None:
    """A retry of this execution finds its own generation; any other belongs to another run."""
    if existing and (existing.state, existing.space) != ("building", wanted.space):
        raise GenerationMismatch(
            f"generation {wanted.name} exists already and is {existing.state}; start a new run"
        )


def live_generation(generations: Generations) -> Generation | None:
    """The record of what is live. Raises GenerationMismatch if it is gone."""
    live = generations.live()
    if live is None:
        return None
    record = generations.find(live.names.generation)
    if record is None:
        raise GenerationMismatch(
            f"generation {live.names.generation} is live but its record "
            f"drugs:generation:{live.names.generation} is gone; start a backfill after deleting "
            "drugs:live"
        )
    return record


def check_same(live: Generation, space: str, schema: str) -> None:
    """Raise GenerationMismatch if the live generation was built with other settings."""
    what = []
    if live.space != space:
        what.append("embedding (model, dimensions, normalization, template or cut)")
    if live.schema != schema:
        what.append("search index (algorithm or its options)")
    if what:
        raise GenerationMismatch(
            f"the live generation {live.name} was built with another {' and another '.join(what)}; "
            'start a backfill: {"mode": "backfill"}'
        )
