/*
 * Probes: is a member there that is no neighbour of ours? Asked over links that exist.
 *
 * Every member tells of its neighbours, so everybody knows the graph. A probe is routed by its
 * source along a shortest path of it, and comes back the same way: no connection is made for it.
 * A hop that cannot go on says so, which tells "the target is gone" from "our map is old" (after
 * Lifeguard's nack). A second attempt takes another path where there is one. Members to whom no
 * path leads at all are found on the way.
 *
 * Source: SWIM (Das, Gupta, Motivala, DSN 2002), section 3, with paths instead of ping-req;
 * protocols.md 1.6, rule 4.
 */

#ifndef CORE_PROBES_H
#define CORE_PROBES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/links.h"
#include "core/outbox.h"
#include "core/roster.h"

struct mcpz_probes {
    mcpz_time until_us;
    uint32_t attempt;      /* 0: none is under way */
    uint32_t seq;          /* of the last one */
    struct mcpz_id target; /* of the probe under way */
    struct mcpz_rng rng;
    uint64_t sent;
    uint64_t nacks;
};

enum mcpz_probe_result {
    MCPZ_PROBE_RESULT_NONE,
    MCPZ_PROBE_RESULT_THERE,  /* the target has answered */
    MCPZ_PROBE_RESULT_SILENT, /* it has not, on two paths */
};

void mcpz_probes_init(struct mcpz_probes *probes, uint64_t seed);

/**
 * Probe a member to whom a path leads and who is no neighbour of ours, by lot. All rows'
 * `unreached` are brought up to date: how many times in a row no path led there.
 */
void mcpz_probes_start(struct mcpz_probes *probes, struct mcpz_roster *roster,
                       const struct mcpz_links *links, mcpz_time now, struct mcpz_outbox *out);

/** Go on with the probe under way if its time is over. SILENT ends it: about `probes->target`. */
enum mcpz_probe_result mcpz_probes_tick(struct mcpz_probes *probes, struct mcpz_roster *roster,
                                        const struct mcpz_links *links, mcpz_time now,
                                        struct mcpz_outbox *out);

/** Hand on, answer or take in a PROBE from a linked peer. */
enum mcpz_probe_result mcpz_probes_message(struct mcpz_probes *probes,
                                           const struct mcpz_roster *roster,
                                           const struct mcpz_links *links, mcpz_time now,
                                           const struct mcpz_msg_probe *probe,
                                           struct mcpz_outbox *out);

/** When the probe under way is to be looked at; MCPZ_TIME_NEVER: none is. */
mcpz_time mcpz_probes_deadline(const struct mcpz_probes *probes);

#endif
