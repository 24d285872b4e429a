-- SPDX-License-Identifier: MIT
-- What a token is for, in the words of its maker, and whether it may rotate itself.
alter table skillreg.api_token
    add column description text
        check (char_length(description) between 1 and 500),
    add column rotates_itself boolean not null default false;

comment on column skillreg.api_token.description is 'What it is for; null: not said. No decision depends on it.';
comment on column skillreg.api_token.rotates_itself is
    'It may make its own successor, without a token with the scope admin.';
