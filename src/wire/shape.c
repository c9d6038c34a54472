#include "wire/shape.h"

#include "wire/reader.h"

mcpz_error mcpz_shape_measure(struct mcpz_bytes bytes, size_t *length)
{
    struct mcpz_reader reader = mcpz_reader(bytes);

    mcpz_error error = mcpz_reader_skip(&reader);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_ESHORT : error;
    }
    *length = bytes.length - reader.left.length;
    return MCPZ_OK;
}

mcpz_error mcpz_shape_check(struct mcpz_bytes bytes)
{
    size_t length;

    mcpz_error error = mcpz_shape_measure(bytes, &length);
    if (error == MCPZ_OK && length != bytes.length) {
        error = MCPZ_EPROTO;
    }
    return error;
}
