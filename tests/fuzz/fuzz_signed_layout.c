/* Feed any bytes to what takes a signed layout apart. What it accepts is what would be written. */

#include <stdlib.h>

#include "wire/placement_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[65536];
    struct mcpz_signed_placement apart;
    size_t written;

    if (length > sizeof(again) ||
        mcpz_signed_placement_decode(mcpz_bytes(bytes, length), &apart) != MCPZ_OK) {
        return 0;
    }
    if (mcpz_signed_placement_encode(&apart, again, sizeof(again), &written) != MCPZ_OK ||
        !mcpz_bytes_equal(mcpz_bytes(bytes, length), mcpz_bytes(again, written)) ||
        written > MCPZ_SIGNED_PLACEMENT_BYTES(apart.body.length)) {
        abort();
    }
    return 0;
}
