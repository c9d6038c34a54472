#include <mcpz/error.h>

#include "test.h"

TEST(every_error_has_its_text)
{
    CHECK_TEXT(mcpz_strerror(MCPZ_OK), "success");
#define X(name, number, text)                                                                     \
    CHECK_TEXT(mcpz_strerror(MCPZ_E##name), text);                                                \
    CHECK_UINT(MCPZ_E##name, number);
    MCPZ_ERRORS(X)
#undef X
}

TEST(numbers_from_elsewhere_have_a_text_too)
{
    CHECK_TEXT(mcpz_strerror((mcpz_error)4711), "unknown error");
}

TEST_MAIN(RUN(every_error_has_its_text), RUN(numbers_from_elsewhere_have_a_text_too))
