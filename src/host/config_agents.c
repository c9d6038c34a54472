/* The keys of the configuration about agents: how long what was written is kept. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config_keys.h"

static const char forever[] = "forever";

/* In seconds, in digits. That a history of none is meant by 0 is not to be guessed. */
mcpz_error mcpz_config_read_history(const struct mcpz_setting *setting, char **value,
                                    struct mcpz_config_trouble *trouble)
{
    if (strcmp(setting->text, forever) == 0) {
        return mcpz_config_duplicate(forever, value);
    }
    if (strcmp(setting->text, "0") == 0) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "0 could mean all or nothing: write forever to keep all history "
                                  "of agents, or a length of time, as 7d");
    }
    return mcpz_config_read_length(setting, MCPZ_AGENTS_SECONDS_MAX, "; forever: all of it", value,
                                   trouble);
}

mcpz_error mcpz_config_read_away(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    return mcpz_config_read_length(setting, MCPZ_AGENTS_SECONDS_MAX, "", value, trouble);
}

mcpz_error mcpz_config_store_agents(struct mcpz_config *config, const struct mcpz_setting *setting,
                                    char **value, struct mcpz_config_trouble *trouble)
{
    (void)trouble;
    if (setting->key == MCPZ_KEY_AGENTS_GRACE) {
        config->grace_seconds = (uint32_t)strtoul(*value, NULL, 10);
    } else if (strcmp(*value, forever) == 0) {
        config->history_seconds = MCPZ_HISTORY_SECONDS_FOREVER;
    } else {
        config->history_seconds = (uint32_t)strtoul(*value, NULL, 10);
    }
    return MCPZ_OK;
}

/* In the largest unit that it is a whole number of. */
static void show_length(uint32_t seconds, char *text, size_t capacity)
{
    if (seconds % 86400 == 0) {
        (void)snprintf(text, capacity, "%" PRIu32 "d", seconds / 86400);
    } else if (seconds % 3600 == 0) {
        (void)snprintf(text, capacity, "%" PRIu32 "h", seconds / 3600);
    } else if (seconds % 60 == 0) {
        (void)snprintf(text, capacity, "%" PRIu32 "m", seconds / 60);
    } else {
        (void)snprintf(text, capacity, "%" PRIu32 "s", seconds);
    }
}

bool mcpz_config_agents_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                              size_t capacity)
{
    if (key == MCPZ_KEY_AGENTS_GRACE) {
        show_length(config->grace_seconds, text, capacity);
    } else if (key == MCPZ_KEY_AGENTS_HISTORY &&
               config->history_seconds == MCPZ_HISTORY_SECONDS_FOREVER) {
        (void)snprintf(text, capacity, "%s", forever);
    } else if (key == MCPZ_KEY_AGENTS_HISTORY) {
        show_length(config->history_seconds, text, capacity);
    } else {
        return false;
    }
    return true;
}
