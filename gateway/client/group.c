// SPDX-License-Identifier: MIT
#include "gateway/client/group.h"

#include "gateway/settings/metrics.h"

#define SHORTAGE_MS 10000
#define IDLE_TRIES_MAX 100 // that turn out to be idle no more, for one newcomer

static void on_flusher(uv_prepare_t *flusher) {
    struct gw_conn_group *group = gw_container_of(flusher, struct gw_conn_group, flusher);
    for (struct gw_list *node; (node = gw_list_pop_front(&group->unflushed)) != NULL;) {
        struct gw_group_member *member =
            gw_container_of(node, struct gw_group_member, unflushed_link);
        member->calls->on_flush(member);
    }
}

void gw_conn_group_open(struct gw_conn_group *group, struct gw_services *services, int count_max) {
    *group = (struct gw_conn_group){.services = services, .count_max = count_max};
    gw_list_init(&group->members);
    gw_list_init(&group->unflushed);
    uv_prepare_init(services->loop, &group->flusher);
    uv_prepare_start(&group->flusher, on_flusher);
    uv_unref((uv_handle_t *)&group->flusher);
}

// ---- members ----

void gw_conn_group_join(struct gw_conn_group *group, struct gw_group_member *member,
                        const struct gw_group_member_calls *calls) {
    member->calls = calls;
    member->idle = (struct gw_idle_member){.of = NULL};
    member->is_closing = false;
    gw_list_init(&member->unflushed_link);
    gw_list_push_back(&group->members, &member->link);
    group->open_count++;
    group->services->metrics->connections_open++;
}

static void finish(struct gw_conn_group *group) {
    if (group->open_count > 0)
        return;
    if (group->is_flusher_closed)
        group->on_closed(group);
    else if (group->on_drained != NULL)
        group->on_drained(group);
}

void gw_conn_group_note_closing(struct gw_conn_group *group, struct gw_group_member *member) {
    gw_idle_exit(&group->idle, &member->idle);
    group->closing_count += member->is_closing ? 0 : 1;
    member->is_closing = true;
}

void gw_conn_group_leave(struct gw_conn_group *group, struct gw_group_member *member) {
    gw_assert(group->open_count > 0);
    gw_list_remove(&member->unflushed_link);
    gw_list_remove(&member->link);
    gw_idle_leave(&group->idle, &member->idle);
    group->closing_count -= member->is_closing ? 1 : 0;
    group->open_count--;
    group->services->metrics->connections_open--;
    finish(group);
}

static int count_of(const struct gw_conn_group *group) {
    return group->open_count - group->closing_count;
}

bool gw_conn_group_is_over(const struct gw_conn_group *group) {
    bool is_short = uv_now(group->services->loop) < group->short_until_ms;
    return count_of(group) > group->count_max ||
           (is_short && count_of(group) > group->count_fitting);
}

// As soon as that is over, one more is tried, which takes one descriptor of the reserve.
void gw_conn_group_note_shortage(struct gw_conn_group *group) {
    gw_assert(count_of(group) > 0);
    group->count_fitting = count_of(group) - 1;
    group->short_until_ms = uv_now(group->services->loop) + SHORTAGE_MS;
}

bool gw_conn_group_make_room(struct gw_conn_group *group, const struct gw_group_member *newcomer) {
    for (int i = 0; i < IDLE_TRIES_MAX; i++) {
        struct gw_idle_member *idle = gw_idle_pick(&group->idle, &newcomer->idle);
        if (idle == NULL)
            return false;
        struct gw_group_member *member = gw_container_of(idle, struct gw_group_member, idle);
        gw_idle_exit(&group->idle, idle);
        if (!member->calls->on_make_room(member))
            continue;
        group->services->metrics->connections_made_room_total++;
        return true;
    }
    return false;
}

void gw_conn_group_flush_later(struct gw_conn_group *group, struct gw_group_member *member) {
    if (gw_list_is_empty(&member->unflushed_link))
        gw_list_push_back(&group->unflushed, &member->unflushed_link);
}

void gw_conn_group_forget_flush(struct gw_group_member *member) {
    gw_list_remove(&member->unflushed_link);
}

// ---- the end ----

void gw_conn_group_drain(struct gw_conn_group *group,
                         void (*on_drained)(struct gw_conn_group *group)) {
    gw_assert(group->services->is_draining);
    group->on_drained = on_drained;
}

int gw_conn_group_dismiss(struct gw_conn_group *group) {
    int busy_count = 0;
    group->on_drained = NULL;
    struct gw_list *node = group->members.next;
    while (node != &group->members) {
        struct gw_group_member *member = gw_container_of(node, struct gw_group_member, link);
        node = node->next;
        busy_count += !member->calls->on_dismiss(member);
    }
    return busy_count;
}

static void on_flusher_closed(uv_handle_t *handle) {
    struct gw_conn_group *group =
        gw_container_of((uv_prepare_t *)handle, struct gw_conn_group, flusher);
    group->is_flusher_closed = true;
    finish(group);
}

void gw_conn_group_close(struct gw_conn_group *group,
                         void (*on_closed)(struct gw_conn_group *group)) {
    group->on_drained = NULL;
    group->on_closed = on_closed;
    struct gw_list *node = group->members.next;
    while (node != &group->members) {
        struct gw_group_member *member = gw_container_of(node, struct gw_group_member, link);
        node = node->next;
        member->calls->on_close(member);
    }
    uv_close((uv_handle_t *)&group->flusher, on_flusher_closed);
}
