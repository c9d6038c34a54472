#include "cli/peers.h"

#include <stdio.h>
#include <string.h>

#include "cli/show.h"

/* Is `word`, of `length`, one of those in `words`? */
static bool is_among(const char *word, size_t length, const char *words)
{
    for (;;) {
        size_t next = strcspn(words, ",");
        if (next == length && strncmp(words, word, length) == 0) {
            return true;
        }
        if (words[next] == '\0') {
            return false;
        }
        words += next + 1;
    }
}

static bool is_known(const char *word, size_t length, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (strlen(*known) == length && strncmp(*known, word, length) == 0) {
            return true;
        }
    }
    return false;
}

bool mcpz_words_are(const char *words, const char *const *known)
{
    for (;;) {
        size_t length = strcspn(words, ",");
        if (!is_known(words, length, known)) {
            return false;
        }
        if (words[length] == '\0') {
            return true;
        }
        words += length + 1;
    }
}

void mcpz_peers_keep(json_t *peers, const char *key, const char *words)
{
    for (size_t i = json_array_size(peers); words != NULL && i-- > 0;) {
        const char *text = mcpz_show_text(json_array_get(peers, i), key);
        if (!is_among(text, strlen(text), words)) {
            (void)json_array_remove(peers, i);
        }
    }
}

const char *mcpz_peer_reasons(const json_t *peer, char *room)
{
    const json_t *reasons = json_object_get(peer, "reasons");
    char observer[MCPZ_FIELD_BYTES];
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(reasons) && used < MCPZ_FIELD_BYTES; i++) {
        const json_t *reason = json_array_get(reasons, i);
        int length = snprintf(room + used, MCPZ_FIELD_BYTES - used, "%s%.64s by %.64s",
                              i > 0 ? ", " : "", mcpz_show_text(reason, "reason"),
                              mcpz_json_short_id(reason, "observer", observer));
        used += length > 0 ? (size_t)length : 0;
    }
    return used > 0 ? room : NULL;
}
