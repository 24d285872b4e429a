                -- What grants.sql gives, and what skillreg-gateway check looks for; it alone reads migration.
                ('organisation', 'select, update (created_at)'),
                ('api_token', 'select, insert, update (expires_at, last_used_at, revoked_at, revoked_by, revoked_from,'
                    ' replaced_by, rotation_key, noted_end)'),
                ('token_event', 'select, insert, delete'),
                ('token_audit', 'select, insert'),
                ('log_lock', 'select, update'),
                ('pruned_token', 'select'),
                ('migration', 'select'),
                ('idempotency_key', 'select, insert, update, delete'),
                ('gateway', 'select, insert, update, delete'),
                ('gateway_member', 'select, insert, update, delete'),
                ('gateway_since', 'select, insert'),
                ('gateway_state', 'select'),
                ('trust_rule', 'select'),
                ('trust_use', 'select'),
                ('exchanged_identity', 'select'),
                ('device_login', 'select, insert, update, delete')
