"""Write a release's list of parts (CycloneDX 1.6): python -m tools.sbom FILE.

The functions' libraries have the hash of the very wheel that their bundles are made of.
"""

import sys
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from infra.compute.pins import HASHES, read_hashes
from infra.stage.stage import ROOT
from tools.parts import PROJECT, Part, parts
from workflow import __version__

SHIPPED = ("functions", "one machine")
"""What a release brings along; the others build, deploy or test it."""


def bill_of_materials() -> Bom:
    """Of the wheel and of the functions."""
    hashes = read_hashes(ROOT / HASHES)
    bom = Bom()
    bom.metadata.component = project = _component(PROJECT, __version__, "Apache-2.0")
    found = {one.name: (one, _of(one, hashes)) for one in parts() if one.use in SHIPPED}
    for part, component in found.values():
        bom.components.add(component)
        needed = [found[name][1] for name in part.needs if name in found]
        bom.register_dependency(component, needed)
    bom.register_dependency(project, [component for _, component in found.values()])
    return bom


def _of(part: Part, hashes: dict[str, str]) -> Component:
    component = _component(part.name, part.version, part.licence)
    component.scope = ComponentScope.REQUIRED
    component.properties.add(Property(name="drug-catalog-sync:use", value=part.use))
    if sha256 := hashes.get(f"{part.name}=={part.version}"):
        component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=sha256))
    return component


def _component(name: str, version: str, licence: str) -> Component:
    purl = PackageURL("pypi", None, name, version)
    return Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION if name == PROJECT else ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        licenses=[LicenseFactory().make_from_string(licence)],
    )


def as_json() -> str:
    """The document of a release's file."""
    outputter = make_outputter(bill_of_materials(), OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_json(), encoding="utf-8")
