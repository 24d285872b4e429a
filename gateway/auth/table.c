// SPDX-License-Identifier: MIT
#include "gateway/auth/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/san.h"
#include "gateway/auth/id_key.h"
#include "token/limits.h"
#include "token/name.h"
#include "token/syntax.h"

// Ranges lie behind the text, at any alignment.
_Static_assert(_Alignof(struct gw_ip_range) == 1, "no place is wrong for a range");
_Static_assert(GW_ALLOWED_IPS_MAX < 64 && 4 * GW_TOKEN_NAME_CHARACTERS_MAX < 1024,
               "counts fit their bits");
_Static_assert(DB_ID_LENGTH_MAX < 64 && GW_SAN_BYTES_MAX <= UINT16_MAX, "lengths do as well");

// Of the hand, for one entry: an unused one is found that soon, or all of them are in use.
#define HAND_STEPS_MAX 64

// Of `orgs`.
struct org_slot {
    uint64_t hash;
    struct gw_id_key id;
    struct gw_auth_org *org;
};

// ---- the table ----

static void budget_init(struct gw_auth_budget *budget, uint32_t count_max) {
    gw_list_init(&budget->turns);
    budget->count = 0;
    budget->count_max = count_max;
}

enum gw_status gw_auth_table_init(struct gw_auth_table *table, uint32_t live_max,
                                  uint32_t negative_max) {
    memset(table, 0, sizeof(*table));
    uint64_t entries = (uint64_t)live_max + negative_max;
    table->bucket_bits = 4;
    while (((uint64_t)1 << table->bucket_bits) < entries && table->bucket_bits < 28)
        table->bucket_bits++;
    budget_init(&table->live, live_max);
    budget_init(&table->negative, negative_max);
    table->epoch = table->clear_epoch = table->absent_epoch = 1;
    table->buckets = calloc((size_t)1 << table->bucket_bits, sizeof(struct gw_auth_entry *));
    if (table->buckets == NULL)
        return GW_NO_MEMORY;
    table->bytes = sizeof(struct gw_auth_entry *) << table->bucket_bits;
    if (gw_hash_seed_make(&table->seed) != GW_OK)
        return GW_SYSTEM;
    table->seed |= 1;
    return gw_table_init(&table->orgs, sizeof(struct org_slot), sizeof(struct gw_id_key));
}

// A digest is spread evenly already; a secret odd factor hides which ones share a bucket.
static struct gw_auth_entry **bucket_of(struct gw_auth_table *table, const unsigned char *digest) {
    uint64_t key;
    memcpy(&key, digest, sizeof(key));
    return &table->buckets[(key * table->seed) >> (64 - table->bucket_bits)];
}

// ---- organisations ----

static struct gw_str org_id_of(const struct gw_auth_org *org) {
    return gw_str(org->text, org->id_length);
}

static struct gw_str org_slug_of(const struct gw_auth_org *org) {
    return gw_str(org->text + org->id_length, org->slug_length);
}

static struct gw_str org_name_of(const struct gw_auth_org *org) {
    return gw_str(org->text + org->id_length + org->slug_length, org->name_length);
}

static bool org_is(const struct gw_auth_org *org, const struct db_token_row *row) {
    return gw_str_equal(org_id_of(org), row->org_id) &&
           gw_str_equal(org_slug_of(org), row->org_slug) &&
           gw_str_equal(org_name_of(org), row->org_name);
}

static size_t org_bytes(const struct gw_auth_org *org) {
    return sizeof(*org) + org->id_length + org->slug_length + org->name_length;
}

static struct gw_auth_org *org_make(const struct db_token_row *row, uint64_t epoch) {
    size_t length = row->org_id.length + row->org_slug.length + row->org_name.length;
    struct gw_auth_org *org = malloc(sizeof(*org) + length);
    if (org == NULL)
        return NULL;
    *org = (struct gw_auth_org){.epoch = epoch,
                                .id_length = (uint8_t)row->org_id.length,
                                .slug_length = (uint8_t)row->org_slug.length,
                                .name_length = (uint16_t)row->org_name.length};
    gw_list_init(&org->versions);
    memcpy(org->text, row->org_id.at, row->org_id.length);
    memcpy(org->text + row->org_id.length, row->org_slug.at, row->org_slug.length);
    memcpy(org->text + row->org_id.length + row->org_slug.length, row->org_name.at,
           row->org_name.length);
    return org;
}

static bool org_is_dead(const struct gw_auth_table *table, const struct gw_auth_org *org) {
    return org->epoch < table->clear_epoch;
}

// Makes the newest organisation of the slot; the older one, if any, lives on with its entries.
static struct gw_auth_org *org_replace(struct gw_auth_table *table, struct org_slot *slot,
                                       const struct db_token_row *row) {
    struct gw_auth_org *org = org_make(row, table->epoch);
    if (org == NULL)
        return NULL;
    if (slot->org != NULL)
        gw_list_push_back(&slot->org->versions, &org->versions);
    slot->org = org;
    table->bytes += org_bytes(org);
    return org;
}

// A row with another slug or name makes another organisation, and so does the first after a clear.
static struct gw_auth_org *org_acquire(struct gw_auth_table *table,
                                       const struct db_token_row *row) {
    const struct gw_id_key key = gw_id_key_of(row->org_id);
    struct org_slot *slot = gw_table_put(&table->orgs, &key);
    if (slot == NULL)
        return NULL;
    struct gw_auth_org *org = slot->org;
    if (org == NULL || org_is_dead(table, org) || !org_is(org, row))
        org = org_replace(table, slot, row);
    if (org != NULL)
        org->use_count++;
    else if (slot->org == NULL)
        gw_table_remove(&table->orgs, slot);
    return org;
}

static void org_release(struct gw_auth_table *table, struct gw_auth_org *org) {
    gw_assert(org->use_count > 0);
    if (--org->use_count > 0)
        return;
    const struct gw_id_key key = gw_id_key_of(org_id_of(org));
    struct org_slot *slot = gw_table_find(&table->orgs, &key);
    if (slot != NULL && slot->org == org) {
        if (gw_list_is_empty(&org->versions))
            gw_table_remove(&table->orgs, slot);
        else
            slot->org = gw_container_of(org->versions.previous, struct gw_auth_org, versions);
    }
    gw_list_remove(&org->versions);
    table->bytes -= org_bytes(org);
    free(org);
}

// Its entries are dead, those under an older name too.
static void org_remove(struct gw_auth_table *table, struct gw_str id) {
    const struct gw_id_key key = gw_id_key_of(id);
    struct org_slot *slot = gw_table_find(&table->orgs, &key);
    if (slot == NULL)
        return;
    slot->org->epoch = 0;
    for (struct gw_list *node; (node = gw_list_pop_front(&slot->org->versions)) != NULL;)
        gw_container_of(node, struct gw_auth_org, versions)->epoch = 0;
    gw_table_remove(&table->orgs, slot);
}

// ---- entries ----

static struct gw_auth_budget *budget_of(struct gw_auth_table *table, uint8_t kind) {
    return kind == GW_AUTH_ENTRY_LIVE ? &table->live : &table->negative;
}

// Of a live entry, without its binding.
static size_t unbound_length(const struct gw_auth_entry *entry) {
    return (size_t)GW_TOKEN_PREFIX_LENGTH + entry->id_length + entry->name_length +
           entry->allowed_ip_count * sizeof(struct gw_ip_range);
}

// With its length.
static size_t binding_bytes(struct gw_str bound_san) {
    return bound_san.length > 0 ? sizeof(uint16_t) + bound_san.length : 0;
}

static void put_binding(struct gw_auth_entry *entry, struct gw_str bound_san) {
    uint16_t length = (uint16_t)bound_san.length;
    char *at = entry->text + unbound_length(entry);
    entry->is_bound = length > 0;
    if (length == 0)
        return;
    memcpy(at, &length, sizeof(length));
    memcpy(at + sizeof(length), bound_san.at, length);
}

static struct gw_str binding_of(const struct gw_auth_entry *entry) {
    uint16_t length;
    if (!entry->is_bound)
        return gw_str(NULL, 0);
    const char *at = entry->text + unbound_length(entry);
    memcpy(&length, at, sizeof(length));
    return gw_str(at + sizeof(length), length);
}

static size_t entry_bytes(const struct gw_auth_entry *entry) {
    if (entry->kind != GW_AUTH_ENTRY_LIVE)
        return sizeof(*entry);
    return sizeof(*entry) + unbound_length(entry) + binding_bytes(binding_of(entry));
}

void gw_auth_table_remove(struct gw_auth_table *table, struct gw_auth_entry *entry) {
    struct gw_auth_entry **at = bucket_of(table, entry->digest);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    gw_list_remove(&entry->turn);
    budget_of(table, entry->kind)->count--;
    table->bytes -= entry_bytes(entry);
    if (entry->org != NULL)
        org_release(table, entry->org);
    free(entry);
}

static bool is_dead(const struct gw_auth_table *table, const struct gw_auth_entry *entry) {
    switch ((enum gw_auth_kind)entry->kind) {
    case GW_AUTH_ENTRY_LIVE:
        return org_is_dead(table, entry->org);
    case GW_AUTH_ENTRY_ABSENT:
        return entry->epoch < table->absent_epoch;
    case GW_AUTH_ENTRY_ENDED:
        return entry->epoch < table->clear_epoch;
    case GW_AUTH_ENTRY_REVOKED:
    default:
        return false;
    }
}

// Of a log that counts no more the numbers mean nothing.
static void forget_old_event(const struct gw_auth_table *table, struct gw_auth_entry *entry) {
    if (entry->kind == GW_AUTH_ENTRY_REVOKED && entry->epoch < table->clear_epoch) {
        entry->event_seq = 0;
        entry->epoch = table->epoch;
    }
}

// An entry lies on three cache lines, all of them far away in a table of many tokens: they are
// fetched at once.
struct gw_auth_entry *gw_auth_table_find(struct gw_auth_table *table,
                                         const unsigned char digest[DB_DIGEST_LENGTH]) {
    struct gw_auth_entry *entry = *bucket_of(table, digest);
    if (entry != NULL) {
        __builtin_prefetch(&entry->verified_ms);
        __builtin_prefetch(entry->text);
    }
    while (entry != NULL && !gw_bytes_equal_constant_time(entry->digest, digest, DB_DIGEST_LENGTH))
        entry = entry->next;
    if (entry != NULL && is_dead(table, entry)) {
        gw_auth_table_remove(table, entry);
        return NULL;
    }
    if (entry != NULL && !entry->was_used)
        entry->was_used = true;
    if (entry != NULL)
        forget_old_event(table, entry);
    return entry;
}

// Makes room for one more: the hand gives used entries another round, and takes the first that was
// not used, or the one at which it has gone far enough.
static void make_room(struct gw_auth_table *table, struct gw_auth_budget *budget) {
    for (int steps = 0; budget->count >= budget->count_max && budget->count > 0; steps++) {
        struct gw_auth_entry *entry =
            gw_container_of(budget->turns.next, struct gw_auth_entry, turn);
        if (entry->was_used && !is_dead(table, entry) && steps < HAND_STEPS_MAX) {
            entry->was_used = false;
            gw_list_remove(&entry->turn);
            gw_list_push_back(&budget->turns, &entry->turn);
        } else {
            gw_auth_table_remove(table, entry);
        }
    }
}

static struct gw_auth_entry *put(struct gw_auth_table *table, const unsigned char *digest,
                                 enum gw_auth_kind kind, size_t text_length) {
    struct gw_auth_entry *old = gw_auth_table_find(table, digest);
    if (old != NULL)
        gw_auth_table_remove(table, old);
    struct gw_auth_budget *budget = budget_of(table, (uint8_t)kind);
    if (budget->count_max == 0)
        return NULL;
    struct gw_auth_entry *entry = malloc(sizeof(*entry) + text_length);
    if (entry == NULL)
        return NULL;
    make_room(table, budget);
    struct gw_auth_entry **bucket = bucket_of(table, digest);
    *entry = (struct gw_auth_entry){.next = *bucket, .kind = (unsigned)kind & 3U};
    memcpy(entry->digest, digest, DB_DIGEST_LENGTH);
    *bucket = entry;
    gw_list_push_back(&budget->turns, &entry->turn);
    budget->count++;
    return entry;
}

struct gw_auth_entry *gw_auth_table_put_live(struct gw_auth_table *table,
                                             const unsigned char digest[DB_DIGEST_LENGTH],
                                             const struct db_token_row *row) {
    struct gw_auth_org *org = org_acquire(table, row);
    if (org == NULL)
        return NULL;
    size_t ranges_length = row->allowed_ip_count * sizeof(struct gw_ip_range);
    size_t text_length = GW_TOKEN_PREFIX_LENGTH + row->id.length + row->name.length + ranges_length;
    struct gw_auth_entry *entry =
        put(table, digest, GW_AUTH_ENTRY_LIVE, text_length + binding_bytes(row->bound_san));
    if (entry == NULL) {
        org_release(table, org);
        return NULL;
    }
    entry->org = org;
    entry->scopes = row->scopes & 7U;
    entry->rotates_itself = row->rotates_itself;
    entry->created_ms = row->created_ms;
    entry->last_used_ms = row->last_used_ms;
    entry->expires_ms = row->expires_ms;
    entry->id_length = row->id.length & 63U;
    entry->name_length = row->name.length & 1023U;
    entry->allowed_ip_count = row->allowed_ip_count & 63U;
    memcpy(entry->text, row->prefix.at, GW_TOKEN_PREFIX_LENGTH);
    memcpy(entry->text + GW_TOKEN_PREFIX_LENGTH, row->id.at, row->id.length);
    memcpy(entry->text + GW_TOKEN_PREFIX_LENGTH + row->id.length, row->name.at, row->name.length);
    if (ranges_length > 0)
        memcpy(entry->text + text_length - ranges_length, row->allowed_ips, ranges_length);
    put_binding(entry, row->bound_san);
    table->bytes += entry_bytes(entry);
    return entry;
}

struct gw_auth_entry *gw_auth_table_put_negative(struct gw_auth_table *table,
                                                 const unsigned char digest[DB_DIGEST_LENGTH],
                                                 enum gw_auth_kind kind) {
    gw_assert(kind != GW_AUTH_ENTRY_LIVE);
    struct gw_auth_entry *entry = put(table, digest, kind, 0);
    if (entry == NULL)
        return NULL;
    entry->epoch = table->epoch;
    table->bytes += entry_bytes(entry);
    return entry;
}

// ---- many entries ----

static void start_sweep(struct gw_auth_table *table) {
    table->live.to_sweep = table->live.count;
    table->negative.to_sweep = table->negative.count;
}

void gw_auth_table_remove_org(struct gw_auth_table *table, struct gw_str org_id) {
    org_remove(table, org_id);
    table->absent_epoch = ++table->epoch;
    start_sweep(table);
}

void gw_auth_table_clear(struct gw_auth_table *table) {
    table->clear_epoch = table->absent_epoch = ++table->epoch;
    start_sweep(table);
}

// Once round the budget, which leaves the order as it was.
static uint32_t sweep_budget(struct gw_auth_table *table, struct gw_auth_budget *budget,
                             uint32_t visits) {
    for (; visits > 0 && budget->to_sweep > 0 && budget->count > 0; visits--) {
        struct gw_auth_entry *entry =
            gw_container_of(budget->turns.next, struct gw_auth_entry, turn);
        budget->to_sweep--;
        if (is_dead(table, entry)) {
            gw_auth_table_remove(table, entry);
            continue;
        }
        gw_list_remove(&entry->turn);
        gw_list_push_back(&budget->turns, &entry->turn);
    }
    if (budget->count == 0)
        budget->to_sweep = 0;
    return visits;
}

bool gw_auth_table_sweep(struct gw_auth_table *table, uint32_t visits) {
    visits = sweep_budget(table, &table->live, visits);
    (void)sweep_budget(table, &table->negative, visits);
    return table->live.to_sweep + table->negative.to_sweep > 0;
}

static void remove_all(struct gw_auth_table *table, struct gw_auth_budget *budget) {
    struct gw_list *node = budget->turns.next;
    while (node != &budget->turns) {
        struct gw_auth_entry *entry = gw_container_of(node, struct gw_auth_entry, turn);
        node = node->next;
        gw_auth_table_remove(table, entry);
    }
}

void gw_auth_table_deinit(struct gw_auth_table *table) {
    remove_all(table, &table->live);
    remove_all(table, &table->negative);
    gw_assert(gw_table_count(&table->orgs) == 0);
    gw_table_clear(&table->orgs);
    free(table->buckets);
    table->buckets = NULL;
}

void gw_auth_entry_row(const struct gw_auth_entry *entry, struct db_token_row *row) {
    gw_assert(entry->kind == GW_AUTH_ENTRY_LIVE);
    const char *id = entry->text + GW_TOKEN_PREFIX_LENGTH;
    row->prefix = gw_str(entry->text, GW_TOKEN_PREFIX_LENGTH);
    row->id = gw_str(id, entry->id_length);
    row->name = gw_str(id + entry->id_length, entry->name_length);
    row->scopes = entry->scopes;
    row->rotates_itself = entry->rotates_itself;
    row->description = gw_str(NULL, 0); // neither is part of a lookup
    row->binds_children = false;
    row->created_ms = entry->created_ms;
    row->last_used_ms = entry->last_used_ms;
    row->expires_ms = entry->expires_ms;
    row->org_id = org_id_of(entry->org);
    row->org_slug = org_slug_of(entry->org);
    row->org_name = org_name_of(entry->org);
    row->allowed_ips = (const struct gw_ip_range *)(row->name.at + row->name.length);
    row->allowed_ip_count = entry->allowed_ip_count;
    row->bound_san = binding_of(entry);
}
