-- SPDX-License-Identifier: MIT
-- The list of all tokens reads the live ones by api_token_org and the revoked ones by this, newest first. No live token is
-- in it, so only a revocation writes to it.
create index api_token_org_revoked on skillreg.api_token (org_id, created_at desc, id desc) where revoked_at is not null;
