#include "http/curl.h"

#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"
#include "host/log.h"

#define CURL_LIBRARY "libcurl.so.4"

#define NAME_OF(name) {"curl_" #name, offsetof(struct mcpz_curl, name)},

static const struct {
    const char *name;
    size_t offset;
} functions[] = {MCPZ_CURL_FUNCTIONS(NAME_OF)};

static_assert(sizeof(struct mcpz_curl) == MCPZ_ARRAY_LEN(functions) * sizeof(void *),
              "all of them, and nothing else");

const struct mcpz_curl *mcpz_curl(void)
{
    static struct mcpz_curl loaded;
    static void *library; /* stays */

    if (library != NULL) {
        return &loaded;
    }
    void *found = dlopen(CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (found == NULL) {
        mcpz_log(MCPZ_LOG_WARN, "mcp", "remote servers cannot be reached", "reason=\"%s\"",
                 dlerror());
        return NULL;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(functions); i++) {
        void *function = dlsym(found, functions[i].name);
        if (function == NULL) {
            mcpz_log(MCPZ_LOG_WARN, "mcp", "libcurl is too old", "missing=%s", functions[i].name);
            (void)dlclose(found);
            return NULL;
        }
        memcpy((char *)&loaded + functions[i].offset, &function, sizeof(function));
    }
    library = found;
    return &loaded;
}
