"""Generations, the right to write, and what is live."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Protocol

from workflow.contract.events.files import Baseline
from workflow.contract.holder import Holder

GenerationState = Literal["building", "live", "previous"]


class LiveNames(NamedTuple):
    """What searches are answered from. `switch` changes with every switch."""

    generation: str
    space: str
    switch: str = ""


class Live(NamedTuple):
    """The live names, and what `rollback` can go back to.

    `undo` is the identity of the sync whose switch can be taken back; `previous` is the generation
    before the last backfill.
    """

    names: LiveNames
    previous: str = ""
    undo: str = ""
    finished: str = ""
    """The fence's token of the last run that finished its pruning."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One complete set of documents. `baseline` is what the last full publish found.

    `before` is the baseline before the last switch: a rollback brings it back.
    """

    name: str
    space: str
    space_revision: str
    schema: str
    state: GenerationState
    run_id: str
    created_at: str
    published_at: str = ""
    """When a run last published its content."""
    baseline: Baseline = field(default_factory=Baseline)
    before: Baseline | None = None
    published_before: str = ""

    def undone(self) -> "Generation":
        """The record before its last switch. Undoing twice gives this record again."""
        return replace(
            self,
            published_at=self.published_before,
            published_before=self.published_at,
            baseline=self.before or self.baseline,
            before=self.baseline,
        )


class Swap(NamedTuple):
    """The documents that one switch exchanges: `written` have a staged document, `removed` go."""

    written: Sequence[str] = ()
    removed: Sequence[str] = ()

    @property
    def keys(self) -> int:
        return len(self.written) + len(self.removed)


class Undone(NamedTuple):
    """What taking a switch back does to the documents that are searched."""

    changed: int = 0
    """Documents with other values, which have their old ones again; or the new ones again."""
    added: int = 0
    """Documents that are there again."""
    removed: int = 0
    """Documents that are gone again."""
    again: bool = False
    """The switch had been taken back before: it is made again."""


class Sweep(NamedTuple):
    """How far a sweep through all keys came: `cursor` is None at the end."""

    cursor: int | None
    removed: int


class Kept(NamedTuple):
    """What pruning keeps. `spaces` are those of the generations."""

    generations: Sequence[str]
    spaces: Sequence[str]
    staged: str
    """Identity of the run whose staged documents are kept."""
    undo: str
    unused_texts: bool = True
    """Also remove the texts of kept spaces that no kept drug names."""


class Generations(Protocol):
    """Errors: `errors.IndexError_`. Writes raise RunSuperseded where another run has the fence."""

    def live(self) -> Live | None: ...
    def every(self) -> list[Generation]: ...
    def find(self, name: str) -> Generation | None: ...

    def take_fence(self, holder: Holder) -> str:
        """Give the fence to this run, and return the token that held it, if any.

        Raises RunSuperseded if a run that started later has it: the fence only moves forward.
        """
        ...

    def create(self, generation: Generation, holder: Holder) -> None: ...

    def publish(self, generation: Generation, previous: str, holder: Holder) -> None:
        """Make a built generation live, and record both, in one transaction."""
        ...

    def switch(
        self,
        generation: Generation,
        swap: Swap,
        holder: Holder,
        *,
        repair: Sequence[str] = (),
    ) -> None:
        """Put staged documents in the place of live ones, all at once or not at all.

        The old ones are kept for `take_back`. `repair` are keys for the next sync.
        """
        ...

    def take_back(
        self,
        generation: Generation,
        undo: str,
        switch: str,
        holder: Holder,
        *,
        way_back: str | None = None,
    ) -> Undone:
        """Undo the switch of run `undo`, as the switch of that name; a second time restores it.

        With `way_back` the switch counts as never made: a rollback then undoes that of `way_back`.
        """
        ...

    def finish(self, holder: Holder) -> None:
        """Record that this run finished pruning."""
        ...

    def sweep(self, kept: Kept, cursor: int, holder: Holder, *, keys: int) -> Sweep:
        """Remove what is not kept from about `keys` keys after `cursor`, which begins at 0."""
        ...

    def drop_indexes(self, kept: Kept, holder: Holder) -> None:
        """Drop the FT indexes of generations and spaces that are not kept; the hashes stay."""
        ...

    def forget(self, kept: Kept, holder: Holder) -> None:
        """Remove the records of generations that are not kept.

        Call it last, when their documents are gone. Also removes notes about text records that are
        gone.
        """
        ...
