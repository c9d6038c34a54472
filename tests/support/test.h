/*
 * Checks for test programs, on cmocka. A test file is a program: TEST() functions, then
 * TEST_MAIN() naming them. A failed check prints where and what, and ends that test.
 */

#ifndef TEST_H
#define TEST_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include <cmocka.h> /* wants setjmp.h and stdarg.h before it */
/* clang-format on */

/*
 * How many seeds of `count` a test tries. A seed gives the same turns in every build; what a build
 * with sanitizers looks for is in the code that they all run, at five times the price, so a fourth
 * of them is enough there.
 */
#ifdef TEST_SANITIZED
#define SEEDS_OF(count) (((count) + 3) / 4)
#else
#define SEEDS_OF(count) (count)
#endif

#define TEST(name) static void name(void **state __attribute__((unused)))
#define RUN(name) cmocka_unit_test(name)

#define TEST_MAIN(...)                                                                            \
    int main(void)                                                                                \
    {                                                                                             \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                          \
        return cmocka_run_group_tests(tests, NULL, NULL);                                         \
    }

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            print_error("not so: %s\n", #condition);                                              \
            _fail(__FILE__, __LINE__);                                                            \
            abort(); /* never reached; the compiler cannot know */                                \
        }                                                                                         \
    } while (0)

#define CHECK_UINT(actual, expected)                                                              \
    do {                                                                                          \
        uint64_t actual_ = (uint64_t)(actual);                                                    \
        uint64_t expected_ = (uint64_t)(expected);                                                \
        if (actual_ != expected_) {                                                               \
            print_error("%s is %" PRIu64 ", expected %" PRIu64 "\n", #actual, actual_,            \
                        expected_);                                                               \
            _fail(__FILE__, __LINE__);                                                            \
            abort(); /* never reached; the compiler cannot know */                                \
        }                                                                                         \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                              \
    do {                                                                                          \
        const char *actual_ = (actual);                                                           \
        const char *expected_ = (expected);                                                       \
        if (strcmp(actual_, expected_) != 0) {                                                    \
            print_error("text differs. Got:\n%s\nExpected:\n%s\n", actual_, expected_);           \
            _fail(__FILE__, __LINE__);                                                            \
            abort(); /* never reached; the compiler cannot know */                                \
        }                                                                                         \
    } while (0)

#define CHECK_BYTES(actual, expected_data, expected_length)                                       \
    do {                                                                                          \
        struct mcpz_bytes found_ = (actual);                                                      \
        CHECK_UINT(found_.length, expected_length);                                               \
        CHECK(found_.length == 0 || memcmp(found_.data, (expected_data), found_.length) == 0);    \
    } while (0)

#endif
