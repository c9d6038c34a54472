#include "http/rewind.h"

#include <assert.h>
#include <string.h>

#include "base/hex.h"
#include "core/crdt/document.h"

/* ---- Where it ends ------------------------------------------------------------------------ */

bool mcpz_rewind_at_ms(uint64_t wall_ms, struct mcpz_rewind_until *until)
{
    static const uint64_t ms_max = UINT64_MAX >> (MCPZ_HLC_COUNT_BITS + 1);

    if (wall_ms > ms_max) {
        return false;
    }
    *until = (struct mcpz_rewind_until){.hlc_end = mcpz_hlc_of_ms(wall_ms + 1)};
    return true;
}

bool mcpz_rewind_at_version(struct mcpz_bytes name, struct mcpz_rewind_until *until)
{
    const size_t count = name.length > 2 ? name.length - 2 : 0;

    if (count < MCPZ_VERSION_DIGITS_MIN || count > MCPZ_VERSION_DIGITS_MAX ||
        memcmp(name.data, "v-", 2) != 0) {
        return false;
    }
    for (size_t i = 2; i < name.length; i++) {
        if (mcpz_hex_value(name.data[i]) < 0) {
            return false;
        }
    }
    *until = (struct mcpz_rewind_until){.hlc_end = UINT64_MAX, .digit_count = count};
    memcpy(until->digits, name.data + 2, count);
    return true;
}

void mcpz_rewind_name(const struct mcpz_head *head, char name[MCPZ_VERSION_CHARS])
{
    name[0] = 'v';
    name[1] = '-';
    mcpz_hex_put(mcpz_bytes(head->bytes, MCPZ_HEAD_BYTES), name + 2);
    name[MCPZ_VERSION_CHARS - 1] = '\0';
}

static bool is_named(const struct mcpz_rewind_until *until, const struct mcpz_head *head)
{
    char name[MCPZ_VERSION_CHARS];

    mcpz_rewind_name(head, name);
    return until->digit_count > 0 && memcmp(name + 2, until->digits, until->digit_count) == 0;
}

/* ---- Doing it again ----------------------------------------------------------------------- */

mcpz_error mcpz_rewind_start(struct mcpz_rewind *rewind, const struct mcpz_store *store,
                             const struct mcpz_record_document *document,
                             const struct mcpz_rewind_until *until)
{
    *rewind = (struct mcpz_rewind){
        .until = *until, .document = document->id, .found = until->digit_count > 0 ? 0 : 1};

    mcpz_error error = mcpz_delta_walk_start(&rewind->deltas, store, document);
    if (error == MCPZ_OK) {
        error = mcpz_scratch_create(&rewind->scratch);
    }
    if (error == MCPZ_OK) {
        error = mcpz_mem_create(&rewind->mem, &rewind->kv);
    }
    if (error == MCPZ_OK) {
        mcpz_persist_init(&rewind->persist, &rewind->kv, rewind->scratch, &rewind->store);
    }
    return error;
}

static mcpz_error redo(struct mcpz_rewind *rewind, const struct mcpz_delta *delta)
{
    const struct mcpz_store *store = &rewind->store;
    struct mcpz_document document;
    struct mcpz_id delta_id;
    mcpz_error error = mcpz_document_load(store, &rewind->document, &document);

    if (error != MCPZ_OK) {
        return error;
    }
    store->delta_id(store->context, delta, &delta_id);
    return mcpz_document_apply(store, &document, delta, &delta_id, mcpz_hlc_to_ms(delta->hlc));
}

/* Nothing lasts but until the turn ends, so this is one of the past's own. */
static void end_turn(struct mcpz_rewind *rewind)
{
    uint64_t batch = rewind->kv.commit(rewind->kv.context);

    if (batch != 0) {
        mcpz_mem_sync(rewind->mem, batch);
    }
    (void)rewind->kv.progress(rewind->kv.context);
}

static mcpz_error take_next(struct mcpz_rewind *rewind, const struct mcpz_store *store)
{
    const struct mcpz_rewind_until *until = &rewind->until;
    struct mcpz_record record;
    mcpz_error error = mcpz_delta_walk_next(&rewind->deltas, store, &record);

    if (error != MCPZ_OK) {
        return error;
    }
    if (record.delta.delta.hlc >= until->hlc_end) {
        return MCPZ_ENOTFOUND; /* all that follow are later */
    }
    const bool is_over = until->digit_count > 0 && rewind->found > 0;
    rewind->found += is_named(until, &record.delta.head) ? 1 : 0;
    return is_over ? MCPZ_OK : redo(rewind, &record.delta.delta);
}

mcpz_error mcpz_rewind_step(struct mcpz_rewind *rewind, const struct mcpz_store *store,
                            size_t count)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error = take_next(rewind, store);
    }
    end_turn(rewind);
    return error;
}

void mcpz_rewind_finish(struct mcpz_rewind *rewind)
{
    if (rewind->mem != NULL) {
        mcpz_mem_destroy(rewind->mem);
    }
    mcpz_scratch_destroy(rewind->scratch);
    rewind->mem = NULL;
    rewind->scratch = NULL;
}
