#include "http/chunked.h"

#include <assert.h>

#include "base/hex.h"

/* What may stand in a line: no control character but the tab. */
static bool is_text(uint8_t character)
{
    return character == '\t' || (character >= ' ' && character != 0x7f);
}

static enum mcpz_chunked_state after(bool good, enum mcpz_chunked_state next)
{
    return good ? next : MCPZ_CHUNKED_BROKEN;
}

static enum mcpz_chunked_state take_size(struct mcpz_chunked *chunked, uint8_t character)
{
    int digit = mcpz_hex_value(character);

    if (digit >= 0) {
        bool fits = chunked->digits < MCPZ_CHUNK_DIGITS_MAX && chunked->left <= INT64_MAX >> 4;
        chunked->digits++;
        chunked->left = fits ? chunked->left << 4 | (uint64_t)digit : 0;
        return after(fits, MCPZ_CHUNKED_SIZE);
    }
    if (chunked->digits == 0) {
        return MCPZ_CHUNKED_BROKEN;
    }
    if (character == '\r') {
        return MCPZ_CHUNKED_SIZE_LF;
    }
    return after(character == ';' || character == ' ' || character == '\t',
                 MCPZ_CHUNKED_EXTENSION);
}

static enum mcpz_chunked_state end_size(struct mcpz_chunked *chunked)
{
    chunked->digits = 0;
    chunked->line = 0;
    return chunked->left > 0 ? MCPZ_CHUNKED_BYTES : MCPZ_CHUNKED_TRAILER;
}

/* A line that goes on from the one before is no line of a trailer: section 5.2. */
static enum mcpz_chunked_state take_trailer(struct mcpz_chunked *chunked, uint8_t character)
{
    if (character == '\r') {
        return MCPZ_CHUNKED_LAST_LF;
    }
    chunked->has_colon = false;
    return after(is_text(character) && character != ' ' && character != '\t' && character != ':',
                 MCPZ_CHUNKED_TRAILER_REST);
}

static enum mcpz_chunked_state take_trailer_rest(struct mcpz_chunked *chunked, uint8_t character)
{
    if (character == '\r') {
        return after(chunked->has_colon, MCPZ_CHUNKED_TRAILER_LF);
    }
    chunked->has_colon = chunked->has_colon || character == ':';
    return after(is_text(character), MCPZ_CHUNKED_TRAILER_REST);
}

/* One byte that is no part of the body. */
static enum mcpz_chunked_state take(struct mcpz_chunked *chunked, uint8_t character)
{
    switch (chunked->state) {
    case MCPZ_CHUNKED_SIZE:
        return take_size(chunked, character);
    case MCPZ_CHUNKED_EXTENSION:
        return character == '\r' ? MCPZ_CHUNKED_SIZE_LF
                                 : after(is_text(character), MCPZ_CHUNKED_EXTENSION);
    case MCPZ_CHUNKED_SIZE_LF:
        return character == '\n' ? end_size(chunked) : MCPZ_CHUNKED_BROKEN;
    case MCPZ_CHUNKED_BYTES_CR:
        return after(character == '\r', MCPZ_CHUNKED_BYTES_LF);
    case MCPZ_CHUNKED_BYTES_LF:
        return after(character == '\n', MCPZ_CHUNKED_SIZE);
    case MCPZ_CHUNKED_TRAILER:
        return take_trailer(chunked, character);
    case MCPZ_CHUNKED_TRAILER_REST:
        return take_trailer_rest(chunked, character);
    case MCPZ_CHUNKED_TRAILER_LF:
        return after(character == '\n', MCPZ_CHUNKED_TRAILER);
    case MCPZ_CHUNKED_LAST_LF:
        return after(character == '\n', MCPZ_CHUNKED_OVER);
    case MCPZ_CHUNKED_BYTES:
    case MCPZ_CHUNKED_OVER:
    case MCPZ_CHUNKED_BROKEN:
        break;
    }
    assert(false); /* not looked at byte by byte */
    return MCPZ_CHUNKED_BROKEN;
}

/* Are lines as long as they may be? */
static bool is_within_bounds(struct mcpz_chunked *chunked)
{
    switch (chunked->state) {
    case MCPZ_CHUNKED_SIZE:
    case MCPZ_CHUNKED_EXTENSION:
    case MCPZ_CHUNKED_SIZE_LF:
        return ++chunked->line <= MCPZ_CHUNK_LINE_BYTES_MAX;
    case MCPZ_CHUNKED_TRAILER:
    case MCPZ_CHUNKED_TRAILER_REST:
    case MCPZ_CHUNKED_TRAILER_LF:
        return ++chunked->trailer <= MCPZ_CHUNK_TRAILER_BYTES_MAX;
    case MCPZ_CHUNKED_BYTES:
    case MCPZ_CHUNKED_BYTES_CR:
    case MCPZ_CHUNKED_BYTES_LF:
    case MCPZ_CHUNKED_LAST_LF:
    case MCPZ_CHUNKED_OVER:
    case MCPZ_CHUNKED_BROKEN:
        break;
    }
    return true;
}

static struct mcpz_bytes cut(struct mcpz_bytes *in, size_t length)
{
    const struct mcpz_bytes front = mcpz_bytes(in->data, length);

    *in = mcpz_bytes(in->data + length, in->length - length);
    return front;
}

enum mcpz_chunked_found mcpz_chunked_read(struct mcpz_chunked *chunked, struct mcpz_bytes *in,
                                          struct mcpz_bytes *piece)
{
    while (in->length > 0 && chunked->state < MCPZ_CHUNKED_OVER) {
        if (chunked->state == MCPZ_CHUNKED_BYTES) {
            *piece = cut(in, in->length < chunked->left ? in->length : (size_t)chunked->left);
            chunked->left -= piece->length;
            chunked->state = chunked->left > 0 ? MCPZ_CHUNKED_BYTES : MCPZ_CHUNKED_BYTES_CR;
            return MCPZ_CHUNKED_PIECE;
        }
        chunked->state =
            is_within_bounds(chunked) ? take(chunked, in->data[0]) : MCPZ_CHUNKED_BROKEN;
        (void)cut(in, 1);
    }
    if (chunked->state == MCPZ_CHUNKED_OVER) {
        return MCPZ_CHUNKED_END;
    }
    return chunked->state == MCPZ_CHUNKED_BROKEN ? MCPZ_CHUNKED_BAD : MCPZ_CHUNKED_MORE;
}
