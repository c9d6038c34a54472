#include "core/reconcile/iblt.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/hash.h"
#include "proto/limits.h"

/* The check word's key is another one than the ids'. */
#define CHECK_KEY UINT64_C(0x6d63707a63686563)

static_assert(MCPZ_IBLT_SYMBOLS_MAX + 2 <= UINT64_C(1) << 16, "a step is computed in 64 bits");
static_assert(MCPZ_IBLT_BLOCK_MAX * MCPZ_IBLT_SYMBOL_BYTES + 1024 <= MCPZ_MSG_BYTES_MAX,
              "a block fits a message");

struct mcpz_iblt_item mcpz_iblt_item(struct mcpz_siphash_key key, uint64_t id)
{
    const struct mcpz_siphash_key check_key = {.low = key.low ^ CHECK_KEY, .high = key.high};

    return (struct mcpz_iblt_item){
        .id = id, .check = mcpz_siphash_number(check_key, id), .draws = id, .next = 0};
}

/* The largest integer whose square is not above `number`, digit by digit. */
static uint64_t square_root(uint64_t number)
{
    uint64_t root = 0;
    uint64_t bit = number == 0 ? 0 : UINT64_C(1) << ((63 - __builtin_clzll(number)) & ~1);

    for (; bit != 0; bit >>= 2) {
        const uint64_t trial = root + bit;
        root >>= 1;
        if (number >= trial) {
            number -= trial;
            root += bit;
        }
    }
    return root;
}

/*
 * With a draw u in (0, 1], the next symbol is the first m that has (i + 1)(i + 2) / u below
 * (m + 1)(m + 2), or 4 times that and 1 below (2m + 3) squared.
 */
void mcpz_iblt_item_next(struct mcpz_iblt_item *item)
{
    const uint64_t here = item->next;

    assert(item->next < MCPZ_IBLT_SYMBOLS_MAX);
    item->draws += UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t draw = (mcpz_hash_mix(item->draws) >> 32) + 1; /* 1 to 2^32: u times 2^32 */
    const uint64_t beyond = ((here + 1) * (here + 2) << 32) / draw;
    if (beyond >= (uint64_t)(MCPZ_IBLT_SYMBOLS_MAX) * (MCPZ_IBLT_SYMBOLS_MAX + 1)) {
        item->next = MCPZ_IBLT_END;
        return;
    }
    item->next = (uint32_t)((square_root(4 * beyond + 1) - 1) >> 1);
    assert(item->next > here && item->next < MCPZ_IBLT_SYMBOLS_MAX);
}

size_t mcpz_iblt_block(size_t sent)
{
    const size_t quarter = sent / 4;
    const size_t left = sent < MCPZ_IBLT_SYMBOLS_MAX ? MCPZ_IBLT_SYMBOLS_MAX - sent : 0;
    const size_t block = sent == 0                       ? MCPZ_IBLT_BLOCK_FIRST
                         : quarter < MCPZ_IBLT_BLOCK_MIN ? MCPZ_IBLT_BLOCK_MIN
                         : quarter > MCPZ_IBLT_BLOCK_MAX ? MCPZ_IBLT_BLOCK_MAX
                                                         : quarter;
    return block < left ? block : left;
}

void mcpz_iblt_pack(const struct mcpz_iblt_symbol *symbols, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t words[2] = {htobe64(symbols[i].id), htobe64(symbols[i].check)};
        memcpy(bytes, words, sizeof(words));
        bytes[sizeof(words)] = symbols[i].count;
        bytes += MCPZ_IBLT_SYMBOL_BYTES;
    }
}

void mcpz_iblt_unpack(const uint8_t *bytes, size_t count, struct mcpz_iblt_symbol *symbols)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t words[2];
        memcpy(words, bytes, sizeof(words));
        symbols[i] = (struct mcpz_iblt_symbol){
            .id = be64toh(words[0]), .check = be64toh(words[1]), .count = bytes[sizeof(words)]};
        bytes += MCPZ_IBLT_SYMBOL_BYTES;
    }
}
