{#- Cell-Key-Methode in SQL (docs/cell-key.md). Engine-neutral. Keys are whole numbers 0 … 2^32-1 and stand for k / 2^32:
    their sums are exact and independent of the order. The reference is `disclosure/cell_key.py`; tests compare the two. -#}
{#- Aggregate: key of the cell that consists of the records of a group, the fractional part of the sum of their keys. -#}
{% macro cell_key(record_key) -%} cast(mod(sum({{ record_key }}), 4294967296) as bigint) {%- endmacro %}

{#- The rows of `cells` with `shown`: their `count_column`, overlaid.
    `cells` has `count_column` (bigint, not negative) and `cell_key`; a count of 0 stays 0 whatever its key.
    `p_table` has one row per count and deviation: count, deviation, key_from (inclusive), key_to (exclusive); its largest
    count stands for all larger ones. -#}
{% macro overlaid(cells, p_table, count_column) %}
    select cells.*, cells.{{ count_column }} + p_table.deviation as shown
    from {{ cells }} as cells
    cross join (select max(count) as last_count from {{ p_table }}) as p_end
    inner join
        {{ p_table }} as p_table
        on p_table.count = least(cells.{{ count_column }}, p_end.last_count)
        and cells.cell_key >= p_table.key_from
        and cells.cell_key < p_table.key_to
{% endmacro %}
