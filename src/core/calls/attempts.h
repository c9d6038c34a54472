/*
 * The attempts of a call that we make: its slot while it is with a provider or between two, and
 * what follows when one of them comes to nothing. Of core/calls/caller.c, which hears what our
 * edge and the providers say.
 */

#ifndef CORE_CALLS_ATTEMPTS_H
#define CORE_CALLS_ATTEMPTS_H

#include <stdint.h>

#include "core/calls/caller.h"

/* Why an attempt has failed. */
struct mcpz_attempt_failure {
    uint32_t code; /* enum mcpz_code */
    struct mcpz_bytes text;
    const struct mcpz_load_report *report; /* the provider's; NULL: it said nothing */
};

uint32_t mcpz_attempts_number(const struct mcpz_caller *caller, const struct mcpz_call_out *slot);
struct mcpz_class *mcpz_attempts_class(struct mcpz_caller *caller,
                                       const struct mcpz_call_out *slot);

/** Of a task: calls that bring no priority of their own have that of the rule. */
uint32_t mcpz_attempts_priority(const struct mcpz_class *class,
                                const struct mcpz_event_task *task);

/** A slot for a task, which its class holds. NULL: there is none. */
struct mcpz_call_out *mcpz_attempts_take(struct mcpz_caller *caller, mcpz_time now,
                                         struct mcpz_class *class,
                                         const struct mcpz_event_task *task);

/** Free a slot. A twin that goes on without it takes its place. */
void mcpz_attempts_give_back(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                             mcpz_time now);

/** Tell the router what has come of the attempt, once. `report` may be NULL. */
void mcpz_attempts_end_route(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                             enum mcpz_call_outcome outcome,
                             const struct mcpz_load_report *report);

/** Tell its provider that nobody waits any more. */
void mcpz_attempts_send_cancel(const struct mcpz_call_out *slot, struct mcpz_outbox *out);

/** Append an action of this kind about `request`, to be filled in. */
struct mcpz_action_task *mcpz_attempts_tell(struct mcpz_outbox *out, enum mcpz_action_kind kind,
                                            uint64_t request);

/** The other of two is not wanted any more. */
void mcpz_attempts_drop_twin(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                             struct mcpz_outbox *out);

/** The call is over: say so, and free its slot. */
void mcpz_attempts_finish(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                          uint32_t code, struct mcpz_bytes text, struct mcpz_outbox *out);

/** Have the edge say START again, now or at `at_us`. */
void mcpz_attempts_start_again(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                               mcpz_time now, mcpz_time at_us, struct mcpz_outbox *out);

/** Note that this attempt has come to nothing. `report` may be NULL. */
void mcpz_attempts_note_failed(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                               mcpz_time now, uint32_t code, const struct mcpz_load_report *report,
                               struct mcpz_outbox *out);

/**
 * An attempt has failed: try another provider while there is one and it can do no harm, or say so
 * in the words of the one that failed. Where a twin is under way, all hope is with that.
 */
void mcpz_attempts_fail(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                        struct mcpz_call_out *slot, const struct mcpz_attempt_failure *failure,
                        struct mcpz_outbox *out);

/** Bring some of the calls that are doomed to their end, as many as the outbox has room for. */
void mcpz_attempts_settle(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                          struct mcpz_outbox *out);

#endif
