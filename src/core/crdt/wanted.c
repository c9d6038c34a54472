#include "core/crdt/wanted.h"

static struct mcpz_want *find(struct mcpz_wanted *wanted, const struct mcpz_id *document)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (mcpz_id_equal(&wanted->wants[i].document, document)) {
            return &wanted->wants[i];
        }
    }
    return NULL;
}

static void forget(struct mcpz_wanted *wanted, struct mcpz_want *want)
{
    *want = wanted->wants[--wanted->count];
}

void mcpz_wanted_expire(struct mcpz_wanted *wanted, mcpz_time now)
{
    for (size_t i = wanted->count; i > 0; i--) {
        if (wanted->wants[i - 1].until_us <= now) {
            forget(wanted, &wanted->wants[i - 1]);
        }
    }
}

enum mcpz_want_answer mcpz_wanted_ask(struct mcpz_wanted *wanted, mcpz_time now,
                                      const struct mcpz_id *peer, const struct mcpz_id *document,
                                      enum mcpz_want_reason reason, uint64_t digest)
{
    struct mcpz_want *want = find(wanted, document);
    const bool is_else = reason == MCPZ_WANT_BRANCH && (want == NULL || !want->set_back);
    bool is_asked = want != NULL && want->until_us > now;

    if (is_asked && !is_else && (!want->moving || reason != MCPZ_WANT_MORE)) {
        want->digest = digest != 0 && mcpz_id_equal(&want->peer, peer) ? digest : want->digest;
        return MCPZ_WANT_PENDING;
    }
    if (want == NULL) {
        if (mcpz_wanted_room(wanted, now) == 0) {
            return MCPZ_WANT_NO_ROOM;
        }
        want = &wanted->wants[wanted->count++];
    }
    *want = (struct mcpz_want){
        .document = *document,
        .peer = *peer,
        .until_us = now + MCPZ_WANT_PATIENCE_US,
        .digest = digest,
        .set_back = reason == MCPZ_WANT_BRANCH,
    };
    return MCPZ_WANT_ASK;
}

void mcpz_wanted_moved(struct mcpz_wanted *wanted, mcpz_time now, const struct mcpz_id *document,
                       uint64_t digest)
{
    struct mcpz_want *want = find(wanted, document);
    if (want == NULL) {
        return;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        struct mcpz_want *other = &wanted->wants[i];
        if (other->until_us > now && mcpz_id_equal(&other->peer, &want->peer)) {
            other->until_us = now + MCPZ_WANT_PATIENCE_US;
        }
    }
    want->moving = true;
    if (want->digest == digest) {
        forget(wanted, want);
    } else if (want->digest == 0) {
        want->until_us = now + MCPZ_WANT_SETTLE_US; /* nobody says when that was all */
    }
}

bool mcpz_wanted_answered(struct mcpz_wanted *wanted, const struct mcpz_id *peer,
                          const struct mcpz_id *document)
{
    struct mcpz_want *want = find(wanted, document);

    if (want == NULL || !mcpz_id_equal(&want->peer, peer)) {
        return false;
    }
    forget(wanted, want);
    return true;
}

void mcpz_wanted_gone(struct mcpz_wanted *wanted, const struct mcpz_id *peer)
{
    for (size_t i = wanted->count; i > 0; i--) {
        if (mcpz_id_equal(&wanted->wants[i - 1].peer, peer)) {
            forget(wanted, &wanted->wants[i - 1]);
        }
    }
}

size_t mcpz_wanted_of(struct mcpz_wanted *wanted, mcpz_time now, const struct mcpz_id *peer)
{
    size_t count = 0;

    mcpz_wanted_expire(wanted, now);
    for (size_t i = 0; i < wanted->count; i++) {
        count += mcpz_id_equal(&wanted->wants[i].peer, peer) ? 1 : 0;
    }
    return count;
}

size_t mcpz_wanted_room(struct mcpz_wanted *wanted, mcpz_time now)
{
    if (wanted->count == MCPZ_WANTS_MAX) {
        mcpz_wanted_expire(wanted, now);
    }
    return MCPZ_WANTS_MAX - wanted->count;
}

mcpz_time mcpz_wanted_deadline(const struct mcpz_wanted *wanted)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < wanted->count; i++) {
        deadline = mcpz_time_min(deadline, wanted->wants[i].until_us);
    }
    return deadline;
}
