"""German from numbers: how indicators, areas, periods and values are named, and the sentences made of them.

Belongs here: pure functions from facts to text. Does not belong here: queries, layout, causes nobody has measured.
"""
