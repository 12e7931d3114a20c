"""The open data package of a release: what a portal harvests and a citizen downloads.

One ZIP file per release: tables as CSV with a CSVW description, the indicators once more as SDMX-CSV, areas as GeoJSON,
a DCAT-AP.de record, the Datenkonzept, an OSI model, and checksums. Only the released file is read; what is withheld
there has no value here and says so.

Sources: W3C "Metadata Vocabulary for Tabular Data" (CSVW), DCAT-AP.de 3.0, SDMX-CSV 1.0 field guide.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, XSD
from rdflib.namespace import Namespace as RdfNamespace

from lagebild.instance import Instance, OpenDataSettings
from lagebild.spreadsheet import csv_column
from semantic_layer.export.handbook import handbook, render_html
from semantic_layer.export.osi import osi_yaml
from semantic_layer.export.semantic_models import semantic_project

DCATDE: Final = RdfNamespace("http://dcat-ap.de/def/dcatde/")
VCARD: Final = Namespace("http://www.w3.org/2006/vcard/ns#")
_DATA_THEMES: Final = "http://publications.europa.eu/resource/authority/data-theme/"
_FILE_TYPES: Final = "http://publications.europa.eu/resource/authority/file-type/"
_GERMAN: Final = URIRef("http://publications.europa.eu/resource/authority/language/DEU")


@dataclass(frozen=True)
class Table:
    """One CSV of the package: query on the release, and what its columns are called and mean."""

    name: str
    title: str
    description: str
    sql: str
    primary_key: tuple[str, ...]
    columns: dict[str, str]
    """Column → German title."""


_AREA = {
    "area_key": "Gebiet (Schlüssel mit Gebietsstand)",
    "area_code": "Gebietsschlüssel",
    "area_name": "Gebiet",
    "area_level": "Ebene",
}
_STATUS = {
    "obs_status": "Beobachtungsstatus (SDMX CL_OBS_STATUS)",
    "conf_status": "Vertraulichkeitsstatus (SDMX CL_CONF_STATUS)",
}

TABLES: Final = (
    Table(
        "kennzahlen",
        "Kennzahlen",
        "Werte der Kennzahlen mit Zähler und Nenner. Leere Werte nennen ihren Grund.",
        """
        select fact.indicator_key, indicator.label, fact.area_key, area.area_code, area.area_name, area.area_level,
            fact.period_key, period.period_label, period.period_end, fact.value, indicator.unit, fact.numerator,
            fact.denominator, fact.obs_status, fact.conf_status, fact.empty_reason
        from fct_indicator as fact
        inner join dim_indicator as indicator using (indicator_key)
        inner join dim_area as area using (area_key)
        inner join dim_period as period using (period_key)
        order by fact.indicator_key, fact.area_key, period.period_end, fact.period_key
        """,
        ("indicator_key", "area_key", "period_key"),
        {
            "indicator_key": "Kennzahl und Fassung",
            "label": "Kennzahl",
            **_AREA,
            "period_key": "Zeitraum (Schlüssel)",
            "period_label": "Zeitraum",
            "period_end": "Ende des Zeitraums",
            "value": "Wert",
            "unit": "Einheit",
            "numerator": "Zähler",
            "denominator": "Nenner",
            **_STATUS,
            "empty_reason": "Grund, wenn leer",
        },
    ),
    Table(
        "messgroessen",
        "Messgrößen",
        "Werte der Messgrößen insgesamt und nach Gruppen.",
        """
        select fact.measure_id, measure.label, fact.area_key, area.area_code, area.area_name, area.area_level,
            fact.period_key, period.period_label, period.period_end, fact.group_key, groups.group_label, fact.value,
            measure.unit, fact.obs_status, fact.conf_status
        from fct_measure as fact
        inner join dim_measure as measure using (measure_id)
        inner join dim_area as area using (area_key)
        inner join dim_period as period using (period_key)
        inner join dim_group as groups using (group_key)
        order by fact.measure_id, fact.area_key, period.period_end, fact.period_key, fact.group_key
        """,
        ("measure_id", "area_key", "period_key", "group_key"),
        {
            "measure_id": "Messgröße (Schlüssel)",
            "label": "Messgröße",
            **_AREA,
            "period_key": "Zeitraum (Schlüssel)",
            "period_label": "Zeitraum",
            "period_end": "Ende des Zeitraums",
            "group_key": "Gruppe (Schlüssel)",
            "group_label": "Gruppe",
            "value": "Wert",
            "unit": "Einheit",
            **_STATUS,
        },
    ),
    Table(
        "gebiete",
        "Gebiete",
        "Gebiete aller Gebietssysteme mit ihrer Gültigkeit; Grenzen stehen in gebiete.geojson.",
        """
        select area_key, area_system, area_code, area_name, area_level, area_level_label, parent_area_key, valid_from,
            valid_to, is_current, is_unassigned
        from dim_area
        order by area_key
        """,
        ("area_key",),
        {
            **_AREA,
            "area_system": "Gebietssystem",
            "area_level_label": "Bezeichnung der Ebene",
            "parent_area_key": "Übergeordnetes Gebiet",
            "valid_from": "Gültig ab",
            "valid_to": "Gültig bis",
            "is_current": "Gilt heute",
            "is_unassigned": "Räumlich nicht zuordenbar",
        },
    ),
    Table(
        "beschreibungen",
        "Beschreibungen der Kennzahlen",
        "Definition, Einheit, Quelle und Grenzen der Aussage je Kennzahl.",
        """
        select indicator_key, label, definition, theme_label, unit, decimals, polarity, source_label, legal_basis,
            cycle, breaks, caveats, status, unavailable_reason
        from dim_indicator
        order by indicator_key
        """,
        ("indicator_key",),
        {
            "indicator_key": "Kennzahl und Fassung",
            "label": "Kennzahl",
            "definition": "Definition",
            "theme_label": "Handlungsfeld",
            "unit": "Einheit",
            "decimals": "Nachkommastellen",
            "polarity": "Bewertung",
            "source_label": "Quelle",
            "legal_basis": "Rechtsgrundlage",
            "cycle": "Turnus",
            "breaks": "Brüche",
            "caveats": "Grenzen der Aussage",
            "status": "Stand",
            "unavailable_reason": "Grund, wenn nicht verfügbar",
        },
    ),
)

_SDMX_SQL: Final = """
    select '{dataflow}' as "DATAFLOW", indicator.indicator_id as "INDICATOR",
        area.area_system || ':' || area.area_level || ':' || area.area_code as "REF_AREA",
        case period.period_type
            when 'jahr' then strftime(period.period_end, '%Y')
            when 'monat' then strftime(period.period_end, '%Y-%m')
            when 'schuljahr' then strftime(period.period_start, '%Y-%m-%d') || '/P1Y'
            else strftime(period.period_end, '%Y-%m-%d')
        end as "TIME_PERIOD",
        fact.value as "OBS_VALUE", fact.obs_status as "OBS_STATUS", fact.conf_status as "CONF_STATUS",
        indicator.unit as "UNIT_MEASURE", indicator.decimals as "DECIMALS"
    from fct_indicator as fact
    inner join dim_indicator as indicator using (indicator_key)
    inner join dim_area as area using (area_key)
    inner join dim_period as period using (period_key)
    order by all
"""


def write_open_data(instance: Instance, release: Path, folder: Path) -> Path:
    """Writes `offene-daten-<release id>.zip` into `folder`; a reader sees all of it or nothing.

    Returns the file. Raises ValueError when the instance publishes no open data (`open_data` in instance.yml).
    """
    settings = instance.config.open_data
    if settings is None:
        raise ValueError(f"Für {instance.config.title} sind keine offenen Daten vorgesehen (open_data).")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".offene-daten-") as name:
        work = Path(name)
        about = _write_files(instance, settings, release, work)
        draft = work.with_suffix(".zip")
        with ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=5) as archive:
            for path in sorted(work.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(work))
    target = folder / f"offene-daten-{about.release_id}.zip"
    draft.replace(target)
    return target


def _write_files(instance: Instance, settings: OpenDataSettings, release: Path, work: Path) -> About:
    with duckdb.connect(str(release), read_only=True) as connection:
        described = _write_tables(connection, work, settings)
        _write(work / "gebiete.geojson", _geojson(connection))
        flow = f"LAGEBILD:{instance.name.upper()}(1.0)"
        _write_csv(
            work / "kennzahlen.sdmx.csv", connection.sql(_SDMX_SQL.format(dataflow=flow)).to_arrow_table()
        )
        about = _about(connection)
    _write(work / "csv-metadata.json", json.dumps(described, ensure_ascii=False, indent=2))
    _write(work / "datenkonzept.html", render_html(handbook(instance)))
    _write(work / "osi.yml", osi_yaml(instance))
    _write(work / "LIESMICH.txt", _readme(instance, settings, about))
    graph = dcat_graph(settings, about, sorted(path.name for path in work.iterdir()))
    _write(work / "dcat-ap-de.ttl", graph.serialize(format="turtle"))
    _write(work / "dcat-ap-de.jsonld", graph.serialize(format="json-ld", auto_compact=True))
    for name, text in semantic_project(instance).items():
        target = work / "dbt-semantik" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, text)
    files = sorted(path for path in work.rglob("*") if path.is_file())
    sums = [f"{_sha256(path)}  {path.relative_to(work)}" for path in files]
    _write(work / "SHA256SUMS", "\n".join(sums) + "\n")
    return about


def csvw_datatype(kind: pa.DataType) -> str:
    """Arrow type → CSVW datatype."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "date" if pa.types.is_date(kind) else "string"


def _write_tables(
    connection: duckdb.DuckDBPyConnection, work: Path, settings: OpenDataSettings
) -> dict[str, Any]:
    described = []
    for table in TABLES:
        data = connection.sql(table.sql).to_arrow_table()
        if set(data.column_names) != set(table.columns):
            raise ValueError(f"{table.name}: columns and titles differ")
        _write_csv(work / f"{table.name}.csv", data)
        described.append(
            {
                "url": f"{table.name}.csv",
                "dc:title": table.title,
                "dc:description": table.description,
                "tableSchema": {
                    "columns": [
                        {
                            "name": field.name,
                            "titles": {"de": table.columns[field.name]},
                            "datatype": csvw_datatype(field.type),
                            "required": field.name in table.primary_key,
                        }
                        for field in data.schema
                    ],
                    "primaryKey": list(table.primary_key),
                },
            }
        )
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "de"}],
        "dc:publisher": settings.publisher,
        "dc:license": {"@id": settings.licence},
        "dialect": {"header": True, "delimiter": ",", "encoding": "utf-8"},
        "tables": described,
    }


def _geojson(connection: duckdb.DuckDBPyConnection) -> str:
    rows = connection.sql(
        """
        select area_key, area_code, area_name, area_system, area_level, valid_from, valid_to, geometry_geojson
        from dim_area
        where geometry_geojson is not null
        order by area_key
        """
    ).fetchall()
    names = ("area_key", "area_code", "area_name", "area_system", "area_level", "valid_from", "valid_to")
    features = [
        {
            "type": "Feature",
            "id": row[0],
            "geometry": json.loads(row[7]),
            "properties": {
                name: None if value is None else str(value)
                for name, value in zip(names, row[:7], strict=True)
            },
        }
        for row in rows
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


@dataclass(frozen=True)
class About:
    """What the release says about itself."""

    release_id: str
    title: str
    attribution: str
    is_synthetic: bool
    released_at: datetime
    first_day: str
    last_day: str


def _about(connection: duckdb.DuckDBPyConnection) -> About:
    row = connection.sql(
        """
        select release_id, title, attribution, is_synthetic, released_at,
            (select min(period_start)::varchar from dim_period), (select max(period_end)::varchar from dim_period)
        from dim_release
        """
    ).fetchone()
    assert row is not None, "a release describes itself"
    return About(*row)


def dcat_graph(settings: OpenDataSettings, about: About, files: Sequence[str]) -> Graph:
    """DCAT-AP.de record of the package: one dataset, one distribution per file."""
    graph = Graph()
    for prefix, space in (
        ("dcat", DCAT),
        ("dct", DCTERMS),
        ("dcatde", DCATDE),
        ("foaf", FOAF),
        ("vcard", VCARD),
    ):
        graph.bind(prefix, space)
    base = settings.base_uri
    dataset = URIRef(f"{base}kennzahlen")
    add = graph.add
    add((dataset, RDF.type, DCAT.Dataset))
    add((dataset, DCTERMS.title, Literal(f"Kennzahlen der Sozialplanung – {about.title}", lang="de")))
    text = "Kennzahlen der integrierten Sozialplanung nach Gebieten und Zeiträumen, mit Zähler, Nenner und Status."
    add((dataset, DCTERMS.description, Literal(text + _synthetic_note(about), lang="de")))
    add((dataset, DCTERMS.identifier, Literal(str(dataset))))
    add((dataset, DCTERMS.modified, Literal(about.released_at.isoformat(), datatype=XSD.dateTime)))
    add((dataset, DCTERMS.language, _GERMAN))
    for theme in ("SOCI", "EDUC", "HEAL"):
        add((dataset, DCAT.theme, URIRef(_DATA_THEMES + theme)))
    for keyword in ("Sozialplanung", "Sozialmonitoring", "Kennzahlen", "Bevölkerung"):
        add((dataset, DCAT.keyword, Literal(keyword, lang="de")))
    publisher = URIRef(f"{base}#herausgeber")
    add((publisher, RDF.type, FOAF.Agent))
    add((publisher, FOAF.name, Literal(settings.publisher)))
    add((dataset, DCTERMS.publisher, publisher))
    contact = URIRef(f"{base}#kontakt")
    add((contact, RDF.type, VCARD.Organization))
    add((contact, VCARD.fn, Literal(settings.publisher)))
    add((contact, VCARD.hasEmail, URIRef(f"mailto:{settings.contact}")))
    add((dataset, DCAT.contactPoint, contact))
    time = URIRef(f"{base}#zeitraum")
    add((time, RDF.type, DCTERMS.PeriodOfTime))
    add((time, DCAT.startDate, Literal(about.first_day, datatype=XSD.date)))
    add((time, DCAT.endDate, Literal(about.last_day, datatype=XSD.date)))
    add((dataset, DCTERMS.temporal, time))
    level = URIRef("http://dcat-ap.de/def/politicalGeocoding/Level/administrativeDistrict")
    add((dataset, DCATDE.politicalGeocodingLevelURI, level))
    if settings.regional_key:
        key = f"http://dcat-ap.de/def/politicalGeocoding/regionalKey/{settings.regional_key}"
        add((dataset, DCATDE.politicalGeocodingURI, URIRef(key)))
    if settings.contributor_id:
        add((dataset, DCATDE.contributorID, URIRef(settings.contributor_id)))
    for name in files:
        _add_distribution(graph, dataset, name, settings, about)
    catalog = URIRef(base)
    add((catalog, RDF.type, DCAT.Catalog))
    add((catalog, DCTERMS.title, Literal(f"Offene Daten der Sozialplanung – {about.title}", lang="de")))
    add((catalog, DCTERMS.description, Literal(f"Veröffentlichung {about.release_id}", lang="de")))
    add((catalog, DCTERMS.publisher, publisher))
    add((catalog, DCAT.dataset, dataset))
    return graph


_FORMATS: Final = {
    ".csv": ("CSV", "text/csv"),
    ".geojson": ("GEOJSON", "application/geo+json"),
    ".json": ("JSON", "application/json"),
    ".html": ("HTML", "text/html"),
    ".yml": ("YAML", "application/yaml"),
    ".txt": ("TXT", "text/plain"),
}


def _add_distribution(
    graph: Graph, dataset: URIRef, name: str, settings: OpenDataSettings, about: About
) -> None:
    address = URIRef(f"{settings.base_uri}{about.release_id}/{name}")
    file_type, media_type = _FORMATS[Path(name).suffix]
    titles = {f"{table.name}.csv": table.title for table in TABLES}
    graph.add((dataset, DCAT.distribution, address))
    graph.add((address, RDF.type, DCAT.Distribution))
    graph.add((address, DCTERMS.title, Literal(titles.get(name, name), lang="de")))
    graph.add((address, DCAT.accessURL, address))
    graph.add((address, DCAT.downloadURL, address))
    graph.add((address, DCTERMS.license, URIRef(settings.licence)))
    graph.add((address, DCATDE.licenseAttributionByText, Literal(about.attribution)))
    graph.add((address, DCTERMS.format, URIRef(_FILE_TYPES + file_type)))
    graph.add((address, DCAT.mediaType, URIRef(f"https://www.iana.org/assignments/media-types/{media_type}")))


def _synthetic_note(about: About) -> str:
    return " Alle Daten sind synthetisch." if about.is_synthetic else ""


def _readme(instance: Instance, settings: OpenDataSettings, about: About) -> str:
    tables = "\n".join(f"{table.name}.csv – {table.description}" for table in TABLES)
    return f"""Offene Daten der Sozialplanung
{instance.config.title}
Veröffentlichung {about.release_id} vom {about.released_at:%d.%m.%Y}.{_synthetic_note(about)}

Inhalt
{tables}
kennzahlen.sdmx.csv – dieselben Kennzahlen im Austauschformat SDMX-CSV.
gebiete.geojson – Grenzen der Gebiete (WGS 84).
csv-metadata.json – Beschreibung aller Spalten (CSVW).
dcat-ap-de.ttl, dcat-ap-de.jsonld – Beschreibung für Datenportale.
datenkonzept.html – Definitionen aller Kennzahlen.
osi.yml – Kennzahlen als semantisches Modell (Open Semantic Interchange).
dbt-semantik/ – Kennzahlen als Projekt für dbt und MetricFlow.
SHA256SUMS – Prüfsummen.

CSV-Dateien: UTF-8, Komma als Trennzeichen, Punkt als Dezimalzeichen. Leere Werte sind gesperrt oder nicht verfügbar und
nie als null zu lesen; conf_status C heißt gesperrt, obs_status nennt den Zustand der Angabe.

Quelle: {about.attribution}
Lizenz: {settings.licence}
Fragen: {settings.contact}
"""


def _write_csv(path: Path, table: pa.Table) -> None:
    # Names of areas and labels come from deliveries: a spreadsheet that opens the file must not run them.
    safe = {
        name: csv_column(table.column(name))
        if pa.types.is_string(table.schema.field(name).type)
        else table.column(name)
        for name in table.column_names
    }
    pacsv.write_csv(pa.table(safe), path, pacsv.WriteOptions(quoting_style="needed"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


__all__ = ["TABLES", "About", "Table", "csvw_datatype", "dcat_graph", "write_open_data"]
