"""Who reaches what in Superset: released files, roles, sign-in, embedding, and the log of what was refused.

Belongs here: what holds beside Superset's own permissions. Does not belong here: dashboards, the sync.
"""
