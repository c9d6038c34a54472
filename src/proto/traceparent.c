#include "proto/traceparent.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "proto/limits.h"

static_assert(MCPZ_TRACEPARENT_BYTES <= MCPZ_TRACEPARENT_BYTES_MAX, "version 00 fits");

struct part {
    size_t start;
    size_t length;
    bool may_be_zero;
};

static const struct part parts[] = {
    {0, 2, true},    /* version */
    {3, 32, false},  /* trace */
    {36, 16, false}, /* parent */
    {53, 2, true},   /* flags */
};

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

static bool is_valid_part(const uint8_t *text, const struct part *part)
{
    bool is_zero = true;

    for (size_t i = part->start; i < part->start + part->length; i++) {
        if (!is_hex(text[i])) {
            return false;
        }
        is_zero = is_zero && text[i] == '0';
    }
    return !is_zero || part->may_be_zero;
}

/* Whatever a later version has to add: characters that can stand in a header. */
static bool is_valid_rest(struct mcpz_bytes text)
{
    for (size_t i = MCPZ_TRACEPARENT_BYTES; i < text.length; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return text.length == MCPZ_TRACEPARENT_BYTES || text.data[MCPZ_TRACEPARENT_BYTES] == '-';
}

bool mcpz_traceparent_is_valid(struct mcpz_bytes text)
{
    if (text.length < MCPZ_TRACEPARENT_BYTES || text.length > MCPZ_TRACEPARENT_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(parts); i++) {
        size_t end = parts[i].start + parts[i].length;
        bool is_last = i + 1 == MCPZ_ARRAY_LEN(parts);
        if (!is_valid_part(text.data, &parts[i]) || (!is_last && text.data[end] != '-')) {
            return false;
        }
    }
    bool is_first_version = text.data[0] == '0' && text.data[1] == '0';
    bool is_no_version = text.data[0] == 'f' && text.data[1] == 'f';
    return !is_no_version && (!is_first_version || text.length == MCPZ_TRACEPARENT_BYTES) &&
           is_valid_rest(text);
}
