/*
 * Rateless invertible Bloom lookup tables: how two nodes find what one has and the other has not,
 * for bytes in proportion to the difference, without knowing how large it is.
 *
 *   symbol i  =  { xor of ids, xor of their check words, count }  over the items mapped to i
 *
 * Every item is mapped to symbol 0, and to symbol i with probability 2 / (i + 2): ever more
 * rarely, so the first m symbols are a table for about m / 1.35 differences, whatever m is. One
 * side sends symbols in order; the other subtracts its own, and takes out what it recognises until
 * nothing is left. Then symbol 0, which all items are mapped to, is empty.
 *
 * An item's id is 64 bits of a hash keyed for the session (base/siphash.h), its check word 64 bits
 * of another: who does not know the key can prepare nothing. Who does, the peer, can send rubbish,
 * which costs no more work than symbols and ends without a result.
 *
 *   on the wire:  id u64, check u64, count u8 (modulo 256), big-endian: 17 bytes
 *
 * The next symbol of an item that is mapped to i is beyond m with probability
 * (i + 1)(i + 2) / (m + 1)(m + 2), the product of all 1 - 2 / (j + 2) between. So it is found from
 * a draw by an integer square root, exactly and alike on every machine; the paper's own program
 * rounds an approximation of it in floating point.
 *
 * Source: Yang, Gilad and Alizadeh, Practical rateless set reconciliation (SIGCOMM 2024), sections
 * 4 and 5, with alpha = 1/2; reference/crdt.md, section 3.
 */

#ifndef CORE_RECONCILE_IBLT_H
#define CORE_RECONCILE_IBLT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

#define MCPZ_IBLT_SYMBOL_BYTES 17
#define MCPZ_IBLT_SYMBOLS_MAX 32768 /* of one comparison: some 24,000 differences */
#define MCPZ_IBLT_BLOCK_FIRST 16    /* symbols sent at first */
#define MCPZ_IBLT_BLOCK_MIN 8       /* and then: so many, or a quarter of those before */
#define MCPZ_IBLT_BLOCK_MAX 2048
#define MCPZ_IBLT_END UINT32_MAX /* no further symbol below MCPZ_IBLT_SYMBOLS_MAX */

struct mcpz_iblt_symbol {
    uint64_t id;
    uint64_t check;
    uint8_t count;
};

/* An item, and the next symbol that it is mapped to. */
struct mcpz_iblt_item {
    uint64_t id;
    uint64_t check;
    uint64_t draws; /* state of its draws */
    uint32_t next;  /* symbol, or MCPZ_IBLT_END */
};

/** An item at its first symbol, 0. */
struct mcpz_iblt_item mcpz_iblt_item(struct mcpz_siphash_key key, uint64_t id);

/** Move on to the next symbol. Not at the end (asserted). */
void mcpz_iblt_item_next(struct mcpz_iblt_item *item);

/** Put an item into a symbol, or take it out with `by` = -1. */
static inline void mcpz_iblt_mix(struct mcpz_iblt_symbol *symbol,
                                 const struct mcpz_iblt_item *item, int by)
{
    symbol->id ^= item->id;
    symbol->check ^= item->check;
    symbol->count = (uint8_t)(symbol->count + by);
}

/** How many symbols to send next after `sent` of them: 0 when there are no more. */
size_t mcpz_iblt_block(size_t sent);

/** Write symbols as they cross the wire: MCPZ_IBLT_SYMBOL_BYTES each. */
void mcpz_iblt_pack(const struct mcpz_iblt_symbol *symbols, size_t count, uint8_t *bytes);

/** Read them back: `count` symbols out of as many times MCPZ_IBLT_SYMBOL_BYTES. */
void mcpz_iblt_unpack(const uint8_t *bytes, size_t count, struct mcpz_iblt_symbol *symbols);

#endif
