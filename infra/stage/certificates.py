"""The regions for which a bundle of RDS's certificates has roots."""

import base64
import re
from functools import cache
from pathlib import Path

PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@cache
def regions_of(bundle: Path) -> frozenset[str]:
    """From the roots' names (`Amazon RDS us-east-1 Root CA RSA2048 G1`); empty if they are not
    RDS's."""
    text = b"".join(_der(one) for one in PEM.findall(bundle.read_text()))
    return frozenset(one.decode() for one in re.findall(rb"Amazon RDS ([a-z0-9-]+) Root CA", text))


def _der(pem: str) -> bytes:
    return base64.b64decode("".join(pem.splitlines()[1:-1]))
