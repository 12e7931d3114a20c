"""Makes the report of the build in the warehouse and puts it into the protected zone.

`protected/berichte/geheimhaltung-<release>.html`, `.pdf`, and `.json` (what the next report compares with); where
figures cannot be protected any more, the annex beside it as `geheimhaltung-<release>-anlage.html|pdf`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lagebild.instance import Instance
from orchestration.disclosure_report.content import annex, content, status
from orchestration.disclosure_report.findings import read_findings
from orchestration.disclosure_report.gap import optimality_gap
from orchestration.disclosure_report.read import read_facts, require_build
from orchestration.disclosure_report.render import render_html, render_pdf


@dataclass(frozen=True)
class ReportFiles:
    """Where the report lies and what it says in one word."""

    html: Path
    pdf: Path
    annex: tuple[Path, ...]
    status: str
    """`released`, `open` or `blocked`."""
    label: str
    """The same in German."""


def write_report(instance: Instance, now: datetime | None = None) -> ReportFiles:
    """Writes the report; an earlier one of the same release is replaced. Raises NothingToReport.

    Reads warehouse, proof and releases; never opens landing or quarantine.
    """
    paths = instance.paths
    require_build(instance)
    findings = read_findings(instance)
    facts = read_facts(instance, findings, optimality_gap(paths.warehouse, paths.proof), now)
    folder = paths.reports
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = f"geheimhaltung-{facts.release_id}"
    main = content(facts)
    html, pdf = folder / f"{stem}.html", folder / f"{stem}.pdf"
    _put(html, render_html(main).encode())
    _put(pdf, render_pdf(main))
    extra: tuple[Path, ...] = (folder / f"{stem}-anlage.html", folder / f"{stem}-anlage.pdf")
    if findings:
        named = annex(facts)
        _put(extra[0], render_html(named).encode())
        _put(extra[1], render_pdf(named))
    else:
        for path in extra:
            path.unlink(missing_ok=True)
        extra = ()
    stored = {
        "release_id": facts.release_id,
        "status": status(facts).code,
        "rules": dict(facts.reported_rules),
    }
    _put(folder / f"{stem}.json", json.dumps(stored, ensure_ascii=False, indent=1).encode())
    verdict = status(facts)
    return ReportFiles(html, pdf, extra, verdict.code, verdict.label)


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by the owner."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(0o600)
    draft.replace(path)


__all__ = ["ReportFiles", "write_report"]
