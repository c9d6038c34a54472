/*
 * test.h for the lowest floors: brings the headers cmocka.h wants before itself, tests that need
 * not use their state, and a comparison of bytes whose names cannot collide.
 */

#ifndef CHECKS_H
#define CHECKS_H

/* clang-format off: cmocka.h comes after these, or does not compile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test.h"
/* clang-format on */

#undef TEST
#define TEST(name) static void name(__attribute__((unused)) void **state)

#undef CHECK_BYTES
#define CHECK_BYTES(actual, expected_data, expected_length)                                       \
    do {                                                                                          \
        struct mcpz_bytes run_ = (actual);                                                        \
        CHECK_UINT(run_.length, expected_length);                                                 \
        CHECK(run_.length == 0 || memcmp(run_.data, (expected_data), run_.length) == 0);          \
    } while (0)

#endif
