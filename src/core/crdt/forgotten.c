#include "core/crdt/forgotten.h"

void mcpz_forgotten_add(struct mcpz_forgotten *forgotten, const struct mcpz_id *document,
                        uint64_t digest, int64_t epoch, mcpz_time now)
{
    forgotten->until_us = now + MCPZ_FORGOTTEN_US;
    forgotten->rows[forgotten->next] = (struct mcpz_forgotten_row){
        .document = *document, .digest = digest, .epoch = epoch, .until_us = forgotten->until_us};
    forgotten->next = (forgotten->next + 1) % MCPZ_FORGOTTEN_MAX;
}

bool mcpz_forgotten_has(const struct mcpz_forgotten *forgotten, const struct mcpz_id *document,
                        uint64_t digest, mcpz_time now)
{
    if (forgotten->until_us <= now) {
        return false; /* mostly */
    }
    for (size_t i = 0; i < MCPZ_FORGOTTEN_MAX; i++) {
        const struct mcpz_forgotten_row *row = &forgotten->rows[i];
        if (row->digest == digest && row->until_us > now &&
            mcpz_id_equal(&row->document, document)) {
            return true;
        }
    }
    return false;
}

int64_t mcpz_forgotten_epoch(const struct mcpz_forgotten *forgotten,
                             const struct mcpz_id *document, mcpz_time now)
{
    int64_t epoch = 0;

    for (size_t i = 0; i < MCPZ_FORGOTTEN_MAX && forgotten->until_us > now; i++) {
        const struct mcpz_forgotten_row *row = &forgotten->rows[i];
        if (row->epoch > epoch && row->until_us > now && mcpz_id_equal(&row->document, document)) {
            epoch = row->epoch;
        }
    }
    return epoch;
}

size_t mcpz_forgotten_room(const struct mcpz_forgotten *forgotten, mcpz_time now)
{
    size_t room = 0;

    if (forgotten->until_us <= now) {
        return MCPZ_FORGOTTEN_MAX;
    }
    /* From where the next one goes on they are older and older ones, so those come first. */
    while (room < MCPZ_FORGOTTEN_MAX &&
           forgotten->rows[(forgotten->next + room) % MCPZ_FORGOTTEN_MAX].until_us <= now) {
        room++;
    }
    return room;
}
