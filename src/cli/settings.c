#include "cli/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

bool mcpz_settings_file(const struct mcpz_invocation *invocation, char *path, size_t capacity)
{
    const char *named = mcpz_option_value(invocation, "config");

    if (named == NULL) {
        named = getenv("MCPZ_CONFIG");
    }
    if (named != NULL && *named != '\0') {
        int length = snprintf(path, capacity, "%s", named);
        return length > 0 && (size_t)length < capacity;
    }
    int length = snprintf(path, capacity, "%s/%s", invocation->data, MCPZ_SETTINGS_FILE);
    return length > 0 && (size_t)length < capacity && access(path, F_OK) == 0;
}

/* Of the command line itself, not of the configuration. */
static bool is_ours(const char *name)
{
    return strcmp(name, "config") == 0 || strcmp(name, "json") == 0 || strcmp(name, "help") == 0 ||
           strcmp(name, "origin") == 0;
}

static mcpz_error take_flags(const struct mcpz_invocation *invocation, bool is_again,
                             struct mcpz_config *config, struct mcpz_config_trouble *trouble)
{
    for (size_t i = 0; i < invocation->given_count; i++) {
        const struct mcpz_given *given = &invocation->given[i];
        const char *name = given->option->name;
        if (is_ours(name) || (is_again && strcmp(name, "join") == 0)) {
            continue;
        }
        mcpz_error error = mcpz_config_flag(config, name, given->value, trouble);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

/* With flags or without: whose they are says `how`. */
enum flags { FLAGS_OF_OTHERS, FLAGS_OURS, FLAGS_OURS_AGAIN };

static mcpz_error read_all(const struct mcpz_invocation *invocation, enum flags how,
                           struct mcpz_config *config, struct mcpz_config_trouble *trouble)
{
    char path[PATH_BYTES];
    mcpz_error error = MCPZ_OK;

    if (mcpz_settings_file(invocation, path, sizeof(path))) {
        error = mcpz_config_read_file(config, path, trouble);
    }
    if (error == MCPZ_OK) {
        error = mcpz_config_read_environment(config, trouble);
    }
    if (error == MCPZ_OK && how != FLAGS_OF_OTHERS) {
        error = take_flags(invocation, how == FLAGS_OURS_AGAIN, config, trouble);
    }
    if (error == MCPZ_OK) {
        error = mcpz_config_settle(config, trouble);
    }
    return error;
}

static mcpz_error read_settings(const struct mcpz_invocation *invocation, enum flags how,
                                struct mcpz_config *config, struct mcpz_trouble *trouble)
{
    struct mcpz_config_trouble why = {.text = ""};
    mcpz_error error = mcpz_config_init(config);

    if (error == MCPZ_OK) {
        error = read_all(invocation, how, config, &why);
    }
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "%s", why.text[0] != '\0' ? why.text : mcpz_strerror(error));
        mcpz_config_finish(config);
    }
    return error;
}

mcpz_error mcpz_settings_read(const struct mcpz_invocation *invocation, bool is_again,
                              struct mcpz_config *config, struct mcpz_trouble *trouble)
{
    return read_settings(invocation, is_again ? FLAGS_OURS_AGAIN : FLAGS_OURS, config, trouble);
}

mcpz_error mcpz_settings_read_said(const struct mcpz_invocation *invocation,
                                   struct mcpz_config *config, struct mcpz_trouble *trouble)
{
    return read_settings(invocation, FLAGS_OF_OTHERS, config, trouble);
}
