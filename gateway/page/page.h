// SPDX-License-Identifier: MIT
#pragma once
// The handler of the pages of --tokens-page: their files, which the build embeds (static/), and the
// way from / to /tokens. A file may be kept by a browser, which asks each time whether it is still
// the same (RFC 9110 section 13.1.2). The fields that guard the page are those of its site
// (gateway/exchange/site.h). No token is looked at: there is nothing secret in the files.

struct gw_exchange;

// Answers /, /tokens, /auth/cli and /tokens/{file}; 404 where there is no such file.
void gw_page_start(struct gw_exchange *exchange);
