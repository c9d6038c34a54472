/* Having something done. */

#include <string.h>

#include "client/library.h"
#include "proto/call_msg.h"
#include "proto/code.h"
#include "proto/isolation.h"

void mcpz_client_asked_init(struct mcpz_client *client)
{
    for (uint32_t i = 0; i < MCPZ_CLIENT_CALLS_MAX; i++) {
        client->asked[i].next = i + 1 < MCPZ_CLIENT_CALLS_MAX ? i + 1 : MCPZ_CLIENT_NO_SLOT;
    }
    client->free_asked = 0;
}

static struct mcpz_client_asked *find(const struct mcpz_client *client, uint64_t id)
{
    uint32_t slot;

    return mcpz_index_get(&client->asked_by_id, id, &slot) ? &client->asked[slot] : NULL;
}

static void forget(struct mcpz_client *client, struct mcpz_client_asked *asked)
{
    (void)mcpz_index_remove(&client->asked_by_id, asked->id);
    *asked = (struct mcpz_client_asked){.next = client->free_asked};
    client->free_asked = (uint32_t)(asked - client->asked);
}

static struct mcpz_bytes text_or_none(const char *text)
{
    return mcpz_text(text != NULL ? text : "");
}

static bool fits(const struct mcpz_msg_open *open)
{
    return open->capability.length > 0 && open->capability.length <= MCPZ_CAPABILITY_BYTES_MAX &&
           open->params.length <= MCPZ_PARAMS_BYTES_MAX &&
           open->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX && open->priority <= MCPZ_PRIORITY_MAX &&
           open->tenant.length <= MCPZ_TENANT_BYTES_MAX &&
           open->traceparent.length <= MCPZ_TRACEPARENT_BYTES_MAX &&
           open->idempotency_key.length <= MCPZ_IDEMPOTENCY_KEY_BYTES_MAX;
}

static void note(struct mcpz_client *client, const struct mcpz_client_call *call, uint64_t id)
{
    uint32_t slot = client->free_asked;
    struct mcpz_client_asked *asked = &client->asked[slot];

    client->free_asked = asked->next;
    *asked = (struct mcpz_client_asked){
        .used = true,
        .id = id,
        .room = MCPZ_CALL_WINDOW_BYTES,
        .has_input = call->has_input,
        .on_output = call->on_output,
        .on_room = call->on_room,
        .on_end = call->on_end,
        .context = call->context,
    };
    mcpz_index_put(&client->asked_by_id, id, slot);
}

/* What is no word asks for more than anybody offers. */
static uint32_t isolation_of(const struct mcpz_client_call *call)
{
    static const char *const words[] = {"none", "degraded", "strict"};
    uint32_t isolation = MCPZ_ISOLATION_NONE;

    if (call->isolation == NULL) {
        return MCPZ_ISOLATION_UNSAID;
    }
    while (isolation < MCPZ_ISOLATION_END &&
           strcmp(call->isolation, words[isolation - MCPZ_ISOLATION_NONE]) != 0) {
        isolation++;
    }
    return isolation;
}

mcpz_error mcpz_client_call(struct mcpz_client *client, const struct mcpz_client_call *call,
                            uint64_t *id)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OPEN,
        .open = {.call = client->next_id + 1,
                 .capability = text_or_none(call->capability),
                 .timeout_ms = call->timeout_ms,
                 .attempt = 1,
                 .priority = call->priority > 0 ? call->priority : MCPZ_PRIORITY_DEFAULT,
                 .tenant = text_or_none(call->tenant),
                 .traceparent = text_or_none(call->traceparent),
                 .params = mcpz_bytes(call->params, call->params_length),
                 .has_input = call->has_input,
                 .idempotency_key = text_or_none(call->idempotency_key),
                 .idempotent = call->idempotent,
                 .isolation = isolation_of(call)},
    };

    if (!fits(&msg.open)) {
        return MCPZ_EPROTO;
    }
    if (client->free_asked == MCPZ_CLIENT_NO_SLOT) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_client_put(client, &msg);
    if (error != MCPZ_OK) {
        return error;
    }
    client->next_id++;
    note(client, call, client->next_id);
    if (id != NULL) {
        *id = client->next_id;
    }
    return MCPZ_OK;
}

/* In chunks; all or nothing as far as room goes. */
mcpz_error mcpz_client_input(struct mcpz_client *client, uint64_t call, const void *bytes,
                             size_t length)
{
    struct mcpz_client_asked *asked = find(client, call);
    struct mcpz_bytes left = mcpz_bytes(bytes, length);
    mcpz_error error = MCPZ_OK;

    if (asked == NULL || !asked->has_input) {
        return MCPZ_ENOTFOUND;
    }
    if (length > asked->room) {
        return MCPZ_EFULL;
    }
    while (left.length > 0 && error == MCPZ_OK) {
        size_t size = left.length < MCPZ_CHUNK_BYTES_MAX ? left.length : MCPZ_CHUNK_BYTES_MAX;
        error = mcpz_client_put(
            client, &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                                       .data = {.call = call,
                                                .from_caller = true,
                                                .chunk = mcpz_bytes(left.data, size)}});
        left = mcpz_bytes(left.data + size, left.length - size);
        asked->room -= error == MCPZ_OK ? size : 0;
    }
    return error;
}

mcpz_error mcpz_client_input_end(struct mcpz_client *client, uint64_t call)
{
    struct mcpz_client_asked *asked = find(client, call);

    if (asked == NULL || !asked->has_input) {
        return MCPZ_ENOTFOUND;
    }
    asked->has_input = false;
    return mcpz_client_put(client, &(struct mcpz_msg){.kind = MCPZ_MSG_END,
                                                      .end = {.call = call, .from_caller = true}});
}

mcpz_error mcpz_client_cancel(struct mcpz_client *client, uint64_t call)
{
    struct mcpz_client_asked *asked = find(client, call);

    if (asked == NULL) {
        return MCPZ_ENOTFOUND;
    }
    forget(client, asked);
    return mcpz_client_put(client,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = call}});
}

/* ---- What the node says ------------------------------------------------------------------- */

static void end(struct mcpz_client *client, struct mcpz_client_asked *asked, uint32_t code,
                struct mcpz_bytes text)
{
    const struct mcpz_client_asked over = *asked;
    char said[MCPZ_MESSAGE_BYTES_MAX + 1];

    forget(client, asked);
    if (over.on_end != NULL) {
        mcpz_bytes_to_text(text, said, sizeof(said));
        over.on_end(over.context, over.id, code, said);
    }
}

static void take_output(struct mcpz_client *client, struct mcpz_client_asked *asked,
                        struct mcpz_bytes chunk)
{
    uint64_t id = asked->id;

    asked->owed += (uint32_t)chunk.length;
    if (asked->on_output != NULL) {
        asked->on_output(asked->context, id, chunk.data, chunk.length);
        asked = find(client, id);
    }
    if (asked == NULL || asked->owed < MCPZ_CLIENT_CREDIT_BYTES) {
        return;
    }
    if (mcpz_client_put(client, &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                                   .credit = {.call = id,
                                                              .from_caller = true,
                                                              .bytes = asked->owed}}) == MCPZ_OK) {
        asked->owed = 0;
    }
}

static void take_room(struct mcpz_client_asked *asked, uint32_t bytes)
{
    size_t most = MCPZ_CALL_WINDOW_BYTES - asked->room;

    asked->room += bytes < most ? bytes : most;
    if (asked->on_room != NULL) {
        asked->on_room(asked->context, asked->id, asked->room);
    }
}

void mcpz_client_answered(struct mcpz_client *client, const struct mcpz_msg *msg)
{
    uint64_t id = 0;
    struct mcpz_client_asked *asked = mcpz_msg_call(msg, &id) ? find(client, id) : NULL;

    if (asked == NULL) {
        return; /* cancelled meanwhile */
    }
    if (msg->kind == MCPZ_MSG_DATA) {
        take_output(client, asked, msg->data.chunk);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        take_room(asked, msg->credit.bytes);
    } else if (msg->kind == MCPZ_MSG_END) {
        if (msg->end.chunk.length > 0) {
            take_output(client, asked, msg->end.chunk);
            asked = find(client, id); /* it may have been cancelled there */
        }
        if (asked != NULL) {
            end(client, asked, MCPZ_CODE_OK, mcpz_text(""));
        }
    } else {
        client->retry_after_ms = msg->fail.retry_after_ms;
        end(client, asked, msg->fail.code, msg->fail.text);
        client->retry_after_ms = 0;
    }
}

uint32_t mcpz_client_retry_after_ms(const struct mcpz_client *client)
{
    return client->retry_after_ms;
}

void mcpz_client_asked_lost(struct mcpz_client *client)
{
    for (size_t i = 0; i < MCPZ_CLIENT_CALLS_MAX; i++) {
        if (client->asked[i].used) {
            end(client, &client->asked[i], MCPZ_CODE_PROVIDER_LOST,
                mcpz_text("the connection to the node is gone"));
        }
    }
}
