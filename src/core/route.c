#include "core/route.h"

#include <assert.h>
#include <string.h>

#include "core/members.h"

static size_t slot_of(struct mcpz_short name)
{
    return (size_t)((name.value * UINT32_C(2654435761)) >> 16) % MCPZ_ROUTE_SLOTS;
}

static void index_names(struct mcpz_route_map *map, const struct mcpz_roster *roster)
{
    memset(map->slots, 0xff, sizeof(map->slots));
    for (size_t i = 0; i < roster->count; i++) {
        size_t slot = slot_of(roster->names[i]);
        while (map->slots[slot] != MCPZ_ROUTE_NOWHERE) {
            slot = (slot + 1) % MCPZ_ROUTE_SLOTS;
        }
        map->slots[slot] = (uint16_t)i;
    }
}

static uint16_t row_of(const struct mcpz_route_map *map, const struct mcpz_roster *roster,
                       struct mcpz_short name)
{
    for (size_t slot = slot_of(name); map->slots[slot] != MCPZ_ROUTE_NOWHERE;
         slot = (slot + 1) % MCPZ_ROUTE_SLOTS) {
        if (roster->names[map->slots[slot]].value == name.value) {
            return map->slots[slot];
        }
    }
    return MCPZ_ROUTE_NOWHERE;
}

static bool is_avoided(const struct mcpz_route_walk *walk, struct mcpz_short from,
                       struct mcpz_short to)
{
    for (size_t i = 0; i < walk->avoid_count; i++) {
        if (walk->avoid[i].from.value == from.value && walk->avoid[i].to.value == to.value) {
            return true;
        }
    }
    return false;
}

void mcpz_route_draw(struct mcpz_route_map *map, const struct mcpz_roster *roster,
                     const struct mcpz_route_walk *walk)
{
    size_t head = 0;
    size_t tail = 0;
    size_t slow = 0;

    index_names(map, roster);
    memset(map->parent, 0xff, sizeof(map->parent[0]) * roster->count);
    map->parent[MCPZ_ROSTER_SELF] = MCPZ_ROSTER_SELF;
    map->queue[tail++] = MCPZ_ROSTER_SELF;
    while (head < tail || slow > 0) {
        uint16_t at = head < tail ? map->queue[head++] : map->slow[--slow];
        const struct mcpz_member *row = &roster->rows[at];
        const struct mcpz_short *peers = mcpz_roster_adjacency(roster, row);
        for (size_t i = 0; i < row->adjacency_count; i++) {
            const struct mcpz_short name = peers[(i + walk->turn) % row->adjacency_count];
            uint16_t to = row_of(map, roster, name);
            if (to == MCPZ_ROUTE_NOWHERE || map->parent[to] != MCPZ_ROUTE_NOWHERE ||
                roster->rows[to].state != MCPZ_MEMBER_ALIVE ||
                is_avoided(walk, roster->names[at], name)) {
                continue;
            }
            map->parent[to] = at;
            if (mcpz_members_flaps(&roster->rows[to], walk->now) > 0) {
                map->slow[slow++] = to;
            } else {
                map->queue[tail++] = to;
            }
        }
    }
}

bool mcpz_route_leads_to(const struct mcpz_route_map *map, uint16_t row)
{
    return row != MCPZ_ROSTER_SELF && map->parent[row] != MCPZ_ROUTE_NOWHERE;
}

bool mcpz_route_is_next(const struct mcpz_route_map *map, uint16_t row)
{
    return row != MCPZ_ROSTER_SELF && map->parent[row] == MCPZ_ROSTER_SELF;
}

size_t mcpz_route_trace(const struct mcpz_route_map *map, const struct mcpz_roster *roster,
                        uint16_t row, struct mcpz_short *path)
{
    size_t hops = 0;
    assert(mcpz_route_leads_to(map, row));

    for (uint16_t at = row; at != MCPZ_ROSTER_SELF; at = map->parent[at]) {
        hops++;
    }
    if (hops + 1 > MCPZ_OVERLAY_WALK_MAX) {
        return 0;
    }
    uint16_t at = row;
    for (size_t i = hops; i > 0; i--) {
        path[i] = roster->names[at];
        at = map->parent[at];
    }
    path[0] = roster->names[MCPZ_ROSTER_SELF];
    return hops + 1;
}
