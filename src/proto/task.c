#include "proto/task.h"

#include "base/hex.h"

#define PREFIX_BYTES 2

void mcpz_task_id_to_text(const struct mcpz_task_id *id, char *text)
{
    memcpy(text, "t-", PREFIX_BYTES);
    mcpz_hex_put(mcpz_bytes(id->bytes, MCPZ_TASK_ID_BYTES), text + PREFIX_BYTES);
    text[MCPZ_TASK_ID_TEXT_BYTES - 1] = '\0';
}

/* In lower case only: a name is written in one way. */
static int digit_of(uint8_t character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool mcpz_task_id_from_text(struct mcpz_bytes text, struct mcpz_task_id *id)
{
    if (text.length != PREFIX_BYTES + 2 * MCPZ_TASK_ID_BYTES ||
        memcmp(text.data, "t-", PREFIX_BYTES) != 0) {
        return false;
    }
    for (size_t i = 0; i < MCPZ_TASK_ID_BYTES; i++) {
        int high = digit_of(text.data[PREFIX_BYTES + 2 * i]);
        int low = digit_of(text.data[PREFIX_BYTES + 2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        id->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
