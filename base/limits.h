// SPDX-License-Identifier: MIT
#pragma once
// Every bound of the gateway that is not a flag, in one place, with its unit. What a peer can make
// us hold is bounded here.

#include <stdint.h>

// One HTTP message head (RFC 9112 leaves these to us; RFC 9110 section 4.1 asks for at least 8000
// bytes of target).
#define GW_HTTP_TARGET_BYTES_MAX 8192
#define GW_HTTP_FIELD_BYTES_MAX 16384 // one field line: name and value
#define GW_HTTP_HEAD_BYTES_MAX 32768  // all field lines together, with the target
#define GW_HTTP_FIELDS_MAX 100
#define GW_HTTP_CHUNK_EXTENSION_BYTES_MAX 1024

// Bodies the gateway reads itself (token API), and those it streams to the registry.
#define GW_BODY_OWN_BYTES_MAX (16 * 1024)
#define GW_BODY_FORWARD_BYTES_MAX (100ULL * 1024 * 1024)

// One connection: what may wait to be written before its reader is paused, and what is read at
// once.
#define GW_CONN_READ_BYTES (64 * 1024)
#define GW_CONN_WRITE_HIGH_WATER_BYTES (256 * 1024)
#define GW_CONN_WRITE_LOW_WATER_BYTES (64 * 1024)

// Between two looks at the sockets: processor time for TLS handshakes, and newcomers of a port.
#define GW_ADMISSION_BUDGET_US 250
#define GW_ACCEPTS_PER_TURN_MAX 8

// Certificates, milliseconds.
#define GW_CERTIFICATE_POLL_MS 60000
#define GW_CERTIFICATE_SETTLE_MS 250
#define GW_CERTIFICATE_WARNING_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

// Deadlines, milliseconds.
#define GW_REST_TIMEOUT_MS 1000 // of an idle connection, until it gives its memory back
#define GW_LINGER_TIMEOUT_MS 2000
// Progress is that much of a body, either way, within its deadline, or all that is left: a byte now
// and then is none.
#define GW_PROGRESS_BYTES_MIN (16 * 1024)

// One request.
#define GW_REQUEST_ARENA_BYTES_MAX (512 * 1024)
#define GW_ERROR_BODY_BYTES_MAX 2048
#define GW_FORWARDED_HOPS_MAX 32 // trusted proxies that are walked past
#define GW_VIA_HOPS_MAX 4        // gateways in a row, until it is taken for a loop

// Limits for each client.
#define GW_RATE_ADDRESSES_MAX 65536    // that are remembered, 16 bytes each
#define GW_RATE_SITES_MAX 65536        // of failed tokens, the same
#define GW_RATE_KEYS_MAX 65536         // tokens, and organisations, the same
#define GW_FAILED_TOKENS_SITE_TIMES 10 // so many times the budget of an address has an IPv6 /48
#define GW_REFUSAL_DELAY_MS 1000       // until a client over its budget hears so

// The database.
#define GW_DB_QUEUE_MAX 10000
#define GW_DB_QUERY_TIMEOUT_MS 5000
// Statements that may wait for a lock (the server ends that after three seconds) have connections
// of their own.
#define GW_DB_CHANGE_CONNECTIONS 2
#define GW_DB_NOTE_CONNECTIONS 1
#define GW_DB_CHANGE_QUEUE_MAX 1000
#define GW_DB_CHANGE_PATIENCE_MS 2000 // in the queue, behind changes that wait
#define GW_DB_WAIT_NOTED_MS 500       // until it is asked who is in the way
#define GW_DB_WAIT_LOOK_MS 1000       // until that is asked again
#define GW_DB_WAIT_LOG_MS 30000       // until the same one is named in the log again
#define GW_DB_REPEATS_MAX 3           // of a change that ended in a deadlock
#define GW_DB_REPEAT_PAUSE_MS 30      // at most, before each
#define GW_DB_LOOKUP_PATIENCE_MS 20   // of lookups, for a connection with nothing to do
#define GW_DB_RECONNECT_MIN_MS 100
#define GW_DB_RECONNECT_MAX_MS 5000
#define GW_DB_CONNECT_TIMEOUT_MS 5000

// Changes of tokens, and waiting until every gateway has heard of a revocation.
#define GW_EVENTS_POLL_MS 1000
#define GW_FRESHNESS_LEASE_MS_MAX 3000
#define GW_REVOKE_WAIT_MS_MAX 30000

// Last used.
#define GW_LAST_USED_ENTRIES_MAX 10000 // flush when reached
#define GW_LAST_USED_KEPT_MAX                                                                      \
    200000 // kept while the database is away; beyond it the newest tokens are not noted

// One forwarded request with both its connections, however large its bodies and however slow its
// peers. Follows from the bounds above; a test holds it.
#define GW_FORWARD_MEMORY_BYTES_MAX (1024 * 1024)

// What a token has under way when it ends. Work of one turn of the loop, in looks: asking for a
// token is 4 of them, ending a transfer 16.
#define GW_TRANSFER_WORK_PER_TURN 128
#define GW_TRANSFER_LOOKUPS_MAX 256 // tokens asked for in the database at once
#define GW_TRANSFER_TICK_MS 500 // until it is asked again, and between looks at the ends of tokens

// The registry. Idle connections: to each of its addresses.
#define GW_UPSTREAM_IDLE_CONNECTIONS_MAX 64
#define GW_UPSTREAM_ORIGINS_MAX 16       // --upstream
#define GW_UPSTREAM_FAILURES_MAX 3       // of an address, one after another, until it is left out
#define GW_UPSTREAM_LEFT_OUT_TRIES_MAX 3 // of one request, at addresses that are left out
#define GW_UPSTREAM_EJECTION_MIN_MS 1000
#define GW_UPSTREAM_EJECTION_MAX_MS 60000
#define GW_UPSTREAM_CONNECT_TIMES 2 // that long may all attempts of a request take
#define GW_UPSTREAM_IDLE_TIMEOUT_MS 30000
#define GW_UPSTREAM_KEEP_ALIVE_MARGIN_MS 1000 // before the registry closes, if it says when

// Tokens.
#define GW_ALLOWED_IPS_MAX 32 // of one token
#define GW_LIST_LIMIT_MAX 200
#define GW_LIST_LIMIT_DEFAULT 100
#define GW_ROTATE_OVERLAP_S_DEFAULT 86400
#define GW_ROTATE_OVERLAP_S_MAX 2592000
#define GW_IDEMPOTENCY_KEY_LENGTH_MAX 64
#define GW_EXPIRES_SOON_MS (14LL * 24 * 60 * 60 * 1000)
