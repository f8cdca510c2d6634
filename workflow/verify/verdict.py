"""Chooses the error of a failed verification."""

from workflow.contract.errors import CatalogMoved, TooManyRejected, VerificationFailed
from workflow.contract.events.files import Verification
from workflow.verify.checks import DRIFT, NO_DAMAGE, NOT_EMPTY, REJECTED, VANISHING, described


def stop(
    verification: Verification,
    *,
    doubted: bool = False,
    drifted: bool = False,
    of_what_is_live: bool = False,
) -> None:
    """Raise the error that the failed checks stand for.

    `doubted`: texts that the next run embeds again. `drifted`: rows changed meanwhile.
    `of_what_is_live`: searches answer from what was verified; otherwise it stays unpublished.
    """
    now = "searches answer from it now" if of_what_is_live else "nothing was published"
    failed = [check for check in verification.checks if not check.passed]
    names = {check.check for check in failed}
    text = described(failed)
    if names == {REJECTED}:
        raise TooManyRejected(
            f'{text}; see the report; if they may be left out, start with "accept": ["rejects"]'
        )
    if names <= {DRIFT, VANISHING, REJECTED} or (drifted and names == {NOT_EMPTY}):
        raise CatalogMoved(
            f"{text}; the catalog changed while the run read it; nothing was published; start a "
            "new run once its load has ended"
        )
    if names <= NO_DAMAGE and not doubted:
        raise VerificationFailed(
            f"{text}; the index equals the catalog, so a sync cannot repair this; {now}; see "
            "docs/failed-run.md, searches that fail"
        )
    raise VerificationFailed(f"{text}; {now}; start a sync, which repairs it")
