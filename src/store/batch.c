#include "store/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/limits.h"

static_assert(MCPZ_KEY_BYTES_MAX <= UINT16_MAX && MCPZ_SEALED_BYTES_MAX <= UINT32_MAX,
              "lengths of any write");

#define PLACE_BYTES 32 /* store/sorted.h: a row, and as much again where leaves are half full */

size_t mcpz_write_bytes(struct mcpz_bytes key, struct mcpz_bytes value)
{
    return sizeof(struct mcpz_write) + key.length + value.length + PLACE_BYTES;
}

struct mcpz_write *mcpz_write_create(struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct mcpz_write *write = malloc(sizeof(*write) + key.length + value.length);
    if (write == NULL) {
        return NULL;
    }

    *write = (struct mcpz_write){
        .key_length = (uint16_t)key.length,
        .value_length = (uint32_t)value.length,
    };
    memcpy(write->bytes, key.data, key.length);
    if (value.length > 0) {
        memcpy(write->bytes + key.length, value.data, value.length);
    }
    return write;
}

void mcpz_write_destroy(struct mcpz_write *write)
{
    free(write);
}

struct mcpz_batch *mcpz_batch_create(uint64_t number)
{
    struct mcpz_batch *batch = malloc(sizeof(*batch));
    if (batch != NULL) {
        *batch = (struct mcpz_batch){.number = number};
    }
    return batch;
}

void mcpz_batch_destroy(struct mcpz_batch *batch)
{
    if (batch == NULL) {
        return;
    }
    for (struct mcpz_write *write = batch->first; write != NULL;) {
        struct mcpz_write *next = write->next;
        mcpz_write_destroy(write);
        write = next;
    }
    free(batch);
}

void mcpz_batch_add(struct mcpz_batch *batch, struct mcpz_write *write, size_t bytes)
{
    assert(write->next == NULL);

    if (batch->last == NULL) {
        batch->first = write;
    } else {
        batch->last->next = write;
    }
    batch->last = write;
    batch->count++;
    batch->bytes += bytes;
}

void mcpz_batches_append(struct mcpz_batches *batches, struct mcpz_batch *batch)
{
    assert(batch->next == NULL);

    if (batches->last == NULL) {
        batches->first = batch;
    } else {
        batches->last->next = batch;
    }
    batches->last = batch;
}

void mcpz_batches_join(struct mcpz_batches *batches, struct mcpz_batches *more)
{
    if (more->first == NULL) {
        return;
    }
    if (batches->last == NULL) {
        batches->first = more->first;
    } else {
        batches->last->next = more->first;
    }
    batches->last = more->last;
    *more = (struct mcpz_batches){0};
}

struct mcpz_batch *mcpz_batches_take(struct mcpz_batches *batches)
{
    struct mcpz_batch *batch = batches->first;
    if (batch == NULL) {
        return NULL;
    }
    batches->first = batch->next;
    if (batches->first == NULL) {
        batches->last = NULL;
    }
    batch->next = NULL;
    return batch;
}

void mcpz_batches_destroy(struct mcpz_batches *batches)
{
    struct mcpz_batch *batch;
    while ((batch = mcpz_batches_take(batches)) != NULL) {
        mcpz_batch_destroy(batch);
    }
}
