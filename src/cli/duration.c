#include "cli/duration.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t ms;
};

/* The largest first: mcpz_duration_write() takes the first that fits. */
static const struct unit units[] = {
    {"d", UINT64_C(24) * 3600 * 1000},
    {"h", UINT64_C(3600) * 1000},
    {"m", UINT64_C(60) * 1000},
    {"s", 1000},
    {"ms", 1},
};

mcpz_error mcpz_duration_read(const char *text, uint64_t *ms)
{
    uint64_t number = 0;
    size_t digits = strspn(text, "0123456789");

    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (number > MCPZ_DURATION_MS_MAX) {
            return MCPZ_EFULL;
        }
    }
    if (digits == 0 || number == 0) {
        return MCPZ_EPROTO;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(units); i++) {
        if (strcmp(text + digits, units[i].name) != 0) {
            continue;
        }
        if (number > MCPZ_DURATION_MS_MAX / units[i].ms) {
            return MCPZ_EFULL;
        }
        *ms = number * units[i].ms;
        return MCPZ_OK;
    }
    return MCPZ_EPROTO;
}

void mcpz_duration_write(uint64_t seconds, char *text)
{
    size_t largest = 0;

    while (units[largest].ms > 1000 && seconds < units[largest].ms / 1000) {
        largest++;
    }
    uint64_t size = units[largest].ms / 1000;
    uint64_t rest = seconds % size;
    int length = snprintf(text, MCPZ_DURATION_TEXT_BYTES, "%" PRIu64 "%s", seconds / size,
                          units[largest].name);
    if (rest == 0 || units[largest].ms == 1000) {
        return;
    }
    const struct unit *next = &units[largest + 1];
    if (rest >= next->ms / 1000) {
        (void)snprintf(text + length, MCPZ_DURATION_TEXT_BYTES - (size_t)length, " %" PRIu64 "%s",
                       rest / (next->ms / 1000), next->name);
    }
}
