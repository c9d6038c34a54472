/*
 * Which provider a capability's calls may go to, and by which strategy: rules that people set.
 *
 * A rule is for the capabilities its pattern matches: a name, or the beginning of one and `*`. The
 * most specific one holds: a name before a beginning, a longer beginning before a shorter. What no
 * rule matches is balanced. Where a rule has targets, only these serve it.
 *
 *   balanced       the least loaded by HCL (core/router/probe_pool.h)
 *   weighted       in turn, as often as their weights say
 *   round-robin    in turn
 *   least-loaded   the one with the fewest in flight
 *   failover       the first of the targets that can
 *   dedicated      balanced over the targets, and nobody else, not even when they are gone
 *   isolated       dedicated, and the targets serve nothing else
 */

#ifndef CORE_ROUTER_RULES_H
#define CORE_ROUTER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_RULES_MAX 64
#define MCPZ_RULE_TARGETS_MAX 8
#define MCPZ_RULE_WEIGHT_MAX 1000
#define MCPZ_RULE_PRIORITY_NORMAL 50 /* R-TASK-4: 100, 75, 50, 25 */

enum mcpz_strategy {
    MCPZ_STRATEGY_BALANCED,
    MCPZ_STRATEGY_WEIGHTED,
    MCPZ_STRATEGY_ROUND_ROBIN,
    MCPZ_STRATEGY_LEAST_LOADED,
    MCPZ_STRATEGY_FAILOVER,
    MCPZ_STRATEGY_DEDICATED,
    MCPZ_STRATEGY_ISOLATED,
    MCPZ_STRATEGY_END,
};

enum mcpz_target_kind {
    MCPZ_TARGET_NAME, /* of a node */
    MCPZ_TARGET_ID,   /* of a node */
    MCPZ_TARGET_ROLE,
    MCPZ_TARGET_ZONE,
};

struct mcpz_rule_target {
    enum mcpz_target_kind kind;
    struct mcpz_id id;                  /* ID */
    char text[MCPZ_NAME_BYTES_MAX + 1]; /* the others */
    uint32_t weight;                    /* 1 to MCPZ_RULE_WEIGHT_MAX */
};

struct mcpz_rule {
    char pattern[MCPZ_CAPABILITY_BYTES_MAX + 1];
    enum mcpz_strategy strategy;
    uint32_t priority;       /* of calls that bring none */
    uint32_t concurrent_max; /* calls under way from one node; 0: as many as there is room for */
    struct mcpz_rule_target targets[MCPZ_RULE_TARGETS_MAX];
    size_t target_count;
};

/* What a rule looks at of a node. Borrowed. */
struct mcpz_rule_subject {
    struct mcpz_id id;
    struct mcpz_bytes name;
    struct mcpz_bytes zone;
    const struct mcpz_bytes *roles;
    size_t role_count;
};

struct mcpz_rules {
    struct mcpz_rule *rows;
    size_t max;
    size_t count;
};

/** What is wrong with a rule, for people; NULL: nothing. */
const char *mcpz_rule_fault(const struct mcpz_rule *rule);

/** Does the pattern match? */
bool mcpz_rule_matches(const struct mcpz_rule *rule, struct mcpz_bytes capability);

/** Which target of the rule this node is, from 1: the first that fits. 0: none. */
size_t mcpz_rule_target(const struct mcpz_rule *rule, const struct mcpz_rule_subject *node);

size_t mcpz_rules_bytes(size_t max);

/** Start without rules. `arena` has room (asserted). */
void mcpz_rules_init(struct mcpz_rules *rules, size_t max, struct mcpz_arena *arena);

/** Hold these from now on, at most `max` of them; those that are not well are left out. */
void mcpz_rules_set(struct mcpz_rules *rules, const struct mcpz_rule *rows, size_t count);

/** Is that a capability of the nodes themselves, "mcpz.", which no rule is for? */
bool mcpz_rules_spare(struct mcpz_bytes capability);

/** The rule for a capability; NULL: none matches, and it is balanced. */
const struct mcpz_rule *mcpz_rules_find(const struct mcpz_rules *rules,
                                        struct mcpz_bytes capability);

/**
 * May this node serve what `rule` (NULL: none) is for? Its targets may, and where it has none all
 * that no other isolated rule names.
 */
bool mcpz_rules_allow(const struct mcpz_rules *rules, const struct mcpz_rule *rule,
                      const struct mcpz_rule_subject *node);

/** A strategy's word, as people write it, and back; false: there is none of that name. */
const char *mcpz_strategy_word(enum mcpz_strategy strategy);
MCPZ_MUST_USE bool mcpz_strategy_read(struct mcpz_bytes word, enum mcpz_strategy *strategy);

#endif
