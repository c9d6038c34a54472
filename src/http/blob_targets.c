#include "http/blob_targets.h"

#include <assert.h>
#include <string.h>

#include "base/siphash.h"
#include "core/keeping.h"
#include "http/blob_book.h"

static bool counts(const struct mcpz_member *member, mcpz_time now, mcpz_time mourned_us)
{
    return !mcpz_member_is_gone(member) ||
           (member->state == MCPZ_MEMBER_DEAD && now < member->since_us + mourned_us);
}

/* The same at all nodes. */
static uint64_t score_of(const struct mcpz_id *node, const struct mcpz_id *root)
{
    const struct mcpz_siphash_key key = mcpz_siphash_key(root->bytes);

    return mcpz_siphash(key, mcpz_bytes(node->bytes, MCPZ_ID_BYTES));
}

size_t mcpz_blob_best_members(const struct mcpz_roster *roster, const struct mcpz_id *root,
                              mcpz_time now, mcpz_time mourned_us, struct mcpz_id *best,
                              size_t most)
{
    uint64_t scores[MCPZ_COPIES_MAX];
    size_t count = 0;

    assert(most > 0 && most <= MCPZ_COPIES_MAX);
    for (size_t i = 0; i < roster->count; i++) {
        const struct mcpz_member *member = &roster->rows[i];
        const uint64_t score = score_of(&member->id, root);
        if (!counts(member, now, mourned_us) || (count == most && score <= scores[count - 1])) {
            continue;
        }
        size_t at = count < most ? count++ : count - 1;
        for (; at > 0 && scores[at - 1] < score; at--) {
            scores[at] = scores[at - 1];
            best[at] = best[at - 1];
        }
        scores[at] = score;
        best[at] = member->id;
    }
    return count;
}

void mcpz_blob_targets(const struct mcpz_engine *engine, const struct mcpz_id *root, mcpz_time now,
                       mcpz_time mourned_us, struct mcpz_ack_wait *wait)
{
    const struct mcpz_node *node = mcpz_engine_node(engine);
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    struct mcpz_id best[MCPZ_COPIES_WITHOUT_LAYOUT];

    mcpz_ack_wait_replan(wait, (struct mcpz_layout_stamp){0});
    mcpz_blob_book_id(root, &wait->document);
    if (mcpz_layouts_are_in_force(&node->layouts)) {
        const size_t count =
            mcpz_layout_history_sets(&node->layouts.history, &wait->document, sets);
        for (size_t i = 0; i < count; i++) {
            for (size_t n = 0; n < sets[i].count; n++) {
                mcpz_ack_wait_add(wait, i, &sets[i].nodes[n]->id);
            }
        }
    }
    if (wait->set_count > 0) {
        return;
    }
    const size_t count = mcpz_blob_best_members(&node->fabric.members.roster, root, now,
                                                mourned_us, best, MCPZ_COPIES_WITHOUT_LAYOUT);
    for (size_t i = 0; i < count; i++) {
        mcpz_ack_wait_add(wait, 0, &best[i]);
    }
}

bool mcpz_blob_targets_has(const struct mcpz_ack_wait *wait, const struct mcpz_id *node)
{
    for (size_t i = 0; i < wait->owner_count; i++) {
        if (wait->owners[i].sets != 0 && mcpz_id_equal(&wait->owners[i].node, node)) {
            return true;
        }
    }
    return false;
}

/* ---- Whom to ask ---------------------------------------------------------------------------- */

struct sources {
    const struct mcpz_engine *engine;
    struct mcpz_id *nodes;
    size_t count;
};

static void add(struct sources *sources, const struct mcpz_id *node)
{
    const struct mcpz_members *members = &mcpz_engine_node(sources->engine)->fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, node);

    if (member == NULL || mcpz_member_is_gone(member) ||
        mcpz_id_equal(node, mcpz_engine_id(sources->engine)) ||
        sources->count == MCPZ_BLOB_SOURCES_MAX) {
        return;
    }
    for (size_t i = 0; i < sources->count; i++) {
        if (mcpz_id_equal(&sources->nodes[i], node)) {
            return;
        }
    }
    sources->nodes[sources->count++] = *node;
}

size_t mcpz_blob_sources(const struct mcpz_engine *engine, const struct mcpz_ack_wait *wait,
                         const struct mcpz_id *hint, struct mcpz_id *nodes)
{
    const struct mcpz_roster *roster = &mcpz_engine_node(engine)->fabric.members.roster;
    struct sources sources = {.engine = engine, .nodes = nodes};

    if (hint != NULL) {
        add(&sources, hint);
    }
    for (size_t i = 0; i < wait->owner_count; i++) {
        add(&sources, &wait->owners[i].node);
    }
    for (size_t i = 0; i < roster->count; i++) {
        add(&sources, &roster->rows[i].id);
    }
    return sources.count;
}
