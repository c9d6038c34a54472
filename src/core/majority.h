/*
 * Whom we have met, and who of them is there: is what we see the greater part of the mesh?
 */

#ifndef CORE_MAJORITY_H
#define CORE_MAJORITY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/roster.h"
#include "proto/store.h"

/**
 * How many we have met that are away, and have not said goodbye. If that cannot be read, more than
 * there can be.
 */
size_t mcpz_majority_away(const struct mcpz_store *store, const struct mcpz_roster *roster);

/**
 * Are more there, us included, than away? Suspects count as away: who is cut off from all others
 * judges none of them.
 */
bool mcpz_majority_is_there(const struct mcpz_store *store, const struct mcpz_roster *roster);

#endif
