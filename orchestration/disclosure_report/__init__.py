"""The Geheimhaltungsbericht for the data-protection officer: what a release hides, why, and how it was proved.

Reading: `read`, `read_proof`, `changes`, `findings` (unsafe cells with their chains of sums), `gap`. Pure: `facts`
(data types), `masking` (what may be told apart), `texts`, `tables`, `sections`, `content`. Out: `render`, `write`.
"""
