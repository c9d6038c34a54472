#include "exec/provision.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What ends a word of a shell's command, for our purpose. */
static const char ends[] = " \t\n'\"`;|&()<>=$";

/*
 * Who wrote "/home/ada/words.py" into a command wants that file to be run. Only files: a directory
 * that is named, "cd /home/ada", may hold anything, and wants to be said under `read`.
 */
static mcpz_error find_named(struct mcpz_provision *provision)
{
    char path[PATH_MAX];
    struct stat facts;

    for (const char *at = provision->provider.command; *at != '\0';) {
        at += strspn(at, ends);
        size_t length = strcspn(at, ends);
        if (length > 1 && length < sizeof(path) && at[0] == '/' &&
            provision->named_count < MCPZ_PROVISION_NAMED_MAX) {
            memcpy(path, at, length);
            path[length] = '\0';
            if (stat(path, &facts) == 0 && S_ISREG(facts.st_mode)) {
                char *copy = strdup(path);
                if (copy == NULL) {
                    return MCPZ_ENOMEM;
                }
                provision->named[provision->named_count++] = copy;
            }
        }
        at += length;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_provision_init(struct mcpz_provision *provision,
                               const struct mcpz_service *provider, enum mcpz_isolation isolation)
{
    *provision = (struct mcpz_provision){.isolation = isolation};
    mcpz_error error = mcpz_service_copy(provider, &provision->provider);
    if (error == MCPZ_OK) {
        error = find_named(provision);
    }
    if (error != MCPZ_OK) {
        mcpz_provision_finish(provision);
    }
    return error;
}

void mcpz_provision_finish(struct mcpz_provision *provision)
{
    for (size_t i = 0; i < provision->named_count; i++) {
        free(provision->named[i]);
    }
    provision->named_count = 0;
    mcpz_service_finish(&provision->provider);
}
