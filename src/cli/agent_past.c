#include "cli/agent_past.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/moment.h"
#include "cli/show.h"

#define PATH_BYTES_MAX 4096 /* of a place in a state, as it is shown */

/* ---- Moments ------------------------------------------------------------------------------ */

static uint64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum mcpz_exit mcpz_agent_moment_read(const struct mcpz_invocation *invocation, const char *text,
                                      struct mcpz_agent_moment *moment)
{
    const size_t length = strlen(text);

    *moment = (struct mcpz_agent_moment){.version = ""};
    if (strncmp(text, "v-", 2) == 0 && length >= MCPZ_AGENT_VERSION_CHARS_MIN &&
        length <= MCPZ_AGENT_VERSION_CHARS_MAX &&
        strspn(text + 2, "0123456789abcdef") == length - 2) {
        (void)snprintf(moment->version, sizeof(moment->version), "%s", text);
        return MCPZ_EXIT_OK;
    }
    if (mcpz_moment_read(text, wall_ms(), &moment->at_ms) != MCPZ_OK) {
        return mcpz_fail_usage(invocation,
                               "%s is no time: write it as 2026-11-30T09:15:00Z, or how long ago, "
                               "as 10m, or name a write, as v-1f0c2a3b (mcpz agent history)",
                               text);
    }
    return MCPZ_EXIT_OK;
}

struct mcpz_agent_moment mcpz_agent_moment_now(void)
{
    return (struct mcpz_agent_moment){.at_ms = wall_ms() + UINT64_C(86400000)};
}

void mcpz_agent_moment_query(const struct mcpz_agent_moment *moment,
                             char query[MCPZ_AGENT_QUERY_BYTES])
{
    if (moment->version[0] != '\0') {
        (void)snprintf(query, MCPZ_AGENT_QUERY_BYTES, "?at=%s", moment->version);
    } else {
        (void)snprintf(query, MCPZ_AGENT_QUERY_BYTES, "?at_ms=%" PRIu64, moment->at_ms);
    }
}

json_t *mcpz_agent_moment_body(const struct mcpz_agent_moment *moment)
{
    return moment->version[0] != '\0' ? json_pack("{s:s}", "at", moment->version)
                                      : json_pack("{s:I}", "at_ms", (json_int_t)moment->at_ms);
}

/* ---- Differences -------------------------------------------------------------------------- */

/* Put each leaf of `value` into `leaves` under its path, a JSON pointer (RFC 6901). */
static bool flatten(json_t *leaves, const char *path, json_t *value)
{
    const char *key;
    json_t *member;

    if (!json_is_object(value) || (json_object_size(value) == 0 && *path != '\0')) {
        return json_object_set(leaves, path, value) == 0;
    }
    json_object_foreach(value, key, member)
    {
        char below[PATH_BYTES_MAX];
        int length = snprintf(below, sizeof(below), "%s/", path);
        for (const char *at = key; *at != '\0' && (size_t)length + 3 < sizeof(below); at++) {
            bool escaped = *at == '~' || *at == '/';
            if (escaped) {
                below[length++] = '~';
            }
            below[length++] = (char)(!escaped ? *at : (*at == '~' ? '0' : '1'));
        }
        below[length] = '\0';
        if (!flatten(leaves, below, member)) {
            return false;
        }
    }
    return true;
}

/* {"path": P, "before": value, "after": value}, without the one that is not there. */
static json_t *make_difference(const char *path, json_t *before, json_t *after)
{
    return json_pack("{s:s, s:O*, s:O*}", "path", path, "before", before, "after", after);
}

json_t *mcpz_agent_compare(json_t *before, json_t *after)
{
    json_t *old_leaves = json_object();
    json_t *new_leaves = json_object();
    json_t *differences = json_array();
    const char *path;
    json_t *value;

    if (!flatten(old_leaves, "", before) || !flatten(new_leaves, "", after)) {
        json_decref(differences);
        differences = NULL;
    }
    json_object_foreach(old_leaves, path, value)
    {
        json_t *other = json_object_get(new_leaves, path);
        if (other == NULL || !json_equal(value, other)) {
            (void)json_array_append_new(differences, make_difference(path, value, other));
        }
    }
    json_object_foreach(new_leaves, path, value)
    {
        if (json_object_get(old_leaves, path) == NULL) {
            (void)json_array_append_new(differences, make_difference(path, NULL, value));
        }
    }
    json_decref(old_leaves);
    json_decref(new_leaves);
    return differences;
}

static void print_side(char sign, const json_t *difference, const char *member)
{
    json_t *value = json_object_get(difference, member);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    if (text != NULL) {
        (void)printf("%c ", sign);
        mcpz_print_clean(stdout, mcpz_show_text(difference, "path"));
        (void)fputs("  ", stdout);
        mcpz_print_clean(stdout, text);
        (void)putchar('\n');
    }
    free(text);
}

void mcpz_agent_print_differences(const json_t *differences)
{
    for (size_t i = 0; i < json_array_size(differences); i++) {
        print_side('-', json_array_get(differences, i), "before");
        print_side('+', json_array_get(differences, i), "after");
    }
}
