"""`lagebild katalog pruefen`: prints what is wrong with the catalogue and with the instances, in German."""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError

from lagebild.disclosure_rules import RulesError
from lagebild.instance import Instance, list_instances
from semantic_layer.catalogue.coarser import coarser_findings
from semantic_layer.catalogue.forecasting import forecast_findings
from semantic_layer.catalogue.goals import goal_findings
from semantic_layer.catalogue.history import history_findings, load_changes
from semantic_layer.catalogue.index_check import index_findings
from semantic_layer.catalogue.index_history import changes_file, definitions_of, index_history_findings
from semantic_layer.catalogue.loader import CatalogueError, load_catalogue
from semantic_layer.catalogue.model import Catalogue
from semantic_layer.catalogue.resolve import Supply, resolve
from semantic_layer.catalogue.rules import rule_findings
from semantic_layer.catalogue.validate import Finding, catalogue_findings, instance_findings


def findings_of(instance: Instance, catalogue: Catalogue) -> list[Finding]:
    """Findings of one instance folder, unreadable files included."""
    try:
        supply = Supply(catalogue, instance.config, instance.measures)
        return [
            *instance_findings(supply, instance.sources.values(), instance.rules.values()),
            *coarser_findings(supply),
            *rule_findings(supply, instance.rules, f"{instance.name}/rules.yml"),
            *forecast_findings(instance, supply),
            *goal_findings(supply, instance.targets, instance.budget_links),
            *index_findings(supply, instance.indices, instance.attention),
            *index_history_findings(definitions_of(instance), load_changes(changes_file(instance))),
        ]
    except RulesError as error:
        return [Finding("Geheimhaltung", "Regel ungültig", problem) for problem in error.problems]
    except FileNotFoundError as error:
        name = str(error.filename).rsplit("/", maxsplit=1)[-1]
        return [Finding(instance.name, "Datei fehlt", f"Im Ordner der Instanz fehlt „{name}“.")]
    except ValidationError as error:
        return [
            Finding(
                instance.name,
                "Angabe ungültig",
                f"{error.title}, Feld „{'.'.join(str(part) for part in detail['loc'])}“: {detail['msg']}",
            )
            for detail in error.errors()
        ]
    except ValueError as error:
        return [Finding(instance.name, "Datei unlesbar", str(error))]


def check() -> list[str]:
    """All findings as sentences: first the catalogue's, then those of every instance folder."""
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        return [f"Der Katalog ist nicht lesbar: {error}"]
    log = history_findings(catalogue, load_changes())
    problems = [f"Katalog · {finding}" for finding in (*catalogue_findings(catalogue), *log)]
    for name in list_instances():
        problems += [f"{name} · {finding}" for finding in findings_of(Instance(name), catalogue)]
    return problems


def run() -> int:
    """Print all findings and, when there are none, what each instance can show; 0 without findings, else 1."""
    problems = check()
    if problems:
        print(*problems, f"{len(problems)} Beanstandung(en).", sep="\n")
        return 1
    catalogue = load_catalogue()
    for name in list_instances():
        print(_summary(Instance(name), catalogue))
    print("Der Katalog ist in Ordnung.")
    return 0


def _summary(instance: Instance, catalogue: Catalogue) -> str:
    resolved = resolve(Supply(catalogue, instance.config, instance.measures))
    states = Counter(item.status for item in resolved)
    return (
        f"{instance.name} · {states['active']} Kennzahlen aktiv, {states['in_preparation']} in Vorbereitung, "
        f"{states['not_available']} nicht verfügbar, {states['retired']} abgelöst"
    )


__all__ = ["check", "findings_of", "run"]
