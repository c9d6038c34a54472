/*
 * What comes over a connection of the mesh: the first byte says whether it is masked, the second
 * how many bytes come at a time. Whole or in pieces, the same comes of it.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "net/ws_reader.h"

#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was made of the bytes. */
struct outcome {
    mcpz_error error;
    size_t ended; /* messages and control frames */
    uint64_t hash;
};

static void take(struct mcpz_ws_reader *reader, uint8_t *bytes, size_t length,
                 struct outcome *outcome)
{
    struct mcpz_ws_bytes left = {.data = bytes, .length = length};
    struct mcpz_ws_piece piece;

    while ((outcome->error = mcpz_ws_reader_next(reader, &left, &piece)) == MCPZ_OK) {
        for (size_t i = 0; i < piece.bytes.length; i++) {
            outcome->hash = mcpz_hash_mix(outcome->hash ^ piece.bytes.data[i]);
        }
        if (piece.is_last && (piece.left != 0 || piece.kind == 0)) {
            abort();
        }
        outcome->ended += piece.is_last;
        outcome->hash = piece.is_last ? mcpz_hash_mix(outcome->hash ^ piece.kind) : outcome->hash;
    }
    if (outcome->error == MCPZ_ENOTFOUND && left.length > 0) {
        abort();
    }
}

static struct outcome read_by(const uint8_t *data, size_t size, bool masked, size_t at_a_time)
{
    static uint8_t bytes[BYTES_MAX];
    struct mcpz_ws_reader reader = {.masked = masked};
    struct outcome outcome = {.error = MCPZ_ENOTFOUND};

    for (size_t at = 0; at < size && outcome.error == MCPZ_ENOTFOUND; at += at_a_time) {
        const size_t length = size - at < at_a_time ? size - at : at_a_time;
        memcpy(bytes, data + at, length);
        take(&reader, bytes, length, &outcome);
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > BYTES_MAX) {
        return 0;
    }
    const bool masked = (data[0] & 1) != 0;
    const struct outcome whole = read_by(data + 2, size - 2, masked, BYTES_MAX);
    const struct outcome cut = read_by(data + 2, size - 2, masked, (size_t)data[1] + 1);

    if (whole.error != cut.error || whole.ended != cut.ended || whole.hash != cut.hash) {
        abort();
    }
    return 0;
}
