"""What Redis holds and no kept generation needs."""

from collections.abc import Iterable

from workflow.contract.ports.index import Index


def drop_all_but(
    index: Index, run_id: str, *, generations: Iterable[str], spaces: Iterable[str]
) -> None:
    """Drop every other generation and space: memory is freed even after a run that ran out."""
    kept_generations, kept_spaces = set(generations), set(spaces)
    for generation in index.generations():
        if generation.name not in kept_generations:
            index.drop_generation(generation.name, run_id)
    for space in index.spaces():
        if space not in kept_spaces:
            index.drop_space(space, run_id)
