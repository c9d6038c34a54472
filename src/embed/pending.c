#include "embed/pending.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/limits.h"

#define BLOCK_BYTES 131072
#define ALIGNMENT 16

struct record {
    size_t size; /* of it all, a multiple of ALIGNMENT */
    struct mcpz_msg msg;
    /* What `msg` points to follows. */
};

struct mcpz_pending_block {
    struct mcpz_pending_block *next;
    size_t start; /* of what is in it */
    size_t end;
    _Alignas(ALIGNMENT) uint8_t bytes[BLOCK_BYTES];
};

static_assert(sizeof(struct record) + MCPZ_TASK_ORDERS_MAX * sizeof(struct mcpz_task_order) +
                      MCPZ_TASK_ORDERS_BYTES_MAX + ALIGNMENT <=
                  BLOCK_BYTES,
              "so do as many orders as there may be");
static_assert(sizeof(struct record) +
                      MCPZ_CAPABILITIES_PER_NODE_MAX *
                          (MCPZ_CAPABILITY_BYTES_MAX + sizeof(struct mcpz_bytes)) +
                      MCPZ_MSG_BYTES_MAX + ALIGNMENT <=
                  BLOCK_BYTES,
              "any message fits an empty block");

static size_t rounded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- What messages point to --------------------------------------------------------------- */

#define SLICES_MAX 6

struct slice {
    struct mcpz_bytes *bytes;
    bool is_text;
};

/* The slices of `msg`, all but those of lists. Returns how many. */
static size_t find_slices(struct mcpz_msg *msg, struct slice *slices)
{
    switch ((int)msg->kind) {
    case MCPZ_MSG_OPEN:
        slices[0] = (struct slice){&msg->open.capability, true};
        slices[1] = (struct slice){&msg->open.tenant, true};
        slices[2] = (struct slice){&msg->open.traceparent, true};
        slices[3] = (struct slice){&msg->open.idempotency_key, true};
        slices[4] = (struct slice){&msg->open.params, false};
        slices[5] = (struct slice){&msg->open.target, false};
        return 6;
    case MCPZ_MSG_DATA:
        slices[0] = (struct slice){&msg->data.chunk, false};
        return 1;
    case MCPZ_MSG_END:
        slices[0] = (struct slice){&msg->end.chunk, false};
        return 1;
    case MCPZ_MSG_FAIL:
        slices[0] = (struct slice){&msg->fail.text, true};
        return 1;
    case MCPZ_MSG_HELLO:
    case MCPZ_MSG_CANCEL:
    case MCPZ_MSG_CREDIT:
    case MCPZ_MSG_CAPABILITIES:
    case MCPZ_MSG_TASK_SUBMIT:
        return 0;
    }
    assert(false); /* a program does not say that */
    return 0;
}

static size_t measure_lists(const struct mcpz_msg *msg)
{
    size_t size = 0;

    if (msg->kind == MCPZ_MSG_CAPABILITIES) {
        size = msg->capabilities.name_count * sizeof(struct mcpz_bytes);
        for (size_t i = 0; i < msg->capabilities.name_count; i++) {
            size += msg->capabilities.names[i].length;
        }
    } else if (msg->kind == MCPZ_MSG_TASK_SUBMIT) {
        size = msg->task_submit.order_count * sizeof(struct mcpz_task_order);
        for (size_t i = 0; i < msg->task_submit.order_count; i++) {
            size += mcpz_task_order_bytes(&msg->task_submit.orders[i].body);
        }
    }
    return size;
}

static size_t measure(const struct slice *slices, size_t slice_count, const struct mcpz_msg *msg)
{
    size_t size = sizeof(struct record);

    for (size_t i = 0; i < slice_count; i++) {
        size += slices[i].bytes->length;
    }
    return rounded(size + measure_lists(msg));
}

static bool is_sound(const struct slice *slices, size_t slice_count)
{
    for (size_t i = 0; i < slice_count; i++) {
        if (slices[i].is_text && !mcpz_bytes_is_utf8(*slices[i].bytes)) {
            return false;
        }
    }
    return true;
}

static void keep(struct mcpz_bytes *bytes, uint8_t **at)
{
    if (bytes->length > 0) {
        memcpy(*at, bytes->data, bytes->length);
    }
    bytes->data = *at;
    *at += bytes->length;
}

static void keep_names(struct mcpz_msg_capabilities *capabilities, uint8_t *at)
{
    struct mcpz_bytes *names = (struct mcpz_bytes *)(void *)at;

    at += capabilities->name_count * sizeof(names[0]);
    for (size_t i = 0; i < capabilities->name_count; i++) {
        names[i] = capabilities->names[i];
        keep(&names[i], &at);
    }
    capabilities->names = names;
}

static void keep_orders(struct mcpz_msg_task_submit *submit, uint8_t *at)
{
    struct mcpz_task_order *orders = (struct mcpz_task_order *)(void *)at;

    at += submit->order_count * sizeof(orders[0]);
    for (size_t i = 0; i < submit->order_count; i++) {
        struct mcpz_task_body *body = &orders[i].body;
        orders[i] = submit->orders[i];
        keep(&body->capability, &at);
        keep(&body->params, &at);
        keep(&body->input, &at);
        keep(&body->tenant, &at);
        keep(&body->key, &at);
        keep(&body->traceparent, &at);
    }
    submit->orders = orders;
}

/* ---- Blocks ------------------------------------------------------------------------------- */

/* Room at the end. NULL: there is no memory. */
static struct record *make_room(struct mcpz_pending *pending, size_t size)
{
    struct mcpz_pending_block *block = pending->last;

    if (block == NULL || BLOCK_BYTES - block->end < size) {
        block = malloc(sizeof(*block));
        if (block == NULL) {
            return NULL;
        }
        block->next = NULL;
        block->start = 0;
        block->end = 0;
        if (pending->last != NULL) {
            pending->last->next = block;
        } else {
            pending->first = block;
        }
        pending->last = block;
    }
    struct record *record = (struct record *)(void *)(block->bytes + block->end);
    block->end += size;
    return record;
}

mcpz_error mcpz_pending_put(struct mcpz_pending *pending, const struct mcpz_msg *msg)
{
    struct slice slices[SLICES_MAX];
    struct mcpz_msg copy = *msg;
    size_t slice_count = find_slices(&copy, slices);
    size_t size = measure(slices, slice_count, msg);
    assert(msg->kind != MCPZ_MSG_HELLO || msg->hello.certificate.length == 0);

    if (!is_sound(slices, slice_count)) {
        return MCPZ_EPROTO;
    }
    if (size > MCPZ_PENDING_BYTES_MAX - pending->bytes) {
        return MCPZ_EFULL;
    }
    struct record *record = make_room(pending, size);
    if (record == NULL) {
        return MCPZ_ENOMEM;
    }
    uint8_t *at = (uint8_t *)(record + 1);
    for (size_t i = 0; i < slice_count; i++) {
        keep(slices[i].bytes, &at);
    }
    if (copy.kind == MCPZ_MSG_CAPABILITIES) {
        keep_names(&copy.capabilities, at);
    } else if (copy.kind == MCPZ_MSG_TASK_SUBMIT) {
        keep_orders(&copy.task_submit, at);
    }
    record->size = size;
    record->msg = copy;
    pending->count++;
    pending->bytes += size;
    return MCPZ_OK;
}

static struct record *first_record(const struct mcpz_pending *pending)
{
    if (pending->count == 0) {
        return NULL;
    }
    assert(pending->first->start < pending->first->end);
    return (struct record *)(void *)(pending->first->bytes + pending->first->start);
}

const struct mcpz_msg *mcpz_pending_first(const struct mcpz_pending *pending)
{
    const struct record *record = first_record(pending);

    return record != NULL ? &record->msg : NULL;
}

void mcpz_pending_drop(struct mcpz_pending *pending)
{
    struct mcpz_pending_block *block = pending->first;
    const struct record *record = first_record(pending);
    assert(record != NULL);

    block->start += record->size;
    pending->bytes -= record->size;
    pending->count--;
    if (block->start < block->end) {
        return;
    }
    if (block == pending->last) { /* the next message finds it ready */
        block->start = 0;
        block->end = 0;
        return;
    }
    pending->first = block->next;
    free(block);
}

void mcpz_pending_clear(struct mcpz_pending *pending)
{
    while (pending->first != NULL) {
        struct mcpz_pending_block *block = pending->first;
        pending->first = block->next;
        free(block);
    }
    *pending = (struct mcpz_pending){.count = 0};
}
