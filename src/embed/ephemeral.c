#include "embed/ephemeral.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REMOVE_FILES_OPEN 16 /* by nftw() */

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void mcpz_ephemeral_clear(const char *directory)
{
    (void)nftw(directory, remove_entry, REMOVE_FILES_OPEN, FTW_DEPTH | FTW_PHYS);
}

void mcpz_ephemeral_remove(char *path)
{
    if (path != NULL) {
        mcpz_ephemeral_clear(path);
        free(path);
    }
}

mcpz_error mcpz_ephemeral_make(struct mcpz_config *config, char **path,
                               struct mcpz_trouble *trouble)
{
    const char *parent = getenv("TMPDIR");
    char *made = NULL;

    *path = NULL;
    if (!config->ephemeral) {
        return MCPZ_OK;
    }
    if (asprintf(&made, "%s/mcpz-XXXXXX", parent != NULL && *parent != '\0' ? parent : "/tmp") <
        0) {
        mcpz_trouble_say(trouble, "out of memory");
        return MCPZ_ENOMEM;
    }
    if (mkdtemp(made) == NULL) {
        mcpz_trouble_say(trouble, "cannot make a temporary directory %s: %s", made,
                         strerror(errno));
        free(made);
        return MCPZ_EIO;
    }
    char *data = strdup(made);
    if (data == NULL) {
        mcpz_ephemeral_remove(made);
        mcpz_trouble_say(trouble, "out of memory");
        return MCPZ_ENOMEM;
    }
    free(config->data);
    config->data = data;
    *path = made;
    return MCPZ_OK;
}
