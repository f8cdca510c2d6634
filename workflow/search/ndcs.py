"""The keys that an NDC in any spelling may have."""

import re
from typing import Final, NamedTuple

from workflow.contract.folding import plain

PARTS: Final = (5, 4, 2)  # characters of labeler, product and package once padded
LONGEST_KEY: Final = 64
_DASHES: Final = re.compile(r"[\u00ad\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d\u2e3a\u2e3b_./]")
_PREFIX: Final = re.compile(r"ndc(?:[ :#-]*(?:no|code|number)?[ .:#-]*)")
_CODE: Final = re.compile(r"[0-9][0-9a-z]*(?:[ -]+[0-9a-z]+){0,2}")
_BARCODE: Final = re.compile(r"(?:\(01\) ?|01)?([0-9]03[0-9]{11})", re.ASCII)
_BRACKETS: Final = "()[]{}<>\"'"
_TEN, _ELEVEN, _TWELVE = 10, 11, 12


class Asked(NamedTuple):
    """`keys`: what the catalog may hold; `prefixes`: of all packages of a labeler's product."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]


NO_NDC: Final = Asked((), ())


def ndcs_of(text: str) -> Asked:
    """What an NDC may mean; nothing if the text is not one.

    Three groups with dashes or blanks, 5-4-2 or shorter; 11 digits, also with one dash; 10 digits,
    which do not say where a zero was dropped; 12 of the FDA's next format (6-4-2); two groups of a
    product without its package.
    """
    if ten := _scanned(text):
        return Asked(_of_digits(ten), ())
    code = _bare(text)
    if not code:
        return NO_NDC
    groups = tuple(code.replace(" ", "-").split("-"))
    digits = "".join(groups)
    if len(groups) == 1 or (len(groups) == 2 and len(digits) == _ELEVEN):
        return Asked(tuple(dict.fromkeys(_of_digits(digits))), ())
    if len(groups) == 2:
        return Asked((), _products(*groups))
    return Asked(tuple(dict.fromkeys((*_padded(groups), code, digits))), ())


def _scanned(text: str) -> str:
    """The ten digits in a package's barcode (GTIN-14 with `(01)` or without): GS1 prefix 03, the
    NDC, a check digit."""
    found = _BARCODE.fullmatch(text.strip()) if len(text) <= LONGEST_KEY else None
    if not found:
        return ""
    digits = [int(one) for one in found[1]]
    check = sum(digits[0::2]) * 3 + sum(digits[1::2])
    return found[1][3:13] if check % 10 == 0 else ""


def _bare(text: str) -> str:
    if len(text) > LONGEST_KEY:
        return ""
    shown = _DASHES.sub("-", text.strip().strip(_BRACKETS))
    shown = _PREFIX.sub("", plain(shown), count=1)
    shown = re.sub(r"[ -]*-[ -]*|  +", "-", shown).strip(" -")
    return shown.upper() if _CODE.fullmatch(shown) and _has_digits(shown) else ""


def _has_digits(shown: str) -> bool:
    """Enough digits: `5 fu` is a drug, and `40 mg` a strength."""
    digits = sum(one.isdigit() for one in shown)
    size = sum(one.isalnum() for one in shown)
    groups = re.split("[ -]", shown)
    if len(groups) == 1:
        return size in (_TEN, _ELEVEN, _TWELVE) and digits >= size - 1
    if len(groups) == 2:
        if size == _ELEVEN:
            return digits >= size - 1
        return len(groups[0]) in (4, 5, 6) and len(groups[1]) in (3, 4) and digits >= size - 1
    fits = zip(groups, (range(4, 7), range(3, 5), range(1, 3)), strict=True)
    return digits >= size - 1 and all(len(one) in sizes for one, sizes in fits)


def _of_digits(code: str) -> tuple[str, ...]:
    if len(code) == _TEN:
        return (f"0{code}", f"{code[:5]}0{code[5:]}", f"{code[:9]}0{code[9:]}", code)
    if len(code) == _TWELVE and code.startswith("0"):
        return (code, code[1:])
    return (code,)


def _padded(groups: tuple[str, ...]) -> tuple[str, ...]:
    labeler, product, package = groups
    if len(labeler) > PARTS[0]:
        whole = labeler + product.zfill(4) + package.zfill(2)
        return (whole, whole[1:]) if whole.startswith("0") else (whole,)
    return (labeler.zfill(5) + product.zfill(4) + package.zfill(2),)


def _products(labeler: str, product: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((labeler.zfill(5) + product.zfill(4), f"{labeler}-{product}-")))


def dashed(key: str) -> str:
    """Eleven digits as 5-4-2, as people read them; any other key unchanged."""
    if len(key) == _ELEVEN and key.isascii() and key.isalnum():
        return f"{key[:5]}-{key[5:9]}-{key[9:]}"
    return key
