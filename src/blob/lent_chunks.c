#include "blob/lent_chunks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "blob/chunk.h"

struct lent_chunk {
    struct mcpz_chunk_letter letter;
    uint8_t *bytes; /* NULL: free */
};

/* A ring: the oldest is at `first`. */
struct mcpz_lent_chunks {
    struct lent_chunk rows[MCPZ_LENT_CHUNKS_MAX];
    size_t first;
    size_t count;
    size_t bytes;
};

static_assert(MCPZ_CHUNK_STORED_BYTES_MAX <= MCPZ_LENT_BYTES_MAX, "one has room");

mcpz_error mcpz_lent_chunks_create(struct mcpz_lent_chunks **lent)
{
    *lent = calloc(1, sizeof(**lent));
    return *lent != NULL ? MCPZ_OK : MCPZ_ENOMEM;
}

static void drop_oldest(struct mcpz_lent_chunks *lent)
{
    struct lent_chunk *oldest = &lent->rows[lent->first];

    lent->bytes -= oldest->letter.stored.length;
    free(oldest->bytes);
    *oldest = (struct lent_chunk){.bytes = NULL};
    lent->first = (lent->first + 1) % MCPZ_LENT_CHUNKS_MAX;
    lent->count--;
}

void mcpz_lent_chunks_clear(struct mcpz_lent_chunks *lent)
{
    while (lent->count > 0) {
        drop_oldest(lent);
    }
}

void mcpz_lent_chunks_destroy(struct mcpz_lent_chunks *lent)
{
    if (lent != NULL) {
        mcpz_lent_chunks_clear(lent);
        free(lent);
    }
}

mcpz_error mcpz_lent_chunks_find(const struct mcpz_lent_chunks *lent, const struct mcpz_id *id,
                                 struct mcpz_chunk_letter *letter)
{
    for (size_t i = 0; i < lent->count; i++) {
        const struct lent_chunk *row = &lent->rows[(lent->first + i) % MCPZ_LENT_CHUNKS_MAX];
        if (mcpz_id_equal(&row->letter.id, id)) {
            *letter = row->letter;
            return MCPZ_OK;
        }
    }
    return MCPZ_ENOTFOUND;
}

mcpz_error mcpz_lent_chunks_put(struct mcpz_lent_chunks *lent,
                                const struct mcpz_chunk_letter *letter)
{
    struct mcpz_chunk_letter known;

    assert(letter->stored.length <= MCPZ_CHUNK_STORED_BYTES_MAX);
    if (mcpz_lent_chunks_find(lent, &letter->id, &known) == MCPZ_OK) {
        return MCPZ_OK;
    }
    while (lent->count == MCPZ_LENT_CHUNKS_MAX ||
           lent->bytes + letter->stored.length > MCPZ_LENT_BYTES_MAX) {
        drop_oldest(lent);
    }
    uint8_t *bytes = malloc(letter->stored.length);
    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    memcpy(bytes, letter->stored.data, letter->stored.length);
    struct lent_chunk *row = &lent->rows[(lent->first + lent->count++) % MCPZ_LENT_CHUNKS_MAX];
    *row = (struct lent_chunk){.letter = *letter, .bytes = bytes};
    row->letter.stored = mcpz_bytes(bytes, letter->stored.length);
    lent->bytes += letter->stored.length;
    return MCPZ_OK;
}
