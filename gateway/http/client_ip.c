// SPDX-License-Identifier: MIT
#include "gateway/http/client_ip.h"

#include "base/ascii.h"
#include "base/host_port.h"

struct walk {
    const struct gw_trusted_proxies *trusted;
    enum gw_http_field_id field;
    struct gw_ip client; // the address read last
    int elements;        // read
    bool is_lost;        // an element could not be read
};

// ---- one address ----

static bool is_token_char(char c) {
    return gw_ascii_is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
}

// RFC 7239 section 6 lets a proxy hide the number: "_" and a name.
static bool is_port(struct gw_str text) {
    uint16_t number;
    if (text.length == 0 || text.at[0] != '_')
        return text.length <= 5 && gw_port_parse(text, &number) == GW_OK;
    for (size_t i = 1; i < text.length; i++) {
        if (!is_token_char(text.at[i]))
            return false;
    }
    return text.length > 1;
}

// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80".
static enum gw_status parse_node(struct gw_str text, struct gw_ip *ip) {
    struct gw_host_port parts;
    if (gw_host_port_split(text, &parts) != GW_OK ||
        (parts.port.at != NULL && !is_port(parts.port)))
        return GW_INVALID;
    bool is_v6 = gw_str_find(parts.host, ':') < parts.host.length;
    return parts.is_bracketed == is_v6 ? gw_ip_parse(parts.host, ip) : GW_INVALID;
}

// X-Forwarded-For usually has IPv6 addresses without brackets.
static enum gw_status parse_plain_node(struct gw_str text, struct gw_ip *ip) {
    return gw_ip_parse(text, ip) == GW_OK ? GW_OK : parse_node(text, ip);
}

// ---- one element of Forwarded ----

// Whether the character at `index` is escaped: an odd number of backslashes precedes it.
static bool is_escaped(struct gw_str text, size_t index) {
    size_t first = index;
    while (first > 0 && text.at[first - 1] == '\\')
        first--;
    return (index - first) % 2 == 1;
}

// The opening quote of the quoted string that ends at `close`; false when there is none.
static bool find_opening_quote(struct gw_str text, size_t close, size_t *open) {
    if (is_escaped(text, close))
        return false;
    for (size_t i = close; i > 0; i--) {
        if (text.at[i - 1] == '"' && !is_escaped(text, i - 1))
            return *open = i - 1, true;
    }
    return false;
}

// Moves the part after the last `separator` outside of quoted strings from *rest to *part; *rest is
// NULL after the last part.
static bool take_last(struct gw_str *rest, char separator, struct gw_str *part) {
    size_t i = rest->length;
    while (i > 0 && rest->at[i - 1] != separator) {
        i--;
        if (rest->at[i] == '"' && !find_opening_quote(*rest, i, &i))
            return false;
    }
    *part = gw_str_trim(gw_str_slice(*rest, i, rest->length));
    *rest = i > 0 ? gw_str_slice(*rest, 0, i - 1) : gw_str(NULL, 0);
    return true;
}

static struct gw_str unquote(struct gw_str value) {
    bool is_quoted = value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"';
    return is_quoted ? gw_str_slice(value, 1, value.length - 1) : value;
}

// The address in the one parameter `for`. An address needs no escapes, so they are not undone.
static enum gw_status parse_element(struct gw_str element, struct gw_ip *ip) {
    struct gw_str pair;
    struct gw_str node = {NULL, 0};
    while (element.at != NULL) {
        if (!take_last(&element, ';', &pair))
            return GW_INVALID;
        size_t equals = gw_str_find(pair, '=');
        if (!gw_str_equal_nocase(gw_str_slice(pair, 0, equals), GW_STR("for")))
            continue;
        if (node.at != NULL)
            return GW_INVALID;
        node = unquote(gw_str_slice(pair, equals + 1, pair.length));
    }
    return parse_node(node, ip);
}

// ---- the walk ----

// Reads the next element to the left. True: it is a trusted proxy, and the walk goes on.
static bool step(struct walk *walk, struct gw_str element) {
    enum gw_status status = GW_TOO_BIG;
    if (walk->elements++ < GW_FORWARDED_HOPS_MAX)
        status = walk->field == GW_FIELD_FORWARDED ? parse_element(element, &walk->client)
                                                   : parse_plain_node(element, &walk->client);
    walk->is_lost = status != GW_OK;
    return !walk->is_lost && gw_trusted_proxies_contain(walk->trusted, &walk->client);
}

// False: the walk has ended.
static bool walk_list(struct walk *walk, struct gw_str list) {
    struct gw_str element;
    do {
        if (!take_last(&list, ',', &element)) {
            walk->is_lost = true;
            return false;
        }
        if (!step(walk, element))
            return false;
    } while (list.at != NULL);
    return true;
}

// Fields of the same name are one list, in order (RFC 9110 section 5.3).
static void walk_fields(struct walk *walk, const struct gw_http_head *request) {
    bool is_walking = true;
    for (int i = request->field_count - 1; i >= 0 && is_walking; i--) {
        const struct gw_http_field *field = &request->fields[i];
        if (field->id == walk->field)
            is_walking = walk_list(walk, field->value);
    }
}

enum gw_http_field_id gw_client_ip_other_field(enum gw_http_field_id field) {
    gw_assert(field == GW_FIELD_FORWARDED || field == GW_FIELD_X_FORWARDED_FOR);
    return field == GW_FIELD_FORWARDED ? GW_FIELD_X_FORWARDED_FOR : GW_FIELD_FORWARDED;
}

bool gw_client_ip_find(const struct gw_http_head *request, enum gw_http_field_id field,
                       const struct gw_trusted_proxies *trusted, const struct gw_ip *peer,
                       struct gw_ip *client) {
    struct walk walk = {.trusted = trusted, .field = field, .client = *peer};
    if (gw_http_head_field(request, field) == NULL)
        walk.is_lost = gw_http_head_field(request, gw_client_ip_other_field(field)) != NULL;
    else
        walk_fields(&walk, request);
    *client = walk.client;
    return !walk.is_lost;
}
