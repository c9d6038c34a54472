#include "core/probes.h"

#include <assert.h>

#include "core/route.h"

#define PATIENCE_US MCPZ_SECONDS(2)
#define ATTEMPTS_MAX 2
#define TELLS_WITHIN_US                                                                           \
    MCPZ_SECONDS(20) /* a member tells of its neighbours: till then it is new */
void mcpz_probes_init(struct mcpz_probes *probes, uint64_t seed)
{
    *probes = (struct mcpz_probes){.until_us = MCPZ_TIME_NEVER};
    mcpz_rng_init(&probes->rng, seed);
}

/* ---- The map ------------------------------------------------------------------------------ */

/* Another turn each time, so that a second attempt takes another path. */
static void draw(struct mcpz_probes *probes, struct mcpz_route_map *map,
                 const struct mcpz_roster *roster, mcpz_time now)
{
    const struct mcpz_route_walk walk = {
        .now = now,
        .turn = mcpz_rng_below(&probes->rng, MCPZ_ADJACENCY_MAX),
    };

    mcpz_route_draw(map, roster, &walk);
}

static bool reaches_anybody(const struct mcpz_route_map *map, const struct mcpz_roster *roster)
{
    for (size_t i = 1; i < roster->count; i++) {
        if (mcpz_route_leads_to(map, (uint16_t)i)) {
            return true;
        }
    }
    return false;
}

/* Who has told whom it has for neighbours can be missed by us; who has not may be new. If nobody
 * at all is reached, all our own neighbours are in doubt, and it is more likely us. */
static void note_unreached(const struct mcpz_route_map *map, struct mcpz_roster *roster,
                           mcpz_time now)
{
    if (!reaches_anybody(map, roster)) {
        return;
    }
    for (size_t i = 1; i < roster->count; i++) {
        struct mcpz_member *row = &roster->rows[i];
        bool missed = !mcpz_route_leads_to(map, (uint16_t)i) && row->state == MCPZ_MEMBER_ALIVE &&
                      (row->adjacency_version > 0 || now >= row->since_us + TELLS_WITHIN_US);
        if (!missed) {
            row->unreached = 0;
        } else if (row->unreached < UINT8_MAX) {
            row->unreached++;
        }
    }
}

/* ---- Asking ------------------------------------------------------------------------------- */

static void send_along(const struct mcpz_links *links, struct mcpz_short to,
                       const struct mcpz_msg_probe *probe, struct mcpz_outbox *out)
{
    const struct mcpz_linked *link = mcpz_links_find_short(links, to);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PROBE, .probe = *probe};

    if (link != NULL) {
        mcpz_outbox_send(out, &link->id, &msg);
    }
}

/* False: the path is longer than a probe may go. */
static bool ask(struct mcpz_probes *probes, const struct mcpz_route_map *map,
                const struct mcpz_roster *roster, const struct mcpz_links *links, uint16_t target,
                struct mcpz_outbox *out)
{
    struct mcpz_short *path = mcpz_arena_take(&out->arena, MCPZ_OVERLAY_WALK_MAX, sizeof(*path));

    assert(path != NULL);
    size_t count = mcpz_route_trace(map, roster, target, path);
    if (count == 0) {
        return false;
    }
    struct mcpz_msg_probe probe = {
        .kind = MCPZ_PROBE_ASK,
        .seq = ++probes->seq,
        .at = 1,
        .path = path,
        .path_count = count,
    };
    probes->sent++;
    send_along(links, path[1], &probe, out);
    return true;
}

/* One more attempt has `begun`, or none is under way any more. */
static void note_attempt(struct mcpz_probes *probes, const struct mcpz_links *links,
                         const struct mcpz_member *target, bool begun, mcpz_time now)
{
    probes->target = target->id;
    probes->attempt = begun ? probes->attempt + 1 : 0;
    probes->until_us = begun ? now + PATIENCE_US * (links->health + 1) : MCPZ_TIME_NEVER;
}

void mcpz_probes_start(struct mcpz_probes *probes, struct mcpz_roster *roster,
                       const struct mcpz_links *links, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_route_map map;
    uint32_t fit = 0;
    uint16_t target = MCPZ_ROUTE_NOWHERE;

    draw(probes, &map, roster, now);
    note_unreached(&map, roster, now);
    if (probes->attempt > 0) {
        return; /* one at a time */
    }
    /* One of those that a path leads to: the k-th is kept with chance 1/k. */
    for (size_t i = 1; i < roster->count; i++) {
        if (mcpz_route_leads_to(&map, (uint16_t)i) && !mcpz_route_is_next(&map, (uint16_t)i) &&
            mcpz_rng_below(&probes->rng, ++fit) == 0) {
            target = (uint16_t)i;
        }
    }
    if (target != MCPZ_ROUTE_NOWHERE) {
        note_attempt(probes, links, &roster->rows[target],
                     ask(probes, &map, roster, links, target, out), now);
    }
}

enum mcpz_probe_result mcpz_probes_tick(struct mcpz_probes *probes, struct mcpz_roster *roster,
                                        const struct mcpz_links *links, mcpz_time now,
                                        struct mcpz_outbox *out)
{
    struct mcpz_route_map map;

    if (probes->until_us > now) {
        return MCPZ_PROBE_RESULT_NONE;
    }
    const struct mcpz_member *row = mcpz_roster_find(roster, &probes->target);
    bool again = probes->attempt < ATTEMPTS_MAX && row != NULL && row->state == MCPZ_MEMBER_ALIVE;
    if (again) {
        draw(probes, &map, roster, now);
        uint16_t at = (uint16_t)(row - roster->rows);
        again = mcpz_route_leads_to(&map, at);
        if (again) {
            note_attempt(probes, links, row, ask(probes, &map, roster, links, at, out), now);
            return MCPZ_PROBE_RESULT_NONE;
        }
    }
    bool tried_all = probes->attempt == ATTEMPTS_MAX;
    probes->attempt = 0;
    probes->until_us = MCPZ_TIME_NEVER;
    return tried_all ? MCPZ_PROBE_RESULT_SILENT : MCPZ_PROBE_RESULT_NONE;
}

/* ---- Answers ------------------------------------------------------------------------------ */

static void turn_back(const struct mcpz_links *links, const struct mcpz_msg_probe *probe,
                      enum mcpz_probe_kind kind, struct mcpz_outbox *out)
{
    struct mcpz_msg_probe back = *probe;

    back.kind = kind;
    back.at = probe->at - 1;
    send_along(links, probe->path[back.at], &back, out);
}

/* Behind a hop that we do not hear a probe would wait, and seem to be lost at its target. */
static bool hears(const struct mcpz_links *links, struct mcpz_short name, mcpz_time now)
{
    const struct mcpz_linked *link = mcpz_links_find_short(links, name);

    return link != NULL && !mcpz_links_is_overdue(link, now);
}

enum mcpz_probe_result mcpz_probes_message(struct mcpz_probes *probes,
                                           const struct mcpz_roster *roster,
                                           const struct mcpz_links *links, mcpz_time now,
                                           const struct mcpz_msg_probe *probe,
                                           struct mcpz_outbox *out)
{
    bool is_for_us = probe->at < probe->path_count &&
                     probe->path[probe->at].value == roster->names[MCPZ_ROSTER_SELF].value;

    if (!is_for_us) {
        return MCPZ_PROBE_RESULT_NONE;
    }
    if (probe->kind == MCPZ_PROBE_ASK) {
        if (probe->at == 0) {
            return MCPZ_PROBE_RESULT_NONE;
        }
        struct mcpz_msg_probe onward = *probe;
        onward.at++;
        if (onward.at == probe->path_count) {
            turn_back(links, probe, MCPZ_PROBE_ACK, out);
        } else if (hears(links, probe->path[onward.at], now)) {
            send_along(links, probe->path[onward.at], &onward, out);
        } else {
            turn_back(links, probe, MCPZ_PROBE_NACK, out);
        }
        return MCPZ_PROBE_RESULT_NONE;
    }
    if (probe->at > 0) {
        turn_back(links, probe, (enum mcpz_probe_kind)probe->kind, out);
        return MCPZ_PROBE_RESULT_NONE;
    }
    if (probes->attempt == 0 || probe->seq != probes->seq) {
        return MCPZ_PROBE_RESULT_NONE; /* too late */
    }
    probes->attempt = 0;
    probes->until_us = MCPZ_TIME_NEVER;
    if (probe->kind == MCPZ_PROBE_NACK) {
        probes->nacks++;
        return MCPZ_PROBE_RESULT_NONE; /* our map was old: no sign of anything */
    }
    return MCPZ_PROBE_RESULT_THERE;
}

mcpz_time mcpz_probes_deadline(const struct mcpz_probes *probes)
{
    return probes->until_us;
}
