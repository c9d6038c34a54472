/*
 * Which provider a call goes to: one that is not suspect, has the fewest of our calls under way,
 * is linked, can be dialled, then by lot. One that has failed this call is not tried again.
 */

#ifndef CORE_CALLS_CHOICE_H
#define CORE_CALLS_CHOICE_H

#include "core/calls/caller.h"
#include "core/calls/sight.h"

/** Choose among the nodes that offer `slot`'s capability. False: there is none it can go to. */
bool mcpz_choice_make(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      const struct mcpz_call_out *slot, struct mcpz_id *provider);

#endif
