"""What the second reading of the catalog costs per row, in CPU of the server and the function.

python -m benchmarks.second_read          # 20,000 rows in pages of 1,000, three rounds of ten

CPU seconds of each process, so that other work on the machine does not count. `keys` is what
PublishIndex asks of the pages whose drugs go.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from local.servers.servers import connect
from local.servers.stack import Stack, down, up
from tests.rows import make_row
from tests.servers import CatalogTable
from workflow.adapters.mysql.catalog import MySQLCatalog, MySQLReader

ROWS, PAGE, ROUNDS, TIMES = 20_000, 1000, 3, 10
TICKS_A_SECOND = 100
"""Of /proc/*/stat."""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="second-read-") as folder:
        try:
            measure(up(Path(folder), lambda _: None, embedder="hash"))
        finally:
            down(Path(folder))


def measure(stack: Stack) -> None:
    fill(stack)
    options = {"unix_socket": stack.mysql.socket, "user": stack.mysql.user}
    options["database"] = stack.mysql.database
    catalog = MySQLCatalog(lambda: options, "drugs", 60)
    with catalog.connect() as reader:
        bounds = page_bounds(reader)
        for name, ask in (("rows", reader.read_range), ("keys", reader.keys)):
            rounds = [costs(stack.mysql.pid, ask, bounds * TIMES) for _ in range(ROUNDS)]
            of_server, of_function = (median(one) for one in zip(*rounds, strict=True))
            sys.stdout.write(
                f"{name}: {of_server / ROWS / TIMES * 1e6:.1f} us of the server's CPU and "
                f"{of_function / ROWS / TIMES * 1e6:.1f} us of the function's a row\n"
            )


def fill(stack: Stack) -> None:
    connection = connect(stack.mysql)
    table = CatalogTable(connection)
    table.create()
    rows = [make_row(number) for number in range(ROWS)]
    columns = ", ".join(f"`{column}`" for column in rows[0])
    marks = ", ".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor:
        for start in range(0, ROWS, PAGE):
            values = [tuple(row.values()) for row in rows[start : start + PAGE]]
            cursor.executemany(f"INSERT INTO drugs ({columns}) VALUES ({marks})", values)
    connection.commit()
    connection.close()


def page_bounds(reader: MySQLReader) -> list[tuple[str | None, str | None]]:
    bounds: list[tuple[str | None, str | None]] = []
    after: str | None = None
    while (end := reader.page_end(after, None, PAGE)) is not None:
        bounds.append((after, end))
        after = end
    return [*bounds, (after, None)]


def costs(
    pid: int,
    ask: Callable[[str | None, str | None], object],
    bounds: list[tuple[str | None, str | None]],
) -> tuple[float, float]:
    """CPU seconds of the server and of this process."""
    server, own = cpu_of(pid), time.process_time()
    for after, through in bounds:
        ask(after, through)
    return cpu_of(pid) - server, time.process_time() - own


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


if __name__ == "__main__":
    main()
