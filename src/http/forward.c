#include "http/forward.h"

#include <stdlib.h>

struct forward {
    struct mcpz_forwarded asked;
    struct mcpz_id nodes[MCPZ_OWNERS_MAX];
    size_t node_count;
    size_t next;                /* of the nodes */
    uint32_t code;              /* of the last that did not answer */
    mcpz_time patient_until_us; /* for somebody to be heard of */
};

bool mcpz_forward_is_there(struct mcpz_exchange *exchange, const struct mcpz_id *node)
{
    const struct mcpz_members *members =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members;

    return mcpz_id_equal(node, mcpz_engine_id(mcpz_exchange_engine(exchange))) ||
           mcpz_roster_is_there(&members->roster, node);
}

/* Ask the next that is there. False: there is none left. */
static bool ask_next(struct mcpz_exchange *exchange)
{
    struct forward *forward = exchange->state;
    const struct mcpz_forwarded *asked = &forward->asked;

    while (forward->next < forward->node_count) {
        const struct mcpz_id *node = &forward->nodes[forward->next++];
        if (mcpz_forward_is_there(exchange, node) &&
            mcpz_fellows_ask(exchange, node, asked->method, asked->path, asked->body,
                             asked->timeout_ms)) {
            return true;
        }
    }
    return false;
}

bool mcpz_forward_cannot_have_begun(uint32_t code)
{
    return code == MCPZ_CODE_NO_PROVIDER || code == MCPZ_CODE_NOT_OFFERED ||
           code == MCPZ_CODE_BUSY || code == MCPZ_CODE_OVERLOADED || code == MCPZ_CODE_DRAINING ||
           code == MCPZ_CODE_UNAVAILABLE || code == MCPZ_CODE_NO_TIME ||
           code == MCPZ_CODE_RATE_LIMITED;
}

/* Find out anew whom to ask, and ask the first. False: nobody is there. */
static bool ask_first(struct mcpz_exchange *exchange)
{
    struct forward *forward = exchange->state;

    forward->next = 0;
    forward->node_count = forward->asked.find(exchange, &forward->asked.document, forward->nodes);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* those who are asked have their time */
    return ask_next(exchange);
}

/* Look again in a while. False: that has been done long enough. */
static bool wait_a_while(struct mcpz_exchange *exchange)
{
    const struct forward *forward = exchange->state;
    const mcpz_time now = mcpz_api_now(exchange->api);

    if (now >= forward->patient_until_us) {
        return false;
    }
    exchange->deadline_us = now + MCPZ_FORWARD_LOOK_US;
    return true;
}

static void fail(struct mcpz_exchange *exchange)
{
    const struct forward *forward = exchange->state;

    if (forward->code == MCPZ_CODE_OK || mcpz_forward_cannot_have_begun(forward->code)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                           "%s cannot be reached: nothing was done", forward->asked.what);
    } else if (forward->asked.repeatable) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE, "%s did not answer",
                           forward->asked.what);
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT,
                           "%s did not answer, and it is not known whether this was done: look "
                           "before you repeat it",
                           forward->asked.what);
    }
}

static void work(struct mcpz_exchange *exchange)
{
    struct forward *forward = exchange->state;
    struct mcpz_id node;
    unsigned status = 0;
    json_t *json = NULL;
    size_t waiting = 0;

    if (!mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        return;
    }
    const bool has_nothing = status == mcpz_api_status_of(MCPZ_CODE_UNAVAILABLE); /* nor did it */
    if (status != 0 && !has_nothing) {
        mcpz_exchange_answer(exchange, status, json);
        return;
    }
    forward->code = has_nothing ? (uint32_t)MCPZ_CODE_UNAVAILABLE : exchange->fellow_code;
    const bool cannot_have = mcpz_forward_cannot_have_begun(forward->code);
    const bool may_go_on = forward->asked.repeatable || cannot_have;
    if ((may_go_on && ask_next(exchange)) || (cannot_have && wait_a_while(exchange))) {
        json_decref(json);
    } else if (has_nothing) {
        mcpz_exchange_answer(exchange, status, json); /* in its words */
    } else {
        json_decref(json);
        fail(exchange);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    if (!ask_first(exchange) && !wait_a_while(exchange)) {
        fail(exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct forward *forward = exchange->state;

    mcpz_fellows_forget(exchange);
    json_decref(forward->asked.body);
    free(forward);
}

static const struct mcpz_exchange_kind kind = {.work = work, .expire = expire, .finish = finish};

void mcpz_forward(struct mcpz_exchange *exchange, const struct mcpz_forwarded *forwarded)
{
    struct forward *forward = calloc(1, sizeof(*forward));

    if (forward == NULL) {
        json_decref(forwarded->body);
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "handing the request on");
        return;
    }
    forward->asked = *forwarded;
    forward->patient_until_us = mcpz_api_now(exchange->api) + MCPZ_FORWARD_PATIENCE_US;
    mcpz_exchange_wait(exchange, &kind, forward);
    if (!ask_first(exchange)) {
        (void)wait_a_while(exchange);
    }
}
