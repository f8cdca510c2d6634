"""What comes first on this machine: servers, then a catalog, then a run."""

from collections.abc import Sequence
from contextlib import closing

from local.catalogs.catalog import VIEW, has_catalog
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
    """With the advice that fits a machine where no catalog was loaded."""
    return [
        one.model_copy(update={"advice": LOAD_ONE})
        if one.check == "MySQL catalog" and not one.ok and catalog_is_missing(stack)
        else one
        for one in findings
    ]


def next_step(stack: Stack, *, has_runs: bool) -> str:
    """The command that a user who has just started the servers types next."""
    if catalog_is_missing(stack):
        return "drugsync catalog load"
    return "drugsync search TEXT, or drugsync run" if has_runs else "drugsync run --dry-run"
