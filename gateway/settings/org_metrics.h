// SPDX-License-Identifier: MIT
#pragma once
// Decisions by organisation, behind --metrics-organisations: what is decided about a token is
// counted under the slug of its organisation, for as many as the operator allows, in the order in
// which they come; those after them are one, "_other", which no slug can be. So the number of
// series has a bound.
//
// The memory is shared by all workers, made before the fork. Each has counters of its own, and the
// slugs are everybody's: a worker claims a place with atomics and never waits for another. What a
// worker that died in between has claimed stays unused; two that meet may name one organisation
// twice, and the text shows their sum.

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/settings/metrics.h"

#define GW_ORG_METRICS_MAX 1000 // organisations; five series each

struct gw_org_metrics;

// `orgs_max` from 1 to GW_ORG_METRICS_MAX. GW_NO_MEMORY.
enum gw_status gw_org_metrics_open(int orgs_max, int worker_count,
                                   struct gw_org_metrics **out) GW_MUST_USE;
// NULL is harmless.
void gw_org_metrics_close(struct gw_org_metrics *orgs);

// A decision about a token of the organisation, in the worker of this number.
void gw_org_metrics_count(struct gw_org_metrics *orgs, int worker, struct gw_str slug,
                          enum gw_decision_kind kind);
// Appends the sums over all workers, as gw_metrics_write does. GW_TOO_BIG, GW_NO_MEMORY.
enum gw_status gw_org_metrics_write(const struct gw_org_metrics *orgs,
                                    struct gw_buf *out) GW_MUST_USE;
