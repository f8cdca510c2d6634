"""A machine with systemd and a volume, for the Redis host's script (`tools.host`)."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.data.redis_users import USERS, lines_of, probes
from infra.stage.stage import ROOT
from local.servers.redis_binaries import find_redis
from tools.debian import mirror

SCRIPT = "infra/data/redis_host/install.sh"
SUITE = "trixie"
"""Debian 13: its Redis 8 has TLS, its systemd takes both kinds of control groups."""
PACKAGES = (
    "systemd systemd-sysv redis-server redis-tools openssl python3-minimal curl xfsprogs procps"
)
NAME = "redis.drug-catalog-sync-lab.internal"
SYSTEMD = (
    "/lib/systemd/systemd --system --unit=multi-user.target --log-target=null "
    "systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
)
BOOT = f"""
mount --make-rprivate / && mount --bind "$1" "$1" && cd "$1"
mount -t proc proc proc && mount --rbind /sys sys
mount -t tmpfs tmpfs run && mount -t tmpfs tmpfs dev
mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/random c 1 8; mknod dev/sdb b "$2" "$3"; mkdir -p dev/pts dev/shm old
if [ -n "$4" ]; then mount dev/sdb var/lib/redis-data; fi
pivot_root . old
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  /bin/sh -c 'umount -l /old; mount --make-rshared /; exec {SYSTEMD} < /dev/null > /dev/null 2>&1'
"""
"""Without udev nobody says that a device is there: after a reboot, the volume is mounted for it."""

AWS = """#!/usr/bin/python3 -IS
import json, os, shutil, sys
words = sys.argv[1:]
option = lambda name, default="": words[words.index(name) + 1] if name in words else default
secret = "/root/secrets/" + option("--secret-id")
open("/root/calls", "a").write(" ".join(words) + chr(10))
if "get-secret-value" in words:
    versions = json.load(open(secret))
    stage = option("--version-stage", "AWSCURRENT")
    print(versions[stage]) if stage in versions else sys.exit("ResourceNotFoundException")
if "put-secret-value" in words:
    versions = json.load(open(secret))
    given = open(option("--secret-string").removeprefix("file://")).read()
    new = {"AWSCURRENT": given, "AWSPREVIOUS": versions["AWSCURRENT"]}
    json.dump(new, open(secret, "w"))
if "describe-volumes" in words:
    print(os.environ.get("OTHER" if "--filters" in words else "HOLDER", "None"))
if "attach-volume" in words:
    os.remove("/dev/sdb")
    os.mknod("/dev/sdb", 0o60600, os.makedev(*map(int, os.environ["DEVICE"].split())))
if "cp" in words:
    shutil.copy("/root/redis.rpm", words[-1])
"""
CURL = """#!/bin/sh
case "$*" in *api/token*) echo token ;; *) echo i-me ;; esac
"""


class Machine:
    """A root folder with the script, booted and stopped at will."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._folder = folder
        self._init = 0
        self.device = self._loop("volume", 400)
        self.variables = {
            "REGION": "us-east-1",
            "PACKAGE": "s3://packages/redis.rpm",
            "OLDEST_VERSIONS": "8.0.0 8.2.0",
            "MAX_MEMORY_MB": "256",
            "HOST_NAME": NAME,
            "AUTHORITY_SECRET": "authority",
            "CERTIFICATE_SECRET": "certificate",
            "USERS": lines_of({user.name: user.name for user in USERS}),
            "PROBES": probes(),
            "LOG_GROUP": "lab",
            "METRICS_NAMESPACE": "DrugCatalogSync",
            "METRICS_STAGE": "lab",
            "VOLUME": "vol-1",
            "DATA_DEVICE": "/dev/sdb",
            "HOLDER": "i-me",
        }

    def install(self) -> None:
        """The base system, the script, and stand-ins for AWS and dnf."""
        _run("debootstrap", "--variant=minbase", f"--include={PACKAGES.replace(' ', ',')}", SUITE,
             str(self.root), mirror())  # fmt: skip
        agent = "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
        for path, text in {
            "usr/local/bin/aws": AWS,
            "usr/local/bin/curl": CURL,
            "usr/local/bin/dnf": '#!/bin/sh\necho "dnf $*" >> /root/calls\n',
            agent: "#!/bin/sh\n",
            "root/install.sh": (ROOT / SCRIPT).read_text(),
        }.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            place.chmod(0o755)
        secrets = self.root / "root/secrets"
        secrets.mkdir()
        for name in [*(user.name for user in USERS), "authority", "certificate"]:
            first = json.dumps({"password": f"first-of-{name}"})
            (secrets / name).write_text(json.dumps({"AWSCURRENT": first}))
        module = find_redis().search_module
        assert module, "the module is a file of its own"  # noqa: S101
        (self.root / "usr/lib/redis").mkdir()
        shutil.copy(module, self.root / "usr/lib/redis/redisearch.so")
        (self.root / "usr/lib/redis/redisearch.so").chmod(0o755)
        (self.root / "var/lib/redis-data").mkdir()
        self.package("the first package")

    def package(self, text: str) -> None:
        (self.root / "root/redis.rpm").write_text(text)
        self.variables["PACKAGE_SHA256"] = hashlib.sha256(text.encode()).hexdigest()

    def boot(self, *, mounted: bool = False) -> None:
        """Returns when systemd has started what it must."""
        spaces = ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc"]
        major, minor = self.device.split()
        arguments = ["sh", "-c", BOOT, "boot", str(self.root), major, minor, "yes" * mounted]
        with (self._folder / "console").open("w") as console:
            started = subprocess.Popen([*spaces, *arguments], stdout=console, stderr=console)  # noqa: S603
        for _ in range(300):
            children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
            self._init = int(children[0]) if children else 0
            if self._init and self.ask("systemctl is-active multi-user.target") == "active":
                return
            time.sleep(0.2)
        sys.exit(f"systemd did not start: {(self._folder / 'console').read_text()}")

    def power_off(self) -> None:
        """At once, as a machine loses its power."""
        os.kill(self._init, signal.SIGKILL)
        while Path(f"/proc/{self._init}/exe").exists():
            time.sleep(0.05)

    def ask(self, command: str) -> str:
        """What a command prints, on the machine."""
        return self._do("bash", "-c", command).stdout.strip()

    def redis(self, command: str) -> str:
        login = "REDISCLI_AUTH=$(cat /etc/redis/host-password) redis-cli -e"
        return self.ask(
            f"{login} -s /run/drug-catalog-redis/redis.sock --user drugsync_host {command} 2>&1"
        )

    def script(self, action: str, **changed: str) -> None:
        """Runs it as the association does; ends the program if it fails."""
        self.variables |= changed
        exports = [f"export {name}={shlex.quote(one)}" for name, one in self.variables.items()]
        done = self._do("bash", "-c", "; ".join([*exports, f"bash /root/install.sh {action}"]))
        if done.returncode:
            sys.exit(f"{action} failed:\n{done.stdout}\n{done.stderr}")

    def secret(self, name: str) -> str:
        """A user's password now."""
        versions = json.loads((self.root / "root/secrets" / name).read_text())
        return str(json.loads(versions["AWSCURRENT"])["password"])

    def snapshot(self) -> str:
        """Another volume, a copy of the one that is mounted (frozen, as EBS takes one)."""
        self.ask("sync; xfs_freeze -f /var/lib/redis-data")
        shutil.copy(self._folder / "volume", self._folder / "restored")
        self.ask("xfs_freeze -u /var/lib/redis-data")
        return self._loop("restored", 0)

    def _do(self, *command: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "--target", str(self._init), "-m", "-p", "-u", "-i", "-r", "-w"]
        clean = ["env", "-i", "HOME=/root", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        return subprocess.run(  # noqa: S603 - our own commands
            [*enter, *clean, *command], capture_output=True, text=True, check=False
        )

    def _loop(self, name: str, megabytes: int) -> str:
        """A block device over a file: its numbers."""
        path = self._folder / name
        if megabytes:
            with path.open("wb") as file:
                file.truncate(megabytes << 20)
        device = os.stat(_run("losetup", "--find", "--show", str(path)).strip()).st_rdev
        return f"{os.major(device)} {os.minor(device)}"


@contextmanager
def machine() -> Iterator[Machine]:
    """One in a folder that goes at the end, with its devices."""
    folder = Path(tempfile.mkdtemp(prefix="redis-host-"))
    host = Machine(folder)
    try:
        host.install()
        host.boot()
        yield host
    finally:
        if host._init:
            host.power_off()
        for name in ("volume", "restored"):
            for line in _run("losetup", "--associated", str(folder / name)).splitlines():
                _run("losetup", "--detach", line.partition(":")[0])
        shutil.rmtree(folder)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
