// SPDX-License-Identifier: MIT
#pragma once
// GitLab's Token Revocation API, below /leaks/gitlab: a GitLab of the operator's own reports tokens
// that its secret detection has found, and they are revoked, whichever organisation they are of. It
// shows the secret of --leaks-gitlab-secret-file, as GitLab sends it, alone in Authorization, or
// behind Bearer; a wrong one costs its address what a wrong token does. 404 where there is none.
//
// The answers are GitLab's: 204 for a report that was taken, whether its tokens were live, revoked
// before or never ours, so that it may be sent again; 400 for one that should not be.

struct gw_exchange;

void gw_leaks_gitlab_start(struct gw_exchange *exchange);
// Which types of tokens may be reported.
void gw_leaks_gitlab_start_types(struct gw_exchange *exchange);
