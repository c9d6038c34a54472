/* The keys that say whom a node works for, how much at once, and whom it calls. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/config_keys.h"
#include "host/rows.h"
#include "host/rule_text.h"

/* ---- What a value may look like ----------------------------------------------------------- */

static mcpz_error read_level_word(const struct mcpz_setting *setting, const char *word,
                                  char **value, struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];
    enum mcpz_level level;

    if (!mcpz_level_parse(word, &level)) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%s\" must be none, diamond, emerald, sapphire, opal or onyx",
                                  mcpz_config_shown(word, shown));
    }
    return mcpz_config_duplicate(mcpz_level_word(level), value);
}

mcpz_error mcpz_config_read_tenant_level(const struct mcpz_setting *setting, char **value,
                                         struct mcpz_config_trouble *trouble)
{
    return read_level_word(setting, setting->text, value, trouble);
}

/* How long the name is that a setting names a tenant by, and where. */
static size_t name_of(const struct mcpz_setting *setting, const char **name)
{
    *name = setting->name == NULL ? setting->text : setting->name;
    return setting->name == NULL ? strcspn(setting->text, "=") : strlen(setting->name);
}

mcpz_error mcpz_config_read_tenant(const struct mcpz_setting *setting, char **value,
                                   struct mcpz_config_trouble *trouble)
{
    const char *name;
    const size_t length = name_of(setting, &name);
    const char *level = setting->name == NULL ? setting->text + length : setting->text;

    if (setting->name == NULL && *level++ != '=') {
        return mcpz_config_refuse(trouble, setting->place, "write NAME=LEVEL, e.g. acme=opal");
    }
    if (length == 0 || length > MCPZ_TENANT_BYTES_MAX ||
        !mcpz_bytes_is_utf8(mcpz_bytes(name, length))) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "a tenant's name must be UTF-8 of 1 to %d bytes",
                                  MCPZ_TENANT_BYTES_MAX);
    }
    return read_level_word(setting, level, value, trouble);
}

mcpz_error mcpz_config_read_number(const struct mcpz_setting *setting, uint32_t min, uint32_t max,
                                   char **value, struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];
    size_t length = strlen(setting->text);

    if (length == 0 || length > 9 || strspn(setting->text, "0123456789") != length ||
        strtoul(setting->text, NULL, 10) > max || strtoul(setting->text, NULL, 10) < min) {
        return mcpz_config_refuse(trouble, setting->place, "\"%s\" must be a number from %u to %u",
                                  mcpz_config_shown(setting->text, shown), min, max);
    }
    return mcpz_config_duplicate(setting->text, value);
}

mcpz_error mcpz_config_read_rate(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    return mcpz_config_read_number(setting, 0, MCPZ_CALLS_PER_SECOND_MAX, value, trouble);
}

mcpz_error mcpz_config_read_stop(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    return mcpz_config_read_number(setting, 0, MCPZ_STOP_SECONDS_MAX, value, trouble);
}

/* Both together must make a rule; only a file can name one. */
static const char *read_rule(const struct mcpz_setting *setting, struct mcpz_rule *rule)
{
    return mcpz_rule_read(mcpz_text(setting->name != NULL ? setting->name : ""),
                          mcpz_text(setting->text), rule);
}

mcpz_error mcpz_config_read_rule(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    struct mcpz_rule rule;
    const char *fault = read_rule(setting, &rule);

    return fault != NULL ? mcpz_config_refuse(trouble, setting->place, "%s", fault)
                         : mcpz_config_duplicate(setting->text, value);
}

/* ---- Where it goes ------------------------------------------------------------------------ */

static enum mcpz_level level_of(const char *word)
{
    enum mcpz_level level = MCPZ_LEVEL_NONE;
    bool found = mcpz_level_parse(word, &level);

    assert(found); /* it was checked when it was read */
    return level;
}

mcpz_error mcpz_config_store_tenant(struct mcpz_config *config, const struct mcpz_setting *setting,
                                    char **value, struct mcpz_config_trouble *trouble)
{
    const char *name;
    const size_t length = name_of(setting, &name);
    struct mcpz_gate_config *gate = &config->gate;

    for (size_t i = 0; i < gate->tenant_count; i++) {
        if (strlen(gate->tenants[i].name) == length &&
            memcmp(gate->tenants[i].name, name, length) == 0) {
            return mcpz_config_refuse(trouble, setting->place,
                                      "\"%.*s\" is there twice: a tenant has one level",
                                      (int)length, name);
        }
    }
    if (gate->tenant_count == MCPZ_TENANTS_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "more than %d", MCPZ_TENANTS_MAX);
    }
    struct mcpz_tenant_config *tenant = &gate->tenants[gate->tenant_count++];
    mcpz_bytes_to_text(mcpz_bytes(name, length), tenant->name, sizeof(tenant->name));
    tenant->level = level_of(*value);
    return MCPZ_OK;
}

mcpz_error mcpz_config_store_tenant_level(struct mcpz_config *config,
                                          const struct mcpz_setting *setting, char **value,
                                          struct mcpz_config_trouble *trouble)
{
    (void)setting;
    (void)trouble;
    config->gate.level_default = level_of(*value);
    return MCPZ_OK;
}

mcpz_error mcpz_config_store_number(struct mcpz_config *config, const struct mcpz_setting *setting,
                                    char **value, struct mcpz_config_trouble *trouble)
{
    uint32_t *number = setting->key == MCPZ_KEY_STOP_SECONDS ? &config->stop_seconds
                                                             : &config->gate.server_per_second;

    (void)trouble;
    *number = (uint32_t)strtoul(*value, NULL, 10);
    return MCPZ_OK;
}

mcpz_error mcpz_config_store_rule(struct mcpz_config *config, const struct mcpz_setting *setting,
                                  char **value, struct mcpz_config_trouble *trouble)
{
    struct mcpz_rule rule;
    const char *fault = read_rule(setting, &rule);

    (void)value;
    assert(fault == NULL); /* it was checked when it was read */
    for (size_t i = 0; i < config->rule_count; i++) {
        if (strcmp(config->rules[i].pattern, rule.pattern) == 0) {
            return mcpz_config_refuse(trouble, setting->place,
                                      "\"%s\" is there twice: a pattern has one rule",
                                      rule.pattern);
        }
    }
    if (config->rule_count == MCPZ_RULES_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "more than %d", MCPZ_RULES_MAX);
    }
    struct mcpz_rule *grown = mcpz_rows_grow(config->rules, config->rule_count, sizeof(*grown));
    if (grown == NULL) {
        return MCPZ_ENOMEM;
    }
    config->rules = grown;
    config->rules[config->rule_count++] = rule;
    return MCPZ_OK;
}

/* ---- Showing it --------------------------------------------------------------------------- */

bool mcpz_config_gate_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                            size_t capacity)
{
    const struct mcpz_gate_config *gate = &config->gate;
    size_t used = 0;

    if (key == MCPZ_KEY_TENANT_LEVEL) {
        (void)snprintf(text, capacity, "%s", mcpz_level_word(gate->level_default));
    } else if (key == MCPZ_KEY_CALLS_PER_SECOND) {
        (void)snprintf(text, capacity, "%u", gate->server_per_second);
    } else if (key == MCPZ_KEY_STOP_SECONDS) {
        (void)snprintf(text, capacity, "%u", config->stop_seconds);
    } else if (key == MCPZ_KEY_TENANTS) {
        for (size_t i = 0; i < gate->tenant_count; i++) {
            used +=
                (size_t)snprintf(text + used, capacity - used, "%s%s=%s", i == 0 ? "" : ", ",
                                 gate->tenants[i].name, mcpz_level_word(gate->tenants[i].level));
            assert(used < capacity);
        }
    } else if (key == MCPZ_KEY_RULES) { /* `mcpz rules list` shows them whole */
        (void)snprintf(text, capacity, "%zu", config->rule_count);
    } else {
        return false;
    }
    return true;
}
