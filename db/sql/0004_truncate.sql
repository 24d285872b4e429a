-- SPDX-License-Identifier: MIT
-- TRUNCATE fires no trigger of a row: it would take revoked tokens out of the audit, and no gateway would hear that the
-- live ones are gone. `delete` does both right.

create function skillreg.api_token_refuse_truncate() returns trigger
language plpgsql as $$
begin
    raise exception 'tokens are not truncated: no gateway would hear of it; use delete'
        using errcode = 'restrict_violation';
end
$$;

create trigger api_token_is_not_truncated
before truncate on skillreg.api_token
for each statement
execute function skillreg.api_token_refuse_truncate();
