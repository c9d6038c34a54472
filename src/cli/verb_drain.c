#include <stdio.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define TIMEOUT_MS_DEFAULT 30000

static enum mcpz_exit show(const struct mcpz_invocation *invocation, json_t *answer,
                           const char *words)
{
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        (void)puts(words);
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit resume(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, "DELETE", "/v1/drain", NULL, &answer);

    return status == MCPZ_EXIT_OK ? show(invocation, answer, "the node serves again") : status;
}

static enum mcpz_exit run_drain(const struct mcpz_invocation *invocation)
{
    uint64_t timeout_ms;
    json_t *answer;

    if (mcpz_option_is_given(invocation, "cancel")) {
        return resume(invocation);
    }
    enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", TIMEOUT_MS_DEFAULT, &timeout_ms);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    status = mcpz_ask_patiently(invocation, "POST", "/v1/drain",
                                json_pack("{s:I}", "timeout_ms", (json_int_t)timeout_ms),
                                timeout_ms, &answer);
    return status == MCPZ_EXIT_OK ? show(invocation, answer, "drained: the node ends") : status;
}

static const struct mcpz_option drain_options[] = {
    {"timeout", '\0', "TIME", "for what runs to end, e.g. 5m (30s)"},
    {"cancel", '\0', NULL, "serve again"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_drain, "drain", "", 0, 0, "stop the running node without anybody missing it",
    "It offers nothing any more, waits until the others know, refuses what comes so that\n"
    "it goes elsewhere at once, finishes what is under way, and ends. No task fails of it\n"
    "that another node can do. --cancel takes it back as long as the node is there.\n"
    "\n"
    "Examples:\n"
    "  mcpz drain\n"
    "  mcpz drain --timeout 10m\n"
    "  mcpz drain --cancel\n",
    MCPZ_OPTIONS(drain_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_drain_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
