#include "core/task_book.h"

#include <assert.h>

#include "base/hash.h"
#include "proto/limits.h"

void mcpz_task_book_init(struct mcpz_task_book *book, const struct mcpz_store *store,
                         const struct mcpz_id *self)
{
    *book = (struct mcpz_task_book){.store = store, .self = *self};
}

uint64_t mcpz_task_book_group(struct mcpz_bytes capability)
{
    return mcpz_hash_bytes(capability, 0);
}

/* ---- Reading and writing ------------------------------------------------------------------ */

static mcpz_error read_record(struct mcpz_task_book *book, struct mcpz_record *record)
{
    mcpz_error error = book->store->get(book->store->context, record);

    book->failures += error != MCPZ_OK && error != MCPZ_ENOTFOUND;
    return error;
}

static void put(struct mcpz_task_book *book, const struct mcpz_record *record)
{
    book->store->put(book->store->context, record);
}

static void discard(struct mcpz_task_book *book, const struct mcpz_record *record)
{
    book->store->remove(book->store->context, record);
}

mcpz_error mcpz_task_book_state(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                                struct mcpz_task_state *state)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_STATE, .task_state = {.id = *id}};
    mcpz_error error = read_record(book, &record);

    if (error == MCPZ_OK) {
        *state = record.task_state.state;
    }
    return error;
}

mcpz_error mcpz_task_book_body(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                               struct mcpz_task_body *body)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK, .task = {.id = *id}};
    mcpz_error error = read_record(book, &record);

    if (error == MCPZ_OK) {
        *body = record.task.body;
    }
    return error;
}

static struct mcpz_record key_record(const struct mcpz_task_id *id,
                                     const struct mcpz_task_body *body)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_TASK_KEY,
        .task_key = {.tenant = body->tenant, .key = body->key, .id = *id},
    };
}

mcpz_error mcpz_task_book_key(struct mcpz_task_book *book, struct mcpz_bytes tenant,
                              struct mcpz_bytes key, struct mcpz_task_id *id)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_TASK_KEY,
        .task_key = {.tenant = tenant, .key = key},
    };
    mcpz_error error = read_record(book, &record);

    if (error == MCPZ_OK) {
        *id = record.task_key.id;
    }
    return error;
}

/* ---- Lists -------------------------------------------------------------------------------- */

uint64_t mcpz_task_book_family(const struct mcpz_task_id *parent)
{
    return mcpz_hash_bytes(mcpz_bytes(parent->bytes, MCPZ_TASK_ID_BYTES), 0);
}

struct mcpz_task_place mcpz_task_book_place(const struct mcpz_task_book *book,
                                            const struct mcpz_task_body *body,
                                            const struct mcpz_task_state *state)
{
    if (mcpz_task_is_over(state) && mcpz_task_level(body) > 0) {
        return (struct mcpz_task_place){
            .list = MCPZ_TASK_LIST_PART,
            .group = mcpz_task_book_family(&body->kin[0].parent),
            .order = body->kin[0].part,
        };
    }
    if (state->phase == MCPZ_TASK_DEAD) {
        return (struct mcpz_task_place){.list = MCPZ_TASK_LIST_DEAD, .order = state->ended_ms};
    }
    if (mcpz_task_is_over(state)) {
        return (struct mcpz_task_place){.list = MCPZ_TASK_LIST_ENDED, .order = state->ended_ms};
    }
    if (!mcpz_id_equal(&state->owner, &book->self) || state->phase == MCPZ_TASK_SPLIT) {
        return (struct mcpz_task_place){0};
    }
    if (state->due_ms != 0) {
        return (struct mcpz_task_place){.list = MCPZ_TASK_LIST_LATER, .order = state->due_ms};
    }
    return (struct mcpz_task_place){
        .list = MCPZ_TASK_LIST_READY,
        .group = mcpz_task_book_group(body->capability),
        .order = MCPZ_PRIORITY_MAX - body->priority,
    };
}

static struct mcpz_record listed_record(const struct mcpz_task_place *place,
                                        const struct mcpz_task_id *id)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_TASK_LISTED,
        .task_listed = {.list = place->list,
                        .group = place->group,
                        .order = place->order,
                        .id = *id},
    };
}

static void enter(struct mcpz_task_book *book, const struct mcpz_task_place *place,
                  const struct mcpz_task_id *id)
{
    struct mcpz_record record = listed_record(place, id);

    if (place->list != 0) {
        put(book, &record);
        book->counts[place->list]++;
    }
}

static void leave(struct mcpz_task_book *book, const struct mcpz_task_place *place,
                  const struct mcpz_task_id *id)
{
    struct mcpz_record record = listed_record(place, id);

    if (place->list != 0) {
        discard(book, &record);
        book->counts[place->list] -= book->counts[place->list] > 0;
    }
}

void mcpz_task_book_strike(struct mcpz_task_book *book,
                           const struct mcpz_record_task_listed *listed)
{
    struct mcpz_task_place place = {
        .list = listed->list,
        .group = listed->group,
        .order = listed->order,
    };
    leave(book, &place, &listed->id);
}

mcpz_error mcpz_task_book_next(struct mcpz_task_book *book, bool whole, bool inclusive,
                               struct mcpz_record_task_listed *listed)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_LISTED, .task_listed = *listed};
    mcpz_error error = book->store->next(
        book->store->context, whole ? MCPZ_SCAN_LIST : MCPZ_SCAN_GROUP, inclusive, &record);

    if (error == MCPZ_OK) {
        *listed = record.task_listed;
    }
    book->failures += error != MCPZ_OK && error != MCPZ_ENOTFOUND;
    return error;
}

static const struct mcpz_task_place lone_place = {.list = MCPZ_TASK_LIST_LONE};

bool mcpz_task_book_is_lone(struct mcpz_task_book *book, const struct mcpz_task_id *id)
{
    struct mcpz_record record = listed_record(&lone_place, id);

    return book->counts[MCPZ_TASK_LIST_LONE] > 0 && read_record(book, &record) == MCPZ_OK;
}

void mcpz_task_book_set_lone(struct mcpz_task_book *book, const struct mcpz_task_id *id, bool lone)
{
    if (mcpz_task_book_is_lone(book, id) == lone) {
        return;
    }
    if (lone) {
        enter(book, &lone_place, id);
    } else {
        leave(book, &lone_place, id);
    }
}

/* ---- Rows --------------------------------------------------------------------------------- */

static void put_state(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                      const struct mcpz_task_state *state)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_TASK_STATE,
        .task_state = {.id = *id, .state = *state},
    };
    put(book, &record);
}

void mcpz_task_book_add(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                        const struct mcpz_task_body *body, const struct mcpz_task_state *state)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK, .task = {.id = *id, .body = *body}};
    struct mcpz_record key = key_record(id, body);
    struct mcpz_task_place place = mcpz_task_book_place(book, body, state);

    put(book, &record);
    put_state(book, id, state);
    if (body->key.length > 0 &&
        read_record(book, &(struct mcpz_record){
                              .kind = MCPZ_RECORD_TASK_KEY,
                              .task_key = {.tenant = body->tenant, .key = body->key},
                          }) == MCPZ_ENOTFOUND) {
        put(book, &key);
    }
    enter(book, &place, id);
}

void mcpz_task_book_rewrite(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                            const struct mcpz_task_body *body)
{
    put(book, &(struct mcpz_record){
                  .kind = MCPZ_RECORD_TASK,
                  .task = {.id = *id, .body = *body},
              });
}

void mcpz_task_book_move(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                         const struct mcpz_task_body *body, const struct mcpz_task_state *from,
                         const struct mcpz_task_state *to)
{
    struct mcpz_task_place old = mcpz_task_book_place(book, body, from);
    struct mcpz_task_place new = mcpz_task_book_place(book, body, to);

    put_state(book, id, to);
    if (old.list != new.list || old.group != new.group || old.order != new.order) {
        leave(book, &old, id);
        enter(book, &new, id);
    }
    if (mcpz_task_is_over(to) || !mcpz_id_equal(&to->owner, &book->self)) {
        mcpz_task_book_set_lone(book, id, false);
    }
}

static void drop_plan(struct mcpz_task_book *book, const struct mcpz_task_id *id)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_PLAN, .task_plan = {.id = *id}};

    if (read_record(book, &record) == MCPZ_OK) {
        discard(book, &record);
    }
}

void mcpz_task_book_remove(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                           const struct mcpz_task_body *body, const struct mcpz_task_state *state)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK, .task = {.id = *id}};
    struct mcpz_record row = {.kind = MCPZ_RECORD_TASK_STATE, .task_state = {.id = *id}};
    struct mcpz_record key = key_record(id, body);
    struct mcpz_task_place place = mcpz_task_book_place(book, body, state);
    struct mcpz_task_id holder;

    discard(book, &record);
    discard(book, &row);
    mcpz_task_book_drop_result(book, id);
    drop_plan(book, id);
    if (body->key.length > 0 &&
        mcpz_task_book_key(book, body->tenant, body->key, &holder) == MCPZ_OK &&
        mcpz_task_id_equal(&holder, id)) {
        discard(book, &key);
    }
    leave(book, &place, id);
    mcpz_task_book_set_lone(book, id, false);
}

/* ---- Results ------------------------------------------------------------------------------ */

struct mcpz_bytes mcpz_task_book_result(struct mcpz_task_book *book, const struct mcpz_task_id *id)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_RESULT, .task_result = {.id = *id}};

    return read_record(book, &record) == MCPZ_OK ? record.task_result.bytes : mcpz_text("");
}

void mcpz_task_book_set_result(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                               struct mcpz_bytes result)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_TASK_RESULT,
        .task_result = {.id = *id, .bytes = result},
    };
    assert(result.length <= MCPZ_TASK_RESULT_BYTES_MAX);

    if (result.length > 0) {
        put(book, &record);
    }
}

void mcpz_task_book_drop_result(struct mcpz_task_book *book, const struct mcpz_task_id *id)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_RESULT, .task_result = {.id = *id}};

    if (read_record(book, &record) == MCPZ_OK) {
        discard(book, &record);
    }
}

mcpz_error mcpz_task_book_append_result(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                                        struct mcpz_bytes chunk, uint8_t *spare)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_RESULT, .task_result = {.id = *id}};
    mcpz_error error = read_record(book, &record);
    struct mcpz_bytes before = error == MCPZ_OK ? record.task_result.bytes : mcpz_text("");

    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    if (chunk.length > MCPZ_TASK_RESULT_BYTES_MAX - before.length) {
        return MCPZ_EFULL;
    }
    if (before.length > 0) {
        memcpy(spare, before.data, before.length);
    }
    if (chunk.length > 0) {
        memcpy(spare + before.length, chunk.data, chunk.length);
    }
    mcpz_task_book_set_result(book, id, mcpz_bytes(spare, before.length + chunk.length));
    return MCPZ_OK;
}

/* ---- Plans -------------------------------------------------------------------------------- */

mcpz_error mcpz_task_book_plan(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                               struct mcpz_task_plan *plan)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_PLAN, .task_plan = {.id = *id}};
    mcpz_error error = read_record(book, &record);

    if (error == MCPZ_OK) {
        *plan = record.task_plan.plan;
    }
    return error;
}

void mcpz_task_book_set_plan(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                             const struct mcpz_task_plan *plan)
{
    put(book, &(struct mcpz_record){
                  .kind = MCPZ_RECORD_TASK_PLAN,
                  .task_plan = {.id = *id, .plan = *plan},
              });
}
