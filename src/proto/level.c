#include "proto/level.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    const char *word;
    uint32_t per_minute;
} rows[MCPZ_LEVEL_COUNT] = {
#define X(name, text, rate) [MCPZ_LEVEL_##name] = {.word = (text), .per_minute = (rate)},
    MCPZ_LEVELS(X)
#undef X
};

const char *mcpz_level_word(enum mcpz_level level)
{
    assert(level < MCPZ_LEVEL_COUNT);
    return rows[level].word;
}

uint32_t mcpz_level_per_minute(enum mcpz_level level)
{
    assert(level < MCPZ_LEVEL_COUNT);
    return rows[level].per_minute;
}

/* Without the locale: the words are plain ASCII. */
static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_word(const char *text, const char *word)
{
    size_t at = 0;
    while (word[at] != '\0' && lower(text[at]) == word[at]) {
        at++;
    }
    return word[at] == '\0' && text[at] == '\0';
}

bool mcpz_level_parse(const char *word, enum mcpz_level *level)
{
    for (size_t i = 0; i < MCPZ_LEVEL_COUNT; i++) {
        if (is_word(word, rows[i].word)) {
            *level = (enum mcpz_level)i;
            return true;
        }
    }
    return false;
}
