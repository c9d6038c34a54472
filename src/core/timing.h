/* Every period and patience of the core, handed in at the start. */

#ifndef CORE_TIMING_H
#define CORE_TIMING_H

#include "base/time.h"

struct mcpz_node_timing {
    mcpz_time heartbeat_us;    /* between two pings on an idle link: 1 s */
    mcpz_time link_silent_us;  /* nothing heard: the link is given up: 5 s */
    mcpz_time suspect_us;      /* a suspect's grace: 4 s */
    mcpz_time redial_min_us;   /* first wait before dialling again: 250 ms */
    mcpz_time redial_max_us;   /* it doubles up to here, and goes on for ever: 30 s */
    mcpz_time forget_us;       /* a dead member's row is kept so long: 24 h */
    mcpz_time anti_entropy_us; /* between two comparisons of documents: 10 s */
};

/** `given`, with the defaults above where it says 0. */
struct mcpz_node_timing mcpz_timing_or_default(const struct mcpz_node_timing *given);

#endif
