"""One module per group of source systems; each writes exactly the files that docs/musterkreis.md describes.

Does not belong here: the simulation of persons and states; reading of deliveries.
"""
