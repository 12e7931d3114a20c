"""The red team's arsenal: requests that try to get at what somebody may not see, and what counts as a leak.

Belongs here: requests as data. Does not belong here: who sends them and what is asserted (`test_red_team*`).
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests


@dataclass(frozen=True)
class Attack:
    """One request. `must_fail`: an answer below 400 is a finding even when nothing leaks."""

    name: str
    method: str
    path: str
    body: Any = None
    form: dict[str, str] | None = None
    files: dict[str, Any] | None = None
    must_fail: bool = True

    def send(self, http: requests.Session, base: str) -> requests.Response:
        return http.request(
            self.method,
            base + self.path,
            json=self.body,
            data=self.form,
            files=self.files,
            timeout=60,
            allow_redirects=False,
        )


@dataclass(frozen=True)
class Target:
    """What is attacked: the assets of one zone, by Superset's numbers."""

    database: int
    dataset: int
    charts: tuple[int, ...]
    dashboard: int
    slug: str
    file: str
    slugs: tuple[str, ...] = ()
    """Addresses of all dashboards of the zone."""


def rison(value: Any) -> str:
    """Numbers, words and lists as Superset's query parameter `q` takes them."""
    if isinstance(value, list):
        return "!(" + ",".join(rison(item) for item in value) + ")"
    if isinstance(value, dict):
        return "(" + ",".join(f"{key}:{rison(item)}" for key, item in value.items()) + ")"
    return str(value) if isinstance(value, int) else f"'{value}'"


def context(dataset: int, **more: Any) -> dict[str, Any]:
    """A query of the chart data interface; keyword arguments change its parts."""
    query = {
        "columns": ["area_name", "value"],
        "metrics": [],
        "filters": [],
        "row_limit": 100,
        **more.pop("query", {}),
    }
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [query],
        "force": True,
        "result_format": "json",
        "result_type": "full",
        **more,
    }


def statements(var: Path) -> list[str]:
    """SQL nobody may run: files, network, settings, other databases, changes, ways around a word list."""
    warehouse = var / "probekreis" / "protected" / "warehouse.duckdb"
    other = var / "probekreis" / "published" / "intern" / "kommune-99901002" / "current.duckdb"
    return [
        "select * from read_csv('/etc/passwd')",
        "select * from read_csv_auto(['/etc/passwd'], header=false)",
        "select * from READ_TEXT('/etc/passwd')",
        "select * from \"read_text\"('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from '/etc/passwd'",
        'from "/etc/passwd"',
        "select * from 'file:///etc/passwd'",
        "select * from glob('/**')",
        f"select * from '{warehouse}'",
        f"attach '{warehouse}' as w (read_only)",
        f"attach '{other}' as o",
        "attach ':memory:' as m",
        f"select * from sqlite_scan('{var}/superset/superset.db', 'ab_user')",
        "select * from sniff_csv('/etc/passwd')",
        f"copy mart_indicator to '{var}/stolen.csv'",
        f"copy (select 1) to '{var}/stolen.parquet' (format parquet)",
        f"export database '{var}/stolen'",
        f"import database '{var}/stolen'",
        "install httpfs",
        "load httpfs",
        "force install httpfs from 'http://127.0.0.1:9/'",
        "set enable_external_access = true",
        "reset enable_external_access",
        "set global lock_configuration = false",
        "pragma enable_external_access=true",
        "pragma database_list",
        "select * from pragma_database_list",
        "select * from pragma_database_list()",
        "show databases",
        "select * from duckdb_databases()",
        "select * from duckdb_databases",
        "select * from duckdb_settings()",
        "select * from duckdb_secrets()",
        "select * from main.duckdb_settings()",
        "select current_setting('secret_directory')",
        "select getenv('HOME')",
        "select * from query('select 1')",
        "select * from query_table('mart_indicator')",
        "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "create secret s (type s3, key_id 'x', secret 'y')",
        "create table t as select 1",
        "create temp macro f() as 1",
        "insert into mart_indicator select * from mart_indicator",
        "delete from mart_indicator",
        "drop table mart_indicator",
        "prepare p as select 1",
        "call pragma_version()",
        "explain analyze select 1",
        "select 1; attach '/tmp/x' as x",
        "select /* */ 1 --\n; set threads = 1",
        "with recursive a as (select 1 as n union all select n + 1 from a) select * from a",
        "select count(*) from range(100000000000)",
        "select * from other.main.mart_indicator",
        "select * from system.information_schema.tables",
        "use memory",
        "detach x",
        "checkpoint",
        "vacuum",
        "summarize mart_indicator",
        "select version()",
        "select ('/etc/passwd').read_text()",
    ]


def sql_lab(database: int, sql: str) -> Attack:
    body = {
        "database_id": database,
        "sql": sql,
        "runAsync": False,
        "schema": "main",
        "client_id": uuid.uuid4().hex[:10],
    }
    return Attack(f"SQL Lab: {sql[:60]}", "POST", "/api/v1/sqllab/execute/", body)


def foreign_data(t: Target) -> Iterator[Attack]:
    """Every way to the rows of a dataset, its descriptions, and the database behind it."""
    data = "/api/v1/chart/data"
    for kind in ("full", "samples", "query", "results", "columns", "timegrains", "drill_detail"):
        yield Attack(f"chart data {kind}", "POST", data, context(t.dataset, result_type=kind))
    for form in ("csv", "xlsx"):
        yield Attack(f"chart data {form}", "POST", data, context(t.dataset, result_format=form))
        yield Attack(
            f"chart data {form} as a form",
            "POST",
            data,
            form={"form_data": json.dumps(context(t.dataset, result_format=form))},
        )
    pretended = {"slice_id": t.charts[0], "dashboardId": t.dashboard, "datasource": f"{t.dataset}__table"}
    yield Attack("chart data, pretending a dashboard", "POST", data, context(t.dataset, form_data=pretended))
    native = {"type": "NATIVE_FILTER", "native_filter_id": "x", "dashboardId": t.dashboard}
    yield Attack("chart data, pretending a filter", "POST", data, context(t.dataset, form_data=native))
    for chart in t.charts:
        yield Attack("data of a chart", "GET", f"/api/v1/chart/{chart}/data/")
        yield Attack("data of a chart as csv", "GET", f"/api/v1/chart/{chart}/data/?format=csv&type=full")
        yield Attack("description of a chart", "GET", f"/api/v1/chart/{chart}")
    form_data = {
        "datasource": f"{t.dataset}__table",
        "viz_type": "table",
        "all_columns": ["value"],
        "query_mode": "raw",
    }
    yield Attack("explore json", "POST", "/superset/explore_json/", form={"form_data": json.dumps(form_data)})
    yield Attack(
        "explore json csv",
        "POST",
        "/superset/explore_json/?csv=true",
        form={"form_data": json.dumps(form_data)},
    )
    yield Attack("explore", "GET", f"/api/v1/explore/?datasource_id={t.dataset}&datasource_type=table")
    yield Attack("explore a chart", "GET", f"/api/v1/explore/?slice_id={t.charts[0]}")
    remembered = {"datasource_id": t.dataset, "datasource_type": "table", "form_data": json.dumps(form_data)}
    yield Attack("remember a form", "POST", "/api/v1/explore/form_data", remembered)
    yield Attack("slice", "GET", f"/superset/slice/{t.charts[0]}/", must_fail=False)
    yield Attack("dataset", "GET", f"/api/v1/dataset/{t.dataset}")
    yield Attack("drill", "GET", f"/api/v1/dataset/{t.dataset}/drill_info/")
    yield Attack("export dataset", "GET", f"/api/v1/dataset/export/?q={quote(rison([t.dataset]))}")
    yield Attack("datasource", "GET", f"/datasource/get/table/{t.dataset}/")
    yield Attack(
        "samples",
        "POST",
        f"/datasource/samples?datasource_id={t.dataset}&datasource_type=table&force=true",
        {},
    )
    yield Attack("metadata", "GET", f"/datasource/external_metadata/table/{t.dataset}/")
    yield Attack("column values", "GET", f"/api/v1/datasource/table/{t.dataset}/column/value/values/")
    yield Attack(
        "validate an expression",
        "POST",
        f"/api/v1/datasource/table/{t.dataset}/validate_expression/",
        {"expression": "value", "expression_type": "column"},
    )
    yield Attack("dashboard", "GET", f"/api/v1/dashboard/{t.slug}")
    yield Attack("dashboard by number", "GET", f"/api/v1/dashboard/{t.dashboard}")
    yield Attack("charts of a dashboard", "GET", f"/api/v1/dashboard/{t.slug}/charts")
    yield Attack("datasets of a dashboard", "GET", f"/api/v1/dashboard/{t.slug}/datasets")
    yield Attack("export dashboard", "GET", f"/api/v1/dashboard/export/?q={quote(rison([t.dashboard]))}")
    yield Attack(
        "copy dashboard",
        "POST",
        f"/api/v1/dashboard/{t.slug}/copy/",
        {"dashboard_title": "x", "json_metadata": "{}"},
    )
    yield Attack("embed dashboard", "POST", f"/api/v1/dashboard/{t.slug}/embedded", {"allowed_domains": []})
    yield Attack("page of a dashboard", "GET", f"/superset/dashboard/{t.slug}/", must_fail=False)
    yield Attack("export chart", "GET", f"/api/v1/chart/export/?q={quote(rison([t.charts[0]]))}")
    yield Attack("warm up", "PUT", "/api/v1/chart/warm_up_cache", {"chart_id": t.charts[0]})
    yield Attack("screenshot", "GET", f"/api/v1/chart/{t.charts[0]}/cache_screenshot/?q=()")
    yield from foreign_database(t)


def foreign_database(t: Target) -> Iterator[Attack]:
    yield sql_lab(t.database, "select * from mart_measure_intern")
    yield Attack("database", "GET", f"/api/v1/database/{t.database}/connection")
    yield Attack("schemas", "GET", f"/api/v1/database/{t.database}/schemas/?q=(force:!t)")
    yield Attack("tables", "GET", f"/api/v1/database/{t.database}/tables/?q=(force:!t,schema_name:main)")
    yield Attack(
        "table", "GET", f"/api/v1/database/{t.database}/table_metadata/?name=mart_measure_intern&schema=main"
    )
    yield Attack("select star", "GET", f"/api/v1/database/{t.database}/select_star/mart_measure_intern/main/")
    yield Attack("functions", "GET", f"/api/v1/database/{t.database}/function_names/", must_fail=False)
    yield Attack("export database", "GET", f"/api/v1/database/export/?q={quote(rison([t.database]))}")
    yield Attack(
        "estimate",
        "POST",
        "/api/v1/sqllab/estimate/",
        {"database_id": t.database, "sql": "select 1", "schema": "main"},
    )
    yield Attack(
        "validate sql",
        "POST",
        f"/api/v1/database/{t.database}/validate_sql/",
        {"sql": "select * from mart_measure_intern", "schema": "main"},
    )
    yield Attack(
        "export sql",
        "POST",
        "/api/v1/sqllab/export_streaming/",
        form={"client_id": "x", "sql": "select * from mart_measure_intern", "database_id": str(t.database)},
    )
    virtual = {
        "database": t.database,
        "schema": "main",
        "table_name": f"v{uuid.uuid4().hex[:8]}",
        "sql": "select * from mart_measure_intern",
    }
    yield Attack("virtual dataset", "POST", "/api/v1/dataset/", virtual)
    physical = {"database": t.database, "schema": "main", "table_name": "mart_measure_intern"}
    yield Attack("physical dataset", "POST", "/api/v1/dataset/", physical)
    yield Attack(
        "get or create",
        "POST",
        "/api/v1/dataset/get_or_create/",
        {"database_id": t.database, "schema": "main", "table_name": "dim_reader"},
    )
    yield Attack(
        "duplicate", "POST", "/api/v1/dataset/duplicate", {"base_model_id": t.dataset, "table_name": "dup"}
    )


def smuggled(dataset: int) -> Iterator[Attack]:
    """Expressions in charts on a dataset one may see, that reach for what one may not."""
    data = "/api/v1/chart/data"
    expressions = (
        "max((select content from read_text('/etc/passwd')))",
        "max((select max(value) from mart_measure_intern))",
        "any_value(getenv('HOME'))",
        "max(current_setting('secret_directory'))",
        "max(value)) from mart_measure_intern where (1=1",
        "max((select count(*) from duckdb_secrets()))",
        "{{ current_username() }}",
        "max(value); attach '/tmp/x' as x",
    )
    for sql in expressions:
        metric = {"expressionType": "SQL", "sqlExpression": sql, "label": "m"}
        yield Attack(
            f"metric {sql}", "POST", data, context(dataset, query={"columns": [], "metrics": [metric]})
        )
        column = {"sqlExpression": sql, "label": "c", "expressionType": "SQL"}
        yield Attack(f"column {sql}", "POST", data, context(dataset, query={"columns": [column]}))
        ordered = {"orderby": [[metric, True]], "columns": ["area_name"]}
        yield Attack(f"order by {sql}", "POST", data, context(dataset, query=ordered))
    for clause in (
        "1=1) or (1=1 and exists (select 1 from read_text('/etc/passwd')))",
        "value in (select value from mart_measure_intern)",
        "1=1 union all select 'x', content from read_text('/etc/passwd')",
        "1=1); drop table x; --",
    ):
        yield Attack(f"where {clause}", "POST", data, context(dataset, query={"extras": {"where": clause}}))
        having = {
            "extras": {"having": clause},
            "metrics": [{"expressionType": "SQL", "sqlExpression": "max(value)", "label": "m"}],
            "columns": ["area_name"],
        }
        yield Attack(f"having {clause}", "POST", data, context(dataset, query=having))


def escapes_row_security(dataset: int) -> Iterator[Attack]:
    """Ways to lift the row rule of a dataset one may see. They may answer; the stray row must not be in it."""
    data = "/api/v1/chart/data"
    for clause in (
        "1=1) or (1=1",
        "1=1 or reader_code <> ''",
        "1=1) or (reader_code = '99901009'",
        "1=1) --",
        "1=1) /*",
        "true) union all (select 'x', 1 where true",
        "1=1\n) or 1=1 or (1=1",
        "reader_code = '99901009'",
    ):
        yield Attack(
            f"where {clause}",
            "POST",
            data,
            context(dataset, query={"extras": {"where": clause}}),
            must_fail=False,
        )
    for column, operator, value in (
        ("reader_code", "IN", ["99901009"]),
        ("reader_code", "==", "x' or '1'='1"),
        ("reader_code') or ('1'='1", "==", "x"),
        ("reader_code", "LIKE", "%' or '1'='1"),
    ):
        filters = [{"col": column, "op": operator, "val": value}]
        yield Attack(
            f"filter {column}", "POST", data, context(dataset, query={"filters": filters}), must_fail=False
        )
    metric = {"expressionType": "SQL", "sqlExpression": "max(value) filter (where true)", "label": "m"}
    yield Attack(
        "metric over all",
        "POST",
        data,
        context(dataset, query={"columns": [], "metrics": [metric]}),
        must_fail=False,
    )
    window = {"sqlExpression": "max(value) over ()", "label": "c", "expressionType": "SQL"}
    yield Attack(
        "window over all", "POST", data, context(dataset, query={"columns": [window]}), must_fail=False
    )
    subquery = {
        "sqlExpression": "(select max(value) from mart_measure_intern)",
        "label": "c",
        "expressionType": "SQL",
    }
    yield Attack("subquery", "POST", data, context(dataset, query={"columns": [subquery]}))
    for kind in ("samples", "drill_detail"):
        yield Attack(kind, "POST", data, context(dataset, result_type=kind), must_fail=False)
    for form in ("csv", "xlsx"):
        yield Attack(form, "POST", data, context(dataset, result_format=form), must_fail=False)
    yield Attack(
        "column values", "GET", f"/api/v1/datasource/table/{dataset}/column/value/values/", must_fail=False
    )


def annotations(dataset: int, foreign_charts: tuple[int, ...]) -> Iterator[Attack]:
    """A chart on a dataset one may see that asks for the data of a foreign chart as its annotation."""
    for chart in foreign_charts:
        for kind in ("table", "line"):
            layer = {"name": "a", "value": chart, "sourceType": kind, "annotationType": "EVENT", "show": True}
            query = {"annotation_layers": [{**layer, "overrides": {}, "timeColumn": "period_end"}]}
            yield Attack(
                f"annotation {kind}",
                "POST",
                "/api/v1/chart/data",
                context(dataset, query=query),
                must_fail=False,
            )


def connections(var: Path, public: Target, victim: Target) -> Iterator[Attack]:
    """New or changed connections to files outside, and bundles that bring one."""
    warehouse = var / "probekreis" / "protected" / "warehouse.duckdb"
    addresses = [
        f"duckdb:///{warehouse}",
        f"duckdb:///{var}/probekreis/published/../protected/warehouse.duckdb",
        f"duckdb:///{var}/probekreis/published/link.duckdb",
        "duckdb:///:memory:",
        "duckdb:///md:my_db",
        f"sqlite:///{var}/superset/superset.db",
        "shillelagh+safe://",
        "postgresql://127.0.0.1:5432/x",
    ]
    for address in addresses:
        body = {
            "database_name": f"n{uuid.uuid4().hex[:8]}",
            "sqlalchemy_uri": address,
            "expose_in_sqllab": True,
        }
        yield Attack(f"new connection {address[:25]}", "POST", "/api/v1/database/", body)
        yield Attack(f"test connection {address[:25]}", "POST", "/api/v1/database/test_connection/", body)
    yield Attack(
        "change connection",
        "PUT",
        f"/api/v1/database/{public.database}",
        {"sqlalchemy_uri": f"duckdb:///{warehouse}"},
    )
    stolen = {"database_name": f"n{uuid.uuid4().hex[:8]}", "sqlalchemy_uri": f"duckdb:///{victim.file}"}
    yield Attack("test connection to an internal file", "POST", "/api/v1/database/test_connection/", stolen)
    for kind in ("dashboard", "dataset", "chart", "database"):
        yield Attack(
            f"import {kind}",
            "POST",
            f"/api/v1/{kind}/import/",
            form={"overwrite": "true"},
            files={"formData": ("x.zip", _bundle(kind, f"duckdb:///{warehouse}"), "application/zip")},
        )
    yield Attack(
        "import assets",
        "POST",
        "/api/v1/assets/import/",
        files={"bundle": ("x.zip", _bundle("assets", f"duckdb:///{warehouse}"), "application/zip")},
    )


def _bundle(kind: str, address: str) -> bytes:
    types = {
        "dashboard": "Dashboard",
        "dataset": "SqlaTable",
        "chart": "Slice",
        "database": "Database",
        "assets": "assets",
    }
    database, dataset, chart, dashboard = (str(uuid.uuid4()) for _ in range(4))
    documents = {
        "metadata.yaml": {"version": "1.0.0", "type": types[kind], "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/w.yaml": {
            "database_name": f"w{database[:8]}", "sqlalchemy_uri": address, "uuid": database, "version": "1.0.0",
            "expose_in_sqllab": True, "allow_run_async": False, "allow_ctas": False, "allow_cvas": False,
            "allow_csv_upload": False, "extra": {},
        },
        "datasets/w/d.yaml": {
            "table_name": f"d{dataset[:8]}", "uuid": dataset, "database_uuid": database, "version": "1.0.0",
            "columns": [], "metrics": [], "sql": "select * from person",
        },
        "charts/c.yaml": {
            "slice_name": "c", "viz_type": "table", "params": {}, "uuid": chart, "dataset_uuid": dataset,
            "version": "1.0.0",
        },
        "dashboards/d.yaml": {
            "dashboard_title": "d", "uuid": dashboard, "version": "1.0.0", "metadata": {}, "description": None,
            "css": "", "slug": None,
            "position": {
                "CHART-1": {"id": "CHART-1", "type": "CHART", "children": [], "meta": {"uuid": chart, "chartId": 1}}
            },
        },
    }  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in documents.items():
            archive.writestr(f"x/{path}" if kind != "assets" else f"bundle/{path}", json.dumps(content))
    return buffer.getvalue()


def administration(user_id: int) -> Iterator[Attack]:
    """What only the administration may do."""
    yield Attack("users", "GET", "/api/v1/security/users/")
    yield Attack("roles", "GET", "/api/v1/security/roles/")
    yield Attack("change own roles", "PUT", f"/api/v1/security/users/{user_id}", {"roles": [1]})
    yield Attack(
        "new user", "POST", "/api/v1/security/users/", {"username": "x", "password": "x", "roles": [1]}
    )
    yield Attack("row rules", "GET", "/api/v1/rowlevelsecurity/")
    yield Attack(
        "new row rule", "POST", "/api/v1/rowlevelsecurity/", {"name": "x", "clause": "1=1", "tables": [1]}
    )
    yield Attack("log", "GET", "/api/v1/log/")
    yield Attack(
        "guest token",
        "POST",
        "/api/v1/security/guest_token/",
        {"user": {"username": "x"}, "resources": [{"type": "dashboard", "id": "1"}], "rls": []},
    )
    yield Attack("register", "POST", "/register/form", form={"username": "x"})
    yield Attack("MCP", "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
