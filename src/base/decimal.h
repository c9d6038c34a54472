/*
 * Numbers as people write them, in millionths: no floating point, so that all machines agree.
 */

#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_DECIMAL_MAX INT64_C(1000000000000) /* in ones */
#define MCPZ_DECIMAL_BYTES 24
#define MCPZ_WEIGHT_MAX 100000 /* in thousandths */
#define MCPZ_WEIGHTED_MAX 64   /* numbers of which a mean is made */

/**
 * Read a number as JSON writes them, with space around it perhaps: as millionths, what is beyond
 * the sixth decimal rounded, halves away from zero. False: it is none, or beyond MCPZ_DECIMAL_MAX.
 */
MCPZ_MUST_USE bool mcpz_decimal_read(struct mcpz_bytes text, int64_t *micros);

/** Write millionths as such a number, without zeros that say nothing. Returns its length. */
size_t mcpz_decimal_write(int64_t micros, char text[MCPZ_DECIMAL_BYTES]);

/* A weighted mean of at most MCPZ_WEIGHTED_MAX numbers. Zeroed: of none. */
struct mcpz_weighted_mean {
    int64_t weights;
    int64_t wholes; /* weights times what is before the point, and what is behind it */
    int64_t micros;
};

/** `weight` in thousandths, up to MCPZ_WEIGHT_MAX. */
void mcpz_weighted_mean_add(struct mcpz_weighted_mean *mean, uint32_t weight, int64_t micros);

/** In millionths, cut towards zero; 0 if nothing has weight. */
int64_t mcpz_weighted_mean(const struct mcpz_weighted_mean *mean);

#endif
