#include "engine/replay.h"

#include <stdlib.h>

#include "core/crdt/document.h"
#include "core/crdt/install.h"
#include "engine/base.h"
#include "engine/engine.h"
#include "engine/persist.h"
#include "store/mem.h"
#include "wire/checkpoint.h"

struct mcpz_replay {
    struct mcpz_id document;
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_scratch *scratch;
    struct mcpz_persist persist;
    struct mcpz_store store;
};

/* Put the base into what is empty. */
static mcpz_error install(struct mcpz_replay *replay, struct mcpz_bytes bytes)
{
    struct mcpz_checkpoint_reader reader;
    struct mcpz_document document;

    mcpz_error error = mcpz_checkpoint_open(&reader, bytes, &replay->scratch->decode_arena);
    if (error == MCPZ_OK) {
        error = mcpz_document_load(&replay->store, &replay->document, &document);
    }
    if (error == MCPZ_OK) {
        error = mcpz_install(&replay->store, &document, &reader.checkpoint);
    }
    return error == MCPZ_OK || error == MCPZ_EIO ? error : MCPZ_ECORRUPT;
}

static mcpz_error begin(struct mcpz_replay *replay, const struct mcpz_store *source,
                        struct mcpz_floor *floor)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR,
                                 .floor = {.document = replay->document}};

    mcpz_error error = mcpz_floor_load(source, &replay->document, floor);
    if (error != MCPZ_OK || !floor->exists) {
        return error;
    }
    error = source->get(source->context, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    const uint64_t byte_count = record.floor.byte_count;
    uint8_t *bytes = byte_count <= MCPZ_BASE_BYTES_MAX ? malloc(byte_count) : NULL;
    if (bytes == NULL) {
        return byte_count <= MCPZ_BASE_BYTES_MAX ? MCPZ_ENOMEM : MCPZ_ECORRUPT;
    }
    error = mcpz_base_read(source, &replay->document, bytes, byte_count);
    if (error == MCPZ_OK) {
        error = install(replay, mcpz_bytes(bytes, byte_count));
    }
    mcpz_replay_rest(replay);
    free(bytes);
    return error;
}

mcpz_error mcpz_replay_create(const struct mcpz_store *source, const struct mcpz_id *document,
                              struct mcpz_floor *floor, struct mcpz_replay **replay)
{
    struct mcpz_replay *made = calloc(1, sizeof(*made));

    *replay = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->document = *document;
    mcpz_error error = mcpz_scratch_create(&made->scratch);
    if (error == MCPZ_OK) {
        error = mcpz_mem_create(&made->mem, &made->kv);
    }
    if (error == MCPZ_OK) {
        mcpz_persist_init(&made->persist, &made->kv, made->scratch, &made->store);
        error = begin(made, source, floor);
    }
    if (error != MCPZ_OK) {
        mcpz_replay_destroy(made);
        return error;
    }
    *replay = made;
    return MCPZ_OK;
}

void mcpz_replay_destroy(struct mcpz_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    if (replay->mem != NULL) {
        mcpz_mem_destroy(replay->mem);
    }
    mcpz_scratch_destroy(replay->scratch);
    free(replay);
}

mcpz_error mcpz_replay_apply(struct mcpz_replay *replay, const struct mcpz_delta *delta)
{
    struct mcpz_document document;
    struct mcpz_id delta_id;

    mcpz_error error = mcpz_document_load(&replay->store, &replay->document, &document);
    if (error != MCPZ_OK) {
        return error;
    }
    replay->store.delta_id(replay->store.context, delta, &delta_id);
    return mcpz_document_apply(&replay->store, &document, delta, &delta_id,
                               mcpz_hlc_to_ms(delta->hlc));
}

void mcpz_replay_rest(struct mcpz_replay *replay)
{
    const uint64_t batch = mcpz_persist_commit(&replay->persist);

    if (batch != 0) {
        mcpz_mem_sync(replay->mem, batch);
    }
    (void)replay->kv.progress(replay->kv.context);
}

const struct mcpz_store *mcpz_replay_store(const struct mcpz_replay *replay)
{
    return &replay->store;
}
