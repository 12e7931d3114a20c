"""Connector `genesis`: tables of a GENESIS installation as ffcsv.

A table is fetched when the service says it was updated since last time (metadata/table), directly or, where it is
too large, as a background job whose name is remembered: a run that ends too early is continued by the next.
"""

from __future__ import annotations

import string
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestion.connectors import genesis_api, transfer
from ingestion.connectors.failure import ConnectorFailure
from ingestion.connectors.genesis_api import (
    CODE_JOB_ACCEPTED,
    CODE_NO_OBJECTS,
    CODE_TOO_LARGE,
    JOB_DONE,
    JOB_WAITING,
    Answer,
    GenesisApi,
)
from ingestion.connectors.inbox import plain_name, short_hash
from ingestion.connectors.state import Version
from ingestion.connectors.visit import Visit
from lagebild.connector import GenesisConnector, GenesisTable

_CODE_SIGNS: Final = string.digits + "-" + string.ascii_uppercase


@dataclass(frozen=True)
class _Call:
    """One table of one installation, fetched with certain parameters."""

    table: GenesisTable
    config: GenesisConnector

    @property
    def key(self) -> str:
        said = ";".join(f"{name}={value}" for name, value in sorted(self.table.parameters.items()))
        return short_hash(f"{self.config.base_url}|{self.config.area}|{self.table.name}|{said}")

    def parameters(self, job: bool) -> dict[str, str]:
        return {
            "area": self.config.area,
            "compress": "false",
            **self.table.parameters,
            "name": self.table.name,
            "format": "ffcsv",
            "job": "true" if job else "false",
        }


def bring(config: GenesisConnector, visit: Visit) -> None:
    """Fetches the tables that have changed. Raises `Unreachable` for no connection and a refused login."""
    user, password = visit.secret(config.user_secret), visit.secret(config.password_secret)
    with transfer.client(visit, config.timeout_s, config.ca_secret) as http:
        api = GenesisApi(http, config, user, password)
        api.check_login()
        for table in _tables(api, config):
            with visit.guarded(f"Tabelle {table.name}"):
                _bring_one(api, _Call(table, config), visit)


def _tables(api: GenesisApi, config: GenesisConnector) -> list[GenesisTable]:
    named = {table.name: table for table in config.tables}
    if config.selection:
        for code in dict.fromkeys(_catalogue(api, config, config.selection)):
            named.setdefault(code, GenesisTable(name=code, parameters=config.selection_parameters))
    return list(named.values())


def _catalogue(api: GenesisApi, config: GenesisConnector, selection: str) -> Iterator[str]:
    """Codes of all tables that match. The service cuts a list off at `pagelength` and knows no second page: a full
    list is therefore asked for again in narrower selections."""
    answer = api.call(
        "catalogue/tables",
        {"selection": selection, "area": config.area, "pagelength": str(config.page_length)},
    )
    if answer.code == CODE_NO_OBJECTS:
        return
    if answer.is_error:
        raise genesis_api.refusal(answer, api.host)
    codes = [str(entry["Code"]) for entry in answer.entries() if "Code" in entry]
    head, star, tail = selection.partition("*")
    if len(codes) < config.page_length or not star:
        yield from codes
        return
    # The code that is exactly the head has no further sign.
    yield from (code for code in codes if code == head + tail)
    for sign in _CODE_SIGNS:
        yield from _catalogue(api, config, f"{head}{sign}*{tail}")


def _bring_one(api: GenesisApi, call: _Call, visit: Visit) -> None:
    updated = _updated(api, call)
    known = visit.known(call.key)
    if updated and known is not None and known.version.last_modified == updated:
        visit.say(f"Tabelle {call.table.name} – unverändert")
        return
    part = visit.part(call.key)
    limits = transfer.Limits.of(call.config.max_megabytes, call.config.max_minutes)
    job = visit.state.jobs.get(call.key)
    if job is None and not call.table.job:
        answer = api.file("data/tablefile", call.parameters(job=False), part, limits)
        if answer.code == CODE_TOO_LARGE:
            visit.say(
                f"Tabelle {call.table.name} – zu groß für den direkten Abruf, wird als Auftrag gerechnet"
            )
            job = _start_job(api, call, visit)
    else:
        answer = Answer()
        job = job or _start_job(api, call, visit)
    if job is not None:
        answer = _job_result(api, call, job, part, limits, visit)
    if not answer.is_file:
        raise genesis_api.refusal(answer, api.host)
    name = plain_name(call.table.file.format(table=call.table.name) + answer.ending)
    if known is not None and _same_data(part, visit.folder / known.name):
        # A zip made anew differs in the times inside it; that is no correction.
        part.unlink()
        visit.state.files[call.key] = known.model_copy(update={"version": Version(last_modified=updated)})
        visit.save()
        visit.say(f"Tabelle {call.table.name} – unverändert")
        return
    visit.accept(call.key, name, Version(last_modified=updated), None)


def _updated(api: GenesisApi, call: _Call) -> str:
    """When the service last changed the table, as it writes it; empty where it does not say."""
    answer = api.call("metadata/table", {"name": call.table.name, "area": call.config.area})
    if answer.is_error:
        raise genesis_api.refusal(answer, api.host)
    described = (answer.body or {}).get("Object")
    return str(described.get("Updated") or "") if isinstance(described, dict) else ""


def _start_job(api: GenesisApi, call: _Call, visit: Visit) -> str:
    answer = api.call("data/tablefile", call.parameters(job=True))
    if answer.code != CODE_JOB_ACCEPTED:
        raise genesis_api.refusal(answer, api.host)
    visit.state.jobs[call.key] = answer.job_name()
    visit.save()
    return visit.state.jobs[call.key]


def _job_result(
    api: GenesisApi, call: _Call, job: str, part: Path, limits: transfer.Limits, visit: Visit
) -> Answer:
    deadline = time.monotonic() + call.config.job_minutes * 60
    while (state := _job_state(api, job)) not in JOB_DONE:
        if state not in JOB_WAITING:
            # The next run shall ask for a new one.
            _forget_job(call, visit)
            raise ConnectorFailure(
                f"Der Auftrag auf {api.host} ist gescheitert (Zustand »{state or 'unbekannt'}«)."
            )
        if time.monotonic() + call.config.job_poll_s > deadline:
            raise ConnectorFailure(f"{api.host} rechnet noch; das Ergebnis wird beim nächsten Lauf abgeholt.")
        time.sleep(call.config.job_poll_s)
    result = {"name": job, "area": call.config.area, "compress": "false", "format": "ffcsv"}
    answer = api.file("data/resultfile", result, part, limits)
    if answer.is_file or answer.is_error:
        _forget_job(call, visit)
    return answer


def _job_state(api: GenesisApi, job: str) -> str:
    answer = api.call(
        "catalogue/jobs",
        {"selection": f"*{job}", "searchcriterion": "code", "sortcriterion": "code", "type": "all"},
    )
    if answer.is_error and answer.code != CODE_NO_OBJECTS:
        raise genesis_api.refusal(answer, api.host)
    states = [str(entry.get("State", "")) for entry in answer.entries() if entry.get("Code") == job]
    return states[0] if states else ""


def _forget_job(call: _Call, visit: Visit) -> None:
    visit.state.jobs.pop(call.key, None)
    visit.save()


def _same_data(new: Path, old: Path) -> bool:
    try:
        with zipfile.ZipFile(new) as first, zipfile.ZipFile(old) as second:
            contents = [
                sorted((item.CRC, item.file_size) for item in file.infolist()) for file in (first, second)
            ]
    except (OSError, zipfile.BadZipFile):
        return False
    return contents[0] == contents[1]
