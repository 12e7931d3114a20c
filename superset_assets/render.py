"""Pure rendering: templates + facts of a release -> documents of Superset's import bundle.

Belongs here: which templates an instance gets and what they are filled with. Does not belong here: reading releases
(`facts`, `topics`), the form of a document (`documents`), talking to Superset (`sync`, `server`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from superset_assets.documents import VERSION, Document, chart, dashboard, database, dataset
from superset_assets.facts import Facts
from superset_assets.identifiers import address, slug

FOLDERS_FILE = "lagebild/folders.json"
"""Folders of the datasets by their uuid; the importer passes over it, `superset_assets.folders` reads it."""
TEMPLATES = Path(__file__).parent / "assets"
_COMMON_STYLE = "dashboard.css"


@dataclass(frozen=True)
class Bundle:
    """Rendered documents of one instance by path, e.g. `charts/karte_sgb2_rate.yaml`."""

    instance: str
    documents: dict[str, Document]

    def of_kind(self, kind: str) -> dict[str, Document]:
        return {path: doc for path, doc in self.documents.items() if path.startswith(f"{kind}/")}

    def as_files(self) -> dict[str, str]:
        """File contents as Superset's importer takes them, including `metadata.yaml`."""
        metadata = {"version": VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}
        folders = {
            doc["uuid"]: doc["folders"] for doc in self.of_kind("datasets").values() if doc.get("folders")
        }
        # JSON is YAML, and written a hundred times faster: an unchanged sync is done in a second.
        files = {
            path: json.dumps(
                {key: value for key, value in doc.items() if key != "folders"}, ensure_ascii=False, indent=1
            )
            for path, doc in self.documents.items()
        }
        return {
            "metadata.yaml": json.dumps(metadata),
            FOLDERS_FILE: json.dumps(folders, ensure_ascii=False),
            **files,
        }


@dataclass(frozen=True)
class _Source:
    """A filled template with the key it is known by."""

    key: str
    path: Path
    content: Document


class _Raw(str):
    """Text that goes into a template as it is: JSON, or text of a YAML block."""


def _inside_double_quotes(value: Any) -> Any:
    """Labels and definitions stand in double quotes in the templates; their own quotes must not end them."""
    if isinstance(value, _Raw | StrictUndefined) or not isinstance(value, str):
        return value
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def render(facts: Facts, templates: Path = TEMPLATES) -> Bundle:
    """All documents of an instance: the base, and every topic the release has something for.

    A dataset of the base whose table is empty and that no chart names is left out.
    Raises jinja2.UndefinedError for a template that names an unknown fact, ValueError for a key that stands twice,
    KeyError for a dashboard that places a chart that is not there.
    """
    fill = _Filler(facts, templates)
    datasets = {item.key: dataset(facts, item.key, item.content) for item in fill.all_of("datasets")}
    charts = {item.key: chart(facts, item.key, item.content) for item in fill.all_of("charts")}
    used = {doc["dataset_uuid"] for doc in charts.values()}
    optional = {path.stem for path in (templates / "datasets").glob("*.yaml")} - facts.filled
    documents: dict[str, Document] = {"databases/release.yaml": database(facts, fill.one("database.yaml"))}
    documents |= {
        f"datasets/{key}.yaml": doc
        for key, doc in datasets.items()
        if key not in optional or doc["uuid"] in used
    }
    documents |= {f"charts/{key}.yaml": doc for key, doc in charts.items()}
    common = (TEMPLATES / _COMMON_STYLE).read_text(encoding="utf-8")
    for item in fill.all_of("dashboards"):
        css = common + fill.style(item.path.with_suffix(".css"))
        documents[f"dashboards/{item.key}.yaml"] = dashboard(facts, item.key, item.content, charts, css)
    return Bundle(facts.instance, documents)


class _Filler:
    """Finds the templates of an instance and fills them."""

    def __init__(self, facts: Facts, templates: Path) -> None:
        self._facts = facts
        self._templates = templates
        self._engine = Environment(  # noqa: S701 - the result is YAML, not HTML; `finalize` escapes for YAML
            loader=FileSystemLoader([templates, TEMPLATES]),  # the connection is the same for all
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_inside_double_quotes,
        )
        # YAML reads JSON as it is; characters must not be escaped for HTML as jinja's own `tojson` does.
        self._engine.filters["tojson"] = lambda value: _Raw(json.dumps(value, ensure_ascii=False))
        self._engine.filters["plain"] = _Raw
        self._engine.globals["link"] = lambda name: address(slug(facts.instance, name))

    def one(self, name: str, **context: Any) -> Document:
        text = self._engine.get_template(name).render(facts=self._facts, **context)
        document = yaml.load(text, Loader=yaml.CSafeLoader)
        assert isinstance(document, dict), f"{name}: a template renders to one mapping"
        return document

    def style(self, path: Path) -> str:
        """The style sheet beside a dashboard, filled like the dashboard; empty where there is none."""
        if not path.exists():
            return ""
        return self._engine.get_template(path.relative_to(self._templates).as_posix()).render(
            facts=self._facts
        )

    def all_of(self, kind: str) -> list[_Source]:
        """Filled templates of a kind, of the base and of the topics that have facts; each key once."""
        found = list(self._folder(self._templates / kind, "", None))
        for topic, topic_facts in self._facts.topics.items():
            if topic_facts is not None:
                found += self._folder(self._templates / "topics" / topic / kind, topic, topic_facts)
        keys = [item.key for item in found]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"{kind}: {', '.join(twice)} stands twice")
        return found

    def _folder(self, folder: Path, topic: str, topic_facts: Any) -> Iterator[_Source]:
        for path in sorted(folder.glob("*.yaml")):
            name = path.relative_to(self._templates).as_posix()
            if self._named(path, "only_if", topic_facts) is False:
                continue
            each = self._named(path, "for_each", topic_facts)
            key = _key(topic, path)
            if each is None:
                yield _Source(key, path, self.one(name, topic=topic_facts))
                continue
            for item in each:
                part = getattr(item, "indicator_id", None) or item.key
                yield _Source(f"{key}_{part}", path, self.one(name, topic=topic_facts, item=item))

    def _named(self, path: Path, field: str, topic_facts: Any) -> Any:
        """The fact that a field of a template names: of the base, or `topic.<fact>` of the topic's own; else None."""
        line = next((line for line in path.read_text().splitlines() if line.startswith(f"{field}:")), None)
        if line is None:
            return None
        first, *rest = line.split(":", 1)[1].strip().split(".")
        found: Any = topic_facts if first == "topic" else getattr(self._facts, first)
        for name in rest:
            if found is None:
                return ()
            found = found.get(name) if isinstance(found, Mapping) else getattr(found, name)
        return found


def _key(topic: str, path: Path) -> str:
    """Datasets are known by their name alone; charts and dashboards of a topic carry its name in front."""
    if not topic or path.parent.name == "datasets" or path.stem == topic:
        return path.stem
    return f"{topic}_{path.stem}"
