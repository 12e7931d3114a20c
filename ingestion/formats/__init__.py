"""One adapter class per file format; `registry.adapter(name)` finds them by the `format` of a source's YAML."""
