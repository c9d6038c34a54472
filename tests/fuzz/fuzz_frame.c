/*
 * Feed any bytes to the frame opener. What it accepts splits into messages, which packed again
 * open as the same body, compressed or not.
 */

#include <stdlib.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Pack the messages of `body`, and open what that makes. */
static void check_again(struct mcpz_framer *framer, struct mcpz_bytes body,
                        enum mcpz_compress compress)
{
    struct mcpz_bytes rest = body;
    struct mcpz_bytes message;
    struct mcpz_bytes again;

    mcpz_framer_begin(framer);
    while (rest.length > 0) {
        require(mcpz_frame_next(&rest, &message) == MCPZ_OK);
        require(mcpz_framer_add(framer, message));
    }
    require(mcpz_framer_open(framer, mcpz_framer_finish(framer, compress), &again) == MCPZ_OK);
    require(mcpz_bytes_equal(body, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct mcpz_framer *framer; /* made once, and kept to the end */
    static struct mcpz_framer *other;
    struct mcpz_bytes body;

    if (framer == NULL) {
        require(mcpz_framer_create(&framer) == MCPZ_OK && mcpz_framer_create(&other) == MCPZ_OK);
    }
    if (mcpz_framer_open(framer, mcpz_bytes(bytes, length), &body) == MCPZ_OK) {
        check_again(other, body, MCPZ_COMPRESS_NOTHING);
        check_again(other, body, MCPZ_COMPRESS_ALL);
    }
    return 0;
}
