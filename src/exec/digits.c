#include "exec/digits.h"

#include <stddef.h>

char *mcpz_digits_put(char *text, uint64_t number)
{
    char digits[MCPZ_DIGITS_BYTES];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *text++ = digits[--count];
    }
    *text = '\0';
    return text;
}

const char *mcpz_digits_read(const char *text, uint64_t *number)
{
    *number = 0;
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        *number = *number * 10 + (uint64_t)(*text - '0');
    }
    return text;
}
