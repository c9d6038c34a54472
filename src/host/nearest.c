#include "host/nearest.h"

#include <stdint.h>
#include <string.h>

void mcpz_nearest_init(struct mcpz_nearest *nearest, const char *typed)
{
    *nearest = (struct mcpz_nearest){.typed = typed, .distance = SIZE_MAX};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the table are enough: a swap looks back two. */
static size_t distance_between(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][MCPZ_NEAREST_CHARS_MAX + 1] = {0};

    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        const size_t *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

void mcpz_nearest_offer(struct mcpz_nearest *nearest, const char *word)
{
    size_t typed_length = strlen(nearest->typed);
    size_t length = strlen(word);

    if (typed_length == 0 || typed_length > MCPZ_NEAREST_CHARS_MAX ||
        length > MCPZ_NEAREST_CHARS_MAX) {
        return;
    }
    size_t distance = distance_between(nearest->typed, typed_length, word, length);
    size_t allowed = length < 6 ? 1 : length / 3;
    if (distance <= allowed && distance < nearest->distance) {
        nearest->distance = distance;
        nearest->word = word;
    }
}
