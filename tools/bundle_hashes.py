"""Write the hashes of the functions' libraries: python -m tools.bundle_hashes.

pip takes the wheels from the index that this machine uses, and checks them against the index's own
hashes; what is written down has no address.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.compute.bundles import LAMBDA, LIBRARIES, Library, selection
from infra.compute.pins import HASHES, PINS, hash_line, read_pins, requirements
from infra.stage.stage import ROOT


def lines() -> list[str]:
    """One line a library."""
    pins = read_pins(ROOT / PINS)
    wanted = {
        requirement: library
        for library in LIBRARIES
        for requirement in requirements(LIBRARIES[library], pins)
    }
    return [hash_line(one, _sha256(one, library)) for one, library in sorted(wanted.items())]


def _sha256(requirement: str, library: Library) -> str:
    """Of the one wheel that pip chooses for the functions."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", folder]
        subprocess.run(  # noqa: S603 - our own pins
            [*command, *selection(library, LAMBDA), requirement], check=True
        )
        (wheel,) = Path(folder).iterdir()
        return hashlib.sha256(wheel.read_bytes()).hexdigest()


if __name__ == "__main__":
    (ROOT / HASHES).write_text("\n".join(lines()) + "\n")
