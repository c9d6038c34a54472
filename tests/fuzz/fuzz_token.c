/*
 * Feed any text to the reader of join tokens. What it accepts can be written, and what is written
 * reads as the same token.
 */

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "wire/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static alignas(max_align_t) uint8_t memory[MCPZ_TOKEN_TEXT_BYTES_MAX];

static mcpz_error from_text(struct mcpz_bytes text, struct mcpz_join_token *token)
{
    struct mcpz_arena arena;
    mcpz_arena_init(&arena, memory, sizeof(memory));
    return mcpz_token_from_text(text, &arena, token);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char texts[2][MCPZ_TOKEN_TEXT_BYTES_MAX];
    struct mcpz_join_token token;

    if (from_text(mcpz_bytes(bytes, length), &token) != MCPZ_OK) {
        return 0;
    }
    if (mcpz_token_to_text(&token, texts[0], sizeof(texts[0])) != MCPZ_OK ||
        from_text(mcpz_text(texts[0]), &token) != MCPZ_OK ||
        mcpz_token_to_text(&token, texts[1], sizeof(texts[1])) != MCPZ_OK ||
        strcmp(texts[0], texts[1]) != 0) {
        abort();
    }
    return 0;
}
