/* Feed any bytes to the reader of chunks that another node sends. What it accepts is what would be
 * written. */

#include <stdlib.h>
#include <string.h>

#include "blob/chunk.h"
#include "blob/chunk_letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[MCPZ_CHUNK_LETTER_HEAD_BYTES + MCPZ_CHUNK_STORED_BYTES_MAX];
    struct mcpz_bytes rest = mcpz_bytes(bytes, length);
    struct mcpz_chunk_letter letter;
    const uint8_t *at = bytes;

    while (mcpz_chunk_letter_next(&rest, &letter) == MCPZ_OK) {
        const size_t written = mcpz_chunk_letter_write(&letter, again);
        if (written != (size_t)(rest.data - at) || memcmp(again, at, written) != 0) {
            abort();
        }
        at = rest.data;
    }
    return 0;
}
