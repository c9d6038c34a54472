#include "core/drain.h"

#include "proto/code.h"

void mcpz_drain_init(struct mcpz_drain *drain, const struct mcpz_id *self)
{
    *drain = (struct mcpz_drain){.self = *self};
}

static bool knows(const struct mcpz_drain *drain, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < drain->know_count; i++) {
        if (mcpz_id_equal(&drain->know[i], peer)) {
            return true;
        }
    }
    return false;
}

size_t mcpz_drain_known(const struct mcpz_drain *drain, const struct mcpz_links *links)
{
    size_t count = 0;

    for (size_t i = 0; i < links->count; i++) {
        count += knows(drain, &links->links[i].id);
    }
    return count;
}

/* Whoever has known once goes on knowing: our list does not change any more. */
static void on_ping(struct mcpz_drain *drain, const struct mcpz_id *from)
{
    if (!knows(drain, from) && drain->know_count < MCPZ_LINKS_MAX) {
        drain->know[drain->know_count++] = *from;
    }
}

static void reply(struct mcpz_drain *drain, uint32_t code, const char *text,
                  struct mcpz_outbox *out)
{
    if (drain->request != 0) {
        mcpz_outbox_append(out, MCPZ_ACTION_REPLY)->reply = (struct mcpz_action_reply){
            .request = drain->request,
            .code = code,
            .text = mcpz_text(text),
        };
        drain->request = 0;
    }
}

/* Said again, it changes how long is waited. Where nobody is linked, nobody has to know. */
static void begin(struct mcpz_drain *drain, const struct mcpz_drain_sight *sight, mcpz_time now,
                  const struct mcpz_event_drain *order, struct mcpz_outbox *out)
{
    reply(drain, MCPZ_CODE_CANCELLED, "the node was told anew to drain", out);
    drain->request = order->request;
    if (drain->state == MCPZ_DRAIN_NONE) {
        drain->state = MCPZ_DRAIN_ANNOUNCING;
        drain->know_count = 0;
    }
    bool is_missed = sight->offers && sight->links->count > 0;
    drain->announce_until_us = is_missed ? now + MCPZ_MS(order->announce_ms) : now;
    drain->until_us = now + MCPZ_MS(order->timeout_ms);
}

/* Are there calls under way, of others here or of ours elsewhere? */
static bool is_busy(const struct mcpz_calls *calls)
{
    return calls->provider.table.count + calls->caller.table.count > 0;
}

static void advance(struct mcpz_drain *drain, const struct mcpz_drain_sight *sight, mcpz_time now,
                    struct mcpz_outbox *out)
{
    if (drain->state == MCPZ_DRAIN_ANNOUNCING &&
        (now >= drain->announce_until_us || now >= drain->until_us ||
         mcpz_drain_known(drain, sight->links) == sight->links->count)) {
        drain->state = MCPZ_DRAIN_FINISHING;
    }
    if (drain->state == MCPZ_DRAIN_FINISHING &&
        (now >= drain->until_us || !is_busy(sight->calls))) {
        drain->state = MCPZ_DRAIN_DONE;
        bool finished = !is_busy(sight->calls);
        mcpz_outbox_fact(out,
                         &(struct mcpz_fact){.kind = MCPZ_FACT_DRAINED, .about = drain->self});
        reply(drain, finished ? MCPZ_CODE_OK : MCPZ_CODE_TIMEOUT,
              finished ? "" : "the time is over, and something is still under way", out);
    }
}

void mcpz_drain_step(struct mcpz_drain *drain, const struct mcpz_drain_sight *sight, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_DRAIN) {
        begin(drain, sight, now, &event->drain, out);
    } else if (event->kind == MCPZ_EVENT_RESUME) {
        drain->state = MCPZ_DRAIN_NONE;
        reply(drain, MCPZ_CODE_CANCELLED, "the node serves again", out);
    } else if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_PING &&
               drain->state == MCPZ_DRAIN_ANNOUNCING &&
               event->recv.msg->ping.digest == sight->digest) {
        on_ping(drain, &event->recv.from);
    }
    if (event->kind != MCPZ_EVENT_DRAIN) {
        advance(drain, sight, now, out); /* the lists are hidden when that step is over */
    }
}

mcpz_time mcpz_drain_deadline(const struct mcpz_drain *drain)
{
    switch (drain->state) {
    case MCPZ_DRAIN_ANNOUNCING:
        return mcpz_time_min(drain->announce_until_us, drain->until_us);
    case MCPZ_DRAIN_FINISHING:
        return drain->until_us;
    case MCPZ_DRAIN_NONE:
    case MCPZ_DRAIN_DONE:
        break;
    }
    return MCPZ_TIME_NEVER;
}

const char *mcpz_drain_word(enum mcpz_drain_state state)
{
    switch (state) {
    case MCPZ_DRAIN_NONE:
        return "serving";
    case MCPZ_DRAIN_ANNOUNCING:
        return "announcing";
    case MCPZ_DRAIN_FINISHING:
        return "finishing";
    case MCPZ_DRAIN_DONE:
        return "drained";
    }
    return "?";
}
