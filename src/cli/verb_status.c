#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/duration.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define LINE_BYTES 1024

static uint64_t number_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? (uint64_t)value : 0;
}

static double megabytes(uint64_t bytes)
{
    return (double)bytes / 1048576.0;
}

static void show_identity(const json_t *status)
{
    char line[LINE_BYTES];
    char uptime[MCPZ_DURATION_TEXT_BYTES];
    const json_t *roles = json_object_get(status, "roles");

    (void)snprintf(line, sizeof(line), "%s  \"%s\"", mcpz_show_text(status, "node"),
                   mcpz_show_text(status, "name"));
    mcpz_print_field("node", line);
    if (json_is_true(json_object_get(status, "joining"))) {
        mcpz_print_field("mesh", "waiting to be admitted");
    } else {
        mcpz_print_field("mesh", json_is_string(json_object_get(status, "mesh"))
                                     ? mcpz_show_text(status, "mesh")
                                     : "none");
    }
    (void)snprintf(line, sizeof(line), "%s / %s", mcpz_show_text(status, "region"),
                   mcpz_show_text(status, "zone"));
    mcpz_print_field("region / zone", line);
    for (size_t i = 0; i < json_array_size(roles); i++) {
        mcpz_print_field(i == 0 ? "roles" : "", json_string_value(json_array_get(roles, i)));
    }
    mcpz_print_field("address", mcpz_show_text(status, "address"));
    mcpz_duration_write(number_of(status, "uptime_s"), uptime);
    (void)snprintf(line, sizeof(line), "%s, up for %s", mcpz_show_text(status, "version"), uptime);
    mcpz_print_field("version", line);
}

/* What came of choosing providers, where something had to be done about them. */
static void show_router(const json_t *router)
{
    char line[LINE_BYTES];

    (void)snprintf(line, sizeof(line),
                   "%" PRIu64 " rules, %" PRIu64 " retries, %" PRIu64 " hedges, %" PRIu64
                   " moved from who hung",
                   number_of(router, "rules"), number_of(router, "retries"),
                   number_of(router, "hedges"), number_of(router, "moved"));
    mcpz_print_field("router", line);
    if (number_of(router, "breakers_open") + number_of(router, "breakers_half_open") +
            number_of(router, "ejected") >
        0) {
        (void)snprintf(line, sizeof(line),
                       "%" PRIu64 " breakers open, %" PRIu64 " half open, %" PRIu64
                       " providers ejected",
                       number_of(router, "breakers_open"), number_of(router, "breakers_half_open"),
                       number_of(router, "ejected"));
        mcpz_print_field("", line);
    }
    if (number_of(router, "budget_exhausted") > 0) {
        (void)snprintf(line, sizeof(line), "%" PRIu64 " times no retry was left to be spent",
                       number_of(router, "budget_exhausted"));
        mcpz_print_field("", line);
    }
}

/* Only where there was too much to do. */
static void show_turned_away(const json_t *gate)
{
    const json_t *classes = json_object_get(gate, "turned_away");
    char line[LINE_BYTES] = "";
    size_t used = 0;
    json_int_t sum = 0;

    for (size_t i = 0; i < json_array_size(classes) && used < sizeof(line); i++) {
        const json_int_t count = json_integer_value(json_array_get(classes, i));
        sum += count;
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%" JSON_INTEGER_FORMAT,
                                 i > 0 ? " " : "", count);
    }
    if (sum > 0) {
        mcpz_print_field("turned away", line);
        mcpz_print_field("", "calls, by importance: the most important first");
    }
}

static void show_numbers(const json_t *status)
{
    const json_t *tasks = json_object_get(status, "tasks");
    const json_t *store = json_object_get(status, "store");
    char line[LINE_BYTES];

    (void)snprintf(line, sizeof(line), "%" PRIu64 " alive, %" PRIu64 " linked",
                   number_of(status, "members"), number_of(status, "links"));
    mcpz_print_field("members", line);
    (void)snprintf(line, sizeof(line), "%" PRIu64, number_of(status, "capabilities"));
    mcpz_print_field("capabilities", line);
    (void)snprintf(line, sizeof(line), "%" PRIu64, number_of(status, "agents"));
    mcpz_print_field("agents", line);
    (void)snprintf(line, sizeof(line),
                   "%" PRIu64 " running, %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
                   " retried",
                   number_of(tasks, "running"), number_of(tasks, "done"),
                   number_of(tasks, "failed"), number_of(tasks, "retried"));
    mcpz_print_field("tasks", line);
    const json_t *durable = json_object_get(status, "durable");
    (void)snprintf(line, sizeof(line),
                   "%" PRIu64 " queued, %" PRIu64 " of them running, %" PRIu64
                   " kept for others, %" PRIu64 " dead letters",
                   number_of(durable, "ready") + number_of(durable, "later"),
                   number_of(durable, "running"), number_of(durable, "copies"),
                   number_of(durable, "dead"));
    mcpz_print_field("durable tasks", line);
    const json_t *gate = json_object_get(status, "gate");
    (void)snprintf(line, sizeof(line), "%" PRIu64 " running for others, %" PRIu64 " waiting",
                   number_of(gate, "running"), number_of(gate, "waiting"));
    mcpz_print_field("runs", line);
    show_router(json_object_get(status, "router"));
    show_turned_away(gate);
    (void)snprintf(line, sizeof(line), "%" PRIu64 " entries, %.1f of %.1f MB",
                   number_of(store, "entries"), megabytes(number_of(store, "used_bytes")),
                   megabytes(number_of(store, "map_bytes")));
    mcpz_print_field("store", line);
    (void)snprintf(line, sizeof(line), "%.1f MB, %.1f of it private",
                   megabytes(number_of(status, "rss_bytes")),
                   megabytes(number_of(status, "private_bytes")));
    mcpz_print_field("memory", line);
}

/* Only while it is being drained. */
static void show_drain(const json_t *status)
{
    const json_t *drain = json_object_get(status, "drain");
    const char *state = json_string_value(json_object_get(drain, "state"));
    char line[LINE_BYTES];

    if (state == NULL || strcmp(state, "serving") == 0) {
        return;
    }
    (void)snprintf(line, sizeof(line),
                   "%s: %" PRIu64 " of %" PRIu64 " linked nodes know, %" PRIu64
                   " runs and %" PRIu64 " tasks under way",
                   state, number_of(drain, "know"), number_of(drain, "links"),
                   number_of(drain, "runs"), number_of(drain, "tasks"));
    mcpz_print_field("drain", line);
}

/* At the bottom, where it is not scrolled away. */
static void show_health(const json_t *status)
{
    const json_t *health = json_object_get(status, "health");

    if (json_array_size(health) == 0) {
        mcpz_print_field("health", "good");
    }
    for (size_t i = 0; i < json_array_size(health); i++) {
        mcpz_print_field(i == 0 ? "health" : "", json_string_value(json_array_get(health, i)));
    }
}

static enum mcpz_exit show_status(const json_t *answer)
{
    show_identity(answer);
    show_numbers(answer);
    show_drain(answer);
    show_health(answer);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_status(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/status", show_status);
}

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_status, "status", "", 0, 0, "show how the node is",
    "What is wrong, if anything, stands at the bottom under \"health\".\n"
    "\n"
    "Examples:\n"
    "  mcpz status\n"
    "  mcpz status --json --data /var/lib/mcpz\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_status_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
