"""Great Expectations Data Docs: one page per judged suite, rendered from stored validation results.

The pages lie in the protected zone and must tell nobody that they are read: what Great Expectations' templates load
from the network (styles, scripts, a logo) is taken out, a content policy forbids the rest, a small style of our own
stands in.
"""

from __future__ import annotations

import re
from typing import Any, Final

_EXTERNAL: Final = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*https?://[^>]*>|<a\b[^>]*https?://[^>]*>.*?</a>",
    re.DOTALL | re.IGNORECASE,
)
_HEAD: Final = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 1rem auto; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #bbb; padding: .3rem .5rem; text-align: left; vertical-align: top; }
.badge { border: 1px solid #888; border-radius: .25rem; padding: 0 .3rem; background: #f0f0f0; }
.fa-check-circle::before { content: "✓"; } .fa-times::before { content: "✗"; }
.fa-exclamation-triangle::before { content: "!"; }
footer, .cooltip, nav, .ge-navigation-sidebar-container, .modal, button, .ge-breadcrumbs { display: none; }
</style>"""


def render(validation: dict[str, Any], back: str) -> str:
    """The page of one stored validation result; `back` is the address of the index page."""
    # Great Expectations takes seconds to import: only when pages are made.
    from great_expectations.core.expectation_validation_result import (
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    result = expectationSuiteValidationResultSchema.load(validation)
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    html: str = DefaultJinjaPageView().render(document)  # type: ignore[no-untyped-call]
    html = _EXTERNAL.sub("", html)
    html = re.sub(r"<head>", lambda _: f"<head>\n{_HEAD}", html, count=1)
    link = f'<p><a href="{back}">Zurück zur Übersicht</a></p>'
    return re.sub(r"<body[^>]*>", lambda found: f"{found.group(0)}\n{link}", html, count=1)
