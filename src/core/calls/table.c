#include "core/calls/table.h"

#include <assert.h>

#include "proto/msg.h"

size_t mcpz_call_table_bytes(size_t max)
{
    return mcpz_arena_cost(max, sizeof(struct mcpz_call_row)) +
           2 * mcpz_arena_cost(max, sizeof(uint32_t)) + mcpz_heap_bytes(max) +
           mcpz_arena_cost(max, sizeof(struct mcpz_call_peer)) + mcpz_index_bytes(max) +
           2 * mcpz_arena_cost(max, sizeof(struct mcpz_chain_link));
}

void mcpz_call_table_init(struct mcpz_call_table *table, size_t max, uint64_t seed,
                          struct mcpz_arena *arena)
{
    assert(max > 0 && max < MCPZ_CALL_NONE);

    *table = (struct mcpz_call_table){
        .max = max,
        .rows = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_call_row)),
        .free = mcpz_arena_take_sure(arena, max, sizeof(uint32_t)),
        .peers = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_call_peer)),
        .free_peers = mcpz_arena_take_sure(arena, max, sizeof(uint32_t)),
        .with_peer = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_chain_link)),
        .in_doom = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_chain_link)),
        .doomed = mcpz_chain_empty(),
    };
    mcpz_heap_init(&table->deadlines, max, arena);
    mcpz_index_init(&table->by_peer, max, seed, arena);
}

static struct mcpz_call_row *row_of(struct mcpz_call_table *table, uint32_t slot)
{
    assert(slot < table->max);
    assert(table->rows[slot].taken);

    return &table->rows[slot];
}

/* The one that was given back last; else the first that was never given out. */
static uint32_t take_free(const uint32_t *free, uint32_t *free_count, size_t taken)
{
    return *free_count > 0 ? free[--*free_count] : (uint32_t)taken;
}

uint32_t mcpz_call_table_take(struct mcpz_call_table *table, mcpz_time deadline_us)
{
    if (table->count == table->max) {
        return MCPZ_CALL_NONE;
    }
    uint32_t slot = take_free(table->free, &table->free_count, table->count++);
    table->rows[slot] = (struct mcpz_call_row){.peer = MCPZ_CALL_NONE, .taken = true};
    mcpz_heap_put(&table->deadlines, slot, deadline_us);
    return slot;
}

void mcpz_call_table_give_back(struct mcpz_call_table *table, uint32_t slot)
{
    mcpz_call_table_part(table, slot);
    mcpz_heap_remove(&table->deadlines, slot);
    table->rows[slot].taken = false;
    table->free[table->free_count++] = slot;
    table->count--;
}

/* ---- With whom ---------------------------------------------------------------------------- */

/* A key of a signature is as good as random already, and the index mixes it with its seed. */
static uint64_t key_of(const struct mcpz_id *peer)
{
    return mcpz_short_of(peer).value;
}

const struct mcpz_call_peer *mcpz_call_table_peer(const struct mcpz_call_table *table,
                                                  const struct mcpz_id *peer)
{
    uint32_t at;

    if (table->peer_count == 0 || !mcpz_index_get(&table->by_peer, key_of(peer), &at) ||
        !mcpz_id_equal(&table->peers[at].id, peer)) {
        return NULL;
    }
    return &table->peers[at];
}

bool mcpz_call_table_join(struct mcpz_call_table *table, uint32_t slot, const struct mcpz_id *peer)
{
    struct mcpz_call_row *row = row_of(table, slot);
    const uint64_t key = key_of(peer);
    uint32_t at;
    assert(row->peer == MCPZ_CALL_NONE);

    if (!mcpz_index_get(&table->by_peer, key, &at)) {
        at = take_free(table->free_peers, &table->free_peer_count, table->peer_count++);
        table->peers[at] = (struct mcpz_call_peer){.id = *peer, .calls = mcpz_chain_empty()};
        mcpz_index_put(&table->by_peer, key, at);
    } else if (!mcpz_id_equal(&table->peers[at].id, peer)) {
        return false;
    }
    row->peer = at;
    mcpz_chain_append(&table->peers[at].calls, table->with_peer, slot);
    return true;
}

static void leave_peer(struct mcpz_call_table *table, struct mcpz_call_row *row, uint32_t slot)
{
    struct mcpz_call_peer *peer = &table->peers[row->peer];

    mcpz_chain_remove(&peer->calls, table->with_peer, slot);
    if (peer->calls.count == 0) {
        (void)mcpz_index_remove(&table->by_peer, key_of(&peer->id));
        table->free_peers[table->free_peer_count++] = row->peer;
        table->peer_count--;
    }
    row->peer = MCPZ_CALL_NONE;
}

static void pardon(struct mcpz_call_table *table, struct mcpz_call_row *row, uint32_t slot)
{
    mcpz_chain_remove(&table->doomed, table->in_doom, slot);
    row->fate = MCPZ_CALL_FATE_NONE;
}

void mcpz_call_table_part(struct mcpz_call_table *table, uint32_t slot)
{
    struct mcpz_call_row *row = row_of(table, slot);

    if (row->peer != MCPZ_CALL_NONE) {
        leave_peer(table, row, slot);
    }
    if (row->fate != MCPZ_CALL_FATE_NONE) {
        pardon(table, row, slot);
    }
}

uint32_t mcpz_call_table_next(const struct mcpz_call_table *table, uint32_t slot)
{
    return table->with_peer[slot].next;
}

/* ---- To be ended -------------------------------------------------------------------------- */

void mcpz_call_table_doom(struct mcpz_call_table *table, uint32_t slot, enum mcpz_call_fate fate,
                          mcpz_time now)
{
    struct mcpz_call_row *row = row_of(table, slot);
    assert(fate != MCPZ_CALL_FATE_NONE);

    if (row->fate != MCPZ_CALL_FATE_NONE) {
        return;
    }
    if (table->doomed.count == 0) {
        table->doomed_us = now;
    }
    row->fate = fate;
    mcpz_chain_append(&table->doomed, table->in_doom, slot);
}

bool mcpz_call_table_next_doomed(struct mcpz_call_table *table, uint32_t *slot,
                                 enum mcpz_call_fate *fate)
{
    if (table->doomed.count == 0) {
        return false;
    }
    *slot = table->doomed.first;
    struct mcpz_call_row *row = row_of(table, *slot);
    *fate = row->fate;
    pardon(table, row, *slot);
    return true;
}

mcpz_time mcpz_call_table_deadline(const struct mcpz_call_table *table)
{
    return table->doomed.count > 0 ? table->doomed_us : mcpz_heap_deadline(&table->deadlines);
}
