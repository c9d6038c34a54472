/*
 * A body that comes in chunks, taken apart. Pure: bytes in, pieces of the body out.
 *
 *   size [; extensions] CRLF bytes CRLF ... 0 CRLF [trailer CRLF ...] CRLF
 *
 * Lines end with CR and LF, nothing less: where two readers could differ about where a body ends,
 * a request could be smuggled in. Extensions and trailers are passed over, within bounds.
 *
 * Source: RFC 9112, sections 7.1 (chunked) and 11.2 (request smuggling).
 */

#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_CHUNK_DIGITS_MAX 16          /* of a size, zeros in front included */
#define MCPZ_CHUNK_LINE_BYTES_MAX 256     /* of a size with its extensions */
#define MCPZ_CHUNK_TRAILER_BYTES_MAX 4096 /* all lines of it together */

enum mcpz_chunked_state {
    MCPZ_CHUNKED_SIZE, /* what is expected next */
    MCPZ_CHUNKED_EXTENSION,
    MCPZ_CHUNKED_SIZE_LF,
    MCPZ_CHUNKED_BYTES,
    MCPZ_CHUNKED_BYTES_CR,
    MCPZ_CHUNKED_BYTES_LF,
    MCPZ_CHUNKED_TRAILER, /* the first byte of a line */
    MCPZ_CHUNKED_TRAILER_REST,
    MCPZ_CHUNKED_TRAILER_LF,
    MCPZ_CHUNKED_LAST_LF,
    MCPZ_CHUNKED_OVER,
    MCPZ_CHUNKED_BROKEN,
};

/* All zeros: at the beginning. */
struct mcpz_chunked {
    enum mcpz_chunked_state state;
    uint64_t left;    /* of the chunk */
    unsigned digits;  /* of its size, so far */
    unsigned line;    /* bytes of the line of the size */
    unsigned trailer; /* bytes of it */
    bool has_colon;   /* the line of it */
};

enum mcpz_chunked_found {
    MCPZ_CHUNKED_MORE = 1, /* all that is there was taken */
    MCPZ_CHUNKED_PIECE,
    MCPZ_CHUNKED_END,
    MCPZ_CHUNKED_BAD, /* it is no such body, and never will be */
};

/**
 * Take bytes off the front of `in`: up to the next piece of the body, which is left in `piece` and
 * lies in what was taken, or as far as there are any. After the end, `in` is what follows the
 * body.
 */
enum mcpz_chunked_found mcpz_chunked_read(struct mcpz_chunked *chunked, struct mcpz_bytes *in,
                                          struct mcpz_bytes *piece);

#endif
