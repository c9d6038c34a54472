#include "core/majority.h"

#include "proto/limits.h"

size_t mcpz_majority_away(const struct mcpz_store *store, const struct mcpz_roster *roster)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_PEER};
    mcpz_error error = MCPZ_OK;
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_MEMBERS_MAX && error == MCPZ_OK; i++) {
        error = store->next(store->context, MCPZ_SCAN_KIND, i == 0, &record);
        count += error == MCPZ_OK && !mcpz_roster_is_there(roster, &record.peer.id) ? 1 : 0;
    }
    return error == MCPZ_ENOTFOUND ? count : SIZE_MAX / 4;
}

bool mcpz_majority_is_there(const struct mcpz_store *store, const struct mcpz_roster *roster)
{
    const size_t known = mcpz_roster_alive_count(roster);
    size_t heard = 0;

    for (size_t i = 0; i < roster->count; i++) {
        heard += roster->rows[i].state == MCPZ_MEMBER_ALIVE ? 1 : 0;
    }
    return heard > mcpz_majority_away(store, roster) + (known - heard);
}
