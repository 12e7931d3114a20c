"""Connectors: where delivered files come from. They bring files into the inbox and never interpret their content.

`fetch.fetch` dispatches by `connector.type`; one module per kind (`http_files`, `sftp`, `genesis`, `sql_extract`);
what they share: `visit` (one visit to one source), `inbox` (names, atomic arrival), `state` (what was fetched when),
`retry`, `transfer` (HTTP on its way to the disk).
"""
