// SPDX-License-Identifier: MIT
#pragma once
// The servers of a database URL as addresses to try, one after the other. Names are looked up on
// threads (base/loop/name.h), before each round of attempts and every half a minute; what they were
// last stays while the resolver fails. A round has each address once, in the order of the URL and
// of the resolver; in a random one with load_balance_hosts=random. With target_session_attrs=
// prefer-standby it has each address twice: first for a standby, then for any server.
//
// An address that said nothing rests for a while: rounds leave it out as long as there is another,
// and then one link at a time tries it.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/loop/name.h"
#include "base/status.h"
#include "db/url.h"

#define DB_ROUND_MAX 64 // attempts
#define DB_HOSTS_SILENT_MAX 16
#define DB_HOSTS_REST_MS 5000
#define DB_ADDRESS_BYTES 64 // of an IPv6 address with its zone, terminated

struct db_hosts;

struct db_host {
    struct gw_name name;
    struct db_hosts *hosts;
};

struct db_hosts {
    const struct db_url *url;
    uv_loop_t *loop;
    struct db_host *list[DB_URL_SERVERS_MAX]; // NULL: nothing to look up; equal names share one
    int open_count;                           // distinct names
    bool is_closing;
    struct {
        uint32_t key; // of an address; 0: none
        uint64_t rests_until_ms;
    } silent[DB_HOSTS_SILENT_MAX];
    int silent_next;
    // A lookup ended. Never inside a call of this header.
    void (*on_resolved)(struct db_hosts *hosts);
    // No handle is left. Also inside db_hosts_close.
    void (*on_closed)(struct db_hosts *hosts);
};

struct db_round {
    struct {
        uint8_t server, address;
        bool is_second; // of prefer-standby
    } list[DB_ROUND_MAX];
    int count;
    int next;
};

// The next attempt of a round.
struct db_attempt {
    struct db_url_attempt what;
    char address[DB_ADDRESS_BYTES];
    uint32_t key;
    bool was_silent;
};

// GW_NO_MEMORY: nothing is open. `url` is borrowed.
enum gw_status db_hosts_open(struct db_hosts *hosts, uv_loop_t *loop, const struct db_url *url,
                             void (*on_resolved)(struct db_hosts *hosts)) GW_MUST_USE;
void db_hosts_close(struct db_hosts *hosts, void (*on_closed)(struct db_hosts *hosts));

// Looks every name up, unless that was just done. True: on_resolved will come.
bool db_hosts_refresh(struct db_hosts *hosts);
bool db_hosts_are_looking_up(const struct db_hosts *hosts);
// Any address is known.
bool db_hosts_are_known(const struct db_hosts *hosts);

// Empty when no address is known.
void db_hosts_plan(const struct db_hosts *hosts, struct db_round *round);
// False: the round is over. `rest_ms`: as long as this attempt may take.
bool db_hosts_next(struct db_hosts *hosts, struct db_round *round, uint64_t rest_ms,
                   struct db_attempt *attempt);
void db_hosts_note_silent(struct db_hosts *hosts, uint32_t key);
void db_hosts_note_answer(struct db_hosts *hosts, uint32_t key);
