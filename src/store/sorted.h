/*
 * Writes sorted by key: a skip list whose links live in the writes themselves, so that linking
 * cannot fail. It owns nothing.
 *
 * Heights are drawn from a seeded source: the same writes make the same list in every run.
 *
 * Source: Pugh, "Skip Lists" (CACM 1990).
 */

#ifndef STORE_SORTED_H
#define STORE_SORTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "store/batch.h"

#define MCPZ_SORTED_HEIGHT_MAX 12 /* a quarter go up each level: good for 4^12 keys */

struct mcpz_sorted {
    struct mcpz_write *heads[MCPZ_SORTED_HEIGHT_MAX];
};

/** Draw the height of a write to come: 1 to MCPZ_SORTED_HEIGHT_MAX. */
uint8_t mcpz_sorted_height(struct mcpz_rng *rng);

/** Link `write` in. Returns the one with the same key, which is no longer linked, or NULL. */
struct mcpz_write *mcpz_sorted_link(struct mcpz_sorted *sorted, struct mcpz_write *write);

/** Take `write` out, if it is the one linked under its key. */
void mcpz_sorted_unlink(struct mcpz_sorted *sorted, const struct mcpz_write *write);

/** The first write whose key is greater than `after` (or equal, with `inclusive`), or NULL. */
struct mcpz_write *mcpz_sorted_seek(const struct mcpz_sorted *sorted, struct mcpz_bytes after,
                                    bool inclusive);

/** The write under `key`, or NULL. */
struct mcpz_write *mcpz_sorted_find(const struct mcpz_sorted *sorted, struct mcpz_bytes key);

/** The one after, or NULL. */
static inline struct mcpz_write *mcpz_sorted_next(const struct mcpz_write *write)
{
    return write->links[0];
}

#endif
