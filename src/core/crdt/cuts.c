#include "core/crdt/cuts.h"

#include <assert.h>

#include "base/hash.h"

static bool cut_is_valid(const struct mcpz_cut *cut)
{
    if (cut->seq == 0 || cut->tip_count == 0 || cut->tip_count > MCPZ_BRANCHES_MAX) {
        return false;
    }
    if (cut->overrun) {
        return cut->tip_count == 1 && cut->tips[0].seq > MCPZ_BRANCHES_MAX;
    }
    for (size_t i = 0; i < cut->tip_count; i++) {
        if (cut->tips[i].seq < cut->seq ||
            (i > 0 && mcpz_tip_compare(&cut->tips[i - 1], &cut->tips[i]) >= 0)) {
            return false;
        }
    }
    return true;
}

bool mcpz_cuts_is_valid(const struct mcpz_cut *cuts, size_t count)
{
    if (count > MCPZ_ACTORS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!cut_is_valid(&cuts[i]) ||
            (i > 0 && mcpz_actor_compare(&cuts[i - 1].actor, &cuts[i].actor) >= 0)) {
            return false;
        }
    }
    return true;
}

void mcpz_cuts_set(struct mcpz_cuts *list, const struct mcpz_cut *cuts, size_t count)
{
    assert(mcpz_cuts_is_valid(cuts, count));

    for (size_t i = 0; i < count; i++) {
        list->cuts[i] = cuts[i];
    }
    list->count = count;
}

static size_t place_of(const struct mcpz_cut *cuts, size_t count, const struct mcpz_actor *actor)
{
    size_t at = 0;
    while (at < count && mcpz_actor_compare(&cuts[at].actor, actor) < 0) {
        at++;
    }
    return at;
}

const struct mcpz_cut *mcpz_cuts_find(const struct mcpz_cut *cuts, size_t count,
                                      const struct mcpz_actor *actor)
{
    size_t at = place_of(cuts, count, actor);
    return at < count && mcpz_actor_compare(&cuts[at].actor, actor) == 0 ? &cuts[at] : NULL;
}

bool mcpz_cuts_is_tainted(const struct mcpz_cuts *list, const struct mcpz_actor *actor,
                          uint64_t seq)
{
    const struct mcpz_cut *cut = mcpz_cuts_find(list->cuts, list->count, actor);
    return cut != NULL && seq >= cut->seq;
}

void mcpz_cuts_put(struct mcpz_cuts *list, const struct mcpz_cut *cut)
{
    const size_t at = place_of(list->cuts, list->count, &cut->actor);

    assert(list->count < MCPZ_ACTORS_MAX); /* document.c: no more actors than that */
    for (size_t i = list->count; i > at; i--) {
        list->cuts[i] = list->cuts[i - 1];
    }
    list->cuts[at] = *cut;
    list->count++;
}

void mcpz_cuts_lower(struct mcpz_cuts *list, const struct mcpz_actor *actor, uint64_t seq,
                     const struct mcpz_tip *tip)
{
    const size_t at = place_of(list->cuts, list->count, actor);
    const struct mcpz_cut cut = {.actor = *actor, .seq = seq, .tips = {*tip}, .tip_count = 1};

    if (at < list->count && mcpz_actor_compare(&list->cuts[at].actor, actor) == 0) {
        assert(seq < list->cuts[at].seq);
        list->cuts[at].seq = seq;
    } else {
        mcpz_cuts_put(list, &cut);
    }
}

/* Take out the tip that `prev` is, if it is one. */
static void outgrow(struct mcpz_cut *cut, const struct mcpz_head *prev)
{
    size_t kept = 0;

    for (size_t i = 0; i < cut->tip_count; i++) {
        if (!mcpz_head_equal(&cut->tips[i].head, prev)) {
            cut->tips[kept++] = cut->tips[i];
        }
    }
    cut->tip_count = kept;
}

bool mcpz_cuts_extend(struct mcpz_cuts *list, const struct mcpz_actor *actor,
                      const struct mcpz_head *prev, const struct mcpz_tip *tip)
{
    size_t at = place_of(list->cuts, list->count, actor);
    struct mcpz_cut *cut = &list->cuts[at];

    assert(mcpz_cuts_is_tainted(list, actor, tip->seq));
    if (cut->overrun) {
        mcpz_cuts_add(&cut->tips[0], &tip->head);
        return true;
    }
    outgrow(cut, prev);
    if (cut->tip_count == MCPZ_BRANCHES_MAX) {
        return false;
    }
    size_t to = cut->tip_count++;
    while (to > 0 && mcpz_tip_compare(tip, &cut->tips[to - 1]) < 0) {
        cut->tips[to] = cut->tips[to - 1];
        to--;
    }
    cut->tips[to] = *tip;
    return true;
}

void mcpz_cuts_overrun(struct mcpz_cuts *list, const struct mcpz_actor *actor,
                       const struct mcpz_tip *sum)
{
    struct mcpz_cut *cut = &list->cuts[place_of(list->cuts, list->count, actor)];

    assert(mcpz_cuts_find(list->cuts, list->count, actor) == cut);
    cut->overrun = true;
    cut->tips[0] = *sum;
    cut->tip_count = 1;
}

void mcpz_cuts_forget(struct mcpz_cuts *list, const struct mcpz_actor *last)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct mcpz_actor *actor = &list->cuts[i].actor;
        if (!mcpz_id_equal(&actor->node, &last->node) || actor->generation > last->generation) {
            list->cuts[kept++] = list->cuts[i];
        }
    }
    list->count = kept;
}

void mcpz_cuts_add(struct mcpz_tip *sum, const struct mcpz_head *head)
{
    unsigned carry = 0;

    sum->seq++;
    for (size_t i = MCPZ_HEAD_BYTES; i > 0; i--) {
        carry += (unsigned)sum->head.bytes[i - 1] + head->bytes[i - 1];
        sum->head.bytes[i - 1] = (uint8_t)(carry & 0xff);
        carry >>= 8;
    }
}

bool mcpz_cuts_equal(const struct mcpz_cut *a, const struct mcpz_cut *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->seq != b->seq || a->overrun != b->overrun || a->tip_count != b->tip_count) {
        return false;
    }
    for (size_t i = 0; i < a->tip_count; i++) {
        if (mcpz_tip_compare(&a->tips[i], &b->tips[i]) != 0) {
            return false;
        }
    }
    return true;
}

uint64_t mcpz_cuts_deltas(const struct mcpz_cut *cuts, size_t count)
{
    uint64_t deltas = 0;

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_cut *cut = &cuts[i];
        for (size_t j = 0; j < cut->tip_count; j++) {
            deltas += cut->tips[j].seq - (cut->overrun ? 0 : cut->seq - 1);
        }
    }
    return deltas;
}

uint64_t mcpz_cuts_digest(const struct mcpz_cut *cuts, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_cut *cut = &cuts[i];
        uint64_t hash = mcpz_hash_bytes(mcpz_bytes(cut->actor.node.bytes, MCPZ_ID_BYTES),
                                        mcpz_hash_mix(cut->actor.generation));
        hash = mcpz_hash_mix(hash + mcpz_hash_mix(2 * cut->seq + (cut->overrun ? 1 : 0)));
        for (size_t j = 0; j < cut->tip_count; j++) {
            hash = mcpz_hash_bytes(mcpz_bytes(cut->tips[j].head.bytes, MCPZ_HEAD_BYTES), hash);
        }
        sum += hash;
    }
    return sum;
}
