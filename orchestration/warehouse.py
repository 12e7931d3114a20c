"""The dbt project as Dagster assets of one instance.

Belongs here: manifest, names of the assets, the call of dbt. Does not belong here: models, tests, thresholds.
"""

# No `from __future__ import annotations`: Dagster compares the annotation of `context` with the class itself.

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import AssetDep, AssetExecutionContext, AssetKey, AssetsDefinition, AssetSpec, Failure
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from lagebild.instance import Instance
from lagebild.paths import DBT_PROJECT_DIR, var_dir
from orchestration import progress
from orchestration.exclusive import resource_key
from orchestration.fingerprint import hash_files, input_fingerprint, project_files
from orchestration.publish import new_release_id

DBT_TARGET = "duckdb"
DBT_EXECUTABLE = str(Path(sys.executable).with_name("dbt"))
UNIT_TESTS = "unit_test"
"""Run by pytest: they test the models, not last night's deliveries."""


def prepared_manifest() -> Path:
    """Path of the manifest of the dbt project, parsed anew only when a file of the project has changed."""
    folder = var_dir() / "dagster" / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    # Web server, daemon and command line may load the definitions at the same moment.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        version = hash_files(project_files(DBT_PROJECT_DIR), DBT_PROJECT_DIR)[:16]
        manifest = folder / version / "manifest.json"
        if not manifest.exists():
            _parse(folder / "parse")
            for old in folder.glob("*/manifest.json"):
                if old.parent.name != "parse":
                    shutil.rmtree(old.parent)
            manifest.parent.mkdir()
            os.replace(folder / "parse" / "manifest.json", manifest)
        return manifest


def _parse(target_path: Path) -> None:
    command = [DBT_EXECUTABLE, "--quiet", "parse", "--target", DBT_TARGET]
    folders = ["--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)]
    paths = ["--target-path", str(target_path), "--log-path", str(target_path)]
    done = subprocess.run([*command, *folders, *paths], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"dbt parse failed:\n{done.stdout}\n{done.stderr}")


class InstanceTranslator(DagsterDbtTranslator):
    """Asset keys `<instance>/<schema>/<model>`; dbt sources become the landing and catalogue assets behind them."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self._instance = instance

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        name = self._instance.name
        if dbt_resource_props["resource_type"] == "source":
            # Landing tables and registry are complete when the registry is written.
            asset = "catalogue" if dbt_resource_props["source_name"] == "catalogue" else "delivery_registry"
            return AssetKey([name, asset])
        # Published models carry their release name as alias (core and published both have a dim_area).
        table = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return AssetKey([name, self._layer(dbt_resource_props), table])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return f"{self._instance.name}_{self._layer(dbt_resource_props)}"

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        if unique_id.startswith("source."):
            return spec
        # The build waits for the verdict that there is something new; without it Dagster skips the build.
        # It is one step, so its first models are enough.
        parents = manifest["parent_map"].get(unique_id, [])
        if any(not parent.startswith("source.") for parent in parents):
            return spec
        return spec.replace_attributes(deps=[*spec.deps, AssetDep(AssetKey([self._instance.name, "change"]))])

    @staticmethod
    def _layer(props: Mapping[str, Any]) -> str:
        return str(props.get("config", {}).get("schema") or props["resource_type"])


@contextmanager
def dbt_environment(instance: Instance) -> Iterator[None]:
    """Variables the dbt profile reads; dagster-dbt hands the process environment on to dbt."""
    before = {name: os.environ.get(name) for name in ("LAGEBILD_WAREHOUSE", "DBT_TARGET_PATH")}
    instance.paths.protected.mkdir(parents=True, exist_ok=True)
    os.environ["LAGEBILD_WAREHOUSE"] = str(instance.paths.warehouse)
    os.environ["DBT_TARGET_PATH"] = str(instance.paths.dbt_target)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def build_vars(instance: Instance) -> dict[str, Any]:
    """`--vars` of one build: what the instance is, and the release it is built for."""
    from semantic_layer.export.dbt import dbt_vars

    return dbt_vars(instance, release_id=new_release_id(), input_fingerprint=input_fingerprint(instance))


def warehouse_assets(instance: Instance, manifest: Path) -> AssetsDefinition:
    """All models of the dbt project for one instance; their tests become asset checks."""

    @dbt_assets(
        manifest=manifest,
        exclude=f"resource_type:{UNIT_TESTS}",
        name=f"{instance.name}_warehouse",
        dagster_dbt_translator=InstanceTranslator(instance),
        # DuckDB has one writer per file.
        pool=f"{instance.name}_warehouse",
        required_resource_keys={resource_key(instance.name)},
    )
    def warehouse(context: AssetExecutionContext) -> Iterator[Any]:
        dbt = DbtCliResource(
            project_dir=str(DBT_PROJECT_DIR),
            profiles_dir=str(DBT_PROJECT_DIR),
            target=DBT_TARGET,
            dbt_executable=DBT_EXECUTABLE,
        )
        arguments = ["build", "--exclude-resource-type", UNIT_TESTS]
        with progress.step("Warehouse rechnen (dbt)") as step, dbt_environment(instance):
            invocation = dbt.cli(
                [*arguments, "--vars", json.dumps(build_vars(instance))],
                context=context,
                target_path=instance.paths.dbt_target,
                raise_on_error=False,
            )
            total = len(context.selected_asset_keys) + len(context.selected_asset_check_keys)
            for done, event in enumerate(invocation.stream(), start=1):
                step.tick(f"{min(done, total)} von {total} Modellen und Prüfungen")
                yield event
            if not invocation.is_successful():
                raise Failure(description=f"dbt: {_failed_nodes(invocation)}")
            step.result(f"{total} Modelle und Prüfungen")

    return warehouse


def _failed_nodes(invocation: DbtCliInvocation) -> str:
    """Names of what failed. The messages of dbt may quote rows, so they stay in the protected zone's dbt log."""
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except FileNotFoundError:
        return "abgebrochen, bevor ein Modell lief (siehe dbt.log in der geschützten Zone)"
    failed = [item["unique_id"].split(".")[2] for item in results if item["status"] in ("error", "fail")]
    return ", ".join(failed) or "abgebrochen (siehe dbt.log in der geschützten Zone)"
