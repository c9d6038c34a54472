#include "store/sorted.h"

#include <assert.h>

/*
 * For each level, the link that points to the first write not before `key`.

 */
static void find_links(struct mcpz_sorted *sorted, struct mcpz_bytes key,
                       struct mcpz_write **links[MCPZ_SORTED_HEIGHT_MAX])
{
    struct mcpz_write **row = sorted->heads;

    for (size_t level = MCPZ_SORTED_HEIGHT_MAX; level > 0; level--) {
        while (row[level - 1] != NULL && mcpz_bytes_compare(row[level - 1]->key, key) < 0) {
            row = row[level - 1]->links;
        }
        links[level - 1] = &row[level - 1];
    }
}

static void cut(struct mcpz_write **links[MCPZ_SORTED_HEIGHT_MAX], const struct mcpz_write *write)
{
    for (size_t level = 0; level < write->height; level++) {
        assert(*links[level] == write);
        *links[level] = write->links[level];
    }
}

uint8_t mcpz_sorted_height(struct mcpz_rng *rng)
{
    uint64_t bits = mcpz_rng_next(rng);
    uint8_t height = 1;

    while (height < MCPZ_SORTED_HEIGHT_MAX && (bits & 3U) == 0) {
        bits >>= 2;
        height++;
    }
    return height;
}

struct mcpz_write *mcpz_sorted_link(struct mcpz_sorted *sorted, struct mcpz_write *write)
{
    struct mcpz_write **links[MCPZ_SORTED_HEIGHT_MAX];

    find_links(sorted, write->key, links);
    struct mcpz_write *old = *links[0];
    if (old != NULL && mcpz_bytes_equal(old->key, write->key)) {
        cut(links, old);
    } else {
        old = NULL;
    }

    for (size_t level = 0; level < write->height; level++) {
        write->links[level] = *links[level];
        *links[level] = write;
    }
    return old;
}

void mcpz_sorted_unlink(struct mcpz_sorted *sorted, const struct mcpz_write *write)
{
    struct mcpz_write **links[MCPZ_SORTED_HEIGHT_MAX];

    find_links(sorted, write->key, links);
    if (*links[0] == write) {
        cut(links, write);
    }
}

struct mcpz_write *mcpz_sorted_seek(const struct mcpz_sorted *sorted, struct mcpz_bytes after,
                                    bool inclusive)
{
    struct mcpz_write *const *row = sorted->heads;
    int bound = inclusive ? 0 : 1; /* keys that compare below it are passed over */

    for (size_t level = MCPZ_SORTED_HEIGHT_MAX; level > 0; level--) {
        const struct mcpz_write *write;
        while ((write = row[level - 1]) != NULL) {
            int order = mcpz_bytes_compare(write->key, after);
            if ((order > 0) - (order < 0) >= bound) {
                break;
            }
            row = write->links;
        }
    }
    return row[0];
}

struct mcpz_write *mcpz_sorted_find(const struct mcpz_sorted *sorted, struct mcpz_bytes key)
{
    struct mcpz_write *write = mcpz_sorted_seek(sorted, key, true);
    return write != NULL && mcpz_bytes_equal(write->key, key) ? write : NULL;
}
