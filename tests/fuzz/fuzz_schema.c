#include <stdlib.h>

#include "store/schema.h"

/* A key that parses is the key of what it parses to. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mcpz_record record;
    struct mcpz_key key;

    if (mcpz_schema_parse(mcpz_bytes(data, size), &record) != MCPZ_OK) {
        return 0;
    }
    mcpz_schema_key(&record, &key);
    if (!mcpz_bytes_equal(mcpz_bytes(key.bytes, key.length), mcpz_bytes(data, size))) {
        abort();
    }
    return 0;
}
