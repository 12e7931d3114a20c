"""The catalogue: YAML entries (`themes.yml`, `dimensions.yml`, `measures*.yml`, `<theme>.yml`) and their reader.

| file | model | meaning |
|---|---|---|
| `themes.yml` | `Theme` | Handlungsfelder, in the order a reader sees them |
| `dimensions.yml` | `Dimension` | members of breakdowns with their German labels (age bands come from the instance) |
| `measures*.yml` | `Measure` | what is counted or summed, independent of who delivers it |
| every other `*.yml` | `Indicator` | one theme per file: `theme`, `defaults` for all its entries, `indicators` |

`load_catalogue` reads, `findings` checks, `resolve` turns entries into the concrete groups of one instance.
"""
