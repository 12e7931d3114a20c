"""Layer B: the smallest set of figures to withhold so that no protected one can be worked out, with the proof.

Belongs here: the incremental linear program with integer witnesses (method: docs/disclosure.md). Does not belong here:
primary rules (dbt), exact optima for small tables (`disclosure.exact`), attackers (`disclosure.audit`).
`protect` is the way in. One module per step: `incidence` (who shares a figure with whom), `neighbourhood` (who may
move), `program` (the linear program), `state` (what is hidden and proven), `search`, `prune`, `worlds`.
"""

from disclosure.solver.options import SolverOptions
from disclosure.solver.protect import CertificateError, protect

__all__ = ["CertificateError", "SolverOptions", "protect"]
