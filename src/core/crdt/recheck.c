#include "core/crdt/recheck.h"

void mcpz_recheck_tell(const struct mcpz_sync *sync, bool waits)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_HORIZON};
    struct mcpz_horizon_peer *peer = mcpz_horizon_next(sync->horizon, &msg.horizon);

    while (peer != NULL && (waits ? mcpz_mail_message(sync->mail, &peer->id, &msg)
                                  : mcpz_mail_question(sync->mail, &peer->id, &msg))) {
        mcpz_horizon_told(peer);
        peer = mcpz_horizon_next(sync->horizon, &msg.horizon);
    }
}

struct mcpz_horizon_news mcpz_recheck_hear(const struct mcpz_sync *sync,
                                           const struct mcpz_id *from,
                                           const struct mcpz_msg_horizon *said, uint64_t hlc)
{
    const struct mcpz_horizon_sight sight = {
        .wall_ms = sync->wall_ms, .hlc = hlc, .is_empty = sync->holdings->root.count == 0};
    const struct mcpz_horizon_news news = mcpz_horizon_hear(sync->horizon, from, said, &sight);

    mcpz_recheck_tell(sync, true);
    return news;
}
