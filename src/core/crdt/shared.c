#include "core/crdt/shared.h"

#include <assert.h>

#include "base/clear.h"
#include "core/placement/rendezvous.h"

static_assert(MCPZ_PARTITION_BITS <= 16, "the first two bytes of an id name its partition");

/* What has become of a document. */
struct change {
    const struct mcpz_id *document;
    const struct mcpz_id *digest;
    void (*apply)(struct mcpz_partition_root *root, const struct mcpz_id *digest);
};

static bool goes_by_scope(const struct mcpz_shared *shared)
{
    return shared->scope.owners != NULL && shared->scope.bits <= MCPZ_SHARED_BITS;
}

static size_t owners_of(const struct mcpz_shared *shared, const struct mcpz_id *document,
                        struct mcpz_id *owners)
{
    return shared->scope.owners(shared->scope.context, document, owners);
}

/* Where there is no owner everybody keeps it. */
static bool is_one_of(const struct mcpz_id *owners, size_t count, const struct mcpz_id *node)
{
    return count == 0 || mcpz_scope_is_among(owners, count, node);
}

/* Where a peer is; their number if it is none. */
static size_t find(const struct mcpz_shared *shared, const struct mcpz_id *id)
{
    size_t at = 0;

    while (at < shared->peer_count && !mcpz_id_equal(&shared->peers[at].id, id)) {
        at++;
    }
    return at;
}

size_t mcpz_shared_bytes(void)
{
    return mcpz_arena_cost(MCPZ_SHARED_SLOTS, sizeof(struct mcpz_partition_root));
}

void mcpz_shared_init(struct mcpz_shared *shared, struct mcpz_arena *arena)
{
    mcpz_clear(shared, sizeof(*shared));
    shared->slots = mcpz_arena_take_sure(arena, MCPZ_SHARED_SLOTS, sizeof(*shared->slots));
}

static void sum_up_anew(struct mcpz_shared *shared)
{
    for (size_t i = 0; i < shared->peer_count; i++) {
        shared->peers[i].root = shared->everywhere;
        shared->peers[i].summed = 0;
    }
}

void mcpz_shared_clear(struct mcpz_shared *shared)
{
    const struct mcpz_partition_root none = {.count = 0};

    for (size_t i = 0; i < MCPZ_SHARED_SLOTS && shared->is_touched; i++) {
        if (!mcpz_partition_root_equal(&shared->slots[i], &none)) {
            shared->slots[i] = none;
        }
    }
    shared->everywhere = none;
    shared->is_touched = false;
    sum_up_anew(shared);
}

void mcpz_shared_follow(struct mcpz_shared *shared, const struct mcpz_scope *scope)
{
    const bool is_another = shared->scope.stamp != scope->stamp;

    shared->scope = *scope;
    if (is_another) {
        sum_up_anew(shared);
    }
}

/* ---- Documents ---------------------------------------------------------------------------- */

/* What everybody keeps is in all roots from the beginning on. */
static void apply_everywhere(struct mcpz_shared *shared, const struct change *change)
{
    change->apply(&shared->everywhere, change->digest);
    for (size_t i = 0; i < shared->peer_count; i++) {
        change->apply(&shared->peers[i].root, change->digest);
    }
}

/* And what we keep is in those of its other owners that have been summed up so far. */
static void apply_to_owners(struct mcpz_shared *shared, const struct change *change, uint32_t slot)
{
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count = owners_of(shared, change->document, owners);

    if (!is_one_of(owners, count, &shared->scope.self)) {
        return;
    }
    for (size_t i = 0; i < shared->peer_count; i++) {
        struct mcpz_shared_peer *peer = &shared->peers[i];
        if (slot < peer->summed && is_one_of(owners, count, &peer->id)) {
            change->apply(&peer->root, change->digest);
        }
    }
}

static void apply(struct mcpz_shared *shared, const struct change *change)
{
    const uint32_t slot = mcpz_partition_of(change->document, MCPZ_SHARED_BITS);

    shared->is_touched = true;
    if (mcpz_document_is_everywhere(change->document)) {
        apply_everywhere(shared, change);
        return;
    }
    change->apply(&shared->slots[slot], change->digest);
    if (shared->peer_count > 0 && goes_by_scope(shared)) {
        apply_to_owners(shared, change, slot);
    }
}

void mcpz_shared_add(struct mcpz_shared *shared, const struct mcpz_id *document,
                     const struct mcpz_id *digest)
{
    apply(shared, &(struct change){document, digest, mcpz_partition_root_add});
}

void mcpz_shared_remove(struct mcpz_shared *shared, const struct mcpz_id *document,
                        const struct mcpz_id *digest)
{
    apply(shared, &(struct change){document, digest, mcpz_partition_root_remove});
}

/* ---- Peers -------------------------------------------------------------------------------- */

void mcpz_shared_link(struct mcpz_shared *shared, const struct mcpz_id *peer)
{
    if (find(shared, peer) == shared->peer_count && shared->peer_count < MCPZ_LINKS_MAX) {
        shared->peers[shared->peer_count++] =
            (struct mcpz_shared_peer){.id = *peer, .root = shared->everywhere};
    }
}

void mcpz_shared_unlink(struct mcpz_shared *shared, const struct mcpz_id *peer)
{
    const size_t at = find(shared, peer);

    if (at < shared->peer_count) {
        shared->peers[at] = shared->peers[--shared->peer_count];
    }
}

/* Who is least far along: those at the same place go on together. */
static uint32_t least_summed(const struct mcpz_shared *shared)
{
    uint32_t least = MCPZ_SHARED_SLOTS;

    for (size_t i = 0; i < shared->peer_count; i++) {
        least = shared->peers[i].summed < least ? shared->peers[i].summed : least;
    }
    return least;
}

bool mcpz_shared_is_behind(const struct mcpz_shared *shared)
{
    return goes_by_scope(shared) && least_summed(shared) < MCPZ_SHARED_SLOTS;
}

/* Add what is in partition `slot` to the peers that are just there, if they keep it as we do. */
static void sum_up(struct mcpz_shared *shared, uint32_t slot)
{
    const struct mcpz_partition_root *root = &shared->slots[slot];
    /* Any document of it; with a bit that says that it is not everybody's. */
    const struct mcpz_id document = {{(uint8_t)(slot >> 8), (uint8_t)slot, [7] = 1}};
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    size_t count = 0;
    bool is_ours = false;

    if (root->count > 0) {
        count = owners_of(shared, &document, owners);
        is_ours = is_one_of(owners, count, &shared->scope.self);
    }
    for (size_t i = 0; i < shared->peer_count; i++) {
        struct mcpz_shared_peer *peer = &shared->peers[i];
        if (peer->summed != slot) {
            continue;
        }
        peer->summed++;
        if (is_ours && is_one_of(owners, count, &peer->id)) {
            mcpz_partition_root_join(&peer->root, root);
        }
    }
}

void mcpz_shared_run(struct mcpz_shared *shared)
{
    const uint32_t from = least_summed(shared);

    if (!goes_by_scope(shared)) {
        return;
    }
    for (uint32_t i = 0; i < MCPZ_SHARED_SLICE && from + i < MCPZ_SHARED_SLOTS; i++) {
        sum_up(shared, from + i);
    }
}

const struct mcpz_partition_root *mcpz_shared_root(const struct mcpz_shared *shared,
                                                   const struct mcpz_id *peer)
{
    const size_t at = find(shared, peer);

    return at < shared->peer_count && goes_by_scope(shared) &&
                   shared->peers[at].summed == MCPZ_SHARED_SLOTS
               ? &shared->peers[at].root
               : NULL;
}
