#include "sim/sometimes.h"

#include <inttypes.h>

const struct mcpz_sometimes_words mcpz_sometimes_words[] = {MCPZ_SOMETIMES(MCPZ_SOMETIMES_WORDS)};

void mcpz_sometimes_print(const struct mcpz_sometimes_words *words, const uint64_t *times,
                          size_t count, FILE *file)
{
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(file, "%8" PRIu64 "  %-20s %s%s\n", times[i], words[i].word, words[i].help,
                      times[i] == 0 ? " -- NEVER" : "");
    }
}

/* Words are ours: nothing in them needs escaping. */
void mcpz_sometimes_print_json(const struct mcpz_sometimes_words *words, const uint64_t *times,
                               size_t count, FILE *file)
{
    (void)fprintf(file, "\"sometimes\":{");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(file, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", words[i].word, times[i]);
    }
    (void)fprintf(file, "}");
}
