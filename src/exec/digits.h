/* Numbers as text where snprintf() may not be used: between fork and exec. */

#ifndef EXEC_DIGITS_H
#define EXEC_DIGITS_H

#include <stdint.h>

#define MCPZ_DIGITS_BYTES 24 /* of the largest, and the terminator */

/** Write `number` in decimal; where its terminator stands, for what follows. */
char *mcpz_digits_put(char *text, uint64_t number);

/** Read a number after spaces; where it ends. 0 if there is none. */
const char *mcpz_digits_read(const char *text, uint64_t *number);

#endif
