"""Subcommands of `lagebild`, one module per topic; each module offers `app` (typer) and imports its room lazily."""
