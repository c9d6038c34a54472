#include "core/crdt/origin.h"

#include <assert.h>
#include <string.h>

#define NODE_BYTES 8
#define CLOSES 1

static_assert(NODE_BYTES + 4 + 1 == MCPZ_CHECK_ACTOR_BYTES, "an actor in a row");

/* Somebody who has written, as a row has it. */
struct writer {
    uint8_t node[NODE_BYTES];
    uint32_t life;
    bool closes; /* it stands for all lives before */
};

static struct writer writer_of(const struct mcpz_actor *actor, bool closes)
{
    struct writer writer = {.life = actor->generation, .closes = closes};

    memcpy(writer.node, actor->node.bytes, NODE_BYTES);
    return writer;
}

static bool are_one(const struct writer *a, const struct writer *b)
{
    return memcmp(a->node, b->node, NODE_BYTES) == 0 &&
           (a->life == b->life || (a->closes && b->life < a->life) ||
            (b->closes && a->life < b->life));
}

static bool is_among(const struct mcpz_version *versions, size_t count,
                     const struct writer *writer)
{
    for (size_t i = 0; i < count; i++) {
        const struct writer ours =
            writer_of(&versions[i].actor, mcpz_version_closes(&versions[i]));
        if (are_one(&ours, writer)) {
            return true;
        }
    }
    return false;
}

bool mcpz_origin_are_one(const struct mcpz_version *a, size_t a_count,
                         const struct mcpz_version *b, size_t b_count)
{
    for (size_t i = 0; i < b_count; i++) {
        const struct writer theirs = writer_of(&b[i].actor, mcpz_version_closes(&b[i]));
        if (is_among(a, a_count, &theirs)) {
            return true;
        }
    }
    return false;
}

static bool has(const struct mcpz_document *document, const struct writer *writer)
{
    if (is_among(document->clock.versions, document->clock.count, writer)) {
        return true;
    }
    for (size_t i = 0; i < document->cuts.count; i++) {
        const struct writer ours = writer_of(&document->cuts.cuts[i].actor, false);
        if (are_one(&ours, writer)) {
            return true;
        }
    }
    return false;
}

bool mcpz_origin_has_versions(const struct mcpz_document *document,
                              const struct mcpz_version *versions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct writer seen =
            writer_of(&versions[i].actor, mcpz_version_closes(&versions[i]));
        if (has(document, &seen)) {
            return true;
        }
    }
    return false;
}

bool mcpz_origin_has_delta(const struct mcpz_document *document, const struct mcpz_delta *delta)
{
    const struct writer author = writer_of(&delta->actor, false);

    return has(document, &author) ||
           mcpz_origin_has_versions(document, delta->versions, delta->version_count);
}

bool mcpz_origin_has_row(const struct mcpz_document *document, const struct mcpz_check_row *row)
{
    if (row->actors.length % MCPZ_CHECK_ACTOR_BYTES != 0) {
        return false;
    }
    for (size_t at = 0; at < row->actors.length; at += MCPZ_CHECK_ACTOR_BYTES) {
        const uint8_t *bytes = row->actors.data + at;
        const uint8_t *life = bytes + NODE_BYTES;
        struct writer writer = {
            .life = (uint32_t)life[0] << 24 | (uint32_t)life[1] << 16 | (uint32_t)life[2] << 8 |
                    (uint32_t)life[3],
            .closes = life[4] == CLOSES,
        };
        memcpy(writer.node, bytes, NODE_BYTES);
        if (has(document, &writer)) {
            return true;
        }
    }
    return false;
}

static uint8_t *pack(uint8_t *to, const struct mcpz_actor *actor, bool closes)
{
    memcpy(to, actor->node.bytes, NODE_BYTES);
    to += NODE_BYTES;
    *to++ = (uint8_t)(actor->generation >> 24);
    *to++ = (uint8_t)(actor->generation >> 16);
    *to++ = (uint8_t)(actor->generation >> 8);
    *to++ = (uint8_t)actor->generation;
    *to++ = closes ? CLOSES : 0;
    return to;
}

size_t mcpz_origin_pack(const struct mcpz_record_document *document,
                        uint8_t bytes[MCPZ_ORIGIN_BYTES_MAX])
{
    uint8_t *to = bytes;

    for (size_t i = 0; i < document->version_count && i < MCPZ_ACTORS_MAX; i++) {
        to = pack(to, &document->versions[i].actor, mcpz_version_closes(&document->versions[i]));
    }
    for (size_t i = 0; i < document->cut_count; i++) {
        if ((size_t)(to - bytes) + MCPZ_CHECK_ACTOR_BYTES > MCPZ_ORIGIN_BYTES_MAX) {
            break; /* one that is found will do, and there are many */
        }
        to = pack(to, &document->cuts[i].actor, false);
    }
    return (size_t)(to - bytes);
}
