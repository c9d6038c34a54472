#include "exec/provision.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What ends a word of a shell's command, for our purpose. */
static const char ends[] = " \t\n'\"`;|&()<>=$";

static bool is_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

/* The program that a shell would run for `word`. */
static bool find_program(const char *word, size_t length, char path[PATH_MAX])
{
    const char *directories = getenv("PATH");

    while (directories != NULL && *directories != '\0') {
        size_t end = strcspn(directories, ":");
        int written =
            snprintf(path, PATH_MAX, "%.*s/%.*s", (int)end, directories, (int)length, word);
        if (end > 0 && written > 0 && written < PATH_MAX && is_file(path) &&
            access(path, X_OK) == 0) {
            return true;
        }
        directories += end + (directories[end] == ':');
    }
    return false;
}

static mcpz_error keep(struct mcpz_provision *provision, const char *path)
{
    if (provision->named_count == MCPZ_PROVISION_NAMED_MAX) {
        return MCPZ_OK;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return MCPZ_ENOMEM;
    }
    provision->named[provision->named_count++] = copy;
    return MCPZ_OK;
}

/*
 * Who wrote "/home/ada/words.py" into a command wants that file to be run; who wrote "words", the
 * program of that name. Only files: a directory that is named, "cd /home/ada", may hold anything,
 * and wants to be said under `read`.
 */
static mcpz_error find_named(struct mcpz_provision *provision)
{
    char path[PATH_MAX];
    mcpz_error error = MCPZ_OK;

    for (const char *at = provision->provider.command; *at != '\0' && error == MCPZ_OK;) {
        at += strspn(at, ends);
        size_t length = strcspn(at, ends);
        if (length > 1 && length < sizeof(path) && at[0] == '/') {
            memcpy(path, at, length);
            path[length] = '\0';
            error = is_file(path) ? keep(provision, path) : MCPZ_OK;
        } else if (length > 0 && memchr(at, '/', length) == NULL &&
                   find_program(at, length, path) && strncmp(path, "/usr/", 5) != 0 &&
                   strncmp(path, "/bin/", 5) != 0 && strncmp(path, "/sbin/", 6) != 0) {
            error = keep(provision, path);
        }
        at += length;
    }
    return error;
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
