-- SPDX-License-Identifier: MIT
-- For schemas that have 0024_identity.sql as it was first: what it now does before it adds its column, so that the next one can
-- be added by any PostgreSQL.
create or replace function skillreg.prunable_end(
    p_token skillreg.api_token, p_revoked_before timestamptz, p_expired_before timestamptz
) returns text
language sql immutable
as $$
    select case when (p_token).revoked_at < p_revoked_before then 'revoked'
                when (p_token).revoked_at is null and (p_token).expires_at < p_expired_before
                     and (p_token).noted_end = (p_token).expires_at then 'expired' end
$$;
