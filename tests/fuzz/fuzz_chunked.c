/*
 * A body in chunks: whatever the bytes are and however they are cut, it is the same body, and no
 * byte of it is made up. The first byte says how they are cut.
 */

#include <stdlib.h>
#include <string.h>

#include "http/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    uint8_t *body;
    size_t length;
    size_t taken;
    enum mcpz_chunked_found found;
};

static struct reading read_in_steps(const uint8_t *data, size_t size, size_t step)
{
    struct mcpz_chunked chunked = {0};
    struct reading reading = {.body = malloc(size + 1), .found = MCPZ_CHUNKED_MORE};

    while (reading.taken < size && reading.found == MCPZ_CHUNKED_MORE) {
        size_t length = size - reading.taken < step ? size - reading.taken : step;
        struct mcpz_bytes in = mcpz_bytes(data + reading.taken, length);
        struct mcpz_bytes piece;
        while ((reading.found = mcpz_chunked_read(&chunked, &in, &piece)) == MCPZ_CHUNKED_PIECE) {
            if (piece.length == 0 || piece.data < data ||
                piece.data + piece.length > data + size) {
                abort();
            }
            memcpy(reading.body + reading.length, piece.data, piece.length);
            reading.length += piece.length;
        }
        reading.taken += length - in.length;
        if (reading.found == MCPZ_CHUNKED_MORE && in.length != 0) {
            abort();
        }
    }
    return reading;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct reading whole = read_in_steps(data + 1, size - 1, size);
    struct reading cut = read_in_steps(data + 1, size - 1, 1 + data[0] % 16);

    if (whole.found != cut.found || whole.taken != cut.taken || whole.length != cut.length ||
        memcmp(whole.body, cut.body, whole.length) != 0) {
        abort();
    }
    free(whole.body);
    free(cut.body);
    return 0;
}
