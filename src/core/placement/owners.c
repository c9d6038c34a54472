#include "core/placement/owners.h"

#include <assert.h>

size_t mcpz_owners_bytes(uint32_t partition_bits, uint32_t copies)
{
    return mcpz_arena_cost((size_t)copies << partition_bits, sizeof(uint16_t));
}

void mcpz_owners_init(struct mcpz_owners *owners, uint32_t partition_bits, uint32_t copies,
                      struct mcpz_arena *arena)
{
    const size_t room = (size_t)copies << partition_bits;

    *owners = (struct mcpz_owners){.room = room};
    owners->rows = mcpz_arena_take_sure(arena, room, sizeof(*owners->rows));
}

void mcpz_owners_begin(struct mcpz_owners *owners, const struct mcpz_rendezvous *rendezvous)
{
    owners->partition_count = UINT32_C(1) << rendezvous->partition_bits;
    owners->copies = rendezvous->copies;
    owners->built = 0;
    assert((size_t)owners->partition_count * owners->copies <= owners->room);
}

bool mcpz_owners_build(struct mcpz_owners *owners, const struct mcpz_rendezvous *rendezvous,
                       uint32_t most)
{
    const uint32_t left = owners->partition_count - owners->built;
    const uint32_t end = owners->built + (most < left ? most : left);
    uint16_t chosen[MCPZ_COPIES_MAX];

    for (; owners->built < end; owners->built++) {
        uint16_t *row = &owners->rows[(size_t)owners->built * owners->copies];
        const size_t count = mcpz_rendezvous_owners(rendezvous, owners->built, chosen);
        for (size_t i = 0; i < owners->copies; i++) {
            row[i] = i < count ? chosen[i] : MCPZ_OWNER_NONE;
        }
    }
    return owners->built == owners->partition_count;
}

const uint16_t *mcpz_owners_of(const struct mcpz_owners *owners, uint32_t partition)
{
    assert(partition < owners->built);
    return &owners->rows[(size_t)partition * owners->copies];
}

bool mcpz_owners_has(const struct mcpz_owners *owners, uint32_t partition, uint16_t node)
{
    const uint16_t *row = mcpz_owners_of(owners, partition);

    for (size_t i = 0; i < owners->copies; i++) {
        if (row[i] == node) {
            return true;
        }
    }
    return false;
}

uint32_t mcpz_owners_next(const struct mcpz_owners *owners, uint32_t from, uint16_t node)
{
    while (from < owners->built && !mcpz_owners_has(owners, from, node)) {
        from++;
    }
    return from < owners->built ? from : owners->partition_count;
}
