"""Try the Redis host's script on a machine with systemd: python -m tools.host (as root).

A Debian with systemd as the first process of namespaces of its own, a volume of its own (a loop
device with XFS), and the script as Systems Manager runs it: start, daily run, killed server, full
volume, rotation, upgrade, reboot, a snapshot restored. Real are systemd, the script, OpenSSL and a
Redis with TLS and a query engine; AWS's commands and dnf answer as they would. Amazon Linux's own
packages and arm64 are not tried here (docs/first-deployment.md).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from infra.stage.stage import ROOT
from tools.host_machine import NAME, Machine, machine

PAGE = ROOT / "docs" / "deploy.md"
"""Its table has the seconds of each event."""


def scenes(host: Machine) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in order; each ends with what must be true."""

    def started() -> None:
        host.script("apply")
        expect(host.redis("PING"), "PONG")
        expect(host.redis("SET drugs:x 1"), "OK")

    def run_again() -> None:
        before = host.ask("systemctl show -p MainPID drug-catalog-redis")
        host.script("apply")
        expect(host.ask("systemctl show -p MainPID drug-catalog-redis"), before)

    def answers_by_tls() -> None:
        login = "--user drugsync_search --pass first-of-drugsync_search --no-auth-warning"
        tls = f"redis-cli -h 127.0.0.1 --tls --cacert /etc/redis/ca.pem --sni {NAME}"
        expect(host.ask(f"{tls} {login} HGETALL drug:x:1; echo $?"), "\n0")
        expect(host.ask(f"{tls} PING 2>&1"), "NOAUTH")
        expect(host.ask("redis-cli -h 127.0.0.1 PING 2>&1"), "Connection reset")

    def killed() -> None:
        host.ask("pkill -9 redis-server")
        until(lambda: host.redis("GET drugs:x") == "1")

    def full() -> None:
        host.ask("dd if=/dev/zero of=/var/lib/redis-data/full bs=1M")
        write = "SET drugs:big $(head -c 100000 /dev/zero | tr '\\0' x)"
        until(lambda: "MISCONF" in host.redis(write))
        expect(host.redis("GET drugs:x"), "1")
        expect(host.ask("systemctl start drug-catalog-redis-figures; echo $?"), "1")
        host.ask("rm /var/lib/redis-data/full")
        until(lambda: host.redis("SET drugs:big small") == "OK")
        expect(host.ask("systemctl start drug-catalog-redis-figures; echo $?"), "0")

    def rotated() -> None:
        host.script("rotate")
        host.script("apply")
        new = host.secret("drugsync_run")
        for password in ("first-of-drugsync_run", new):
            expect(host.redis(f"--no-auth-warning AUTH drugsync_run {password}"), "OK")

    def upgraded() -> None:
        before = host.ask("systemctl show -p MainPID drug-catalog-redis")
        host.package("another package")
        host.script("apply")
        assert host.ask("systemctl show -p MainPID drug-catalog-redis") != before  # noqa: S101
        expect(host.ask("grep -c dnf /root/calls"), "2")
        expect(host.redis("GET drugs:x"), "1")

    def booted() -> None:
        host.power_off()
        host.boot(mounted=True)
        until(lambda: host.redis("GET drugs:x") == "1")
        expect(host.ask("systemctl is-active drug-catalog-redis-figures.timer"), "active")

    def restored() -> None:
        copy = host.snapshot()
        host.redis("SET drugs:x 2")
        host.script("apply", VOLUME="vol-2", HOLDER="None", OTHER="vol-1", DEVICE=copy)
        expect(host.redis("GET drugs:x"), "1")

    yield "start", started
    yield "the daily run", run_again
    yield "TLS", answers_by_tls
    yield "the server killed", killed
    yield "the volume full, then freed", full
    yield "passwords rotated", rotated
    yield "another package", upgraded
    yield "power lost, booted", booted
    yield "a snapshot restored", restored


def expect(found: str, words: str) -> None:
    if words.strip() not in found:
        raise AssertionError(f"{found!r} has no {words!r}")


def until(holds: Callable[[], bool]) -> None:
    """Within a minute."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError("it did not come true within a minute")


def with_seconds(page: str, seconds: dict[str, float]) -> str:
    """The page with each event's seconds in its row."""
    for name, took in seconds.items():
        page, rows = re.subn(
            rf"^(\| {re.escape(name)} \| )\d+( \|)", rf"\g<1>{took:.0f}\2", page, flags=re.M
        )
        if rows != 1:
            raise ValueError(f"{PAGE.name} has {rows} rows of {name!r}")
    return page


def main() -> None:
    seconds: dict[str, float] = {}
    print("| what | seconds |\n|---|---|")
    with machine() as host:
        for name, scene in scenes(host):
            begun = time.monotonic()
            scene()
            seconds[name] = time.monotonic() - begun
            print(f"| {name} | {seconds[name]:.1f} |", flush=True)
    PAGE.write_text(with_seconds(PAGE.read_text(encoding="utf-8"), seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
