-- SPDX-License-Identifier: MIT
-- The times of last use, as before, but: a revoked token's are written too, since whoever looks into a leak wants to know
-- whether it was used up to the end; and no time is later than the database's clock by more than the difference that two
-- good clocks may have. What a gateway with a wrong clock has written earlier gives way to the next use.
create or replace function skillreg.last_used_write(p_ids text[], p_times timestamptz[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
    now_here timestamptz := date_trunc('milliseconds', clock_timestamp());
    latest timestamptz := now_here + interval '5 seconds';
    written bigint;
begin
    update skillreg.api_token t set last_used_at = u.at
    from (select t.id, u.at
          from (select p.id, case when p.at > latest then now_here else p.at end as at
                from unnest(p_ids, p_times) p(id, at)) u
          join skillreg.api_token t on t.id = u.id
          where t.last_used_at is null or t.last_used_at < u.at or t.last_used_at > latest
          order by t.id for no key update of t) u
    where t.id = u.id and (t.last_used_at is null or t.last_used_at < u.at or t.last_used_at > latest);
    get diagnostics written = row_count;
    return written;
end
$$;

comment on function skillreg.last_used_write is
    'Newest uses of many tokens, revoked ones too, by the clock of the database at the latest; how many rows that changed.';
comment on column skillreg.api_token.last_used_at is
    'Newest use known, of a revoked token too; written in batches, up to a second or so late; never moves back, except from the future.';
