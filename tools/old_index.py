"""What an older version left in Redis and in its run's folder: python -m tools.old_index COMMIT

The commit's own code builds a small index in servers of its own; `tests/upgrade/{commit}.json` then
holds every key, the commands that made its FT indexes, and the files of its run. A test lets
today's code continue from there.
"""

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "upgrade"

BUILD = r"""
import base64, contextlib, json, sys, threading, time
from pathlib import Path
import redis
from local.engine.runner import run
from local.servers.servers import connect
from local.servers.stack import down, up
from tests.rows import make_rows
from tests.servers import CatalogTable

def text(value):
    return base64.b64encode(value).decode()

def content(client, key):
    kind = client.type(key).decode()
    if kind == "hash":
        return kind, [[text(a), text(b)] for a, b in sorted(client.hgetall(key).items())]
    if kind == "zset":
        return kind, [text(one) for one in client.zrange(key, 0, -1)]
    if kind == "set":
        return kind, sorted(text(one) for one in client.smembers(key))
    return kind, text(client.get(key))

root = Path(sys.argv[1])
stack = up(root, lambda _: None, embedder="hash")
try:
    with contextlib.closing(connect(stack.mysql)) as connection:
        connection.autocommit = True
        table = CatalogTable(connection)
        table.create()
        rows = list(make_rows(12))
        table.insert(*rows)
    client = redis.Redis.from_url(stack.redis.url)
    made = []
    def watch():
        watching = redis.Redis.from_url(stack.redis.url, socket_timeout=600)
        with contextlib.suppress(redis.ConnectionError), watching.monitor() as monitor:
            for one in monitor.listen():
                words = one["command"]
                if words.startswith(("FT.CREATE", "FT.ALIAS")):
                    made.append(words)
    threading.Thread(target=watch, daemon=True).start()
    time.sleep(1)
    settings = {"embedding_dimensions": "256", "embed_page_size": "10"}
    report = run(stack, {"page_size": 5}, run_id="old", settings=settings)
    assert report.status == "SUCCEEDED", report
    time.sleep(1)
    keys = {key.decode(): content(client, key) for key in sorted(client.scan_iter())}
    folder = root / "runs" / "old"
    files = {
        str(path.relative_to(folder)): text(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".html" and path.name != "log.jsonl"
    }
    print(json.dumps({"rows": rows, "keys": keys, "indexes": made, "files": files}))
finally:
    down(root)
"""


def main() -> None:
    commit = subprocess.check_output(  # noqa: S603
        ["git", "rev-parse", "--short=7", sys.argv[1]],  # noqa: S607
        cwd=ROOT,
        text=True,
    ).strip()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        add = ["git", "worktree", "add", "--detach", str(tree), commit]
        subprocess.run(add, cwd=ROOT, check=True)  # noqa: S603
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-c", BUILD, str(Path(folder) / "home")],
                cwd=tree,
                env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
                check=True,
                stdout=subprocess.PIPE,
            )
        finally:
            remove = ["git", "worktree", "remove", "--force", str(tree)]
            subprocess.run(remove, cwd=ROOT, check=True)  # noqa: S603
    found = json.loads(done.stdout.splitlines()[-1])
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f"{commit}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    size = len(base64.b64encode(path.read_bytes()))
    print(f"{path.relative_to(ROOT)}: {len(found['keys'])} keys, {size // 1000} kB")


if __name__ == "__main__":
    main()
