// SPDX-License-Identifier: MIT
#pragma once
// Bounds of tokens and of lists of them that the API promises: the database, the gateway and the
// command line keep them.

#define GW_ALLOWED_IPS_MAX 32 // of one token
#define GW_BULK_REVOKE_MAX 1000
#define GW_LIST_LIMIT_MAX 200
#define GW_LIST_AFTER_LIMIT_MAX 1000 // of a page by its cursor
#define GW_LIST_LIMIT_DEFAULT 100
#define GW_ROTATE_OVERLAP_S_DEFAULT 86400
#define GW_ROTATE_OVERLAP_S_MAX 2592000
#define GW_EXPIRES_SOON_MS (14LL * 24 * 60 * 60 * 1000)
