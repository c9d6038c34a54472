#include "core/router/rules.h"

#include <assert.h>

/* ---- One rule ----------------------------------------------------------------------------- */

static bool is_open(const char *pattern, size_t length)
{
    return length > 0 && pattern[length - 1] == '*';
}

static const char *pattern_fault(const char *pattern)
{
    const size_t length = strlen(pattern);
    const char *star = strchr(pattern, '*');

    if (length == 0) {
        return "a pattern is a capability's name, or its beginning and *";
    }
    if (star != NULL && star != pattern + length - 1) {
        return "a pattern may have one *, at its end";
    }
    return NULL;
}

const char *mcpz_rule_fault(const struct mcpz_rule *rule)
{
    const bool named = rule->strategy == MCPZ_STRATEGY_FAILOVER ||
                       rule->strategy == MCPZ_STRATEGY_DEDICATED ||
                       rule->strategy == MCPZ_STRATEGY_ISOLATED;
    const char *fault = pattern_fault(rule->pattern);

    if (fault != NULL) {
        return fault;
    }
    if ((size_t)rule->strategy >= MCPZ_STRATEGY_END) {
        return "there is no such strategy";
    }
    if (rule->priority != 100 && rule->priority != 75 && rule->priority != 50 &&
        rule->priority != 25) {
        return "a priority is 100, 75, 50 or 25";
    }
    if (rule->target_count > MCPZ_RULE_TARGETS_MAX) {
        return "a rule has at most 8 targets";
    }
    if (named && rule->target_count == 0) {
        return "failover, dedicated and isolated want targets";
    }
    for (size_t i = 0; i < rule->target_count; i++) {
        const struct mcpz_rule_target *target = &rule->targets[i];
        if (target->weight == 0 || target->weight > MCPZ_RULE_WEIGHT_MAX) {
            return "a weight is 1 to 1000";
        }
        if (target->kind != MCPZ_TARGET_ID && target->text[0] == '\0') {
            return "a target is the name or id of a node, role:NAME or zone:NAME";
        }
    }
    return NULL;
}

bool mcpz_rule_matches(const struct mcpz_rule *rule, struct mcpz_bytes capability)
{
    const size_t length = strlen(rule->pattern);

    if (!is_open(rule->pattern, length)) {
        return mcpz_bytes_equal(mcpz_bytes(rule->pattern, length), capability);
    }
    return capability.length >= length - 1 &&
           mcpz_bytes_equal(mcpz_bytes(rule->pattern, length - 1),
                            mcpz_bytes(capability.data, length - 1));
}

static bool is_target(const struct mcpz_rule_target *target, const struct mcpz_rule_subject *node)
{
    switch (target->kind) {
    case MCPZ_TARGET_ID:
        return mcpz_id_equal(&target->id, &node->id);
    case MCPZ_TARGET_NAME:
        return mcpz_bytes_equal(mcpz_text(target->text), node->name);
    case MCPZ_TARGET_ZONE:
        return mcpz_bytes_equal(mcpz_text(target->text), node->zone);
    case MCPZ_TARGET_ROLE:
        for (size_t i = 0; i < node->role_count; i++) {
            if (mcpz_bytes_equal(mcpz_text(target->text), node->roles[i])) {
                return true;
            }
        }
        break;
    }
    return false;
}

size_t mcpz_rule_target(const struct mcpz_rule *rule, const struct mcpz_rule_subject *node)
{
    for (size_t i = 0; i < rule->target_count; i++) {
        if (is_target(&rule->targets[i], node)) {
            return i + 1;
        }
    }
    return 0;
}

/* ---- The table ---------------------------------------------------------------------------- */

size_t mcpz_rules_bytes(size_t max)
{
    return mcpz_arena_cost(max, sizeof(struct mcpz_rule));
}

void mcpz_rules_init(struct mcpz_rules *rules, size_t max, struct mcpz_arena *arena)
{
    assert(max > 0 && max <= MCPZ_RULES_MAX);
    *rules = (struct mcpz_rules){
        .rows = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_rule)),
        .max = max,
    };
}

void mcpz_rules_set(struct mcpz_rules *rules, const struct mcpz_rule *rows, size_t count)
{
    rules->count = 0;
    for (size_t i = 0; i < count && rules->count < rules->max; i++) {
        if (mcpz_rule_fault(&rows[i]) == NULL) {
            rules->rows[rules->count++] = rows[i];
        }
    }
}

/* How specific: a longer beginning is more so, a whole name most of all. */
static size_t specificity(const struct mcpz_rule *rule)
{
    const size_t length = strlen(rule->pattern);

    return is_open(rule->pattern, length) ? length : MCPZ_CAPABILITY_BYTES_MAX + 1 + length;
}

bool mcpz_rules_spare(struct mcpz_bytes capability)
{
    static const char prefix[] = "mcpz.";
    const size_t length = sizeof(prefix) - 1;

    return capability.length > length && memcmp(capability.data, prefix, length) == 0;
}

const struct mcpz_rule *mcpz_rules_find(const struct mcpz_rules *rules,
                                        struct mcpz_bytes capability)
{
    const struct mcpz_rule *best = NULL;

    if (mcpz_rules_spare(capability)) {
        return NULL;
    }
    for (size_t i = 0; i < rules->count; i++) {
        const struct mcpz_rule *rule = &rules->rows[i];
        if (mcpz_rule_matches(rule, capability) &&
            (best == NULL || specificity(rule) > specificity(best))) {
            best = rule; /* of two with one pattern, the first */
        }
    }
    return best;
}

bool mcpz_rules_allow(const struct mcpz_rules *rules, const struct mcpz_rule *rule,
                      const struct mcpz_rule_subject *node)
{
    if (rule != NULL && rule->target_count > 0) {
        if (mcpz_rule_target(rule, node) == 0) {
            return false;
        }
        if (rule->strategy == MCPZ_STRATEGY_ISOLATED) {
            return true;
        }
    }
    for (size_t i = 0; i < rules->count; i++) {
        const struct mcpz_rule *other = &rules->rows[i];
        if (other != rule && other->strategy == MCPZ_STRATEGY_ISOLATED &&
            mcpz_rule_target(other, node) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- Words -------------------------------------------------------------------------------- */

static const char *const words[MCPZ_STRATEGY_END] = {
    [MCPZ_STRATEGY_BALANCED] = "balanced",       [MCPZ_STRATEGY_WEIGHTED] = "weighted",
    [MCPZ_STRATEGY_ROUND_ROBIN] = "round-robin", [MCPZ_STRATEGY_LEAST_LOADED] = "least-loaded",
    [MCPZ_STRATEGY_FAILOVER] = "failover",       [MCPZ_STRATEGY_DEDICATED] = "dedicated",
    [MCPZ_STRATEGY_ISOLATED] = "isolated",
};

const char *mcpz_strategy_word(enum mcpz_strategy strategy)
{
    return (size_t)strategy < MCPZ_STRATEGY_END ? words[strategy] : "";
}

bool mcpz_strategy_read(struct mcpz_bytes word, enum mcpz_strategy *strategy)
{
    for (size_t i = 0; i < MCPZ_STRATEGY_END; i++) {
        if (mcpz_bytes_equal(word, mcpz_text(words[i]))) {
            *strategy = (enum mcpz_strategy)i;
            return true;
        }
    }
    return false;
}
