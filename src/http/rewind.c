#include "http/rewind.h"

#include <assert.h>
#include <string.h>

#include "base/hex.h"

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
    struct mcpz_floor floor;

    mcpz_error error = mcpz_delta_walk_start(&rewind->deltas, store, document);
    if (error == MCPZ_OK) {
        error = mcpz_replay_create(store, &rewind->document, &floor, &rewind->replay);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    rewind->store = *mcpz_replay_store(rewind->replay);
    return floor.exists && floor.hlc >= until->hlc_end ? MCPZ_EEXPIRED : MCPZ_OK;
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
    return is_over ? MCPZ_OK : mcpz_replay_apply(rewind->replay, &record.delta.delta);
}

mcpz_error mcpz_rewind_step(struct mcpz_rewind *rewind, const struct mcpz_store *store,
                            size_t count)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error = take_next(rewind, store);
    }
    mcpz_replay_rest(rewind->replay);
    return error;
}

void mcpz_rewind_finish(struct mcpz_rewind *rewind)
{
    mcpz_replay_destroy(rewind->replay);
    rewind->replay = NULL;
}
