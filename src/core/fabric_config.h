/* What each machine of a fabric is configured with: from one configuration, theirs. */

#ifndef CORE_FABRIC_CONFIG_H
#define CORE_FABRIC_CONFIG_H

#include "core/fabric.h"

/** A stream of its own for each machine: one more draw in one does not move the others. */
uint64_t mcpz_fabric_seed(const struct mcpz_fabric_config *config, const char *machine);

struct mcpz_links_config mcpz_fabric_links_config(const struct mcpz_fabric_config *config);
struct mcpz_overlay_config mcpz_fabric_overlay_config(const struct mcpz_fabric_config *config);
struct mcpz_xbot_config mcpz_fabric_xbot_config(const struct mcpz_fabric_config *config);
struct mcpz_plumtree_config mcpz_fabric_plumtree_config(const struct mcpz_fabric_config *config);
struct mcpz_members_config mcpz_fabric_members_config(const struct mcpz_fabric_config *config);

#endif
