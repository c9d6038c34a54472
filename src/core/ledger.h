/*
 * What this node did for durable tasks with a key, as their provider: kept on disk, so that who
 * asks again is told what came of it and nothing is done twice.
 *
 *               no row                         its caller is gone
 *   OPEN ---------------> RUNNING ----------------------------------> ORPHANED
 *     |                    |    |  ended well                          |   |
 *     | DONE on disk       |    +-----> DONE, on disk, then END        |   +--> DONE, kept
 *     +--> the result      +-- failed or stopped: forgotten            |
 *          once more                                                   +-- asked again: goes on
 *
 * It stands between the calls and the provider's edge: it looks at what passes, holds back what
 * must not, and gives runs that have found a new caller their old number at the edge. A run that
 * was not DONE when the node ended never was: it is run again (MCPZ_IDEMPOTENCY_KEY lets its
 * process see that it is the same).
 *
 * Not kept: results over MCPZ_TASK_RESULT_BYTES_MAX. Such a run ends as too large.
 */

#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/timing.h"
#include "proto/limits.h"
#include "proto/store.h"

#define MCPZ_LEDGER_RUNS_MAX 256 /* under way at one time; further ones are refused as busy */

/* A run under way. */
struct mcpz_ledger_row {
    uint32_t edge; /* its number at the edge; 0: free */
    uint32_t call; /* its number at the calls; 0: nobody waits for it */
    bool held;     /* it may not begin yet */
    bool input_open;
    bool has_output; /* some of its result is on disk */
    mcpz_time until_us;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];
};

struct mcpz_ledger {
    const struct mcpz_store *store;
    const struct mcpz_node_timing *timing;
    struct mcpz_ledger_row rows[MCPZ_LEDGER_RUNS_MAX];
    size_t count;
    mcpz_time walk_at_us;
    char walk_key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1]; /* how far old rows were looked for */
    char walk_tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char walk_capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    uint64_t kept;     /* runs that were done */
    uint64_t repeated; /* answered from what is kept */
    uint64_t adopted;  /* orphans that found a caller again */
};

void mcpz_ledger_init(struct mcpz_ledger *ledger, const struct mcpz_store *store,
                      const struct mcpz_node_timing *timing);

/**
 * Take in an event before the calls see it, and leave in `*seen` what they are to see. True: what
 * they send because of it must not go before this turn's writes are on disk.
 */
bool mcpz_ledger_hear(struct mcpz_ledger *ledger, mcpz_time now, const struct mcpz_event *event,
                      struct mcpz_event *seen, struct mcpz_outbox *out);

/**
 * Look at action `index` of `out`, which is for the edge: it may be changed or taken back (NONE),
 * and CALLs may be appended.
 */
void mcpz_ledger_pass(struct mcpz_ledger *ledger, mcpz_time now, struct mcpz_outbox *out,
                      size_t index);

mcpz_time mcpz_ledger_deadline(const struct mcpz_ledger *ledger);

#endif
