/* The keys of the configuration about the store and its copies. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config_keys.h"

static const char *const repair_words[] = {"auto", "always", "never"};

mcpz_error mcpz_config_read_repair(const struct mcpz_setting *setting, char **value,
                                   struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(repair_words); i++) {
        if (strcmp(setting->text, repair_words[i]) == 0) {
            return mcpz_config_duplicate(setting->text, value);
        }
    }
    return mcpz_config_refuse(trouble, setting->place, "\"%s\" must be auto, always or never",
                              mcpz_config_shown(setting->text, shown));
}

mcpz_error mcpz_config_read_length(const struct mcpz_setting *setting, uint32_t max,
                                   const char *hint, char **value,
                                   struct mcpz_config_trouble *trouble)
{
    static const char units[] = "smhd";
    static const uint64_t seconds[] = {1, 60, 3600, 86400};
    char shown[MCPZ_SHOWN_BYTES];
    char *end;

    const uint64_t number = strtoul(setting->text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (setting->text[0] < '1' || setting->text[0] > '9' || unit == NULL || end[1] != '\0') {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%s\" must be a length of time, as 30m, 6h or 1d%s",
                                  mcpz_config_shown(setting->text, shown), hint);
    }
    if (number > max || number * seconds[unit - units] > max) {
        return mcpz_config_refuse(trouble, setting->place, "is more than %u days", max / 86400);
    }
    const uint64_t length = number * seconds[unit - units];
    return asprintf(value, "%llu", (unsigned long long)length) < 0 ? MCPZ_ENOMEM : MCPZ_OK;
}

mcpz_error mcpz_config_read_every(const struct mcpz_setting *setting, char **value,
                                  struct mcpz_config_trouble *trouble)
{
    if (strcmp(setting->text, "0") == 0) {
        return mcpz_config_duplicate("0", value);
    }
    return mcpz_config_read_length(setting, MCPZ_SNAPSHOT_SECONDS_MAX, "; 0: never", value,
                                   trouble);
}

mcpz_error mcpz_config_read_keep(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    return mcpz_config_read_number(setting, 1, MCPZ_SNAPSHOTS_KEPT_MAX, value, trouble);
}

mcpz_error mcpz_config_store_store(struct mcpz_config *config, const struct mcpz_setting *setting,
                                   char **value, struct mcpz_config_trouble *trouble)
{
    (void)trouble;
    if (setting->key == MCPZ_KEY_STORE_COMPACT) {
        config->store_compact = strcmp(*value, "true") == 0;
    } else if (setting->key == MCPZ_KEY_BLOBS_REPAIR_AFTER) {
        config->blob_repair_seconds = (uint32_t)strtoul(*value, NULL, 10);
    } else if (setting->key == MCPZ_KEY_BLOBS_CLEAR_AFTER) {
        config->blob_clear_seconds = (uint32_t)strtoul(*value, NULL, 10);
    } else if (setting->key == MCPZ_KEY_SNAPSHOTS_EVERY) {
        config->snapshot_seconds = (uint32_t)strtoul(*value, NULL, 10);
    } else {
        config->snapshots_kept = (uint32_t)strtoul(*value, NULL, 10);
    }
    return MCPZ_OK;
}

bool mcpz_config_store_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                             size_t capacity)
{
    if (key == MCPZ_KEY_STORE_COMPACT) {
        (void)snprintf(text, capacity, "%s", config->store_compact ? "true" : "false");
    } else if (key == MCPZ_KEY_BLOBS_REPAIR_AFTER) {
        (void)snprintf(text, capacity, "%us", config->blob_repair_seconds);
    } else if (key == MCPZ_KEY_BLOBS_CLEAR_AFTER) {
        (void)snprintf(text, capacity, "%us", config->blob_clear_seconds);
    } else if (key == MCPZ_KEY_SNAPSHOTS_EVERY) {
        (void)snprintf(text, capacity, config->snapshot_seconds == 0 ? "0" : "%us",
                       config->snapshot_seconds);
    } else if (key == MCPZ_KEY_SNAPSHOTS_KEEP) {
        (void)snprintf(text, capacity, "%u", config->snapshots_kept);
    } else {
        return false;
    }
    return true;
}
