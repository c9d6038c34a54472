#include "core/task_text.h"

#include <string.h>

void mcpz_task_text_add(struct mcpz_task_text *text, struct mcpz_bytes more)
{
    const size_t room = sizeof(text->bytes) - text->length;
    size_t taken = more.length < room ? more.length : room;

    while (taken < more.length && taken > 0 && (more.data[taken] & 0xc0) == 0x80) {
        taken--; /* not within a character */
    }
    if (taken > 0) {
        memcpy(text->bytes + text->length, more.data, taken);
        text->length += taken;
    }
}

void mcpz_task_text_add_number(struct mcpz_task_text *text, uint32_t number)
{
    char digits[10];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    mcpz_task_text_add(text, mcpz_bytes(digits + at, sizeof(digits) - at));
}
