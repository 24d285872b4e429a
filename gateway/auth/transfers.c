// SPDX-License-Identifier: MIT
// A group (gateway/auth/transfer_groups.h) is what one token has under way. An answer counts for
// its doubted transfers alone: a later one was allowed by what was known then.
#include "gateway/auth/transfers.h"

#include <stdlib.h>
#include <uv.h>

#include "base/log.h"
#include "base/turn_part.h"
#include "db/events.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/token_row.h"
#include "gateway/auth/transfer_groups.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/settings/metrics.h"

// Of GW_TRANSFER_WORK_PER_TURN.
#define COST_OF_LOOK 1
#define COST_OF_ASKING 4
#define COST_OF_END 16 // two connections, an answer

struct gw_transfers {
    struct gw_services *services;
    struct gw_auth_cache *cache;
    struct gw_auth_watcher watcher;
    uv_idle_t worker; // runs while there is work
    uv_timer_t ticker;
    int handle_count;
    int asked_count;
    bool is_followed; // the log was read once: from then on every change arrives
    struct gw_list to_ask;
    struct gw_list to_judge;
    struct gw_list unsure;
    struct gw_list ending;
    struct gw_list looked_at; // of those with an end, this time
    struct gw_list doubted_shelves;
    struct gw_transfer_groups groups;
};

// ---- coming and going ----

static void on_work(uv_idle_t *worker);

static void wake(struct gw_transfers *transfers) {
    uv_idle_start(&transfers->worker, on_work);
}

// The newest that is known of it.
static void note_end(struct gw_transfer_group *group, int64_t expires_ms) {
    group->expires_ms = expires_ms;
    if (expires_ms == DB_NO_TIME)
        gw_list_remove(&group->end_link);
    else if (gw_list_is_empty(&group->end_link))
        gw_list_push_back(&group->transfers->ending, &group->end_link);
}

static void forget_answer(struct gw_transfer_group *group) {
    if (group->is_asked) {
        gw_assert(group->transfers->asked_count > 0);
        gw_auth_cache_cancel(&group->question);
        group->is_asked = false;
        group->transfers->asked_count--;
    }
    free(group->row);
    group->row = NULL;
    group->knowledge = GW_TRANSFER_UNKNOWN;
}

// One line for a token, however many it had under way.
static void log_ended(struct gw_transfer_group *group) {
    if (group->ended_count > 0)
        gw_log(GW_LOG_INFO, "transfers", "ended token=%.*s count=%u reason=%s", group->id_length,
               group->id, group->ended_count, group->end_code);
    group->ended_count = 0;
}

static void drop_if_empty(struct gw_transfer_group *group) {
    if (group->is_held || !gw_transfer_group_is_empty(group))
        return;
    forget_answer(group);
    log_ended(group);
    gw_transfer_groups_free(&group->transfers->groups, group);
}

enum gw_status gw_transfers_add(struct gw_transfers *transfers, struct gw_transfer *transfer,
                                const struct gw_exchange *exchange) {
    gw_assert(exchange->has_identity && transfer->group == NULL);
    struct gw_transfer_group *group = gw_transfer_groups_acquire(&transfers->groups, exchange);
    if (group == NULL)
        return GW_NO_MEMORY;
    group->transfers = transfers;
    note_end(group, exchange->identity.expires_ms);
    transfer->group = group;
    transfer->exchange = exchange;
    gw_list_push_back(&group->settled, &transfer->link);
    return GW_OK;
}

void gw_transfer_remove(struct gw_transfer *transfer) {
    struct gw_transfer_group *group = transfer->group;
    if (group == NULL)
        return;
    transfer->group = NULL;
    gw_list_remove(&transfer->link);
    drop_if_empty(group);
}

// ---- doubt: lists are moved, no question is asked ----

static void move_to(struct gw_transfer_group *group, struct gw_list *list) {
    gw_list_remove(&group->work_link);
    gw_list_push_back(list, &group->work_link);
}

static void doubt_group(struct gw_transfer_group *group, struct gw_list *next) {
    forget_answer(group);
    gw_list_append_all(&group->doubted, &group->settled);
    move_to(group, next);
    wake(group->transfers);
}

static void doubt_shelf(struct gw_transfers *transfers, struct gw_transfer_shelf *shelf) {
    gw_list_append_all(&shelf->doubted, &shelf->groups);
    if (gw_list_is_empty(&shelf->doubted))
        return;
    gw_list_remove(&shelf->link);
    gw_list_push_back(&transfers->doubted_shelves, &shelf->link);
    wake(transfers);
}

static void doubt_all(struct gw_transfers *transfers) {
    for (int i = 0; i < GW_TRANSFER_SHELVES; i++)
        doubt_shelf(transfers, &transfers->groups.shelves[i]);
}

static struct gw_transfers *transfers_of(struct gw_auth_watcher *watcher) {
    return gw_container_of(watcher, struct gw_transfers, watcher);
}

static void on_token_changed(struct gw_auth_watcher *watcher, const unsigned char *digest) {
    struct gw_transfers *transfers = transfers_of(watcher);
    struct gw_transfer_group *group = gw_transfer_groups_find(&transfers->groups, digest);
    if (group != NULL)
        doubt_group(group, &transfers->to_ask);
}

static void on_org_changed(struct gw_auth_watcher *watcher, struct gw_str org_id) {
    struct gw_transfers *transfers = transfers_of(watcher);
    doubt_shelf(transfers, gw_transfer_groups_shelf(&transfers->groups, org_id));
}

static void on_anything_changed(struct gw_auth_watcher *watcher) {
    doubt_all(transfers_of(watcher));
}

// ---- asking ----

static bool keep_row(struct gw_transfer_group *group, const struct db_token_row *row) {
    gw_assert(group->row == NULL);
    group->row = malloc(sizeof(*group->row) + gw_token_row_bytes(row));
    if (group->row == NULL)
        return false;
    gw_token_row_copy(row, (char *)(group->row + 1), group->row);
    note_end(group, row->expires_ms);
    return true;
}

// Judged later, also when the answer came from the loop: many others may come with it.
static void take_answer(struct gw_transfer_group *group, enum gw_auth_answer answer,
                        const struct db_token_row *row) {
    if (answer == GW_AUTH_LIVE && keep_row(group, row))
        group->knowledge = GW_TRANSFER_LIVE;
    else if (answer == GW_AUTH_ABSENT)
        group->knowledge = GW_TRANSFER_GONE;
    move_to(group, group->knowledge != GW_TRANSFER_UNKNOWN ? &group->transfers->to_judge
                                                           : &group->transfers->unsure);
    wake(group->transfers);
}

static void on_answer(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row) {
    struct gw_transfer_group *group = gw_container_of(question, struct gw_transfer_group, question);
    gw_assert(group->is_asked && group->transfers->asked_count > 0);
    group->is_asked = false;
    group->transfers->asked_count--;
    take_answer(group, answer, row);
}

static int ask_for_one(struct gw_transfers *transfers) {
    if (transfers->asked_count >= GW_TRANSFER_LOOKUPS_MAX || gw_list_is_empty(&transfers->to_ask))
        return 0;
    struct gw_transfer_group *group =
        gw_container_of(gw_list_pop_front(&transfers->to_ask), struct gw_transfer_group, work_link);
    struct db_token_row row;
    group->question.on_answer = on_answer;
    group->question.scope = GW_SCOPE_ADMIN; // no stale answer
    enum gw_auth_answer answer = gw_auth_cache_ask(transfers->cache, &group->question, &row);
    if (answer != GW_AUTH_PENDING) {
        take_answer(group, answer, &row);
        return COST_OF_ASKING;
    }
    group->is_asked = true;
    transfers->asked_count++;
    return COST_OF_ASKING;
}

// ---- judging ----

static struct gw_judgement judge(const struct gw_transfer_group *group,
                                 const struct gw_exchange *exchange) {
    gw_assert(group->knowledge != GW_TRANSFER_UNKNOWN);
    const struct gw_judged_use use = {.match = &exchange->match,
                                      .client = &exchange->client,
                                      .certificate_names = gw_exchange_certificate_names(exchange),
                                      .now_ms = exchange->services->wall_ms};
    return group->knowledge == GW_TRANSFER_LIVE ? gw_judge(group->row, &use) : gw_judgement_invalid;
}

static void end(struct gw_transfer *transfer, const struct gw_judgement *judgement) {
    struct gw_transfer_group *group = transfer->group;
    gw_assert(judgement->verdict != GW_VERDICT_ALLOW);
    group->transfers->services->metrics->transfers_ended_total++;
    if (group->ended_count++ == 0)
        group->end_code = gw_error_row(judgement->refusal.error)->code;
    transfer->on_ended(transfer, judgement); // takes the transfer with it
}

// The first of those doubted.
static int judge_first(struct gw_transfer_group *group) {
    struct gw_transfer *transfer =
        gw_container_of(gw_list_pop_front(&group->doubted), struct gw_transfer, link);
    const struct gw_judgement judgement = judge(group, transfer->exchange);
    if (judgement.verdict == GW_VERDICT_ALLOW) {
        gw_list_push_back(&group->settled, &transfer->link);
        return COST_OF_LOOK;
    }
    end(transfer, &judgement);
    return COST_OF_END;
}

// Token by token in turn, so that one with many transfers does not keep the others waiting.
static int judge_one(struct gw_transfers *transfers) {
    struct gw_list *node = gw_list_pop_front(&transfers->to_judge);
    if (node == NULL)
        return 0;
    struct gw_transfer_group *group = gw_container_of(node, struct gw_transfer_group, work_link);
    int cost = COST_OF_LOOK;
    group->is_held = true; // its last transfer may end
    if (!gw_list_is_empty(&group->doubted))
        cost = judge_first(group);
    group->is_held = false;
    if (!gw_list_is_empty(&group->doubted)) {
        if (group->knowledge != GW_TRANSFER_UNKNOWN)
            move_to(group, &transfers->to_judge);
        return cost;
    }
    forget_answer(group);
    log_ended(group);
    drop_if_empty(group);
    return cost;
}

// ---- the work of a turn ----

static int doubt_one(struct gw_transfers *transfers) {
    if (gw_list_is_empty(&transfers->doubted_shelves))
        return 0;
    struct gw_transfer_shelf *shelf =
        gw_container_of(transfers->doubted_shelves.next, struct gw_transfer_shelf, link);
    struct gw_list *node = gw_list_pop_front(&shelf->doubted);
    if (node != NULL) {
        gw_list_push_back(&shelf->groups, node);
        doubt_group(gw_container_of(node, struct gw_transfer_group, shelf_link),
                    &transfers->to_ask);
    }
    if (gw_list_is_empty(&shelf->doubted))
        gw_list_remove(&shelf->link);
    return COST_OF_LOOK;
}

static int look_at_one_end(struct gw_transfers *transfers) {
    struct gw_list *node = gw_list_pop_front(&transfers->looked_at);
    if (node == NULL)
        return 0;
    struct gw_transfer_group *group = gw_container_of(node, struct gw_transfer_group, end_link);
    gw_list_push_back(&transfers->ending, node);
    if (group->expires_ms <= transfers->services->wall_ms) {
        doubt_group(group, &transfers->to_judge);
        group->knowledge = GW_TRANSFER_GONE;
    }
    return COST_OF_LOOK;
}

static void on_work(uv_idle_t *worker) {
    struct gw_transfers *transfers = gw_container_of(worker, struct gw_transfers, worker);
    gw_services_touch(transfers->services);
    gw_turn_part_begin("transfers");
    for (int left = GW_TRANSFER_WORK_PER_TURN, cost; left > 0; left -= cost) {
        cost = doubt_one(transfers) + look_at_one_end(transfers) + ask_for_one(transfers) +
               judge_one(transfers);
        if (cost == 0) {
            uv_idle_stop(worker);
            break;
        }
    }
    gw_turn_part_end();
}

static bool has_become_followed(struct gw_transfers *transfers) {
    bool was_followed = transfers->is_followed;
    transfers->is_followed = was_followed || db_events_heard_ms(transfers->services->events) != 0;
    return transfers->is_followed && !was_followed;
}

static void on_tick(uv_timer_t *ticker) {
    struct gw_transfers *transfers = gw_container_of(ticker, struct gw_transfers, ticker);
    // The log lacks what happened to a token before it was followed.
    if (has_become_followed(transfers))
        doubt_all(transfers);
    gw_list_append_all(&transfers->to_ask, &transfers->unsure);
    if (gw_list_is_empty(&transfers->looked_at))
        gw_list_append_all(&transfers->looked_at, &transfers->ending);
    if (!gw_list_is_empty(&transfers->to_ask) || !gw_list_is_empty(&transfers->looked_at))
        wake(transfers);
}

// ---- life ----

static void init_lists(struct gw_transfers *transfers) {
    gw_list_init(&transfers->to_ask);
    gw_list_init(&transfers->to_judge);
    gw_list_init(&transfers->unsure);
    gw_list_init(&transfers->ending);
    gw_list_init(&transfers->looked_at);
    gw_list_init(&transfers->doubted_shelves);
}

enum gw_status gw_transfers_create(struct gw_services *services, struct gw_auth_cache *cache,
                                   struct gw_transfers **transfers_out) {
    struct gw_transfers *transfers = calloc(1, sizeof(*transfers));
    if (transfers == NULL)
        return GW_NO_MEMORY;
    transfers->services = services;
    transfers->cache = cache;
    transfers->watcher = (struct gw_auth_watcher){
        .on_token = on_token_changed, .on_org = on_org_changed, .on_all = on_anything_changed};
    init_lists(transfers);
    if (gw_transfer_groups_init(&transfers->groups) != GW_OK) {
        free(transfers);
        return GW_SYSTEM;
    }
    uv_idle_init(services->loop, &transfers->worker);
    uv_timer_init(services->loop, &transfers->ticker);
    uv_timer_start(&transfers->ticker, on_tick, GW_TRANSFER_TICK_MS, GW_TRANSFER_TICK_MS);
    uv_unref((uv_handle_t *)&transfers->ticker);
    transfers->handle_count = 2;
    (void)has_become_followed(transfers); // nothing is under way yet
    gw_auth_cache_watch(cache, &transfers->watcher);
    *transfers_out = transfers;
    return GW_OK;
}

static void on_handle_closed(struct gw_transfers *transfers) {
    if (--transfers->handle_count > 0)
        return;
    gw_transfer_groups_deinit(&transfers->groups);
    free(transfers);
}

static void on_worker_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of((uv_idle_t *)handle, struct gw_transfers, worker));
}

static void on_ticker_closed(uv_handle_t *handle) {
    on_handle_closed(gw_container_of((uv_timer_t *)handle, struct gw_transfers, ticker));
}

void gw_transfers_close(struct gw_transfers *transfers) {
    gw_assert(gw_transfer_groups_is_empty(&transfers->groups));
    gw_auth_cache_watch(transfers->cache, NULL);
    uv_close((uv_handle_t *)&transfers->worker, on_worker_closed);
    uv_close((uv_handle_t *)&transfers->ticker, on_ticker_closed);
}
