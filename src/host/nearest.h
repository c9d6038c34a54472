/* "Did you mean": the nearest of the words there are. */

#ifndef HOST_NEAREST_H
#define HOST_NEAREST_H

#include <stddef.h>

#define MCPZ_NEAREST_CHARS_MAX 32 /* longer words are near nothing */

struct mcpz_nearest {
    const char *typed;
    const char *word; /* the nearest so far; NULL: none is near enough */
    size_t distance;
};

/** Start looking for what `typed` (borrowed) may have meant. */
void mcpz_nearest_init(struct mcpz_nearest *nearest, const char *typed);

/**
 * Consider `word` (borrowed). Near enough: a third of its letters differ, and one in any case. Of
 * equally near words the first stays.
 *
 * Source: optimal string alignment distance (insert, delete, replace, swap of two neighbours).
 */
void mcpz_nearest_offer(struct mcpz_nearest *nearest, const char *word);

#endif
