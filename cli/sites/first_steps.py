"""What comes first on this machine: servers, then a catalog, then a run."""

from collections.abc import Sequence
from contextlib import closing

from local.catalogs.catalog import VIEW, has_catalog
from local.places import ELSEWHERE
from local.servers.servers import connect
from local.servers.stack import Stack
from workflow.operate.doctor import Finding

LOAD_ONE = (
    "load the FDA's directory or a CSV file: drugsync catalog load; or use your own server: "
    "drugsync up --mysql URL"
)


def catalog_is_missing(stack: Stack) -> bool:
    """Nothing was ever loaded into this machine's own server, and nothing else is to be read."""
    if not stack.mysql.pid or stack.settings().catalog_table != VIEW:
        return False
    with closing(connect(stack.mysql)) as connection:
        return not has_catalog(connection)


def advised(findings: Sequence[Finding], stack: Stack) -> list[Finding]:
    """With the advice that fits this machine: no catalog was loaded, its disk is the bucket."""
    return [
        one if one.ok else one.model_copy(update={"advice": _advice(one, stack)})
        for one in findings
    ]


def _advice(failed: Finding, stack: Stack) -> str:
    if failed.check == "MySQL catalog" and catalog_is_missing(stack):
        return LOAD_ONE
    if failed.check == "run bucket":
        return f"runs are kept below {stack.root}; {ELSEWHERE}"
    return failed.advice


def next_step(stack: Stack, *, has_runs: bool) -> str:
    """The command that a user who has just started the servers types next."""
    if catalog_is_missing(stack):
        return "drugsync catalog load"
    return "drugsync search TEXT, or drugsync run" if has_runs else "drugsync run --dry-run"
