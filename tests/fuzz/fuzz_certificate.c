/* Feed any bytes to the decoder of certificate chains. What it accepts is what would be written.
 */

#include <stdlib.h>

#include "wire/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t buffer[MCPZ_CERTIFICATE_BYTES_MAX];
    struct mcpz_certificate_chain chain;
    size_t written;

    if (mcpz_certificate_chain_decode(mcpz_bytes(bytes, length), &chain) != MCPZ_OK) {
        return 0;
    }
    if (mcpz_certificate_chain_encode(&chain, buffer, sizeof(buffer), &written) != MCPZ_OK ||
        !mcpz_bytes_equal(mcpz_bytes(bytes, length), mcpz_bytes(buffer, written))) {
        abort();
    }
    return 0;
}
