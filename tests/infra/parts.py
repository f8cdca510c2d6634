"""What synthesizing needs beside Python."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest


def require_cdk() -> None:
    """Skip the module, in one line, where this machine lacks a part."""
    if missing := missing_part():
        pytest.skip(f"no templates without it: {missing}", allow_module_level=True)


def missing_part() -> str:
    """The part that this machine lacks, and how to get it; empty where it has everything."""
    for module in ("aws_cdk", "cdk_nag", "cfnlint"):
        if find_spec(module) is None:
            return f"{module} is not installed: pip install -e '.[infra]'"
    if shutil.which("node") is None:
        return "node is not installed, which aws-cdk-lib runs on"
    return ""
