// SPDX-License-Identifier: MIT
#include "db/token_list.h"

#include <stdlib.h>

#include "db/result.h"

// What every row of `t` has first; columns below.
#define ENTRY_COLUMNS                                                                              \
    " t.id, t.name, left(t.prefix, 12), t.scopes, t.created_at, t.last_used_at, t.expires_at,"     \
    " t.allowed_ips, t.binds_children, t.description, t.rotates_itself,"                           \
    " coalesce(t.expires_at <= now(), false), t.revoked_at, t.revoked_by,"                         \
    " (select b.name from skillreg.api_token b where b.id = t.revoked_by), t.replaced_by,"         \
    " t.bound_san"

enum entry_column {
    ENTRY_ID,
    ENTRY_NAME,
    ENTRY_PREFIX,
    ENTRY_SCOPES,
    ENTRY_CREATED_AT,
    ENTRY_LAST_USED_AT,
    ENTRY_EXPIRES_AT,
    ENTRY_ALLOWED_IPS,
    ENTRY_BINDS_CHILDREN,
    ENTRY_DESCRIPTION,
    ENTRY_ROTATES_ITSELF,
    ENTRY_HAS_EXPIRED,
    ENTRY_REVOKED_AT,
    ENTRY_REVOKED_BY,
    ENTRY_REVOKED_BY_NAME,
    ENTRY_REPLACED_BY,
    ENTRY_BOUND_SAN,
    ENTRY_COLUMN_COUNT
};

// What a filter leaves of `t`.
#define FILTER                                                                                     \
    " and ($2::boolean or t.expires_at is null or t.expires_at > now())"                           \
    " and ($3::int8 is null or coalesce(t.last_used_at, t.created_at)"                             \
    "   <= now() - $3::int8 * interval '1 millisecond')"                                           \
    " and ($4::int8 is null or (t.revoked_at is null and t.expires_at > now()"                     \
    "   and t.expires_at <= now() + $4::int8 * interval '1 millisecond'))"                         \
    " and ($5::text is null or strpos(lower(t.name), lower($5::text)) > 0)"                        \
    " and ($6::text is null or starts_with(t.prefix, $6::text))"                                   \
    " and ($7::int2 is null or t.scopes & $7::int2 <> 0)"

// Tokens that rules minted, or all others, as a word of the statement, not as its parameter: each
// kind has indexes of its own.
#define OWN " and not t.is_minted"
#define MINTED " and t.is_minted"
#define LIVE(of)                                                                                   \
    " from skillreg.api_token t where t.org_id = $1::text and t.revoked_at is null" of FILTER
#define REVOKED(of)                                                                                \
    " from skillreg.api_token t"                                                                   \
    " where t.org_id = $1::text and t.revoked_at is not null and $2::boolean" of FILTER

// How many live ones a list of the others leaves out, up to DB_TOKENS_MINTED_COUNT_MAX.
#define TEXT_OF(number) #number
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)
#define COUNT_MINTED                                                                               \
    "(select count(*) from (select from skillreg.api_token m where m.org_id = $1::text"            \
    "  and m.is_minted and m.expires_at > now() and m.revoked_at is null"                          \
    "  limit " TEXT_OF_VALUE(DB_TOKENS_MINTED_COUNT_MAX) ") m)"

// Live tokens and revoked ones each by their index, and then together. The planner is told how few
// are wanted at most (GW_LIST_AFTER_LIMIT_MAX and one more): it would sort them all.
#define BY_INDEX(of, behind, order)                                                                \
    "(select t.*, t.created_at as key_time, ''::text as key_text" of                               \
    " and (t.created_at, t.id) " behind " ($8::timestamptz, $9::text)"                             \
    " order by " order " limit 1001)"
_Static_assert(GW_LIST_AFTER_LIMIT_MAX == 1000, "BY_INDEX");

#define OF_BOTH(of, behind, order)                                                                 \
    BY_INDEX(LIVE(of), behind, order) " union all " BY_INDEX(REVOKED(of), behind, order)
#define BY_CREATED(of, count, behind, order)                                                       \
    "select" ENTRY_COLUMNS ", t.key_time, t.key_text, null::int8, " count                          \
    " from (" OF_BOTH(of, behind, order) ") t order by " order " limit $10::int8"

const struct db_statement db_token_list_newest_statement = {
    .name = "token_list_newest",
    .sql = BY_CREATED(OWN, COUNT_MINTED, "<", "t.created_at desc, t.id desc"),
    .parameter_count = 10,
};

const struct db_statement db_token_list_oldest_statement = {
    .name = "token_list_oldest",
    .sql = BY_CREATED(OWN, COUNT_MINTED, ">", "t.created_at, t.id"),
    .parameter_count = 10,
};

const struct db_statement db_token_list_minted_newest_statement = {
    .name = "token_list_minted_newest",
    .sql = BY_CREATED(MINTED, "0::int8", "<", "t.created_at desc, t.id desc"),
    .parameter_count = 10,
};

const struct db_statement db_token_list_minted_oldest_statement = {
    .name = "token_list_minted_oldest",
    .sql = BY_CREATED(MINTED, "0::int8", ">", "t.created_at, t.id"),
    .parameter_count = 10,
};

// Pages by their number of all live tokens, newest first: what older clients ask for. A row always
// comes, for the total; its other columns are null when the page is empty.
#define ALL_LIVE                                                                                   \
    " from skillreg.api_token where org_id = $1::text and revoked_at is null and not is_minted"    \
    " and (expires_at is null or expires_at > now())"

const struct db_statement db_token_list_numbered_statement = {
    .name = "token_list_numbered",
    .sql = "select" ENTRY_COLUMNS ", t.created_at, ''::text, c.total, " COUNT_MINTED
           " from (select count(*) as total" ALL_LIVE ") c left join (select *" ALL_LIVE
           " order by created_at desc, id desc limit $2::int8 offset $3::int8) t on true"
           " order by t.created_at desc, t.id desc",
    .parameter_count = 3,
};

// In any order, which no index gives. What is sorted is narrow, and the rows of the page alone are
// fetched whole. A row always comes, for the total; its other columns are null when the page is
// empty.
#define KEYS                                                                                       \
    "select t.id, case $13::text when 'name' then '-infinity' when 'lastUsed' then"                \
    " coalesce(t.last_used_at, '-infinity') when 'expires' then"                                   \
    " coalesce(t.expires_at, 'infinity') else t.created_at end as key_time,"                       \
    " case $13::text when 'name' then lower(t.name) else '' end collate \"C\" as key_text"
#define SORTED(of, count, behind, order)                                                           \
    "select" ENTRY_COLUMNS ", k.key_time, k.key_text, c.total, " count                             \
    " from (select case when $12::boolean then (select count(*)" LIVE(                             \
        of) ") + (select count(*)" REVOKED(of) ") end as total) c"                                 \
                                               " left join (select * from (" KEYS                  \
                                               LIVE(of) " union all " KEYS                         \
                                               REVOKED(                                            \
                                                   of) ") k"                                       \
                                                       " where $9::text = '' or (k.key_text, "     \
                                                       "k.key_time, k.id) " behind                 \
                                                       " ($14::text, $8::timestamptz, $9::text)"   \
                                                       " order by " order                          \
                                                       " limit $10::int8 offset $11::int8) k on "  \
                                                       "true"                                      \
                                                       " left join skillreg.api_token t on t.id "  \
                                                       "= k.id order by " order

enum page_column { PAGE_KEY_TIME = ENTRY_COLUMN_COUNT, PAGE_KEY_TEXT, PAGE_TOTAL, PAGE_MINTED };

const struct db_statement db_token_list_up_statement = {
    .name = "token_list_up",
    .sql = SORTED(OWN, COUNT_MINTED, ">", "k.key_text, k.key_time, k.id"),
    .parameter_count = 14,
};

const struct db_statement db_token_list_down_statement = {
    .name = "token_list_down",
    .sql = SORTED(OWN, COUNT_MINTED, "<", "k.key_text desc, k.key_time desc, k.id desc"),
    .parameter_count = 14,
};

const struct db_statement db_token_list_minted_up_statement = {
    .name = "token_list_minted_up",
    .sql = SORTED(MINTED, "0::int8", ">", "k.key_text, k.key_time, k.id"),
    .parameter_count = 14,
};

const struct db_statement db_token_list_minted_down_statement = {
    .name = "token_list_minted_down",
    .sql = SORTED(MINTED, "0::int8", "<", "k.key_text desc, k.key_time desc, k.id desc"),
    .parameter_count = 14,
};

const struct db_statement db_token_show_statement = {
    .name = "token_show",
    .sql = "select" ENTRY_COLUMNS ", t.created_by,"
           " (select b.name from skillreg.api_token b where b.id = t.created_by),"
           " host(t.created_from), host(t.revoked_from), t.replaces,"
           " (select r.kind || ' ' || r.anchor from skillreg.trust_rule r"
           "  where t.is_minted and r.id = t.created_by)"
           " from skillreg.api_token t where t.id = $1::text and t.org_id = $2::text",
    .parameter_count = 2,
};

enum show_column {
    SHOW_CREATED_BY = ENTRY_COLUMN_COUNT,
    SHOW_CREATED_BY_NAME,
    SHOW_CREATED_FROM,
    SHOW_REVOKED_FROM,
    SHOW_REPLACES,
    SHOW_RULE_NAME
};

enum direction { UP, DOWN };

static const struct order {
    enum direction direction;
    struct gw_str key;
} orders[] = {
    [DB_TOKENS_NEWEST_FIRST] = {DOWN, GW_STR_INIT("created")},
    [DB_TOKENS_BY_CREATED] = {UP, GW_STR_INIT("created")},
    [DB_TOKENS_BY_NAME] = {UP, GW_STR_INIT("name")},
    [DB_TOKENS_BY_NAME_DOWN] = {DOWN, GW_STR_INIT("name")},
    [DB_TOKENS_BY_LAST_USED] = {UP, GW_STR_INIT("lastUsed")},
    [DB_TOKENS_BY_LAST_USED_DOWN] = {DOWN, GW_STR_INIT("lastUsed")},
    [DB_TOKENS_BY_EXPIRES] = {UP, GW_STR_INIT("expires")},
    [DB_TOKENS_BY_EXPIRES_DOWN] = {DOWN, GW_STR_INIT("expires")},
};

// By whether they are minted, and by direction.
static const struct db_statement *const by_index[2][2] = {
    {&db_token_list_oldest_statement, &db_token_list_newest_statement},
    {&db_token_list_minted_oldest_statement, &db_token_list_minted_newest_statement},
};
static const struct db_statement *const sorted[2][2] = {
    {&db_token_list_up_statement, &db_token_list_down_statement},
    {&db_token_list_minted_up_statement, &db_token_list_minted_down_statement},
};

// ---- rows ----

static enum db_token_state read_state(const PGresult *result, int row) {
    if (!PQgetisnull(result, row, ENTRY_REVOKED_AT))
        return DB_TOKEN_REVOKED;
    return db_get_boolean(result, row, ENTRY_HAS_EXPIRED) ? DB_TOKEN_EXPIRED : DB_TOKEN_LIVE;
}

static enum gw_status read_entry(const PGresult *result, int row, struct db_token_entry *out,
                                 struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX]) {
    *out = (struct db_token_entry){
        .row = {.id = db_get_bytes(result, row, ENTRY_ID),
                .name = db_get_bytes(result, row, ENTRY_NAME),
                .prefix = db_get_bytes(result, row, ENTRY_PREFIX),
                .scopes = (gw_scope_set)db_get_int(result, row, ENTRY_SCOPES, 0),
                .created_ms = db_get_time(result, row, ENTRY_CREATED_AT),
                .last_used_ms = db_get_time(result, row, ENTRY_LAST_USED_AT),
                .expires_ms = db_get_time(result, row, ENTRY_EXPIRES_AT),
                .binds_children = db_get_boolean(result, row, ENTRY_BINDS_CHILDREN),
                .description = db_get_bytes(result, row, ENTRY_DESCRIPTION),
                .rotates_itself = db_get_boolean(result, row, ENTRY_ROTATES_ITSELF),
                .bound_san = db_get_bytes(result, row, ENTRY_BOUND_SAN),
                .allowed_ips = allowed_ips},
        .state = read_state(result, row),
        .revoked_ms = db_get_time(result, row, ENTRY_REVOKED_AT),
        .revoked_by = {db_get_bytes(result, row, ENTRY_REVOKED_BY),
                       db_get_bytes(result, row, ENTRY_REVOKED_BY_NAME)},
        .replaced_by = db_get_bytes(result, row, ENTRY_REPLACED_BY),
    };
    return db_get_ip_ranges(result, row, ENTRY_ALLOWED_IPS, allowed_ips,
                            &out->row.allowed_ip_count);
}

// ---- list ----

struct page_memory {
    struct db_token_entry entries[GW_LIST_AFTER_LIMIT_MAX];
    struct gw_ip_range allowed_ips[GW_LIST_AFTER_LIMIT_MAX][GW_ALLOWED_IPS_MAX];
};

static enum gw_status read_page(const PGresult *result, uint32_t limit, struct page_memory *memory,
                                struct db_token_page *page) {
    int count = PQntuples(result);
    gw_assert(count <= (int)limit + 1); // the limit of the statement
    *page = (struct db_token_page){.entries = memory->entries};
    if (count == 0)
        return GW_OK;
    page->total = db_get_number(result, 0, PAGE_TOTAL);
    page->minted = (int)db_get_number(result, 0, PAGE_MINTED);
    if (PQgetisnull(result, 0, ENTRY_ID))
        return GW_OK;
    page->has_more = count > (int)limit;
    page->count = page->has_more ? (int)limit : count;
    for (int i = 0; i < page->count; i++) {
        struct db_token_entry *entry = &memory->entries[i];
        enum gw_status status = read_entry(result, i, entry, memory->allowed_ips[i]);
        if (status != GW_OK)
            return status;
        entry->position =
            (struct db_token_position){.text = db_get_bytes(result, i, PAGE_KEY_TEXT),
                                       .time_us = db_get_int(result, i, PAGE_KEY_TIME, 0),
                                       .id = entry->row.id};
    }
    return GW_OK;
}

static void on_list_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_list *list = gw_container_of(query, struct db_token_list, query);
    struct db_token_page page;
    struct page_memory *memory = NULL;
    if (status == GW_OK) {
        memory = malloc(sizeof(*memory)); // pages that no row needs are never touched
        status = memory == NULL ? GW_NO_MEMORY : read_page(result, list->limit, memory, &page);
    }
    list->on_done(list, status, status == GW_OK ? &page : NULL);
    free(memory);
}

static void put_length_of_time(struct db_params *params, uint64_t ms) {
    if (ms == 0)
        db_put_null(params);
    else
        db_put_int8(params, (int64_t)ms);
}

// $1 to $7.
static void put_filter(struct db_params *params, const struct db_token_list *list) {
    const struct db_token_filter *filter = &list->filter;
    db_put_text(params, list->org_id);
    db_put_boolean(params, filter->all);
    put_length_of_time(params, filter->unused_ms);
    put_length_of_time(params, filter->expiring_ms);
    db_put_text_or_null(params, filter->name);
    db_put_text_or_null(params, filter->prefix);
    if (filter->scopes == 0)
        db_put_null(params);
    else
        db_put_int2(params, filter->scopes);
}

// $8 to $10; one more than the page has, to know whether there are more.
static void put_position(struct db_params *params, const struct db_token_list *list) {
    int64_t before_all = list->order == DB_TOKENS_BY_CREATED ? INT64_MIN : INT64_MAX;
    db_put_int8(params, list->after.id.at == NULL ? before_all : list->after.time_us);
    db_put_text(params, list->after.id);
    db_put_int8(params, (int64_t)list->limit + 1);
}

static void put_by_index(struct db_token_list *list) {
    enum direction direction = orders[list->order].direction;
    struct db_params *params =
        db_query_start(&list->query, by_index[list->filter.minted][direction], on_list_done);
    put_filter(params, list);
    put_position(params, list);
}

static void put_numbered(struct db_token_list *list) {
    struct db_params *params =
        db_query_start(&list->query, &db_token_list_numbered_statement, on_list_done);
    db_put_text(params, list->org_id);
    db_put_int8(params, (int64_t)list->limit + 1);
    db_put_int8(params, (int64_t)list->offset);
}

static void put_sorted(struct db_token_list *list) {
    const struct order *order = &orders[list->order];
    struct db_params *params =
        db_query_start(&list->query, sorted[list->filter.minted][order->direction], on_list_done);
    put_filter(params, list);
    put_position(params, list);
    db_put_int8(params, (int64_t)list->offset);
    db_put_boolean(params, list->counts);
    db_put_text(params, order->key);
    db_put_text(params, list->after.text);
}

static bool has_filter(const struct db_token_filter *filter) {
    return filter->all || filter->minted || filter->unused_ms > 0 || filter->expiring_ms > 0 ||
           filter->name.at != NULL || filter->prefix.at != NULL || filter->scopes != 0;
}

// The cheapest statement that gives the page.
enum gw_status db_token_list_start(struct db_pool *pool, struct db_token_list *list) {
    gw_assert(list->order >= 0 && list->order < DB_TOKEN_ORDER_COUNT);
    if (list->limit < 1 || list->limit > GW_LIST_AFTER_LIMIT_MAX || list->offset > INT64_MAX ||
        list->filter.unused_ms > INT64_MAX || list->filter.expiring_ms > INT64_MAX)
        return GW_INVALID;
    bool is_newest = list->order == DB_TOKENS_NEWEST_FIRST;
    bool is_oldest = list->order == DB_TOKENS_BY_CREATED;
    bool is_run = !list->counts && list->offset == 0; // of the order, from a place in it
    if (is_run && (is_newest || is_oldest))
        put_by_index(list);
    else if (is_newest && list->after.id.at == NULL && !has_filter(&list->filter))
        put_numbered(list);
    else
        put_sorted(list);
    return db_pool_submit(pool, &list->query);
}

// ---- one ----

static void on_show_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct db_token_show *show = gw_container_of(query, struct db_token_show, query);
    struct gw_ip_range allowed_ips[GW_ALLOWED_IPS_MAX];
    struct db_token_details details;
    if (status == GW_OK && PQntuples(result) == 0)
        status = GW_NOT_FOUND;
    if (status == GW_OK) {
        status = read_entry(result, 0, &details.entry, allowed_ips);
        details.created_by = (struct db_token_actor){db_get_bytes(result, 0, SHOW_CREATED_BY),
                                                     db_get_bytes(result, 0, SHOW_CREATED_BY_NAME)};
        details.created_from = db_get_bytes(result, 0, SHOW_CREATED_FROM);
        details.revoked_from = db_get_bytes(result, 0, SHOW_REVOKED_FROM);
        details.replaces = db_get_bytes(result, 0, SHOW_REPLACES);
        details.rule_name = db_get_bytes(result, 0, SHOW_RULE_NAME);
    }
    show->on_done(show, status, status == GW_OK ? &details : NULL);
}

enum gw_status db_token_show_start(struct db_pool *pool, struct db_token_show *show) {
    struct db_query *query = &show->query;
    struct db_params *params = db_query_start(query, &db_token_show_statement, on_show_done);
    db_put_text(params, show->id);
    db_put_text(params, show->org_id);
    return db_pool_submit(pool, query);
}
