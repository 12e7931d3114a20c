"""HTTP interface of the semantic layer: the same questions, guard and answers as Python and the command line."""
