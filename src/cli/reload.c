#include "cli/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"
#include "embed/hosting.h"
#include "exec/pool.h"
#include "host/log.h"

#define KEYS_MAX 256 /* that are compared */

/* ---- What else has changed ---------------------------------------------------------------- */

struct comparison {
    char *keys[KEYS_MAX]; /* of the running configuration, and what they were */
    char *values[KEYS_MAX];
    size_t count;
};

static void remember(void *context, const char *key, const char *value, const char *origin)
{
    struct comparison *comparison = (struct comparison *)context;

    (void)origin;
    if (comparison->count < KEYS_MAX) {
        comparison->keys[comparison->count] = strdup(key);
        comparison->values[comparison->count++] = strdup(value != NULL ? value : "");
    }
}

/* What this module applies, what cannot change, and where a token was taken from. */
static bool is_settled(const char *key)
{
    return strncmp(key, "providers", 9) == 0 || strncmp(key, "mcp.", 4) == 0 ||
           strcmp(key, "tenants") == 0 || strcmp(key, "rules") == 0 ||
           strcmp(key, "limits.tenant_level") == 0 ||
           strcmp(key, "limits.calls_per_second") == 0 ||
           strcmp(key, "limits.stop_seconds") == 0 || strncmp(key, "agents.", 7) == 0 ||
           strncmp(key, "log", 3) == 0 || strcmp(key, "join") == 0 || strcmp(key, "data") == 0;
}

static void compare(void *context, const char *key, const char *value, const char *origin)
{
    const struct comparison *comparison = (const struct comparison *)context;

    for (size_t i = 0; i < comparison->count && !is_settled(key); i++) {
        const char *was = comparison->values[i];
        if (was != NULL && comparison->keys[i] != NULL && strcmp(comparison->keys[i], key) == 0 &&
            strcmp(was, value != NULL ? value : "") != 0) {
            mcpz_log(MCPZ_LOG_WARN, "config", "this change needs a restart",
                     "key=%s origin=\"%s\"", key, origin);
        }
    }
}

static void tell_restart(const struct mcpz_config *old, const struct mcpz_config *fresh)
{
    struct comparison comparison = {0};

    mcpz_config_walk(old, remember, &comparison);
    mcpz_config_walk(fresh, compare, &comparison);
    for (size_t i = 0; i < comparison.count; i++) {
        free(comparison.keys[i]);
        free(comparison.values[i]);
    }
}

/* ---- Providers ---------------------------------------------------------------------------- */

static const struct mcpz_service *find(const struct mcpz_config *config, const char *name)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        if (strcmp(config->providers[i].name, name) == 0) {
            return &config->providers[i];
        }
    }
    return NULL;
}

static void withdraw_gone(const struct mcpz_config *old, const struct mcpz_config *fresh,
                          struct mcpz_pool *pool)
{
    for (size_t i = 0; i < old->provider_count; i++) {
        const char *name = old->providers[i].name;
        if (find(fresh, name) == NULL && mcpz_pool_withdraw(pool, name) == MCPZ_OK) {
            mcpz_log(MCPZ_LOG_INFO, "config", "capability withdrawn", "name=%s", name);
        }
    }
}

static void provide_new(const struct mcpz_config *old, const struct mcpz_config *fresh,
                        struct mcpz_pool *pool)
{
    for (size_t i = 0; i < fresh->provider_count; i++) {
        const struct mcpz_service *provider = &fresh->providers[i];
        const struct mcpz_service *was = find(old, provider->name);
        if (was != NULL && mcpz_service_equal(was, provider)) {
            continue;
        }
        mcpz_error error = mcpz_pool_provide(pool, provider);
        mcpz_log(error == MCPZ_OK ? MCPZ_LOG_INFO : MCPZ_LOG_ERROR, "config",
                 error == MCPZ_OK ? "capability offered" : "capability cannot be offered",
                 "name=%s%s%s", provider->name,
                 error == MCPZ_OK ? "" : " reason=", error == MCPZ_OK ? "" : mcpz_strerror(error));
    }
}

/* ---- Taking over -------------------------------------------------------------------------- */

static void swap_text(char **a, char **b)
{
    char *kept = *a;

    *a = *b;
    *b = kept;
}

/* What was applied moves into the running configuration; the rest is as it was at the start. */
static void take_over(struct mcpz_config *config, struct mcpz_config *fresh)
{
    const struct mcpz_config kept = *config;

    config->providers = fresh->providers;
    config->provider_count = fresh->provider_count;
    config->rules = fresh->rules; /* looked at now and then: http/rule_book.h */
    config->rule_count = fresh->rule_count;
    config->mcp = fresh->mcp;
    config->gate = fresh->gate;
    config->stop_seconds = fresh->stop_seconds;
    config->history_seconds = fresh->history_seconds;
    config->grace_seconds = fresh->grace_seconds;
    fresh->providers = kept.providers;
    fresh->provider_count = kept.provider_count;
    fresh->rules = kept.rules;
    fresh->rule_count = kept.rule_count;
    fresh->mcp = kept.mcp;
    swap_text(&config->log_level, &fresh->log_level);
    swap_text(&config->log_format, &fresh->log_format);
    swap_text(&config->log_file, &fresh->log_file);
}

void mcpz_reload(const struct mcpz_invocation *invocation, struct mcpz_config *config,
                 struct mcpz_pool *pool, struct mcpz_hosting *hosting)
{
    static struct mcpz_config fresh; /* only in use during the call */
    struct mcpz_trouble trouble;

    mcpz_error error = mcpz_settings_read(invocation, true, &fresh, &trouble);
    if (error != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "config", "not reloaded: the old configuration stays",
                 "reason=\"%s\"", trouble.text);
        return;
    }
    error = mcpz_log_setup(fresh.log_level, fresh.log_format, fresh.log_file);
    if (error != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "config", "not reloaded: the log cannot be set up so",
                 "level=%s reason=\"%s\"", fresh.log_level, mcpz_strerror(error));
        mcpz_config_finish(&fresh);
        return;
    }
    withdraw_gone(config, &fresh, pool);
    provide_new(config, &fresh, pool);
    mcpz_pool_limit(pool, &fresh.gate);
    mcpz_hosting_apply(hosting, &fresh.mcp);
    tell_restart(config, &fresh);
    take_over(config, &fresh);
    mcpz_config_finish(&fresh);
    mcpz_log(MCPZ_LOG_INFO, "config", "reloaded", "%s", "");
}
