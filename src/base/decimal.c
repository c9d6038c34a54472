#include "base/decimal.h"

#include <assert.h>

#define MICROS INT64_C(1000000)
#define DIGITS_MAX 18

static_assert(INT64_C(1) * MCPZ_WEIGHTED_MAX * MCPZ_WEIGHT_MAX <= INT64_MAX / MCPZ_DECIMAL_MAX,
              "a weighted sum does not overflow");

static bool is_digit(struct mcpz_bytes text, size_t at)
{
    return at < text.length && text.data[at] >= '0' && text.data[at] <= '9';
}

/* "e-3" at `at`, to the end of the text. */
static bool read_exponent(struct mcpz_bytes text, size_t at, int *exponent)
{
    bool negative = false;
    int value = 0;

    if (at < text.length && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        negative = at < text.length && text.data[at] == '-';
        at += at < text.length && (text.data[at] == '-' || text.data[at] == '+');
        for (; is_digit(text, at) && value < 1000; at++) {
            value = 10 * value + (text.data[at] - '0');
        }
    }
    *exponent = negative ? -value : value;
    return at == text.length;
}

/* `digits` times ten to the power of `exponent`, in whole numbers. False: too large. */
static bool scale(int64_t digits, int exponent, int64_t *scaled)
{
    bool half = false;

    for (; exponent > 0 && digits != 0; exponent--) {
        if (digits > MCPZ_DECIMAL_MAX * MICROS / 10) {
            return false;
        }
        digits *= 10;
    }
    for (; exponent < 0 && (digits != 0 || half); exponent++) {
        half = digits % 10 >= 5;
        digits /= 10;
    }
    *scaled = digits + half;
    return *scaled <= MCPZ_DECIMAL_MAX * MICROS;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static struct mcpz_bytes trim(struct mcpz_bytes text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text = mcpz_bytes(text.data + 1, text.length - 1);
    }
    while (text.length > 0 && is_space(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

static size_t skip_digits(struct mcpz_bytes text, size_t at)
{
    while (is_digit(text, at)) {
        at++;
    }
    return at;
}

/* Is it a number as JSON writes them? Source: RFC 8259, section 6. */
static bool is_number(struct mcpz_bytes text)
{
    size_t at = text.length > 0 && text.data[0] == '-';
    size_t after = skip_digits(text, at);

    if (after == at || (text.data[at] == '0' && after > at + 1)) {
        return false;
    }
    if (after < text.length && text.data[after] == '.') {
        at = after + 1;
        after = skip_digits(text, at);
        if (after == at) {
            return false;
        }
    }
    if (after < text.length && (text.data[after] == 'e' || text.data[after] == 'E')) {
        at = after + 1;
        at += at < text.length && (text.data[at] == '-' || text.data[at] == '+');
        after = skip_digits(text, at);
        return after > at && after == text.length;
    }
    return after == text.length;
}

bool mcpz_decimal_read(struct mcpz_bytes text, int64_t *micros)
{
    text = trim(text);
    bool negative = text.length > 0 && text.data[0] == '-';
    size_t at = negative;
    int64_t digits = 0;
    size_t taken = 0;
    int shift = 6;
    int exponent;
    int64_t value;
    bool fraction = false;

    if (!is_number(text)) {
        return false;
    }
    for (; is_digit(text, at) || (!fraction && at < text.length && text.data[at] == '.'); at++) {
        if (text.data[at] == '.') {
            fraction = true;
        } else if (taken < DIGITS_MAX) {
            digits = 10 * digits + (text.data[at] - '0');
            taken += digits != 0;
            shift -= fraction;
        } else {
            shift += !fraction;
        }
    }
    if (!read_exponent(text, at, &exponent) || !scale(digits, shift + exponent, &value)) {
        return false;
    }
    *micros = negative ? -value : value;
    return true;
}

size_t mcpz_decimal_write(int64_t micros, char text[MCPZ_DECIMAL_BYTES])
{
    uint64_t left = micros < 0 ? (uint64_t)0 - (uint64_t)micros : (uint64_t)micros;
    char reversed[MCPZ_DECIMAL_BYTES];
    size_t length = 0;
    size_t out = 0;

    for (size_t digit = 0; digit < 7 || left > 0; digit++, left /= 10) {
        if (digit == 6 && length > 0) {
            reversed[length++] = '.';
        }
        if (digit >= 6 || length > 0 || left % 10 != 0) {
            reversed[length++] = (char)('0' + left % 10);
        }
    }
    if (micros < 0) {
        text[out++] = '-';
    }
    while (length > 0) {
        text[out++] = reversed[--length];
    }
    return out;
}

void mcpz_weighted_mean_add(struct mcpz_weighted_mean *mean, uint32_t weight, int64_t micros)
{
    assert(weight <= MCPZ_WEIGHT_MAX);

    mean->weights += weight;
    mean->wholes += (int64_t)weight * (micros / MICROS);
    mean->micros += (int64_t)weight * (micros % MICROS);
}

int64_t mcpz_weighted_mean(const struct mcpz_weighted_mean *mean)
{
    if (mean->weights == 0) {
        return 0;
    }
    int64_t whole = mean->wholes / mean->weights;
    int64_t left = mean->wholes % mean->weights;
    return whole * MICROS + (left * MICROS + mean->micros) / mean->weights;
}
