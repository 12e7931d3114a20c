"""Sozialatlas Flensburg: the PostgreSQL dump of OK Lab Flensburg, 23 tables of figures and 2 lookup tables.

Belongs here: reading the INSERT statements (sqlglot, dialect postgres) and saying which column is which measure
(`TABLES`). Not here: rates computed from counts – rates of the atlas land as delivered, beside their counts.

- A row without district is "räumlich nicht zuordenbar"; tables without district column are about the whole city.
- NULL is "hidden by the supplier" (conf_status C) only in the tables whose note says so (values below 4); in the row
  "nicht zuordenbar" a missing percentage does not apply (M); every other NULL is missing (O).
- A figure repeated in a second table lands once, from the table named first; a contradiction is a warning.
- Figures that contradict themselves land as delivered with status P and a warning (`suspect` in the source's options).

Options: `area_system`, `city_code`, `district_prefix`, `suspect` (list of table, year, columns, message).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import sqlglot
from sqlglot import exp

from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import landing_table, observation, stichtag
from lagebild.instance import SourceConfig

Cell = float | str | None
Row = Mapping[str, Cell]
When = Literal["31.12.", "30.06.", "jahr"]


@dataclass(frozen=True)
class Figure:
    """One landed figure of a table: sum of `plus` minus sum of `minus`; NULL when one of the columns is."""

    measure: str
    plus: tuple[str, ...]
    group: str = "total"
    minus: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSpec:
    """One table of the atlas. `hides`: its note says that values below 4 are hidden."""

    number: int
    when: When
    figures: tuple[Figure, ...]
    by_district: bool = True
    hides: bool = False
    member_column: str | None = None
    """Column whose value picks the figures of a row, in tables with one row per household type."""
    member_figures: Mapping[int, tuple[Figure, ...]] | None = None


def _one(measure: str, column: str, group: str = "total") -> Figure:
    return Figure(measure, (column,), group)


_AGES: Final = {
    "0-17": "age_under_18",
    "18-29": "age_18_to_under_30",
    "30-44": "age_30_to_under_45",
    "45-64": "age_45_to_under_65",
    "65-79": "age_65_to_under_80",
    "80+": "age_80_and_above",
}
_ALL_AGES: Final = tuple(_AGES.values())
_WORKING_AGES: Final = (_AGES["18-29"], _AGES["30-44"], _AGES["45-64"])
_OLD_AGES: Final = (_AGES["65-79"], _AGES["80+"])
_FINE_AGES: Final = tuple(_one("population", column, f"age={band}") for band, column in _AGES.items())
_HILFEARTEN: Final = {
    "p27": "additional_support",
    "p29": "educational_assistance",
    "p30": "parenting_counselor",
    "p31": "pedagogical_family_assistance",
    "p32": "child_day_care_facility",
    "p33": "full_time_care",
    "p34": "residential_education",
    "p35a": "integration_assistance",
}
_DEBT: Final = "debt_advice_persons"

TABLES: Final[dict[str, TableSpec]] = {
    "fl_residents_by_district": TableSpec(1, "31.12.", (_one("population", "residents"),)),
    "fl_births_by_district": TableSpec(
        2, "jahr", (_one("births", "births"), _one("birth_rate_delivered", "birth_rate"))
    ),
    "fl_age_groups_of_residents": TableSpec(
        3,
        "31.12.",
        (
            Figure("population", _ALL_AGES),
            Figure("population", _WORKING_AGES, "age=18-64"),
            Figure("population", _OLD_AGES, "age=65+"),
            *_FINE_AGES,
        ),
        by_district=False,
    ),
    "fl_age_ratio_by_district": TableSpec(4, "31.12.", (_one("age_ratio_delivered", "quotient"),)),
    "fl_children_age_under_18_by_district": TableSpec(
        6, "31.12.", (_one("population", "residents", "age=0-17"),)
    ),
    "fl_residents_age_18_to_under_65_by_district": TableSpec(
        7, "31.12.", (_one("population", "residents", "age=18-64"),)
    ),
    "fl_residents_age_65_and_above_by_district": TableSpec(
        8, "31.12.", (_one("population", "residents", "age=65+"),)
    ),
    "fl_age_groups_by_district": TableSpec(
        5,
        "31.12.",
        (
            *_FINE_AGES,
            _one("population", "age_0_to_under_7", "age=0-6"),
            Figure("population", _ALL_AGES, "age=7+", minus=("age_0_to_under_7",)),
            Figure("population", _ALL_AGES, "age=0-59", minus=("age_60_and_above",)),
            _one("population", "age_60_and_above", "age=60+"),
        ),
    ),
    "fl_migration_background_by_district": TableSpec(
        9,
        "31.12.",
        (
            Figure("population", ("foreign_citizenship", "german_citizenship"), "migration=yes"),
            _one("population", "foreign_citizenship", "migration=yes;nationality=foreign"),
            _one("population", "german_citizenship", "migration=yes;nationality=de"),
            # Foreign citizens count as having a migration background: these are all of them.
            _one("population", "foreign_citizenship", "nationality=foreign"),
        ),
    ),
    "fl_non_german_nationals_residence_status": TableSpec(
        10,
        "31.12.",
        (
            _one("foreigners_longterm", "permanent_residency"),
            _one("foreigners_longterm_eu", "permanent_residency_according_eu_freedom_movement_act"),
            _one("foreigners_longterm_third", "permanent_residency_third_country_nationality"),
            _one("foreigners_shortterm", "without_permanent_residency"),
            _one("foreigners_asylum", "asylum_seeker"),
            _one("foreigners_tolerated", "suspension_of_deportation"),
        ),
        by_district=False,
    ),
    "fl_employed_with_pension_insurance_by_district": TableSpec(
        11, "jahr", (_one("employed_svb", "residents"), _one("employment_rate_delivered", "employment_rate"))
    ),
    "fl_unemployed_residents_by_district": TableSpec(12, "30.06.", (_one("unemployed", "residents"),)),
    "fl_unemployed_residents_categorized_by_district": TableSpec(
        13,
        "30.06.",
        (
            _one("unemployed", "unemployed_total"),
            _one("unemployed_city_share_pct", "percentage_of_total"),
            _one("unemployed_sgb3_pct", "percentage_sgb_iii"),
            _one("unemployed_sgb2_pct", "percentage_sgb_ii"),
            _one("unemployed_foreign_pct", "percentage_foreign_citizenship"),
            _one("unemployed_female_pct", "percentage_female"),
            _one("unemployed_u25_pct", "percentage_age_under_25"),
        ),
    ),
    "fl_housing_benefit_by_district": TableSpec(14, "jahr", (_one("wohngeld_recipients", "residents"),)),
    "fl_housing_assistance_cases_by_district": TableSpec(
        15,
        "jahr",
        (
            _one("housing_advice", "general_consulting"),
            _one("rent_arrears_notices", "notices_of_rent_arrears"),
            _one("rent_arrears_terminations", "termination_rent_arrears"),
            _one("conduct_terminations", "termination_for_conduct"),
            _one("eviction_suits", "action_for_eviction"),
            _one("eviction_notices", "eviction_notice"),
            _one("evictions", "eviction_carried"),
        ),
        hides=True,
    ),
    "fl_risk_homelessness_by_district": TableSpec(
        16, "jahr", (_one("eviction_risk_households", "residents"),), hides=True
    ),
    "fl_beneficiaries_age_15_to_under_65_by_district": TableSpec(
        17,
        "jahr",
        (
            _one("benefit_recipients_15_64", "total"),
            _one("benefit_recipients_15_64_pct", "percentage_of_total_residents"),
            _one("sgb2_elb", "employable_with_benefits"),
            _one("sgb3_recipients", "unemployment_benefits"),
            _one("sgb12_grusi_15_64", "basic_income"),
            _one("sgb12_hlu_15_64", "assisting_benefits"),
        ),
    ),
    "fl_beneficiaries_by_district": TableSpec(18, "jahr", (_one("sgb2_rlb", "residents"),)),
    "fl_inactive_beneficiaries_households_by_district": TableSpec(
        20, "jahr", (_one("sgb2_nef", "residents"),)
    ),
    "fl_beneficiaries_characteristics_by_district": TableSpec(
        19,
        "jahr",
        (
            _one("sgb2_nef", "unemployability"),
            _one("sgb2_elb", "employability"),
            _one("sgb2_elb_female_pct", "percentage_females"),
            _one("sgb2_elb_single_parent_pct", "percentage_single_parents"),
            _one("sgb2_elb_foreign_pct", "percentage_foreign_citizenship"),
        ),
    ),
    "fl_basic_benefits_income_by_district": TableSpec(
        21,
        "31.12.",
        (
            Figure("sgb12_grusi", ("age_18_to_under_65", "age_65_and_above")),
            _one("sgb12_grusi", "age_18_to_under_65", "age=18-64"),
            _one("sgb12_grusi", "age_65_and_above", "age=65+"),
            _one("sgb12_grusi", "male", "sex=m"),
            _one("sgb12_grusi", "female", "sex=f"),
        ),
    ),
    "fl_debt_counseling_residents": TableSpec(
        22,
        "jahr",
        (),
        by_district=False,
        member_column="household_type_id",
        member_figures={
            1: (_one(_DEBT, "residents", "household_type=single;sex=m"),),
            2: (_one(_DEBT, "residents", "household_type=single;sex=f"),),
            3: (_one(_DEBT, "residents", "household_type=single_parent;sex=m"),),
            4: (_one(_DEBT, "residents", "household_type=single_parent;sex=f"),),
            5: (_one(_DEBT, "residents", "household_type=couple"),),
            6: (_one(_DEBT, "residents", "household_type=couple_children"),),
            7: (_one(_DEBT, "residents", "household_type=other"),),
        },
    ),
    "fl_child_education_support": TableSpec(
        23,
        "jahr",
        (
            Figure("hze_cases", tuple(_HILFEARTEN.values())),
            *(_one("hze_cases", column, f"hilfeart={member}") for member, column in _HILFEARTEN.items()),
        ),
        by_district=False,
    ),
}
"""Tables in the order in which they win where a figure is repeated (6–8 before 5: longer series; 20 before 19)."""

LOOKUPS: Final = ("fl_district", "fl_household_type")
_DEBT_SUMS: Final = {
    "household_type=single": ("household_type=single;sex=m", "household_type=single;sex=f"),
    "household_type=single_parent": (
        "household_type=single_parent;sex=m",
        "household_type=single_parent;sex=f",
    ),
}
_DEBT_TOTAL: Final = (
    "household_type=single",
    "household_type=single_parent",
    "household_type=couple",
    "household_type=couple_children",
    "household_type=other",
)


@dataclass(frozen=True)
class Insert:
    """Rows of one table of the dump with their 1-based position in its INSERT statement."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, Row], ...]


class DumpError(ValueError):
    """The dump holds something other than literal rows."""


def _cell(node: exp.Expression) -> Cell:
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else float(node.this)
    if isinstance(node, exp.Neg) and isinstance(value := _cell(node.this), float):
        return -value
    raise DumpError(node.sql())


def read_dump(text: str) -> dict[str, Insert]:
    """Rows of every `insert into … values …`; raises DumpError or sqlglot's ParseError on anything unreadable.

    Tables without a column list in the INSERT take the columns of their CREATE TABLE.
    """
    created: dict[str, tuple[str, ...]] = {}
    found: dict[str, Insert] = {}
    for statement in sqlglot.parse(text, read="postgres"):
        target = statement.this if isinstance(statement, exp.Create | exp.Insert) else None
        if not isinstance(target, exp.Table | exp.Schema):
            continue
        table = str(target.this.name if isinstance(target, exp.Schema) else target.name)
        names = tuple(
            str(item.name)
            for item in (target.expressions if isinstance(target, exp.Schema) else ())
            if isinstance(item, exp.ColumnDef | exp.Identifier)
        )
        if isinstance(statement, exp.Create):
            created[table] = names
        elif isinstance(statement, exp.Insert):
            columns = names or created.get(table, ())
            tuples = statement.expression.expressions if isinstance(statement.expression, exp.Values) else ()
            rows = [[_cell(cell) for cell in item.expressions] for item in tuples]
            if not rows or any(len(row) != len(columns) for row in rows):
                raise DumpError(table)
            found[table] = Insert(
                columns,
                tuple((n, dict(zip(columns, row, strict=True))) for n, row in enumerate(rows, start=1)),
            )
    return found


def period_of(when: When, year: int) -> DeliveryPeriod:
    """Period of a table's year: a Stichtag or the calendar year."""
    if when == "jahr":
        return DeliveryPeriod("jahr", date(year, 1, 1), date(year, 12, 31))
    return stichtag(date(year, 12, 31) if when == "31.12." else date(year, 6, 30))


def figure_value(figure: Figure, row: Row) -> float | None:
    """Value of a figure in one row; NULL when one of its columns is NULL."""
    plus, minus = [row[name] for name in figure.plus], [row[name] for name in figure.minus]
    numbers = [cell for cell in (*plus, *minus) if isinstance(cell, float)]
    if len(numbers) < len(plus) + len(minus):
        return None
    return sum(numbers[: len(plus)]) - sum(numbers[len(plus) :])


class SozialatlasDumpAdapter:
    """The dump → `observation` at the levels `stadt` and `stadtteil`; periods 2011–2022 in one delivery."""

    name: ClassVar[str] = "sozialatlas_dump"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        try:
            dump = read_dump(path.read_text(encoding="utf-8"))
        except (DumpError, sqlglot.errors.SqlglotError) as error:
            message = "Die Datei ist kein lesbarer Datenbankauszug mit INSERT-Anweisungen."
            return ParsedDelivery(issues=(Issue("refusal", "Nicht lesbar", message, value=str(error)[:80]),))
        issues = list(_structure_issues(dump))
        if issues:
            return ParsedDelivery(issues=tuple(issues))
        reader = _Reader(source)
        for table, spec in TABLES.items():
            reader.read(table, spec, dump[table])
        reader.complete_debt_advice()
        reader.complete_population()
        return ParsedDelivery(
            tables={"observation": landing_table("observation", reader.rows.values())},
            issues=(*reader.issues, *_population_issues(reader.rows)),
        )


def _structure_issues(dump: Mapping[str, Insert]) -> Iterator[Issue]:
    for table in (*LOOKUPS, *TABLES):
        if table not in dump:
            yield Issue("refusal", "Tabelle fehlt", f"Im Auszug fehlt die Tabelle {table}.", sheet=table)
            continue
        spec = TABLES.get(table)
        if spec is None:
            continue
        figures = [*spec.figures, *(f for group in (spec.member_figures or {}).values() for f in group)]
        wanted = {"year", *(name for figure in figures for name in (*figure.plus, *figure.minus))}
        wanted |= {"district_id"} if spec.by_district else set()
        for column in sorted(wanted - set(dump[table].columns)):
            yield Issue(
                "refusal",
                "Spalte fehlt",
                f"In {table} fehlt die Spalte {column}.",
                sheet=table,
                column=column,
            )
    if "fl_district" in dump:
        known = {row["id"] for _, row in dump["fl_district"].rows}
        for table, insert in dump.items():
            for number, row in insert.rows:
                if row.get("district_id") is not None and row["district_id"] not in known:
                    message = "Der Stadtteil steht nicht in der Stadtteilliste."
                    yield Issue("refusal", "Unbekannter Stadtteil", message, sheet=table, row=number)


_RowKey = tuple[str, date, str, str]
"""Area code, end of period, measure, group."""


class _Reader:
    """Collects the rows of all tables; a figure already there is compared, not repeated."""

    def __init__(self, source: SourceConfig) -> None:
        self.options: Mapping[str, Any] = source.options
        self.rows: dict[_RowKey, dict[str, Any]] = {}
        self.issues: list[Issue] = []
        self.suspect: dict[tuple[str, int], Sequence[str]] = {}
        for item in self.options.get("suspect", ()):
            self.suspect[str(item["table"]), int(item["year"])] = tuple(item["columns"])
            self.issues.append(
                Issue("warning", "Zweifelhafte Angaben", str(item["message"]), sheet=str(item["table"]))
            )

    def area(self, spec: TableSpec, row: Row) -> tuple[str, str, str]:
        system, city = str(self.options["area_system"]), str(self.options["city_code"])
        if not spec.by_district:
            return system, "stadt", city
        district = row["district_id"]
        if not isinstance(district, float):
            return system, "stadtteil", f"{city}-NZ"
        return system, "stadtteil", f"{self.options['district_prefix']}{int(district):02}"

    def read(self, table: str, spec: TableSpec, insert: Insert) -> None:
        for number, row in insert.rows:
            year = row["year"]
            if not isinstance(year, float):
                self.issues.append(
                    Issue("refusal", "Jahr fehlt", "Die Zeile nennt kein Jahr.", sheet=table, row=number)
                )
                continue
            figures = spec.figures
            if spec.member_column is not None:
                member = row[spec.member_column]
                figures = (spec.member_figures or {}).get(int(member) if isinstance(member, float) else 0, ())
            for figure in figures:
                self.add(table, spec, number, int(year), row, figure)

    def add(self, table: str, spec: TableSpec, number: int, year: int, row: Row, figure: Figure) -> None:
        area = self.area(spec, row)
        value = figure_value(figure, row)
        columns = (*figure.plus, *figure.minus)
        status, conf = "A", "F"
        if value is None and spec.hides:
            conf = "C"
        elif value is None:
            relative = any("percentage" in name for name in columns)
            status = "M" if relative and area[2].endswith("-NZ") else "O"
        elif set(columns) & set(self.suspect.get((table, year), ())):
            status = "P"
        self.put(
            observation(
                row=number,
                area=area,
                period=period_of(spec.when, year),
                measure=figure.measure,
                value=value,
                group=figure.group,
                status=status,
                conf=conf,
                column=" + ".join(figure.plus) + "".join(f" - {name}" for name in figure.minus),
                sheet=table,
            )
        )

    def put(self, new: dict[str, Any]) -> None:
        key = (new["area_code"], new["period_end"], new["measure_id"], new["group_id"])
        first = self.rows.setdefault(key, new)
        if first is not new and first["value"] != new["value"]:
            message = (
                f"{new['measure_id']} ({new['group_id']}) in {new['area_code']} zum {new['period_end']:%d.%m.%Y}: "
                f"{first['source_sheet']} nennt {first['value']}, {new['source_sheet']} nennt {new['value']}; "
                "übernommen ist die erste Angabe."
            )
            self.issues.append(
                Issue(
                    "warning",
                    "Widerspruch zwischen Tabellen",
                    message,
                    sheet=new["source_sheet"],
                    row=new["source_row"],
                )
            )

    def complete_debt_advice(self) -> None:
        """Sums of table 22 over sex and over all household types, per year; NULL when a part is missing."""
        years = sorted({key[1] for key in self.rows if key[2] == _DEBT})
        for end in years:
            values = {key[3]: row for key, row in self.rows.items() if key[2] == _DEBT and key[1] == end}
            for group, parts in (*_DEBT_SUMS.items(), ("total", _DEBT_TOTAL)):
                numbers = [values[part]["value"] for part in parts if part in values]
                known = [number for number in numbers if number is not None]
                complete = len(known) == len(parts)
                template = values[parts[0]]
                values[group] = {
                    **template,
                    "group_id": group,
                    "source_row": None,
                    "source_column": "Summe der Haushaltsformen",
                    "value": sum(known) if complete else None,
                    "obs_status": "A" if complete else "O",
                }
                self.put(values[group])

    def complete_population(self) -> None:
        """Persons without a known address: published city total minus the districts, where positive."""
        city = str(self.options["city_code"])
        totals: dict[date, dict[str, float]] = defaultdict(dict)
        for (code, end, measure, group), row in self.rows.items():
            if (measure, group) == ("population", "total"):
                totals[end][code] = row["value"]
        for end, by_area in totals.items():
            districts = [value for code, value in by_area.items() if code != city]
            rest = by_area.get(city, 0.0) - sum(districts)
            if city in by_area and districts and rest > 0:
                template = self.rows[city, end, "population", "total"]
                self.put(
                    {
                        **template,
                        "area_level": "stadtteil",
                        "area_code": f"{city}-NZ",
                        "source_row": None,
                        "source_column": "Stadt minus Summe der Stadtteile",
                        "value": rest,
                    }
                )


def _population_issues(rows: Mapping[_RowKey, Mapping[str, Any]]) -> Iterator[Issue]:
    """Age groups of the districts that do not add up to their population: reported, not corrected."""
    gaps: dict[int, list[float]] = defaultdict(list)
    for (code, end, measure, group), row in rows.items():
        if (measure, group) != ("population", "total") or row["area_level"] != "stadtteil":
            continue
        ages = [rows.get((code, end, measure, f"age={band}")) for band in ("0-17", "18-64", "65+")]
        values = [age["value"] for age in ages if age is not None]
        if len(values) == len(ages) and sum(values) != row["value"]:
            gaps[end.year].append(sum(values) - row["value"])
    for year, found in sorted(gaps.items()):
        message = (
            f"{year}: In {len(found)} Stadtteilen ergeben die Altersgruppen nicht die Einwohnerzahl "
            f"(größte Abweichung {max(found, key=abs):+.0f} Personen). Beide Angaben stehen wie geliefert."
        )
        yield Issue("warning", "Altersgruppen gehen nicht auf", message, sheet="fl_residents_by_district")
