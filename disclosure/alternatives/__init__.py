"""Other ways to choose secondary suppressions, written from the literature: yardsticks for the benchmark and its tests.

Belongs here: methods that promise less than `solver` does. Does not belong here: anything a release is made with.
"""
