/*
 * Reads that want to see what a quorum of owners has.
 *
 *   AGENT_READ {document}  ->  READ to the other owners
 *                          <-  READING {how far along it is there}
 *   WANT, if we lack something of that; deltas; READ again behind it
 *   nothing of floor(N/2)+1 owners, ourselves among them, is lacking here  ->  REPLY: read it here
 *
 * Who is behind us by then is offered what it lacks (HANDOVER), which it asks for: read repair.
 * Writes that a quorum has acknowledged are among what a quorum of readers has, as long as reads
 * go to owners of a layout that all have synced. Two reads at one time may see different writes
 * that are under way: it is no total order.
 *
 * Without a layout any members count, of min(3, members).
 *
 * Source: reference/crdt.md, 4.2 (read).
 */

#ifndef CORE_KEEPING_READS_H
#define CORE_KEEPING_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/event.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_READS_MAX 64
#define MCPZ_READ_AGAIN_US MCPZ_MS(300) /* who is silent is asked again */
#define MCPZ_READ_QUICK_MAX 64          /* asked behind WANTs between two of those */

struct mcpz_keeping_step;

struct mcpz_read_owner {
    struct mcpz_id node;
    bool has_answered; /* and we lack nothing of it */
    uint32_t quick;
};

struct mcpz_reading {
    uint64_t request; /* 0: free */
    struct mcpz_id document;
    mcpz_time ask_at_us;
    mcpz_time until_us;
    uint32_t copies; /* N */
    struct mcpz_read_owner owners[MCPZ_COPIES_MAX];
    size_t owner_count;
};

struct mcpz_reads {
    struct mcpz_reading reads[MCPZ_READS_MAX];
    size_t count; /* in use */

    uint64_t begun;
    uint64_t late;
    uint64_t too_many;
    uint64_t repairs; /* owners that were behind */
};

/** AGENT_READ. */
void mcpz_reads_begin(struct mcpz_keeping_step *step, const struct mcpz_event_agent *asked);

/** Another node reads: say how far along we are, if we keep it. */
void mcpz_reads_on_read(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                        const struct mcpz_msg_read *read);

void mcpz_reads_on_reading(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                           const struct mcpz_msg_reading *said);

/** Another layout is known: others may be the owners. */
void mcpz_reads_replan(struct mcpz_keeping_step *step);

/** Ask again who is silent; end what has taken too long. */
void mcpz_reads_run(struct mcpz_keeping_step *step);

mcpz_time mcpz_reads_deadline(const struct mcpz_reads *reads);

#endif
