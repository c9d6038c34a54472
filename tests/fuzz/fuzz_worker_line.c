/* What a worker says: any bytes. Every value must lie in the line, and be what its kind says. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "exec/worker_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *line = malloc(size + 1);
    if (line == NULL) {
        return 0;
    }
    memcpy(line, data, size);
    const bool is_json = mcpz_json_is_value(mcpz_bytes(line, size));

    const struct mcpz_worker_line said = mcpz_worker_line_read(line, size);
    check(said.says >= MCPZ_WORKER_READY && said.says <= MCPZ_WORKER_NONSENSE);
    check(is_json || said.says == MCPZ_WORKER_NONSENSE);
    if (said.value.length > 0) {
        check(said.value.data >= line && said.value.data + said.value.length <= line + size);
    }
    if (said.says == MCPZ_WORKER_RESULT && said.value.length > 0) {
        check(mcpz_json_is_value(said.value));
    }
    if (said.says == MCPZ_WORKER_ERROR || said.says == MCPZ_WORKER_NOT_READY) {
        check(mcpz_bytes_is_utf8(said.value));
    }

    /* A string is the same after it was written and read again. */
    if (mcpz_bytes_is_utf8(mcpz_bytes(data, size))) {
        char *text = malloc(MCPZ_JSON_ESCAPED_BYTES(size));
        check(text != NULL);
        size_t length = mcpz_json_escape(mcpz_bytes(data, size), text);
        check(mcpz_json_is_value(mcpz_bytes(text, length)));
        check(mcpz_json_unescape((uint8_t *)text, length) == size);
        check(size == 0 || memcmp(text, data, size) == 0);
        free(text);
    }
    free(line);
    return 0;
}
