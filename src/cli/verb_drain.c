#include <stdio.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"

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

enum mcpz_exit mcpz_run_drain(const struct mcpz_invocation *invocation)
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
