#include "client/library.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/call_msg.h"
#include "proto/code.h"

/* ---- Opening and closing ------------------------------------------------------------------ */

static void release(struct mcpz_client *client)
{
    free(client->asked);
    free(client->doing);
    free(client->offers);
    free(client->submitting);
    free(client->memory);
    free(client);
}

mcpz_error mcpz_client_create(const struct mcpz_client_carrier *carrier,
                              struct mcpz_client **client)
{
    struct mcpz_client *made = calloc(1, sizeof(*made));
    size_t size =
        mcpz_index_bytes(MCPZ_CLIENT_CALLS_MAX) + mcpz_index_bytes(MCPZ_CLIENT_TASKS_MAX);
    struct mcpz_arena arena;

    *client = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->carrier = *carrier;
    made->asked = calloc(MCPZ_CLIENT_CALLS_MAX, sizeof(made->asked[0]));
    made->doing = calloc(MCPZ_CLIENT_TASKS_MAX, sizeof(made->doing[0]));
    made->memory = malloc(size);
    if (made->asked == NULL || made->doing == NULL || made->memory == NULL) {
        release(made);
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init(&arena, made->memory, size);
    mcpz_index_init(&made->asked_by_id, MCPZ_CLIENT_CALLS_MAX, 0, &arena);
    mcpz_index_init(&made->doing_by_id, MCPZ_CLIENT_TASKS_MAX, 0, &arena);
    mcpz_client_asked_init(made);
    mcpz_client_doing_init(made);
    *client = made;
    return MCPZ_OK;
}

mcpz_error mcpz_client_greet(struct mcpz_client *client)
{
    return mcpz_client_put(client,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                              .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                        .version_max = MCPZ_PROTOCOL_MAX}});
}

void mcpz_client_close(struct mcpz_client *client)
{
    if (client == NULL) {
        return;
    }
    client->carrier.close(client->carrier.context);
    release(client);
}

int mcpz_client_fd(const struct mcpz_client *client)
{
    return client->carrier.fd;
}

bool mcpz_client_wants_to_write(const struct mcpz_client *client)
{
    return mcpz_client_has_orders(client) || client->carrier.has_waiting(client->carrier.context);
}

const char *mcpz_client_code(uint32_t code)
{
    return mcpz_code_word(code);
}

mcpz_error mcpz_client_put(struct mcpz_client *client, const struct mcpz_msg *msg)
{
    return client->broken ? MCPZ_EIO : client->carrier.put(client->carrier.context, msg);
}

void mcpz_client_break(struct mcpz_client *client)
{
    client->broken = true;
    mcpz_client_asked_lost(client);
    mcpz_client_submitted_lost(client);
}

/* ---- Messages ----------------------------------------------------------------------------- */

static mcpz_error take_hello(struct mcpz_client *client, const struct mcpz_msg_hello *hello)
{
    client->greeted = true;
    return hello->version_min > MCPZ_PROTOCOL_MAX || hello->version_max < MCPZ_PROTOCOL_MIN
               ? MCPZ_EVERSION
               : MCPZ_OK;
}

static mcpz_error take_refusal(const struct mcpz_msg_refuse *refuse)
{
    switch (refuse->code) {
    case MCPZ_CODE_CONFLICT:
        return MCPZ_ECONFLICT;
    case MCPZ_CODE_LIMIT:
        return MCPZ_EFULL;
    case MCPZ_CODE_VERSION:
        return MCPZ_EVERSION;
    default:
        return MCPZ_EPROTO;
    }
}

mcpz_error mcpz_client_take(struct mcpz_client *client, const struct mcpz_msg *msg)
{
    switch ((int)msg->kind) {
    case MCPZ_MSG_HELLO:
        return take_hello(client, &msg->hello);
    case MCPZ_MSG_REFUSE:
        return take_refusal(&msg->refuse);
    case MCPZ_MSG_TASK_TAKEN:
        return mcpz_client_taken(client, &msg->task_taken);
    case MCPZ_MSG_OPEN:
        return mcpz_client_begin(client, &msg->open);
    case MCPZ_MSG_DATA:
    case MCPZ_MSG_END:
    case MCPZ_MSG_FAIL:
    case MCPZ_MSG_CANCEL:
    case MCPZ_MSG_CREDIT:
        if (mcpz_msg_is_from_caller(msg)) { /* it is about a task of ours */
            mcpz_client_demanded(client, msg);
        } else {
            mcpz_client_answered(client, msg);
        }
        return MCPZ_OK;
    default:
        return MCPZ_OK; /* of a later version */
    }
}

/* ---- Working ------------------------------------------------------------------------------ */

mcpz_error mcpz_client_work(struct mcpz_client *client, int timeout_ms)
{
    assert(!client->working);

    if (client->broken) {
        return MCPZ_EIO;
    }
    client->working = true;
    mcpz_error error = mcpz_client_submit_all(client);
    if (error == MCPZ_OK) {
        error = client->carrier.exchange(client->carrier.context, timeout_ms);
    }
    if (error == MCPZ_ENOTFOUND) {
        error = MCPZ_ETIMEOUT;
    } else if (error != MCPZ_OK && !client->broken) {
        mcpz_client_break(client);
    }
    client->working = false;
    return error;
}
