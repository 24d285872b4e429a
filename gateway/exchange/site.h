// SPDX-License-Identifier: MIT
#pragma once
// What a listener serves. Each site is an origin of its own to browsers, so nothing that the
// registry has stored is ever shown on the origin of the page, where it could read a token that was
// typed in.

#include "base/str.h"

enum gw_site {
    GW_SITE_GATEWAY, // --listen-https, --listen-http
    GW_SITE_PAGE,    // --tokens-page
    GW_SITE_ADMIN    // --listen-admin; has no routes in the router (gateway/api/admin.h)
};

// Whole lines that every final response of the site has, errors too; empty: none. For the page:
// only its own files are loaded and run, it asks nobody but its own origin, no other page frames,
// opens or loads it, and no address of it leaves (Content Security Policy Level 3, HTML).
struct gw_str gw_site_fields(enum gw_site site);
