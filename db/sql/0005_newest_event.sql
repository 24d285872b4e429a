-- SPDX-License-Identifier: MIT
-- What the lookup of a token asks a standby. A function, because the statement of the lookup runs on primaries as well,
-- where it is not called: a table that stands in the statement itself is opened and locked there each time.

create function skillreg.newest_event() returns int8
language plpgsql stable as $$
begin
    return coalesce((select max(seq) from skillreg.token_event), 0);
end
$$;

comment on function skillreg.newest_event is 'The number of the newest event that the snapshot of the statement sees; 0: none.';
