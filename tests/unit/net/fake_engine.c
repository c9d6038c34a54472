#include "fake_engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "proto/limits.h"

struct mcpz_scratch {
    int nothing;
};

struct mcpz_lmdb {
    struct mcpz_lmdb_config config;
};

static struct mcpz_lmdb *newest_store;

/* ---- The store ---------------------------------------------------------------------------- */

mcpz_error mcpz_lmdb_open(const struct mcpz_lmdb_config *config, struct mcpz_lmdb **lmdb,
                          struct mcpz_kv *kv, struct mcpz_lmdb_trouble *trouble)
{
    (void)trouble;
    *kv = (struct mcpz_kv){.context = NULL};
    *lmdb = calloc(1, sizeof(**lmdb));
    assert(*lmdb != NULL);
    (*lmdb)->config = *config;
    newest_store = *lmdb;
    return MCPZ_OK;
}

bool mcpz_lmdb_is_vouched_for(const struct mcpz_lmdb *lmdb)
{
    (void)lmdb;
    return true;
}

bool mcpz_lmdb_is_set_back(const struct mcpz_lmdb *lmdb)
{
    (void)lmdb;
    return false;
}

void mcpz_lmdb_close(struct mcpz_lmdb *lmdb)
{
    free(lmdb);
}

void fake_store_notify(void)
{
    newest_store->config.notify(newest_store->config.notify_context);
}

mcpz_error mcpz_scratch_create(struct mcpz_scratch **scratch)
{
    *scratch = calloc(1, sizeof(**scratch));
    assert(*scratch != NULL);
    return MCPZ_OK;
}

void mcpz_scratch_destroy(struct mcpz_scratch *scratch)
{
    free(scratch);
}

/* ---- The engine --------------------------------------------------------------------------- */

mcpz_error mcpz_engine_create(const struct mcpz_engine_config *config,
                              const struct mcpz_engine_ports *ports, mcpz_time now,
                              uint64_t wall_ms, struct mcpz_engine **engine)
{
    (void)now;
    (void)wall_ms;
    struct mcpz_engine *made = calloc(1, sizeof(*made));
    assert(made != NULL);
    made->ports = *ports;
    made->deadline = MCPZ_TIME_NEVER;
    if (config->identity != NULL) {
        made->self = *mcpz_identity_id(config->identity);
    }
    *engine = made;
    return MCPZ_OK;
}

void mcpz_engine_destroy(struct mcpz_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (size_t i = 0; i < engine->in_count; i++) {
        free(engine->in[i].bytes);
    }
    for (size_t i = 0; i < engine->out_count; i++) {
        free(engine->out[i].bytes);
    }
    free(engine->pulled);
    free(engine);
}

void mcpz_engine_turn_begin(struct mcpz_engine *engine, mcpz_time now, uint64_t wall_ms)
{
    (void)now;
    (void)wall_ms;
    engine->in_turn = true;
    engine->turns++;
}

uint64_t mcpz_engine_turn_end(struct mcpz_engine *engine)
{
    assert(engine->in_turn);
    engine->in_turn = false;
    return 0;
}

void mcpz_engine_store_progress(struct mcpz_engine *engine)
{
    assert(!engine->in_turn);
    engine->progresses++;
}

void mcpz_engine_tick(struct mcpz_engine *engine)
{
    assert(engine->in_turn);
    engine->ticks++;
    engine->deadline = MCPZ_TIME_NEVER;
}

mcpz_time mcpz_engine_deadline(const struct mcpz_engine *engine)
{
    return engine->deadline;
}

mcpz_error mcpz_engine_link_opened(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                   const uint8_t *binding, struct mcpz_bytes dialled,
                                   mcpz_link *link)
{
    assert(engine->in_turn && engine->link_count < FAKE_LINKS_MAX);

    if (engine->link_opened_error != MCPZ_OK) {
        return engine->link_opened_error;
    }
    struct fake_link *opened = &engine->links[engine->link_count++];
    *opened = (struct fake_link){.peer = *peer};
    memcpy(opened->binding, binding, sizeof(opened->binding));
    mcpz_bytes_to_text(dialled, opened->dialled, sizeof(opened->dialled));
    if (engine->closes_new_links) {
        engine->ports.close(engine->ports.context, engine->link_count, "one too many");
    }
    *link = engine->link_count;
    return MCPZ_OK;
}

mcpz_error mcpz_engine_frame(struct mcpz_engine *engine, mcpz_link link, struct mcpz_bytes frame)
{
    assert(engine->in_turn && link >= 1 && link <= engine->link_count);
    assert(!engine->links[link - 1].is_closed);

    if (engine->frame_error != MCPZ_OK) {
        return engine->frame_error;
    }
    assert(engine->in_count < FAKE_FRAMES_MAX);
    struct fake_frame *kept = &engine->in[engine->in_count++];
    *kept = (struct fake_frame){.link = link, .length = frame.length};
    kept->bytes = malloc(frame.length + 1);
    assert(kept->bytes != NULL);
    memcpy(kept->bytes, frame.data, frame.length);
    return MCPZ_OK;
}

void mcpz_engine_link_closed(struct mcpz_engine *engine, mcpz_link link)
{
    assert(engine->in_turn && link >= 1 && link <= engine->link_count);
    assert(!engine->links[link - 1].is_closed);

    engine->links[link - 1].is_closed = true;
    engine->closed_count++;
}

void mcpz_engine_dial_failed(struct mcpz_engine *engine, struct mcpz_bytes address, bool refused)
{
    (void)refused;
    assert(engine->in_turn && engine->failure_count < FAKE_FAILURES_MAX);

    engine->refused[engine->failure_count] = refused;
    char *failure = engine->failures[engine->failure_count++];
    mcpz_bytes_to_text(address, failure, sizeof(engine->failures[0]));
}

struct mcpz_bytes mcpz_engine_pull(struct mcpz_engine *engine, mcpz_link link)
{
    struct fake_link *from = &engine->links[link - 1];

    if (from->is_endless) {
        free(engine->pulled);
        engine->pulled = calloc(1, MCPZ_FRAME_BYTES_MAX);
        from->pulled++;
        return mcpz_bytes(engine->pulled, MCPZ_FRAME_BYTES_MAX);
    }
    for (size_t i = 0; i < engine->out_count; i++) {
        struct fake_frame frame = engine->out[i];
        if (frame.link == link) {
            engine->out_count--;
            memmove(&engine->out[i], &engine->out[i + 1],
                    (engine->out_count - i) * sizeof(engine->out[0]));
            free(engine->pulled);
            engine->pulled = frame.bytes;
            from->pulled++;
            return mcpz_bytes(frame.bytes, frame.length);
        }
    }
    return mcpz_bytes(NULL, 0);
}

bool mcpz_engine_is_laden(const struct mcpz_engine *engine)
{
    (void)engine;
    return false;
}

bool mcpz_engine_has_frames(const struct mcpz_engine *engine, mcpz_link link)
{
    bool waits = engine->links[link - 1].is_endless;

    for (size_t i = 0; i < engine->out_count; i++) {
        waits = waits || engine->out[i].link == link;
    }
    return waits;
}

/* ---- What a test does --------------------------------------------------------------------- */

void fake_send(struct mcpz_engine *engine, mcpz_link link, const void *bytes, size_t length)
{
    assert(engine->out_count < FAKE_QUEUE_MAX);

    struct fake_frame *frame = &engine->out[engine->out_count++];
    *frame = (struct fake_frame){.link = link, .bytes = malloc(length), .length = length};
    assert(frame->bytes != NULL);
    memcpy(frame->bytes, bytes, length);
    engine->ports.wake(engine->ports.context, link);
}

void fake_dial(struct mcpz_loop *loop, const char *address, const struct mcpz_id *expected)
{
    struct mcpz_engine *engine = mcpz_loop_engine(loop);
    struct mcpz_action action = {.kind = MCPZ_ACTION_DIAL};

    action.dial.address = mcpz_text(address);
    if (expected != NULL) {
        action.dial.expected = *expected;
    }
    engine->ports.act(engine->ports.context, &action);
}

bool fake_turn_until(bool (*done)(const void *context), const void *context)
{
    struct ev_loop *ev = ev_default_loop(0);
    mcpz_time give_up = mcpz_clock_now() + (mcpz_time)(FAKE_DEADLINE_S * 1e6);

    while (!done(context)) {
        if (mcpz_clock_now() > give_up) {
            return false;
        }
        ev_run(ev, EVRUN_ONCE);
    }
    return true;
}
