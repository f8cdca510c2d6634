"""Memory of the EC2 arm64 instance types that may run Redis, from the pages of the instance
families in the EC2 documentation.

Other types are refused with this list, because a server that is larger than its machine is killed
in the middle of a run.
"""

from typing import Final

SIZES: Final = {
    **{"medium": 1, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16},
    **{"8xlarge": 32, "12xlarge": 48, "16xlarge": 64},
}
"""vCPU of a size, in families without burst credits."""

GB_A_CPU: Final = {
    **dict.fromkeys(("m6g", "m6gd", "m7g", "m7gd", "m8g", "m8gd"), 4),
    **dict.fromkeys(("r6g", "r6gd", "r7g", "r7gd", "r8g", "r8gd"), 8),
    **{"x2gd": 16, "x8g": 16},
}
T4G_GB: Final = {"medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}

SHARE_FOR_REDIS: Final = 0.75
"""The rest is for buffers, the system, and the fork that rewrites the append-only file."""


def memory_gb(instance_type: str) -> float | None:
    """Memory of a type; None if it is not known here."""
    family, _, size = instance_type.partition(".")
    if family == "t4g":
        return T4G_GB.get(size)
    if family not in GB_A_CPU or size not in SIZES:
        return None
    return GB_A_CPU[family] * SIZES[size]


def known_types() -> str:
    """For a message."""
    return f"{', '.join(GB_A_CPU)} (medium to 16xlarge), t4g ({', '.join(T4G_GB)})"
