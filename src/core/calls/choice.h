/*
 * Which provider a call goes to: core/router/router.h chooses, and this says among whom.
 *
 * Who offers a capability is looked up when something about it has changed, and now and then, not
 * for every call.
 */

#ifndef CORE_CALLS_CHOICE_H
#define CORE_CALLS_CHOICE_H

#include "core/calls/caller.h"
#include "core/calls/sight.h"

/** The class of a capability, with who offers it. NULL: too many are called at one time. */
struct mcpz_class *mcpz_choice_class(struct mcpz_caller *caller,
                                     const struct mcpz_call_sight *sight,
                                     struct mcpz_bytes capability);

/** What this call wants of who serves it. */
struct mcpz_wish mcpz_choice_wish(const struct mcpz_call_out *slot);

/** Choose among those of `slot`'s class that have not failed it; after mcpz_choice_class(). */
struct mcpz_pick mcpz_choice_make(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                                  const struct mcpz_call_out *slot);

/** Could one be chosen? */
bool mcpz_choice_is_left(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                         const struct mcpz_call_out *slot);

#endif
