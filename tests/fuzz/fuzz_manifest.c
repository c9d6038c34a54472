/* Feed any bytes to the decoder of a blob's lists. What it accepts is what would be written. */

#include <stdlib.h>
#include <string.h>

#include "blob/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct mcpz_manifest manifest;
    static uint8_t again[MCPZ_MANIFEST_BYTES_MAX];
    uint64_t begins;

    if (mcpz_manifest_decode(mcpz_bytes(bytes, length), &manifest) != MCPZ_OK) {
        return 0;
    }
    const size_t written = mcpz_manifest_encode(&manifest, again);
    const uint64_t whole = mcpz_manifest_bytes(&manifest);
    if (written != length || memcmp(again, bytes, length) != 0 || whole > MCPZ_BLOB_BYTES_MAX) {
        abort();
    }
    if (whole > 0) {
        const size_t last = mcpz_manifest_find(&manifest, whole - 1, &begins);
        if (last != manifest.count - 1 || begins + manifest.entries[last].bytes != whole) {
            abort();
        }
    }
    return 0;
}
