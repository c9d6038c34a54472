#include "proto/code.h"

#include <stddef.h>

#include "base/attr.h"

struct row {
    const char *word;
    bool retryable;
};

static const struct row rows[MCPZ_CODE_END] = {[MCPZ_CODE_OK] = {.word = "ok"},
#define X(name, number, text, retry) [number] = {.word = (text), .retryable = (retry)},
                                               MCPZ_CODES(X)
#undef X
};

static const struct row *row_of(uint32_t code)
{
    return code < MCPZ_ARRAY_LEN(rows) && rows[code].word != NULL ? &rows[code] : NULL;
}

const char *mcpz_code_word(uint32_t code)
{
    const struct row *row = row_of(code);
    return row != NULL ? row->word : "unknown";
}

bool mcpz_code_is_retryable(uint32_t code)
{
    const struct row *row = row_of(code);
    return row != NULL && row->retryable;
}
