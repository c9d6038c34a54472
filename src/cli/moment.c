#include "cli/moment.h"

#include <stddef.h>
#include <time.h>

#include "cli/duration.h"

/* Behind the seconds: "Z", or a fraction and "Z". */
static mcpz_error read_rest(const char *text, uint64_t *fraction_ms)
{
    uint64_t unit = 100;

    *fraction_ms = 0;
    if (*text == '.') {
        text++;
        if (*text < '0' || *text > '9') {
            return MCPZ_EPROTO;
        }
        for (; *text >= '0' && *text <= '9'; text++) {
            *fraction_ms += (uint64_t)(*text - '0') * unit;
            unit /= 10; /* what is finer is left out */
        }
    }
    return text[0] == 'Z' && text[1] == '\0' ? MCPZ_OK : MCPZ_EPROTO;
}

mcpz_error mcpz_moment_read(const char *text, uint64_t now_ms, uint64_t *ms)
{
    uint64_t ago_ms;
    uint64_t fraction_ms;
    struct tm parts = {0};

    if (mcpz_duration_read(text, &ago_ms) == MCPZ_OK) {
        if (ago_ms > now_ms) {
            return MCPZ_EPROTO;
        }
        *ms = now_ms - ago_ms;
        return MCPZ_OK;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL || read_rest(rest, &fraction_ms) != MCPZ_OK) {
        return MCPZ_EPROTO;
    }
    time_t seconds = timegm(&parts);
    if (seconds < 0) {
        return MCPZ_EPROTO;
    }
    *ms = (uint64_t)seconds * 1000 + fraction_ms;
    return MCPZ_OK;
}
