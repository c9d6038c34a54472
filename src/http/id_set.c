#include "http/id_set.h"

#include <stdbool.h>
#include <stdlib.h>

#include "crypto/identity.h"

void mcpz_id_set_init(struct mcpz_id_set *set, size_t max)
{
    uint8_t key[MCPZ_SIPHASH_KEY_BYTES];

    mcpz_random(key, sizeof(key));
    *set = (struct mcpz_id_set){.max = max, .key = mcpz_siphash_key(key)};
}

void mcpz_id_set_finish(struct mcpz_id_set *set)
{
    free(set->slots);
    *set = (struct mcpz_id_set){.slots = NULL};
}

static bool is_free(const struct mcpz_id_mark *slot)
{
    return slot->words[0] == 0 && slot->words[1] == 0;
}

/* Where the mark is, or would be: there is a free slot. */
static struct mcpz_id_mark *find(struct mcpz_id_mark *slots, size_t capacity,
                                 const struct mcpz_id_mark *mark)
{
    size_t at = (size_t)mark->words[0] & (capacity - 1);

    while (!is_free(&slots[at]) &&
           (slots[at].words[0] != mark->words[0] || slots[at].words[1] != mark->words[1])) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

static bool grow(struct mcpz_id_set *set)
{
    const size_t capacity = set->capacity > 0 ? 2 * set->capacity : MCPZ_ID_SET_FIRST;
    struct mcpz_id_mark *slots = calloc(capacity, sizeof(*slots));

    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (!is_free(&set->slots[i])) {
            *find(slots, capacity, &set->slots[i]) = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

mcpz_error mcpz_id_set_add(struct mcpz_id_set *set, const struct mcpz_id *id)
{
    struct mcpz_id_mark mark;

    mcpz_siphash_wide(set->key, mcpz_bytes(id->bytes, sizeof(id->bytes)), mark.words);
    if (is_free(&mark)) {
        mark.words[0] = 1;
    }
    if (set->capacity > 0 && !is_free(find(set->slots, set->capacity, &mark))) {
        return MCPZ_EUSED;
    }
    if (set->count == set->max) {
        return MCPZ_EFULL;
    }
    if (2 * (set->count + 1) > set->capacity && !grow(set)) {
        return MCPZ_ENOMEM;
    }
    *find(set->slots, set->capacity, &mark) = mark;
    set->count++;
    return MCPZ_OK;
}
