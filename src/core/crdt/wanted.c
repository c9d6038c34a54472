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

static void forget_expired(struct mcpz_wanted *wanted, mcpz_time now)
{
    for (size_t i = wanted->count; i > 0; i--) {
        if (wanted->wants[i - 1].until_us <= now) {
            forget(wanted, &wanted->wants[i - 1]);
        }
    }
}

bool mcpz_wanted_ask(struct mcpz_wanted *wanted, mcpz_time now, const struct mcpz_id *document,
                     enum mcpz_want_reason reason, uint64_t digest)
{
    struct mcpz_want *want = find(wanted, document);
    bool is_asked = want != NULL && want->until_us > now;

    if (is_asked && (!want->moving || reason == MCPZ_WANT_GAP)) {
        return false;
    }
    if (want == NULL) {
        if (wanted->count == MCPZ_WANTS_MAX) {
            forget_expired(wanted, now);
        }
        if (wanted->count == MCPZ_WANTS_MAX) {
            return false;
        }
        want = &wanted->wants[wanted->count++];
    }
    *want = (struct mcpz_want){
        .document = *document,
        .until_us = now + MCPZ_WANT_PATIENCE_US,
        .digest = digest,
    };
    return true;
}

void mcpz_wanted_moved(struct mcpz_wanted *wanted, const struct mcpz_id *document, uint64_t digest)
{
    struct mcpz_want *want = find(wanted, document);
    if (want == NULL) {
        return;
    }
    want->moving = true;
    if (want->digest == digest) {
        forget(wanted, want);
    }
}
