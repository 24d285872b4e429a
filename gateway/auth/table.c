// SPDX-License-Identifier: MIT
#include "gateway/auth/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "gateway/auth/id_key.h"
#include "token/limits.h"
#include "token/name.h"
#include "token/syntax.h"

// Ranges lie behind the text, at any alignment.
_Static_assert(_Alignof(struct gw_ip_range) == 1, "no place is wrong for a range");
_Static_assert(GW_ALLOWED_IPS_MAX < 64 && 4 * GW_TOKEN_NAME_CHARACTERS_MAX < 1024,
               "counts fit their bits");

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
    if (entry != NULL && !entry->was_used)
        entry->was_used = true;
    return entry;
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

static struct gw_auth_org *org_make(const struct db_token_row *row) {
    size_t length = row->org_id.length + row->org_slug.length + row->org_name.length;
    struct gw_auth_org *org = malloc(sizeof(*org) + length);
    if (org == NULL)
        return NULL;
    *org = (struct gw_auth_org){.id_length = (uint8_t)row->org_id.length,
                                .slug_length = (uint8_t)row->org_slug.length,
                                .name_length = (uint16_t)row->org_name.length};
    memcpy(org->text, row->org_id.at, row->org_id.length);
    memcpy(org->text + row->org_id.length, row->org_slug.at, row->org_slug.length);
    memcpy(org->text + row->org_id.length + row->org_slug.length, row->org_name.at,
           row->org_name.length);
    return org;
}

// A row with another slug or name makes another organisation, which takes the place of the older
// one; that lives on with its entries.
static struct gw_auth_org *org_acquire(struct gw_auth_table *table,
                                       const struct db_token_row *row) {
    const struct gw_id_key key = gw_id_key_of(row->org_id);
    struct org_slot *slot = gw_table_put(&table->orgs, &key);
    if (slot == NULL)
        return NULL;
    if (slot->org == NULL || !org_is(slot->org, row)) {
        struct gw_auth_org *org = org_make(row);
        if (org != NULL) {
            slot->org = org;
            table->bytes += org_bytes(org);
        } else if (slot->org == NULL) {
            gw_table_remove(&table->orgs, slot);
        }
        if (org == NULL)
            return NULL;
    }
    slot->org->use_count++;
    return slot->org;
}

static void org_release(struct gw_auth_table *table, struct gw_auth_org *org) {
    gw_assert(org->use_count > 0);
    if (--org->use_count > 0)
        return;
    const struct gw_id_key key = gw_id_key_of(org_id_of(org));
    struct org_slot *slot = gw_table_find(&table->orgs, &key);
    if (slot != NULL && slot->org == org)
        gw_table_remove(&table->orgs, slot);
    table->bytes -= org_bytes(org);
    free(org);
}

// ---- entries ----

static struct gw_auth_budget *budget_of(struct gw_auth_table *table, uint8_t kind) {
    return kind == GW_AUTH_ENTRY_LIVE ? &table->live : &table->negative;
}

static size_t entry_bytes(const struct gw_auth_entry *entry) {
    size_t text = 0;
    if (entry->kind == GW_AUTH_ENTRY_LIVE)
        text = (size_t)GW_TOKEN_PREFIX_LENGTH + entry->id_length + entry->name_length +
               entry->allowed_ip_count * sizeof(struct gw_ip_range);
    return sizeof(*entry) + text;
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

// Makes room for one more: the hand gives used entries another round, and takes the first that was
// not used.
static void make_room(struct gw_auth_table *table, struct gw_auth_budget *budget) {
    while (budget->count >= budget->count_max && budget->count > 0) {
        struct gw_list *node = gw_list_pop_front(&budget->turns);
        struct gw_auth_entry *entry = gw_container_of(node, struct gw_auth_entry, turn);
        if (entry->was_used) {
            entry->was_used = false;
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
    struct gw_auth_entry *entry = put(table, digest, GW_AUTH_ENTRY_LIVE, text_length);
    if (entry == NULL) {
        org_release(table, org);
        return NULL;
    }
    entry->org = org;
    entry->scopes = row->scopes & 7U;
    entry->created_ms = row->created_ms;
    entry->last_used_ms = row->last_used_ms;
    entry->expires_ms = row->expires_ms;
    entry->id_length = (uint8_t)row->id.length;
    entry->name_length = row->name.length & 1023U;
    entry->allowed_ip_count = row->allowed_ip_count & 63U;
    memcpy(entry->text, row->prefix.at, GW_TOKEN_PREFIX_LENGTH);
    memcpy(entry->text + GW_TOKEN_PREFIX_LENGTH, row->id.at, row->id.length);
    memcpy(entry->text + GW_TOKEN_PREFIX_LENGTH + row->id.length, row->name.at, row->name.length);
    if (ranges_length > 0)
        memcpy(entry->text + text_length - ranges_length, row->allowed_ips, ranges_length);
    table->bytes += entry_bytes(entry);
    return entry;
}

struct gw_auth_entry *gw_auth_table_put_negative(struct gw_auth_table *table,
                                                 const unsigned char digest[DB_DIGEST_LENGTH],
                                                 enum gw_auth_kind kind) {
    gw_assert(kind != GW_AUTH_ENTRY_LIVE);
    struct gw_auth_entry *entry = put(table, digest, kind, 0);
    if (entry != NULL)
        table->bytes += entry_bytes(entry);
    return entry;
}

static void remove_where(struct gw_auth_table *table, struct gw_auth_budget *budget,
                         bool (*matches)(const struct gw_auth_entry *entry, struct gw_str org_id),
                         struct gw_str org_id) {
    struct gw_list *node = budget->turns.next;
    while (node != &budget->turns) {
        struct gw_auth_entry *entry = gw_container_of(node, struct gw_auth_entry, turn);
        node = node->next;
        if (matches(entry, org_id))
            gw_auth_table_remove(table, entry);
    }
}

static bool is_of_org(const struct gw_auth_entry *entry, struct gw_str org_id) {
    return gw_str_equal(org_id_of(entry->org), org_id);
}

static bool is_absent(const struct gw_auth_entry *entry, struct gw_str org_id) {
    (void)org_id;
    return entry->kind == GW_AUTH_ENTRY_ABSENT;
}

static bool is_not_revoked(const struct gw_auth_entry *entry, struct gw_str org_id) {
    (void)org_id;
    return entry->kind != GW_AUTH_ENTRY_REVOKED;
}

static bool is_any(const struct gw_auth_entry *entry, struct gw_str org_id) {
    (void)org_id;
    return entry != NULL;
}

void gw_auth_table_remove_org(struct gw_auth_table *table, struct gw_str org_id) {
    remove_where(table, &table->live, is_of_org, org_id);
    remove_where(table, &table->negative, is_absent, org_id);
}

void gw_auth_table_clear(struct gw_auth_table *table) {
    remove_where(table, &table->live, is_any, GW_STR(""));
    remove_where(table, &table->negative, is_not_revoked, GW_STR(""));
    struct gw_list *turns = &table->negative.turns;
    for (struct gw_list *node = turns->next; node != turns; node = node->next)
        gw_container_of(node, struct gw_auth_entry, turn)->event_seq = 0;
}

void gw_auth_table_deinit(struct gw_auth_table *table) {
    remove_where(table, &table->live, is_any, GW_STR(""));
    remove_where(table, &table->negative, is_any, GW_STR(""));
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
    row->binds_children = false; // not part of a lookup
    row->created_ms = entry->created_ms;
    row->last_used_ms = entry->last_used_ms;
    row->expires_ms = entry->expires_ms;
    row->org_id = org_id_of(entry->org);
    row->org_slug = org_slug_of(entry->org);
    row->org_name = org_name_of(entry->org);
    row->allowed_ips = (const struct gw_ip_range *)(row->name.at + row->name.length);
    row->allowed_ip_count = entry->allowed_ip_count;
}
