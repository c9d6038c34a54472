/* The keys that say how durable tasks are tried, waited for and kept: core/tasks.h. */

#include <stdio.h>
#include <stdlib.h>

#include "host/config_keys.h"

/* Where a key goes, in which unit, and within which bounds. */
struct task_key {
    size_t offset; /* of the mcpz_time in struct mcpz_node_timing; attempts are none */
    mcpz_time unit_us;
    uint32_t min;
    uint32_t max;
};

#define AT(member) offsetof(struct mcpz_node_timing, member)

static struct task_key row_of(enum mcpz_key key)
{
    const mcpz_time second_us = MCPZ_SECONDS(1);

    switch ((int)key) {
    case MCPZ_KEY_TASK_ATTEMPTS:
        return (struct task_key){AT(task_attempts), 0, 1, MCPZ_TASK_ATTEMPTS_MAX};
    case MCPZ_KEY_TASK_BACKOFF:
        return (struct task_key){AT(task_backoff_us), MCPZ_MS(1), 1, MCPZ_TASK_BACKOFF_MS_MAX};
    case MCPZ_KEY_TASK_TTL:
        return (struct task_key){AT(task_ttl_us), second_us, 0, MCPZ_TASK_KEPT_SECONDS_MAX};
    case MCPZ_KEY_TASK_LEASE:
        return (struct task_key){AT(task_lease_us), second_us, MCPZ_TASK_LEASE_SECONDS_MIN,
                                 MCPZ_TASK_SECONDS_MAX};
    case MCPZ_KEY_TASK_HOLD:
        return (struct task_key){AT(task_hold_us), second_us, 1, MCPZ_TASK_SECONDS_MAX};
    case MCPZ_KEY_TASK_GRACE:
        return (struct task_key){AT(task_grace_us), second_us, 1, MCPZ_TASK_SECONDS_MAX};
    case MCPZ_KEY_TASK_RETENTION:
        return (struct task_key){AT(task_retention_us), second_us, 1, MCPZ_TASK_KEPT_SECONDS_MAX};
    default:
        return (struct task_key){.max = 0}; /* another key */
    }
}

/* The offset was made by offsetof() on that very member. */
static mcpz_time *place_of(struct mcpz_node_timing *timing, const struct task_key *row)
{
    return (mcpz_time *)(void *)((char *)timing + row->offset);
}

mcpz_error mcpz_config_read_task(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    const struct task_key row = row_of(setting->key);

    return mcpz_config_read_number(setting, row.min, row.max, value, trouble);
}

mcpz_error mcpz_config_store_task(struct mcpz_config *config, const struct mcpz_setting *setting,
                                  char **value, struct mcpz_config_trouble *trouble)
{
    const struct task_key row = row_of(setting->key);
    uint32_t number = (uint32_t)strtoul(*value, NULL, 10);

    (void)trouble;
    if (setting->key == MCPZ_KEY_TASK_ATTEMPTS) {
        config->timing.task_attempts = number;
    } else {
        *place_of(&config->timing, &row) = number > 0 ? number * row.unit_us : MCPZ_TIME_NEVER;
    }
    return MCPZ_OK;
}

bool mcpz_config_task_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                            size_t capacity)
{
    const struct task_key row = row_of(key);
    struct mcpz_node_timing timing = config->timing;

    if (row.max == 0) {
        return false;
    }
    uint64_t number = timing.task_attempts;
    if (key != MCPZ_KEY_TASK_ATTEMPTS) {
        mcpz_time time_us = *place_of(&timing, &row);
        number = time_us != MCPZ_TIME_NEVER ? time_us / row.unit_us : 0;
    }
    (void)snprintf(text, capacity, "%llu", (unsigned long long)number);
    return true;
}
