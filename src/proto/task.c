#include "proto/task.h"

#define PREFIX_BYTES 2

void mcpz_task_id_to_text(const struct mcpz_task_id *id, char *text)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(text, "t-", PREFIX_BYTES);
    for (size_t i = 0; i < MCPZ_TASK_ID_BYTES; i++) {
        text[PREFIX_BYTES + 2 * i] = digits[id->bytes[i] >> 4];
        text[PREFIX_BYTES + 2 * i + 1] = digits[id->bytes[i] & 0x0f];
    }
    text[MCPZ_TASK_ID_TEXT_BYTES - 1] = '\0';
}

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
