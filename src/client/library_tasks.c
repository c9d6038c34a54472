/* Doing something. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/library.h"
#include "proto/call_msg.h"
#include "proto/code.h"

void mcpz_client_doing_init(struct mcpz_client *client)
{
    for (uint32_t i = 0; i < MCPZ_CLIENT_TASKS_MAX; i++) {
        client->doing[i].next = i + 1 < MCPZ_CLIENT_TASKS_MAX ? i + 1 : MCPZ_CLIENT_NO_SLOT;
    }
    client->free_doing = 0;
}

static struct mcpz_client_doing *find(const struct mcpz_client *client, uint64_t id)
{
    uint32_t slot;

    return mcpz_index_get(&client->doing_by_id, id, &slot) ? &client->doing[slot] : NULL;
}

static void forget(struct mcpz_client *client, struct mcpz_client_doing *doing)
{
    (void)mcpz_index_remove(&client->doing_by_id, doing->id);
    *doing = (struct mcpz_client_doing){.next = client->free_doing};
    client->free_doing = (uint32_t)(doing - client->doing);
}

/* ---- Offers ------------------------------------------------------------------------------- */

static uint32_t find_offer(const struct mcpz_client *client, struct mcpz_bytes name)
{
    for (uint32_t i = 0; i < MCPZ_CAPABILITIES_PER_NODE_MAX && client->offers != NULL; i++) {
        if (client->offers[i].name[0] != '\0' &&
            mcpz_bytes_equal(mcpz_text(client->offers[i].name), name)) {
            return i;
        }
    }
    return MCPZ_CLIENT_NO_SLOT;
}

static mcpz_error tell_offers(struct mcpz_client *client)
{
    struct mcpz_bytes names[MCPZ_CAPABILITIES_PER_NODE_MAX];
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        if (client->offers[i].name[0] != '\0') {
            names[count++] = mcpz_text(client->offers[i].name);
        }
    }
    return mcpz_client_put(client,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_CAPABILITIES,
                                              .capabilities = {.version = ++client->offers_version,
                                                               .names = names,
                                                               .name_count = count}});
}

static bool make_offers(struct mcpz_client *client)
{
    if (client->offers == NULL) {
        client->offers = calloc(MCPZ_CAPABILITIES_PER_NODE_MAX, sizeof(client->offers[0]));
    }
    return client->offers != NULL;
}

/* One whose tasks are all over: their slots name their offer by its index. */
static uint32_t find_free_offer(const struct mcpz_client *client)
{
    for (uint32_t i = 0; i < MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        if (client->offers[i].name[0] == '\0' && client->offers[i].provider.on_task == NULL) {
            return i;
        }
    }
    return MCPZ_CLIENT_NO_SLOT;
}

mcpz_error mcpz_client_provide(struct mcpz_client *client, const char *name,
                               const struct mcpz_client_provider *provider)
{
    size_t length = strlen(name);

    if (length == 0 || length > MCPZ_CAPABILITY_BYTES_MAX ||
        !mcpz_bytes_is_utf8(mcpz_text(name))) {
        return MCPZ_EPROTO;
    }
    if (find_offer(client, mcpz_text(name)) != MCPZ_CLIENT_NO_SLOT) {
        return MCPZ_ECONFLICT;
    }
    if (!make_offers(client)) {
        return MCPZ_ENOMEM;
    }
    uint32_t slot = find_free_offer(client);
    if (slot == MCPZ_CLIENT_NO_SLOT) {
        return MCPZ_EFULL;
    }
    memcpy(client->offers[slot].name, name, length + 1);
    client->offers[slot].provider = *provider;
    return tell_offers(client);
}

static bool is_in_use(const struct mcpz_client *client, uint32_t offer)
{
    for (size_t i = 0; i < MCPZ_CLIENT_TASKS_MAX; i++) {
        if (client->doing[i].used && client->doing[i].offer == offer) {
            return true;
        }
    }
    return false;
}

mcpz_error mcpz_client_withdraw(struct mcpz_client *client, const char *name)
{
    uint32_t slot = find_offer(client, mcpz_text(name));

    if (slot == MCPZ_CLIENT_NO_SLOT) {
        return MCPZ_ENOTFOUND;
    }
    client->offers[slot].name[0] = '\0';
    if (!is_in_use(client, slot)) {
        client->offers[slot].provider.on_task = NULL;
    }
    return tell_offers(client);
}

/* The last task of an offer that was withdrawn: its place is free. */
static void end(struct mcpz_client *client, struct mcpz_client_doing *doing)
{
    uint32_t offer = doing->offer;

    forget(client, doing);
    if (client->offers[offer].name[0] == '\0' && !is_in_use(client, offer)) {
        client->offers[offer].provider.on_task = NULL;
    }
}

/* ---- What the node says ------------------------------------------------------------------- */

static mcpz_error refuse(struct mcpz_client *client, uint64_t call, uint32_t code,
                         const char *text)
{
    return mcpz_client_put(
        client, &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                   .fail = {.call = call, .code = code, .text = mcpz_text(text)}});
}

mcpz_error mcpz_client_begin(struct mcpz_client *client, const struct mcpz_msg_open *open)
{
    uint32_t offer = find_offer(client, open->capability);
    uint32_t slot = client->free_doing;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char traceparent[MCPZ_TRACEPARENT_BYTES_MAX + 1];
    char key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];

    if (offer == MCPZ_CLIENT_NO_SLOT || find(client, open->call) != NULL) {
        return refuse(client, open->call, MCPZ_CODE_NOT_OFFERED, "it is not offered any more");
    }
    if (slot == MCPZ_CLIENT_NO_SLOT) {
        return refuse(client, open->call, MCPZ_CODE_BUSY, "the program has too much to do");
    }
    assert(client->doing != NULL);
    struct mcpz_client_doing *doing = &client->doing[slot];
    client->free_doing = doing->next;
    *doing = (struct mcpz_client_doing){
        .used = true, .id = open->call, .room = MCPZ_CALL_WINDOW_BYTES, .offer = offer};
    mcpz_index_put(&client->doing_by_id, open->call, slot);

    mcpz_bytes_to_text(open->tenant, tenant, sizeof(tenant));
    mcpz_bytes_to_text(open->traceparent, traceparent, sizeof(traceparent));
    mcpz_bytes_to_text(open->idempotency_key, key, sizeof(key));
    const struct mcpz_client_provider *provider = &client->offers[offer].provider;
    provider->on_task(provider->context, &(struct mcpz_client_task){
                                             .task = open->call,
                                             .capability = client->offers[offer].name,
                                             .params = open->params.data,
                                             .params_length = open->params.length,
                                             .has_input = open->has_input,
                                             .timeout_ms = open->timeout_ms,
                                             .priority = open->priority,
                                             .tenant = tenant,
                                             .traceparent = traceparent,
                                             .idempotency_key = key,
                                             .levels = open->levels,
                                         });
    return MCPZ_OK;
}

static void take_input(struct mcpz_client *client, struct mcpz_client_doing *doing,
                       const struct mcpz_client_provider *provider, struct mcpz_bytes chunk)
{
    uint64_t id = doing->id;

    doing->owed += (uint32_t)chunk.length;
    if (provider->on_input != NULL) {
        provider->on_input(provider->context, id, chunk.data, chunk.length);
        doing = find(client, id);
    }
    if (doing == NULL || doing->owed < MCPZ_CLIENT_CREDIT_BYTES) {
        return;
    }
    if (mcpz_client_put(
            client, &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                       .credit = {.call = id, .bytes = doing->owed}}) == MCPZ_OK) {
        doing->owed = 0;
    }
}

static void take_room(struct mcpz_client_doing *doing, const struct mcpz_client_provider *provider,
                      uint32_t bytes)
{
    size_t most = MCPZ_CALL_WINDOW_BYTES - doing->room;

    doing->room += bytes < most ? bytes : most;
    if (provider->on_room != NULL) {
        provider->on_room(provider->context, doing->id, doing->room);
    }
}

void mcpz_client_demanded(struct mcpz_client *client, const struct mcpz_msg *msg)
{
    uint64_t id = 0;
    struct mcpz_client_doing *doing = mcpz_msg_call(msg, &id) ? find(client, id) : NULL;

    if (doing == NULL) {
        return; /* it is over already */
    }
    const struct mcpz_client_provider provider = client->offers[doing->offer].provider;
    if (msg->kind == MCPZ_MSG_DATA) {
        take_input(client, doing, &provider, msg->data.chunk);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        take_room(doing, &provider, msg->credit.bytes);
    } else if (msg->kind == MCPZ_MSG_END) {
        if (provider.on_input != NULL) {
            provider.on_input(provider.context, doing->id, NULL, 0);
        }
    } else {
        end(client, doing);
        if (provider.on_cancel != NULL) {
            provider.on_cancel(provider.context, id);
        }
    }
}

/* ---- What the program says ---------------------------------------------------------------- */

mcpz_error mcpz_client_reply(struct mcpz_client *client, uint64_t task, const void *bytes,
                             size_t length)
{
    struct mcpz_client_doing *doing = find(client, task);
    struct mcpz_bytes left = mcpz_bytes(bytes, length);
    mcpz_error error = MCPZ_OK;

    if (doing == NULL) {
        return MCPZ_ENOTFOUND;
    }
    if (length > doing->room) {
        return MCPZ_EFULL;
    }
    while (left.length > 0 && error == MCPZ_OK) {
        size_t size = left.length < MCPZ_CHUNK_BYTES_MAX ? left.length : MCPZ_CHUNK_BYTES_MAX;
        error = mcpz_client_put(
            client,
            &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                               .data = {.call = task, .chunk = mcpz_bytes(left.data, size)}});
        left = mcpz_bytes(left.data + size, left.length - size);
        doing->room -= error == MCPZ_OK ? size : 0;
    }
    return error;
}

static mcpz_error finish(struct mcpz_client *client, uint64_t task, struct mcpz_bytes bytes,
                         bool plan)
{
    size_t length = bytes.length;
    struct mcpz_client_doing *doing = find(client, task);
    mcpz_error error = MCPZ_OK;

    if (doing == NULL) {
        return MCPZ_ENOTFOUND;
    }
    /* What fits the last message goes with it. */
    if (length > MCPZ_CHUNK_BYTES_MAX) {
        error = mcpz_client_reply(client, task, bytes.data, length);
        length = 0;
    }
    if (error == MCPZ_OK && length > doing->room) {
        error = MCPZ_EFULL;
    }
    if (error == MCPZ_OK) {
        error = mcpz_client_put(
            client,
            &(struct mcpz_msg){
                .kind = MCPZ_MSG_END,
                .end = {.call = task, .chunk = mcpz_bytes(bytes.data, length), .plan = plan}});
    }
    if (error == MCPZ_OK) {
        end(client, doing);
    }
    return error;
}

mcpz_error mcpz_client_finish(struct mcpz_client *client, uint64_t task, const void *bytes,
                              size_t length)
{
    return finish(client, task, mcpz_bytes(bytes, length), false);
}

mcpz_error mcpz_client_split(struct mcpz_client *client, uint64_t task, const void *plan,
                             size_t length)
{
    return length > 0 && length <= MCPZ_PLAN_BYTES_MAX
               ? finish(client, task, mcpz_bytes(plan, length), true)
               : MCPZ_EPROTO;
}

/* As much of the text as a message holds, cut between characters. */
static struct mcpz_bytes cut(const char *text)
{
    struct mcpz_bytes whole = mcpz_text(text);

    if (whole.length > MCPZ_MESSAGE_BYTES_MAX) {
        whole.length = MCPZ_MESSAGE_BYTES_MAX;
        while (whole.length > 0 && (whole.data[whole.length] & 0xc0) == 0x80) {
            whole.length--;
        }
    }
    return mcpz_bytes_is_utf8(whole) ? whole : mcpz_text("the program failed");
}

mcpz_error mcpz_client_fail(struct mcpz_client *client, uint64_t task, const char *text)
{
    struct mcpz_client_doing *doing = find(client, task);

    if (doing == NULL) {
        return MCPZ_ENOTFOUND;
    }
    end(client, doing);
    return mcpz_client_put(
        client, &(struct mcpz_msg){
                    .kind = MCPZ_MSG_FAIL,
                    .fail = {.call = task, .code = MCPZ_CODE_PROVIDER_FAILED, .text = cut(text)}});
}
