#include "base/clear.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PAGE 4096 /* or a part of one */

static bool is_clear(const uint8_t *memory, size_t size)
{
    return memory[0] == 0 && memcmp(memory, memory + 1, size - 1) == 0;
}

void mcpz_clear(void *memory, size_t size)
{
    uint8_t *at = memory;

    while (size > 0) {
        const size_t left = PAGE - (uintptr_t)at % PAGE;
        const size_t part = left < size ? left : size;
        if (!is_clear(at, part)) {
            memset(at, 0, part);
        }
        at += part;
        size -= part;
    }
}
