/*
 * Which ids have been seen: a set that grows, up to a bound.
 *
 * Of an id 128 bits of a keyed hash are kept, with a key of the set's own: so who chooses ids can
 * neither choose where they fall nor have one taken for another.
 */

#ifndef HTTP_ID_SET_H
#define HTTP_ID_SET_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/siphash.h"
#include "proto/id.h"

#define MCPZ_ID_SET_FIRST 64 /* slots; doubles at half load */

struct mcpz_id_set {
    struct mcpz_id_mark {
        uint64_t words[2]; /* zeros: free */
    } * slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t max;
    struct mcpz_siphash_key key;
};

/** Start empty, with room for `max` ids. Release with mcpz_id_set_finish(). */
void mcpz_id_set_init(struct mcpz_id_set *set, size_t max);

/** Zeros are fine. */
void mcpz_id_set_finish(struct mcpz_id_set *set);

/**
 * Put it in.
 *
 * Errors: MCPZ_EUSED  it was in it; MCPZ_EFULL  `max` others are; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_id_set_add(struct mcpz_id_set *set, const struct mcpz_id *id);

#endif
