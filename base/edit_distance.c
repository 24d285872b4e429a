// SPDX-License-Identifier: MIT
// The optimal string alignment: cost[i][j] is the distance of the first i bytes of `a` from the
// first j of `b`.
#include "base/edit_distance.h"

#define SIDE (GW_EDIT_DISTANCE_WORD_MAX + 1)

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t cost_at(size_t cost[SIDE][SIDE], struct gw_str a, struct gw_str b, size_t i,
                      size_t j) {
    if (i == 0 || j == 0)
        return i + j;
    size_t replaced = cost[i - 1][j - 1] + (a.at[i - 1] == b.at[j - 1] ? 0 : 1);
    size_t found = least(replaced, least(cost[i - 1][j], cost[i][j - 1]) + 1);
    bool is_swap = i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1];
    return is_swap ? least(found, cost[i - 2][j - 2] + 1) : found;
}

size_t gw_edit_distance(struct gw_str a, struct gw_str b) {
    size_t cost[SIDE][SIDE];
    a.length = least(a.length, GW_EDIT_DISTANCE_WORD_MAX);
    b.length = least(b.length, GW_EDIT_DISTANCE_WORD_MAX);
    for (size_t i = 0; i <= a.length; i++) {
        for (size_t j = 0; j <= b.length; j++)
            cost[i][j] = cost_at(cost, a, b, i, j);
    }
    return cost[a.length][b.length];
}
