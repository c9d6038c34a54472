#include "http/agent_export.h"

#include <string.h>

/* `length` bytes of `message` are one. */
static void say(struct mcpz_agent_export *export, const struct mcpz_agent_export_sink *sink,
                size_t length)
{
    sink->add(sink->context, mcpz_bytes(export->message, length));
    export->said += 1 + length / MCPZ_AGENT_EXPORT_UNIT;
}

/* ---- Authors ------------------------------------------------------------------------------ */

/* Say who wrote what follows, unless it was said lately. */
static mcpz_error say_author(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                             const struct mcpz_agent_export_sink *sink,
                             const struct mcpz_id *author)
{
    uint64_t mark;
    size_t length = 0;

    memcpy(&mark, author->bytes, sizeof(mark));
    uint64_t *place = &export->told[mark % MCPZ_AGENT_EXPORT_TOLD];
    if (*place == mark) {
        return MCPZ_OK;
    }
    mcpz_error error =
        mcpz_engine_show_author(engine, author, export->message, sizeof(export->message), &length);
    if (error == MCPZ_OK) {
        say(export, sink, length);
        *place = mark;
    }
    return error;
}

/* ---- The base ----------------------------------------------------------------------------- */

static mcpz_error load_floor(const struct mcpz_store *store, const struct mcpz_id *document,
                             struct mcpz_record *record)
{
    *record = (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    return store->get(store->context, record);
}

/* All who signed the base, and all whose last delta lies behind it. */
static mcpz_error say_signers(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                              const struct mcpz_agent_export_sink *sink)
{
    struct mcpz_cosignature signatures[MCPZ_COSIGNATURES_MAX];
    struct mcpz_record record;

    mcpz_error error = load_floor(mcpz_engine_store(engine), &export->document, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    const size_t count = record.floor.agreed.signature_count;
    memcpy(signatures, record.floor.agreed.signatures, count * sizeof(signatures[0]));
    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error = say_author(export, engine, sink, &signatures[i].signer);
    }
    const struct mcpz_clock *clock = &export->deltas.floor.clock;
    for (size_t i = 0; i < clock->count && error == MCPZ_OK; i++) {
        error = say_author(export, engine, sink, &clock->versions[i].actor.node);
    }
    return error;
}

static mcpz_error say_base(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                           const struct mcpz_agent_export_sink *sink)
{
    const struct mcpz_base_part part = {export->document, export->root, export->base_index};
    size_t length = 0;
    mcpz_error error = export->base_index == 0 ? say_signers(export, engine, sink) : MCPZ_OK;

    if (error == MCPZ_OK) {
        error = mcpz_engine_show_base(engine, &part, export->message, sizeof(export->message),
                                      &length);
    } else if (error == MCPZ_ENOTFOUND) {
        return MCPZ_ECORRUPT; /* who signed is not known */
    }
    if (error == MCPZ_OK) {
        say(export, sink, length);
        export->base_index++;
    } else if (error == MCPZ_ENOTFOUND) {
        export->has_base = false; /* that was the last of it */
        return MCPZ_OK;
    }
    return error;
}

/* ---- Deltas ------------------------------------------------------------------------------- */

static mcpz_error say_delta(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                            const struct mcpz_agent_export_sink *sink)
{
    struct mcpz_record record;
    size_t length = 0;

    mcpz_error error = mcpz_delta_walk_next(&export->deltas, mcpz_engine_store(engine), &record);
    if (error != MCPZ_OK) {
        return error;
    }
    error = say_author(export, engine, sink, &record.delta.delta.actor.node);
    if (error == MCPZ_OK) {
        error = mcpz_engine_prove(engine, &record.delta.delta, export->message,
                                  sizeof(export->message), &length);
    }
    if (error == MCPZ_OK) {
        say(export, sink, length);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error; /* that is no end of the walk */
}

/* ---- All of it ---------------------------------------------------------------------------- */

static mcpz_error begin(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                        const struct mcpz_record_document *document)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record;

    export->is_open = false;
    export->document = document->id;
    mcpz_error error = mcpz_delta_walk_start(&export->deltas, store, document);
    if (error != MCPZ_OK) {
        return error;
    }
    export->is_open = true;
    export->base_index = 0;
    export->root = (struct mcpz_id){{0}};
    export->has_base = export->deltas.floor.exists;
    if (export->has_base) {
        error = load_floor(store, &export->document, &record);
        export->root = error == MCPZ_OK ? record.floor.agreed.root : export->root;
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
}

mcpz_error mcpz_agent_export_start(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                                   const struct mcpz_record_document *document)
{
    export->anew = 0;
    return begin(export, engine, document);
}

/* Since the last turn it may be gone, or its floor may have risen, and deltas that were to come
 * with it: then it is begun anew. */
static mcpz_error go_on(struct mcpz_agent_export *export, struct mcpz_engine *engine)
{
    static const struct mcpz_id none;
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record;

    mcpz_error error = load_floor(store, &export->document, &record);
    const struct mcpz_id root = error == MCPZ_OK ? record.floor.agreed.root : none;
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    record =
        (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = export->document}};
    error = store->get(store->context, &record);
    if (error != MCPZ_OK || mcpz_id_equal(&root, &export->root)) {
        return error;
    }
    return ++export->anew > MCPZ_AGENT_EXPORT_ANEW ? MCPZ_EFULL
                                                   : begin(export, engine, &record.document);
}

mcpz_error mcpz_agent_export_say(struct mcpz_agent_export *export, struct mcpz_engine *engine,
                                 size_t count, const struct mcpz_agent_export_sink *sink)
{
    mcpz_error error = export->is_open ? go_on(export, engine) : MCPZ_ENOTFOUND;

    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error =
            export->has_base ? say_base(export, engine, sink) : say_delta(export, engine, sink);
    }
    export->is_open = error == MCPZ_OK;
    return error;
}
