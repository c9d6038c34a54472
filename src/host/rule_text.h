/*
 * A routing rule as people write it: on the command line, in the configuration, in the mesh's own
 * document.
 *
 *   STRATEGY [TARGET[=WEIGHT]]... [priority=100|75|50|25] [max=CALLS]
 *
 *   failover attic cellar                    a node by its name, or by its id (n-...)
 *   weighted big=3 small=1 priority=75
 *   dedicated role:gpu max=10                all nodes with a role
 *   balanced zone:upstairs                   all nodes of a zone
 */

#ifndef HOST_RULE_TEXT_H
#define HOST_RULE_TEXT_H

#include <stddef.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/router/rules.h"

#define MCPZ_RULE_TEXT_BYTES 900 /* with its end; fits a value of an agent */
#define MCPZ_RULE_CALLS_MAX 100000

/**
 * Read one. Returns NULL, or what is wrong with it, for people; `*rule` is then untouched.
 * `pattern` and `text` may be anything.
 */
MCPZ_MUST_USE const char *mcpz_rule_read(struct mcpz_bytes pattern, struct mcpz_bytes text,
                                         struct mcpz_rule *rule);

/** Write one, without its pattern: MCPZ_RULE_TEXT_BYTES are enough (asserted). */
void mcpz_rule_show(const struct mcpz_rule *rule, char *text);

/** One target alone, as above: room for MCPZ_RULE_TARGET_BYTES. */
#define MCPZ_RULE_TARGET_BYTES 96
void mcpz_rule_show_target(const struct mcpz_rule_target *target, char *text);

#endif
