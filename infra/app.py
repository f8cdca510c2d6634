"""The CDK app of one stage: `STAGE=dev python -m infra.app`, or `cdk ... -c stage=dev`."""

import json
import os
import sys
from pathlib import Path

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.compute.bundles import BundleFailed
from infra.compute.workflow_stack import WorkflowStack
from infra.data.data_stack import DataStack
from infra.stage.stage import ROOT, Stage, StageInvalid, load_stage

STAGES = ROOT / "stages"


def build(stage: Stage, *, output: Path | None = None) -> App:
    """Both stacks of a stage, checked by cdk-nag when the app is synthesized."""
    # The CDK command line passes the context; without it, it comes from the same file.
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(outdir=str(output) if output else None, context=context)
    data = DataStack(app, "Data", stage=stage)
    WorkflowStack(app, "Workflow", stage=stage, data=data)
    Tags.of(app).add("service", "drug-catalog-sync")
    Tags.of(app).add("stage", stage.name)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def main() -> None:
    """Synthesize; a wrong stage file or a failed bundle is one message and exit code 1."""
    name = os.environ.get("STAGE") or App().node.try_get_context("stage") or ""
    try:
        if not name:
            raise StageInvalid("give the stage: STAGE=dev, or -c stage=dev")
        build(load_stage(STAGES / f"{name}.toml")).synth()
    except (StageInvalid, BundleFailed) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
