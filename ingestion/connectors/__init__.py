"""Connectors: where delivered files come from. They find files; they never read their content."""
