#include "crypto/merkle.h"

#include <string.h>

/* One level of the tree, as much of it as is known: nodes [first, end) of `width`. */
struct level {
    uint32_t width;
    uint32_t first;
    uint32_t end;
    /* A run that is not at the edges grows by one node each way, before it is halved. */
    struct mcpz_merkle_digest nodes[MCPZ_MERKLE_LEAVES_MAX + 2];
};

static void join(const struct mcpz_merkle_digest *left, const struct mcpz_merkle_digest *right,
                 struct mcpz_merkle_digest *parent)
{
    struct mcpz_digest_state state;

    mcpz_digest_begin(&state, MCPZ_DIGEST_MERKLE, mcpz_bytes(NULL, 0));
    mcpz_digest_add(&state, mcpz_bytes(left->bytes, sizeof(left->bytes)));
    mcpz_digest_add(&state, mcpz_bytes(right->bytes, sizeof(right->bytes)));
    mcpz_digest_end(&state, parent->bytes);
}

static bool is_in_tree(const struct mcpz_merkle_run *run)
{
    return run->tree_count >= 1 && run->tree_count <= MCPZ_MERKLE_LEAVES_MAX && run->count >= 1 &&
           run->first < run->tree_count && run->count <= run->tree_count - run->first;
}

static void begin(const struct mcpz_merkle_run *run, struct level *level)
{
    level->width = run->tree_count;
    level->first = run->first;
    level->end = run->first + run->count;
    memcpy(level->nodes, run->leaves, run->count * sizeof(level->nodes[0]));
}

static bool lacks_left(uint32_t first)
{
    return first % 2 == 1;
}

static bool lacks_right(uint32_t end, uint32_t width)
{
    return end % 2 == 1 && end < width;
}

/* Take in the siblings that the run's ends lack. `*used` digests beside it are. False: too few. */
static bool widen(const struct mcpz_merkle_run *run, struct level *level, size_t *used)
{
    if (lacks_left(level->first)) {
        if (*used == run->beside_count) {
            return false;
        }
        memmove(level->nodes + 1, level->nodes,
                (level->end - level->first) * sizeof(level->nodes[0]));
        level->nodes[0] = run->beside[(*used)++];
        level->first--;
    }
    if (lacks_right(level->end, level->width)) {
        if (*used == run->beside_count) {
            return false;
        }
        level->nodes[level->end++ - level->first] = run->beside[(*used)++];
    }
    return true;
}

/* To the level above: the run begins at an even node, and ends at one or at the edge. */
static void go_up(struct level *level)
{
    const uint32_t count = level->end - level->first;

    for (uint32_t i = 0; i < count / 2; i++) {
        struct mcpz_merkle_digest parent;
        join(&level->nodes[2 * i], &level->nodes[2 * i + 1], &parent);
        level->nodes[i] = parent;
    }
    if (count % 2 == 1) {
        level->nodes[count / 2] = level->nodes[count - 1];
    }
    level->first /= 2;
    level->end = level->first + (count + 1) / 2;
    level->width = (level->width + 1) / 2;
}

mcpz_error mcpz_merkle_root(const struct mcpz_merkle_run *run, struct mcpz_merkle_digest *root)
{
    struct level level;
    size_t used = 0;

    if (!is_in_tree(run)) {
        return MCPZ_EPROTO;
    }
    begin(run, &level);
    while (level.width > 1) {
        if (!widen(run, &level, &used)) {
            return MCPZ_EPROTO;
        }
        go_up(&level);
    }
    if (used != run->beside_count) {
        return MCPZ_EPROTO;
    }
    *root = level.nodes[0];
    return MCPZ_OK;
}

mcpz_error mcpz_merkle_beside(const struct mcpz_merkle_run *run, uint32_t first, uint32_t count,
                              struct mcpz_merkle_digest *beside, size_t *beside_count)
{
    struct level level;
    size_t used = 0;
    size_t written = 0;
    uint32_t end = first + count;

    if (!is_in_tree(run) || count < 1 || first < run->first || count > run->count ||
        first - run->first > run->count - count) {
        return MCPZ_EPROTO;
    }
    begin(run, &level);
    while (level.width > 1) {
        if (!widen(run, &level, &used)) {
            return MCPZ_EPROTO;
        }
        if (lacks_left(first)) {
            beside[written++] = level.nodes[--first - level.first];
        }
        if (lacks_right(end, level.width)) {
            beside[written++] = level.nodes[end++ - level.first];
        }
        go_up(&level);
        first /= 2;
        end = (end + 1) / 2;
    }
    *beside_count = written;
    return used == run->beside_count ? MCPZ_OK : MCPZ_EPROTO;
}
