-- SPDX-License-Identifier: MIT
-- token_rotate of version 3, but for one thing: its key repeats a rotation also when the old token has expired by now, as it
-- does at once without an overlap. To it that was an unknown token, while its successor stood there with a secret nobody had.

create or replace function skillreg.token_rotate(
    p_org_id text, p_id text, p_new_id text, p_new_prefix text, p_new_digest bytea,
    p_overlap_s bigint, p_expires_at timestamptz, p_key text, p_by text, p_from inet,
    p_instead_of text
) returns table (
    is_made boolean, may_repeat boolean, id text, name text, scopes smallint, allowed_ips cidr[], created_at timestamptz,
    expires_at timestamptz, old_expires_at timestamptz, old_digest bytea, revoked_digest bytea)
language plpgsql as $$
declare
    predecessor skillreg.api_token;
    model skillreg.api_token;
    made_at timestamptz := date_trunc('milliseconds', now());
begin
    select t.* into predecessor
    from skillreg.api_token t join skillreg.organisation o on o.id = t.org_id
    where t.id = p_id and t.org_id = p_org_id and t.revoked_at is null and o.deleted_at is null
        and (t.expires_at is null or t.expires_at > now() or t.rotation_key = p_key)
    for update of t;
    if not found then
        return;
    end if;
    model := predecessor;
    if predecessor.replaced_by is not null then
        select t.* into model from skillreg.api_token t where t.id = predecessor.replaced_by for update;
        may_repeat := found and p_key is not null and predecessor.rotation_key is not distinct from p_key
            and model.revoked_at is null and model.last_used_at is null and model.replaced_by is null;
        if not may_repeat or p_instead_of is distinct from predecessor.replaced_by then
            is_made := false;
            id := predecessor.replaced_by;
            return next;
            return;
        end if;
        update skillreg.api_token t
        set revoked_at = made_at, revoked_by = p_by, revoked_from = p_from
        where t.id = model.id;
        revoked_digest := model.digest;
    end if;
    is_made := true;
    id := p_new_id;
    name := model.name;
    scopes := model.scopes;
    allowed_ips := model.allowed_ips;
    created_at := made_at;
    expires_at := coalesce(p_expires_at, made_at + (model.expires_at - model.created_at));
    old_expires_at := least(predecessor.expires_at, made_at + make_interval(secs => p_overlap_s));
    old_digest := predecessor.digest;
    update skillreg.api_token t
    set expires_at = token_rotate.old_expires_at, replaced_by = p_new_id, rotation_key = p_key
    where t.id = p_id;
    insert into skillreg.api_token
        (id, org_id, name, prefix, digest, scopes, created_at, created_by, created_from, expires_at, replaces, allowed_ips)
    values (p_new_id, p_org_id, model.name, p_new_prefix, p_new_digest, model.scopes, made_at, p_by, p_from,
        token_rotate.expires_at, p_id, model.allowed_ips);
    return next;
end
$$;
