"""The dbt project as Dagster assets of one instance, in the two halves between which the protection stands.

Belongs here: manifest, names of the assets, the call of dbt. Does not belong here: models, tests, thresholds.
The first half counts and judges every figure, the second reads the proof, checks it and forms what is published.
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
from orchestration.publish import new_release_id, read_ledger

DBT_TARGET = "duckdb"
DBT_EXECUTABLE = str(Path(sys.executable).with_name("dbt"))
DBT_THREADS = {"OPENBLAS_MAIN_FREE": "1", "GOTOBLAS_MAIN_FREE": "1"}
"""numpy 1 sets these variables while it is imported and takes them away again. Python models import it in one thread of
dbt while another copies the environment, and that one fails with a KeyError; variables that are there already stay."""
UNIT_TESTS = "unit_test"
"""Run by pytest: they test the models, not last night's deliveries."""
PROTECTION = "protection"
_CERTIFICATE = ("certificate_", "base_world_agrees")
"""Tests of the proof, by the beginning of their names."""
BEFORE_PROTECTION = "fqn:lagebild.staging fqn:lagebild.core fqn:lagebild.disclosure"
AFTER_PROTECTION = "fqn:lagebild.proof fqn:lagebild.published fqn:lagebild.analysis"
"""Models of the two halves. Folders by name: an exclusion would take tests of both halves into the first, and a
selection by path depends on the working directory."""


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
        # The proof is named in SQL only where there is one, so the manifest does not know what it waits for.
        reads_proof = manifest["nodes"].get(unique_id, {}).get("name", "").startswith("stg_proof__")
        names = [PROTECTION] if reads_proof else ["change"]
        return spec.replace_attributes(
            deps=[*spec.deps, *(AssetDep(AssetKey([self._instance.name, name])) for name in names)]
        )

    @staticmethod
    def _layer(props: Mapping[str, Any]) -> str:
        return str(props.get("config", {}).get("schema") or props["resource_type"])


@contextmanager
def dbt_environment(instance: Instance, indirect_selection: str = "eager") -> Iterator[None]:
    """Variables the dbt profile reads; dagster-dbt hands the process environment on to dbt.

    `indirect_selection`: "cautious" runs a test only where all its models are built.
    """
    variables = {
        "LAGEBILD_WAREHOUSE": str(instance.paths.warehouse),
        "DBT_TARGET_PATH": str(instance.paths.dbt_target),
        "DBT_INDIRECT_SELECTION": indirect_selection,
        **DBT_THREADS,
    }
    before = {name: os.environ.get(name) for name in variables}
    instance.paths.protected.mkdir(parents=True, exist_ok=True)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def build_vars(instance: Instance, identity: Mapping[str, str]) -> dict[str, Any]:
    """`--vars` of one build: what the instance is, the release it is built for, what was released before and the proof.

    Raises LedgerBroken where earlier releases cannot be known completely.
    """
    from orchestration.publication_ledger import ledger_vars
    from semantic_layer.export.dbt import dbt_vars

    return {
        **dbt_vars(instance, **identity),
        **ledger_vars(instance),
        "previous_release": str(live) if (live := instance.paths.current_release).exists() else "",
        "proof_dir": str(instance.paths.proof),
        # Without a complete proof nothing leaves the house.
        "require_certificate": True,
    }


def new_identity(instance: Instance) -> dict[str, str]:
    """Release id and fingerprint of the build that begins now; remembered for its second half."""
    identity = {"release_id": new_release_id(), "input_fingerprint": input_fingerprint(instance)}
    instance.paths.protected.mkdir(parents=True, exist_ok=True)
    instance.paths.build_identity.write_text(json.dumps(identity), encoding="utf-8")
    return identity


def present_identity(instance: Instance) -> dict[str, str]:
    """Identity of the build under way. When its release is out already (the second half is run again by hand), the
    figures go out under a new id: a release is never overwritten."""
    identity: dict[str, str] = json.loads(instance.paths.build_identity.read_text(encoding="utf-8"))
    if any(row.release_id == identity["release_id"] for row in read_ledger(instance.paths.published)):
        return new_identity(instance)
    return identity


def warehouse_assets(instance: Instance, manifest: Path) -> tuple[AssetsDefinition, AssetsDefinition]:
    """All models of the dbt project for one instance, before and after the protection; their tests are asset checks."""

    @dbt_assets(
        manifest=manifest,
        select=BEFORE_PROTECTION,
        name=f"{instance.name}_warehouse",
        dagster_dbt_translator=InstanceTranslator(instance),
        # DuckDB has one writer per file.
        pool=f"{instance.name}_warehouse",
        required_resource_keys={resource_key(instance.name)},
    )
    def warehouse(context: AssetExecutionContext) -> Iterator[Any]:
        from orchestration.protection.store import write_empty

        # Before the first protection dbt finds a proof without rows.
        write_empty(instance.paths.proof)
        # A test that compares with the published tables waits for them.
        with (
            progress.step("Warehouse rechnen (dbt)") as step,
            dbt_environment(instance, indirect_selection="cautious"),
        ):
            yield from _build(context, instance, new_identity(instance), step)

    @dbt_assets(
        manifest=manifest,
        select=AFTER_PROTECTION,
        name=f"{instance.name}_published",
        dagster_dbt_translator=InstanceTranslator(instance),
        pool=f"{instance.name}_warehouse",
        required_resource_keys={resource_key(instance.name)},
    )
    def published(context: AssetExecutionContext) -> Iterator[Any]:
        with (
            progress.step("Nachweis prüfen und Veröffentlichung rechnen (dbt)") as step,
            dbt_environment(instance),
        ):
            yield from _build(context, instance, present_identity(instance), step)

    return warehouse, published


def _build(
    context: AssetExecutionContext, instance: Instance, identity: Mapping[str, str], step: progress.Step
) -> Iterator[Any]:
    dbt = DbtCliResource(
        project_dir=str(DBT_PROJECT_DIR),
        profiles_dir=str(DBT_PROJECT_DIR),
        target=DBT_TARGET,
        dbt_executable=DBT_EXECUTABLE,
    )
    arguments = ["build", "--exclude-resource-type", UNIT_TESTS]
    invocation = dbt.cli(
        [*arguments, "--vars", json.dumps(build_vars(instance, identity))],
        context=context,
        target_path=instance.paths.dbt_target,
        raise_on_error=False,
    )
    total = len(context.selected_asset_keys) + len(context.selected_asset_check_keys)
    for done, event in enumerate(invocation.stream(), start=1):
        step.tick(f"{min(done, total)} von {total} Modellen und Prüfungen")
        yield event
    if not invocation.is_successful():
        raise Failure(description=_what_failed(invocation))
    step.result(f"{total} Modelle und Prüfungen")


def _what_failed(invocation: DbtCliInvocation) -> str:
    failed = _failed_nodes(invocation)
    if any(name.startswith(_CERTIFICATE) for name in failed.split(", ")):
        return (
            "Der Nachweis der Geheimhaltung ist unvollständig oder hält der Prüfung nicht stand "
            f"({failed}). Es wurde nichts veröffentlicht."
        )
    return f"dbt: {failed}"


def _failed_nodes(invocation: DbtCliInvocation) -> str:
    """Names of what failed. The messages of dbt may quote rows, so they stay in the protected zone's dbt log."""
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except FileNotFoundError:
        return "abgebrochen, bevor ein Modell lief (siehe dbt.log in der geschützten Zone)"
    failed = [item["unique_id"].split(".")[2] for item in results if item["status"] in ("error", "fail")]
    return ", ".join(failed) or "abgebrochen (siehe dbt.log in der geschützten Zone)"
