/* What a worker says: any bytes. Every value must lie in the line, and be what its kind says. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exec/worker_line.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_value(struct mcpz_bytes text)
{
    return mcpz_json_check(text, MCPZ_JSON_GRAMMAR) == MCPZ_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *line = malloc(size + 1);
    if (line == NULL) {
        return 0;
    }
    memcpy(line, data, size);
    const bool is_json = is_value(mcpz_bytes(line, size));

    const struct mcpz_worker_line said = mcpz_worker_line_read(line, size);
    check(said.says >= MCPZ_WORKER_READY && said.says <= MCPZ_WORKER_NONSENSE);
    check(is_json || said.says == MCPZ_WORKER_NONSENSE);
    if (said.value.length > 0) {
        check(said.value.data >= line && said.value.data + said.value.length <= line + size);
    }
    if (said.says == MCPZ_WORKER_RESULT && said.value.length > 0) {
        check(is_value(said.value));
    }
    if (said.says == MCPZ_WORKER_ERROR || said.says == MCPZ_WORKER_NOT_READY) {
        check(mcpz_bytes_is_utf8(said.value));
    }

    free(line);
    return 0;
}
