-- SPDX-License-Identifier: MIT
-- A chain: all tokens that came of one by rotation. Whoever has the secret of one may have those of
-- the others, so a leak of any of them is the end of all.
--
-- Both directions are followed from each. A successor that was replaced, because its answer got
-- lost, knows its predecessor, though that one knows the one in its place.
create function skillreg.chain_of(p_id text) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive member(id) as (
        select p_id collate "C"
        union -- each once, so that a circle that somebody made ends too
        select n.id
        from member m
            join skillreg.api_token t on t.id = m.id
            cross join lateral unnest(array[t.replaces, t.replaced_by]) n(id)
        where n.id is not null
    )
    select coalesce(array_agg(t.id order by t.id), '{}')
    from member m join skillreg.api_token t on t.id = m.id
    where t.id <> p_id
$$;

comment on function skillreg.chain_of is
    'Ids of the predecessors and successors of a token by rotation, live or not, without its own.';
