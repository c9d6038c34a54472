/* How a plan of subtasks is read: the JSON that proto/plan.h describes. */

#ifndef WIRE_PLAN_H
#define WIRE_PLAN_H

#include "proto/plan.h"

/** What the core reads plans with. */
extern const struct mcpz_planner mcpz_json_planner;

#endif
