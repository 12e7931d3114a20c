"""MetricFlow in this process: one engine, many questions. Starting `mf` per question would take four seconds each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from lagebild.instance import Instance
from semantic_layer.export.semantic_models import FILE_VARIABLE, RELEASE_VARIABLE, semantic_project


class MetricFlow:
    """Answers metric queries by the semantic project of an instance over one released file."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def query(
        self, metrics: Sequence[str], group_by: Sequence[str], where: Sequence[str] = ()
    ) -> pd.DataFrame:
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics), group_by_names=list(group_by), where_constraints=list(where)
        )
        table = self._engine.query(request).result_df
        return pd.DataFrame(list(table.rows), columns=list(table.column_names))


@contextmanager
def metricflow(instance: Instance, release: Path, folder: Path) -> Iterator[MetricFlow]:
    """Writes the project to `folder`, builds its views with dbt and starts the engine."""
    for name, text in semantic_project(instance).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    variables = {
        RELEASE_VARIABLE: str(release),
        FILE_VARIABLE: str(folder / "views.duckdb"),
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    here = Path.cwd()
    os.chdir(folder)  # MetricFlow and dbt look for the project where they stand
    try:
        from dbt.cli.main import dbtRunner
        from dbt_metricflow.cli.cli_configuration import CLIConfiguration

        built = dbtRunner().invoke(
            ["run", "--quiet", "--project-dir", str(folder), "--profiles-dir", str(folder)]
        )
        assert built.success, built.exception or [
            result.message for result in built.result if result.status != "success"
        ]
        configuration = CLIConfiguration()
        configuration.setup(dbt_profiles_path=folder, dbt_project_path=folder, configure_file_logging=False)
        yield MetricFlow(configuration.mf)
    finally:
        os.chdir(here)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
