"""What the compiler costs: compile time, overhead over hand-written SQL, and the planner's standard question.

Run: `.venv/bin/python benchmarks/semantic_layer/run.py [release file]` (default: the live Musterkreis). Every line
of the table is measured in the same process, compiled and hand-written SQL alternating, so that a busy machine hits
both; processor time is shown beside the clock for the same reason.
Goals (issue 4): overhead at most 1.2, compiling under 5 ms, p95 under 50 ms.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lagebild.paths import InstancePaths
from semantic_layer.query import Query, engine
from semantic_layer.query.compile import compile_query
from semantic_layer.query.release import Release

ROUNDS = 40

# The hand-written statements answer the same question with the same columns, as an analyst who knows the schema would.
_SHOWN = """'{key}' as metric, '{label}' as metric_label, a.area_key, a.area_code, a.area_name, a.area_level,
 a.parent_area_name, p.period_key, p.period_label, p.period_end, p.year, false as is_total"""
_STATUS = """case when {o} then 'O' when d.base = 0 then 'M' else 'A' end as obs_status,
 case when {c} then 'C' else 'F' end as conf_status,
 case when {v} is not null then null when {c} then 'gesperrt' when {o} then 'noch nicht geliefert' end
 as empty_reason"""
_WHERE = "a.area_system = 'sozialraum' and a.area_level = 'sozialraum' and not a.is_unassigned"
_ORDER = "order by p.period_end, a.area_code, a.area_key"


def _count(measure: str, label: str) -> str:
    shown = _SHOWN.format(key=measure, label=label)
    return f"""select {shown}, f.value as numerator, cast(null as double) as denominator, f.value, f.obs_status,
 f.conf_status, case when f.value is not null then null when f.conf_status = 'C' then 'gesperrt'
 when f.obs_status = 'O' then 'noch nicht geliefert' end as empty_reason
from fct_measure as f join dim_area as a using (area_key) join dim_period as p using (period_key)
where f.measure_id = '{measure}' and f.group_key = 'total' and {_WHERE} {_ORDER}"""


def _rate(release: Release, key: str) -> str:
    metric = release.metadata.metrics[key]
    (above,) = metric.numerator
    base = metric.denominator
    groups = ", ".join(f"'{part.group_key}'" for part in base)
    value = f"round({metric.factor} * f.value / nullif(d.base, 0), {metric.decimals})"
    hidden, late = (
        "f.conf_status = 'C' or d.is_hidden",
        "(f.obs_status = 'O' or d.base is null and not d.is_hidden)",
    )
    status = _STATUS.format(v=value, c=hidden, o=late)
    shown = _SHOWN.format(key=key, label=metric.label)
    return f"""with d as (select area_key, period_key, case when count(value) = {len(base)} then sum(value) end as base,
 bool_or(conf_status = 'C') as is_hidden from fct_measure
 where measure_id = '{base[0].measure_id}' and group_key in ({groups}) group by all)
select {shown}, f.value as numerator, d.base as denominator, {value} as value, {status}
from fct_measure as f join dim_area as a using (area_key) join dim_period as p using (period_key)
left join d on d.area_key = f.area_key and d.period_key = f.period_key
where f.measure_id = '{above.measure_id}' and f.group_key = '{above.group_key}' and {_WHERE} {_ORDER}"""


@dataclass
class Times:
    """Milliseconds per round: on the clock and of the processor (all threads)."""

    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def _timed(*actions: Callable[[], object]) -> list[Times]:
    """Time every action, the actions taking turns."""
    for action in actions:
        action()
    found = [Times() for _ in actions]
    for _ in range(ROUNDS):
        for times, action in zip(found, actions, strict=True):
            clock, cpu = time.perf_counter(), time.process_time()
            action()
            times.cpu.append(1000 * (time.process_time() - cpu))
            times.clock.append(1000 * (time.perf_counter() - clock))
    return found


def _cell(times: Times) -> str:
    return f"{statistics.median(times.clock):.1f}/{statistics.median(times.cpu):.1f}"


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def main(path: Path) -> None:
    release = Release(path)
    connection = engine.connect(path)
    print(f"release {release.release_id}, {ROUNDS} rounds; milliseconds clock/processor (median)")
    print(
        f"{'metric':22}{'compile':>12}{'compiled':>14}{'by hand':>14}{'ratio':>7}{'cpu':>6}{'p95':>8}  rows"
    )
    questions: dict[str, str] = {"population": _count("population", "Einwohnerinnen und Einwohner")}
    for key in ("sgb2_rate@1", "child_poverty@1", "population_u3_share@1", "old_age_ratio@1"):
        metric = release.metadata.metrics.get(key)
        if metric and len(metric.numerator) == 1 and key in release.metadata.aligned:
            questions[key] = _rate(release, key)
    for key, by_hand in questions.items():
        query = Query.model_validate({"metrics": key, "where": {"level": "sozialraum"}})
        sql = compile_query(query, release.metadata).sql
        ours, theirs = engine.run(connection, sql), engine.run(connection, by_hand)
        if ours.select(["area_key", "period_key", "value"]) != theirs.select(
            ["area_key", "period_key", "value"]
        ):
            raise SystemExit(f"{key}: compiled and hand-written statement disagree")
        (compiling,) = _timed(lambda query=query: compile_query(query, release.metadata))
        compiled, handmade = _timed(
            lambda sql=sql: engine.run(connection, sql), lambda sql=by_hand: engine.run(connection, sql)
        )
        ratios = [
            statistics.median(left) / statistics.median(right)
            for left, right in ((compiled.clock, handmade.clock), (compiled.cpu, handmade.cpu))
        ]
        print(
            f"{key:22}{_cell(compiling):>12}{_cell(compiled):>14}{_cell(handmade):>14}"
            f"{ratios[0]:>7.2f}{ratios[1]:>6.2f}{_p95(compiled.clock):>8.1f}  {len(ours)}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else InstancePaths("musterkreis").current_release)
