#include "proto/id.h"

#include "base/base32.h"

bool mcpz_id_is_of_blob(const struct mcpz_id *document)
{
    return memcmp(document->bytes + MCPZ_ID_BYTES - MCPZ_BLOB_MARK_BYTES, MCPZ_BLOB_MARK,
                  MCPZ_BLOB_MARK_BYTES) == 0;
}

bool mcpz_id_is_zero(const struct mcpz_id *id)
{
    static const struct mcpz_id zero;
    return mcpz_id_equal(id, &zero);
}

void mcpz_id_to_text(const struct mcpz_id *id, char prefix, char *text)
{
    text[0] = prefix;
    text[1] = '-';
    mcpz_base32_encode(mcpz_bytes(id->bytes, MCPZ_ID_BYTES), text + 2);
}

mcpz_error mcpz_id_from_text(struct mcpz_bytes text, char prefix, struct mcpz_id *id)
{
    struct mcpz_id result;
    size_t length;

    if (text.length != MCPZ_ID_TEXT_BYTES - 1 || text.data[0] != (uint8_t)prefix ||
        text.data[1] != '-') {
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_base32_decode(mcpz_bytes(text.data + 2, text.length - 2), result.bytes,
                                          sizeof(result.bytes), &length);
    if (error != MCPZ_OK || length != MCPZ_ID_BYTES) {
        return MCPZ_EPROTO;
    }
    *id = result;
    return MCPZ_OK;
}
