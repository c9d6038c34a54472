#include "exec/launch.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DEFAULT_LANG "C.UTF-8"

bool mcpz_environment_add(struct mcpz_environment *environment, const char *name,
                          const char *value)
{
    assert(environment->count < MCPZ_ENVIRONMENT_MAX);

    char *entry;
    if (asprintf(&entry, "%s=%s", name, value) < 0) {
        return false;
    }
    environment->entries[environment->count++] = entry;
    return true;
}

bool mcpz_environment_has(const struct mcpz_environment *environment, const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < environment->count; i++) {
        if (strncmp(environment->entries[i], name, length) == 0 &&
            environment->entries[i][length] == '=') {
            return true;
        }
    }
    return false;
}

bool mcpz_environment_add_number(struct mcpz_environment *environment, const char *name,
                                 uint64_t number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    return mcpz_environment_add(environment, name, text);
}

void mcpz_environment_finish(struct mcpz_environment *environment)
{
    for (size_t i = 0; i < environment->count; i++) {
        free(environment->entries[i]);
    }
    environment->count = 0;
}

static const char *ours_or(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

/* What was said before stays. */
static bool add_missing(struct mcpz_environment *environment, const char *name, const char *value)
{
    return mcpz_environment_has(environment, name) ||
           mcpz_environment_add(environment, name, value);
}

static bool add_common(struct mcpz_environment *environment, const char *workspace)
{
    return add_missing(environment, "PATH", ours_or("PATH", DEFAULT_PATH)) &&
           add_missing(environment, "LANG", ours_or("LANG", DEFAULT_LANG)) &&
           add_missing(environment, "HOME", workspace) &&
           add_missing(environment, "TMPDIR", workspace);
}

static mcpz_error start(struct mcpz_launch_site *site, const struct mcpz_launch *launch,
                        struct mcpz_environment *environment, const char *name,
                        struct mcpz_child *child)
{
    char workspace[PATH_MAX];

    int length = snprintf(workspace, sizeof(workspace), "%s/%s", site->directory, name);
    if (length < 0 || (size_t)length >= sizeof(workspace)) {
        errno = ENAMETOOLONG;
        return MCPZ_EIO;
    }
    if (!add_common(environment, workspace)) {
        errno = ENOMEM;
        return MCPZ_ENOMEM;
    }
    const struct mcpz_fence fence = {
        .machine = &site->machine,
        .provision = launch->provision,
        .workspace = workspace,
        .name = name,
        .cpu_seconds_max = launch->cpu_seconds_max,
        .endless = launch->endless,
        .turn = site->counter,
    };
    const struct mcpz_child_config config = {
        .command = launch->provision->provider.command,
        .environment = environment->entries,
        .root = site->directory,
        .workspace = workspace,
        .name = name,
        .cpu_seconds_max = launch->cpu_seconds_max,
        .fence = launch->provision->isolation != MCPZ_ISOLATION_NONE ? &fence : NULL,
        .plans = launch->plans,
    };
    return mcpz_child_start(&config, child);
}

mcpz_error mcpz_launch(struct mcpz_launch_site *site, const struct mcpz_launch *launch,
                       struct mcpz_environment *environment, char *workspace,
                       struct mcpz_child *child, const char **what)
{
    *what = "cannot make a workspace";
    mcpz_error error = mcpz_workspace_make(site->root, &site->counter, workspace);
    if (error != MCPZ_OK) {
        return error;
    }
    *what = "cannot start a process";
    error = start(site, launch, environment, workspace, child);
    if (error != MCPZ_OK) {
        int cause = errno;
        (void)mcpz_workspace_remove(site->root, workspace);
        errno = cause;
    }
    return error;
}
