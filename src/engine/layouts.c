/* Layouts of the storage: read for the core, signed and staged for people. */

#include <assert.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "engine/signed_layout.h"
#include "wire/placement_codec.h"

static bool open_layout(void *context, struct mcpz_bytes bytes, struct mcpz_arena *arena,
                        struct mcpz_placement *placement, struct mcpz_layout_stamp *stamp)
{
    const struct mcpz_engine *engine = context;
    struct mcpz_opened_layout opened;

    if (mcpz_signed_layout_open(bytes, &engine->mesh, arena, &opened) != MCPZ_OK) {
        return false;
    }
    *placement = opened.placement;
    *stamp = opened.stamp;
    return true;
}

struct mcpz_layout_opener mcpz_layouts_port(struct mcpz_engine *engine)
{
    return (struct mcpz_layout_opener){.context = engine, .open = open_layout};
}

bool mcpz_engine_holds_mesh_key(const struct mcpz_engine *engine)
{
    return engine->authority != NULL && !mcpz_id_is_zero(&engine->mesh) &&
           mcpz_id_equal(mcpz_identity_id(engine->authority), &engine->mesh);
}

/* Room for the layout signed, and for its bytes beside that while it is signed. */
static size_t room_for(const struct mcpz_placement *placement)
{
    return MCPZ_SIGNED_PLACEMENT_BYTES(
        MCPZ_PLACEMENT_BYTES(placement->node_count, placement->zone_count));
}

static mcpz_error sign(const struct mcpz_engine *engine, const struct mcpz_placement *placement,
                       uint8_t *bytes, size_t *length)
{
    const size_t room = room_for(placement);
    void *memory = malloc(room);
    struct mcpz_arena arena;

    if (memory == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init(&arena, memory, room);
    mcpz_error error =
        mcpz_signed_layout_make(engine->authority, placement, &arena, bytes, room, length);
    free(memory);
    return error;
}

static void forget_staged(struct mcpz_engine *engine)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_STAGED};

    engine->store.remove(engine->store.context, &record);
}

/* Is the layout known now? Then what was staged has become it. */
static bool is_newest(const struct mcpz_engine *engine, uint64_t version)
{
    const struct mcpz_live_layout *newest =
        mcpz_layout_history_newest(&engine->node.layouts.history);

    return newest != NULL && newest->stamp.version == version;
}

mcpz_error mcpz_engine_layout_apply(struct mcpz_engine *engine, uint64_t request,
                                    const struct mcpz_placement *placement)
{
    size_t length = 0;

    assert(engine->in_turn);
    assert(mcpz_placement_is_valid(placement));
    if (!mcpz_engine_holds_mesh_key(engine)) {
        return MCPZ_EAUTH;
    }
    uint8_t *bytes = malloc(room_for(placement));
    mcpz_error error = bytes == NULL ? MCPZ_ENOMEM : sign(engine, placement, bytes, &length);
    if (error == MCPZ_OK && length > MCPZ_LAYOUT_BYTES_MAX) {
        error = MCPZ_EFULL;
    }
    if (error == MCPZ_OK) {
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_LAYOUT,
            .layout = {.request = request, .bytes = mcpz_bytes(bytes, length)}};
        mcpz_engine_dispatch(engine, &event);
        if (is_newest(engine, placement->version)) {
            forget_staged(engine);
        }
    }
    free(bytes);
    return error;
}

mcpz_error mcpz_engine_layout_stage(struct mcpz_engine *engine, uint64_t request,
                                    const struct mcpz_placement *placement)
{
    size_t length = 0;

    assert(engine->in_turn);
    if (placement == NULL) {
        forget_staged(engine);
        mcpz_outbound_reply(engine, request, MCPZ_CODE_OK, "");
        return MCPZ_OK;
    }
    const size_t room = room_for(placement);
    uint8_t *bytes = malloc(room);
    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_placement_encode(placement, bytes, room, &length);
    if (error == MCPZ_OK && length + MCPZ_SIGNATURE_BYTES + 8 > MCPZ_LAYOUT_BYTES_MAX) {
        error = MCPZ_EFULL;
    }
    if (error == MCPZ_OK) {
        const struct mcpz_record record = {.kind = MCPZ_RECORD_STAGED,
                                           .staged = {.body = mcpz_bytes(bytes, length)}};
        engine->store.put(engine->store.context, &record);
        mcpz_outbound_reply(engine, request, MCPZ_CODE_OK, "");
    }
    free(bytes);
    return error;
}
