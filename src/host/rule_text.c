#include "host/rule_text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ROLE_PREFIX "role:"
#define ZONE_PREFIX "zone:"

static_assert(64 + MCPZ_RULE_TARGETS_MAX * (MCPZ_RULE_TARGET_BYTES + 6) <= MCPZ_RULE_TEXT_BYTES,
              "a rule is shown");

/* ---- Reading ------------------------------------------------------------------------------ */

/* Take the next word off `*text`. False: there is none. */
static bool next_word(struct mcpz_bytes *text, struct mcpz_bytes *word)
{
    while (text->length > 0 && (text->data[0] == ' ' || text->data[0] == '\t')) {
        *text = mcpz_bytes(text->data + 1, text->length - 1);
    }
    size_t length = 0;
    while (length < text->length && text->data[length] != ' ' && text->data[length] != '\t') {
        length++;
    }
    *word = mcpz_bytes(text->data, length);
    *text = mcpz_bytes(text->data + length, text->length - length);
    return length > 0;
}

static bool begins_with(struct mcpz_bytes word, const char *prefix, struct mcpz_bytes *rest)
{
    const size_t length = strlen(prefix);

    if (word.length < length || memcmp(word.data, prefix, length) != 0) {
        return false;
    }
    *rest = mcpz_bytes(word.data + length, word.length - length);
    return true;
}

static bool read_number(struct mcpz_bytes text, uint32_t most, uint32_t *number)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || sum > most) {
            return false;
        }
        sum = 10 * sum + (uint32_t)(text.data[i] - '0');
    }
    *number = sum;
    return text.length > 0 && sum <= most;
}

/* "NAME=3": cut the weight off. */
static const char *cut_weight(struct mcpz_bytes *word, uint32_t *weight)
{
    const uint8_t *equals = memchr(word->data, '=', word->length);

    *weight = 1;
    if (equals == NULL) {
        return NULL;
    }
    const size_t length = (size_t)(equals - word->data);
    if (!read_number(mcpz_bytes(equals + 1, word->length - length - 1), MCPZ_RULE_WEIGHT_MAX,
                     weight)) {
        return "a weight is a number from 1 to 1000: NAME=3";
    }
    *word = mcpz_bytes(word->data, length);
    return NULL;
}

static const char *add_target(struct mcpz_rule *rule, struct mcpz_bytes word)
{
    if (rule->target_count == MCPZ_RULE_TARGETS_MAX) {
        return "a rule has at most 8 targets";
    }
    struct mcpz_rule_target *target = &rule->targets[rule->target_count];
    const char *fault = cut_weight(&word, &target->weight);
    struct mcpz_bytes rest = word;

    if (fault != NULL) {
        return fault;
    }
    rest = word;
    if (begins_with(word, ROLE_PREFIX, &rest)) {
        target->kind = MCPZ_TARGET_ROLE;
    } else if (begins_with(word, ZONE_PREFIX, &rest)) {
        target->kind = MCPZ_TARGET_ZONE;
    } else if (mcpz_id_from_text(word, 'n', &target->id) == MCPZ_OK) {
        target->kind = MCPZ_TARGET_ID;
    } else {
        target->kind = MCPZ_TARGET_NAME;
    }
    if (target->kind != MCPZ_TARGET_ID) {
        if (rest.length > MCPZ_NAME_BYTES_MAX) {
            return "the name of a node, a role or a zone has at most 64 bytes";
        }
        mcpz_bytes_to_text(rest, target->text, sizeof(target->text));
    }
    rule->target_count++;
    return NULL;
}

static const char *add_word(struct mcpz_rule *rule, struct mcpz_bytes word)
{
    struct mcpz_bytes rest;

    if (begins_with(word, "priority=", &rest)) {
        return read_number(rest, 100, &rule->priority) ? NULL : "a priority is 100, 75, 50 or 25";
    }
    if (begins_with(word, "max=", &rest)) {
        return read_number(rest, MCPZ_RULE_CALLS_MAX, &rule->concurrent_max)
                   ? NULL
                   : "max is a number of calls, up to 100000";
    }
    return add_target(rule, word);
}

const char *mcpz_rule_read(struct mcpz_bytes pattern, struct mcpz_bytes text,
                           struct mcpz_rule *rule)
{
    struct mcpz_rule read = {.priority = MCPZ_RULE_PRIORITY_NORMAL};
    struct mcpz_bytes word;

    if (pattern.length > MCPZ_CAPABILITY_BYTES_MAX || !mcpz_bytes_is_utf8(pattern) ||
        (pattern.length > 0 && memchr(pattern.data, '\0', pattern.length) != NULL)) {
        return "a pattern is UTF-8 of at most 128 bytes";
    }
    if (!mcpz_bytes_is_utf8(text) || text.length >= MCPZ_RULE_TEXT_BYTES ||
        (text.length > 0 && memchr(text.data, '\0', text.length) != NULL)) {
        return "a rule is UTF-8 of fewer than 900 bytes";
    }
    mcpz_bytes_to_text(pattern, read.pattern, sizeof(read.pattern));
    if (!next_word(&text, &word) || !mcpz_strategy_read(word, &read.strategy)) {
        return "a rule begins with a strategy: balanced, weighted, round-robin, least-loaded, "
               "failover, dedicated or isolated";
    }
    while (next_word(&text, &word)) {
        const char *fault = add_word(&read, word);
        if (fault != NULL) {
            return fault;
        }
    }
    const char *fault = mcpz_rule_fault(&read);
    if (fault == NULL) {
        *rule = read;
    }
    return fault;
}

/* ---- Showing ------------------------------------------------------------------------------ */

void mcpz_rule_show_target(const struct mcpz_rule_target *target, char *text)
{
    char id[MCPZ_ID_TEXT_BYTES];

    if (target->kind == MCPZ_TARGET_ID) {
        mcpz_id_to_text(&target->id, 'n', id);
        (void)snprintf(text, MCPZ_RULE_TARGET_BYTES, "%s", id);
    } else {
        (void)snprintf(text, MCPZ_RULE_TARGET_BYTES, "%s%s",
                       target->kind == MCPZ_TARGET_ROLE   ? ROLE_PREFIX
                       : target->kind == MCPZ_TARGET_ZONE ? ZONE_PREFIX
                                                          : "",
                       target->text);
    }
}

void mcpz_rule_show(const struct mcpz_rule *rule, char *text)
{
    size_t used =
        (size_t)snprintf(text, MCPZ_RULE_TEXT_BYTES, "%s", mcpz_strategy_word(rule->strategy));
    char target[MCPZ_RULE_TARGET_BYTES];

    for (size_t i = 0; i < rule->target_count; i++) {
        mcpz_rule_show_target(&rule->targets[i], target);
        used += (size_t)snprintf(text + used, MCPZ_RULE_TEXT_BYTES - used, " %s", target);
        if (rule->targets[i].weight != 1) {
            used += (size_t)snprintf(text + used, MCPZ_RULE_TEXT_BYTES - used, "=%u",
                                     rule->targets[i].weight);
        }
    }
    if (rule->priority != MCPZ_RULE_PRIORITY_NORMAL) {
        used += (size_t)snprintf(text + used, MCPZ_RULE_TEXT_BYTES - used, " priority=%u",
                                 rule->priority);
    }
    if (rule->concurrent_max != 0) {
        used += (size_t)snprintf(text + used, MCPZ_RULE_TEXT_BYTES - used, " max=%u",
                                 rule->concurrent_max);
    }
    assert(used < MCPZ_RULE_TEXT_BYTES);
}
