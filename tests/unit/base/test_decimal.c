#include "base/decimal.h"
#include "test.h"

#define CHECK_SAME(actual, expected) CHECK((actual) == (expected))

TEST(reads_numbers_as_json_writes_them)
{
    static const struct {
        const char *text;
        int64_t micros;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {" 7\n", 7000000},
        {"-12.5", -12500000},
        {"0.000001", 1},
        {"0.0000005", 1}, /* halves away from zero */
        {"-0.0000005", -1},
        {"0.00000049", 0},
        {"1e3", 1000000000},
        {"1.5E+2", 150000000},
        {"25e-1", 2500000},
        {"1e-400", 0},
        {"0e400", 0},
        {"0.3333333333333333333333333", 333333},
        {"1000000000000", MCPZ_DECIMAL_MAX * 1000000},
        {"-1000000000000.0", -MCPZ_DECIMAL_MAX * 1000000},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        int64_t micros = -1;
        CHECK(mcpz_decimal_read(mcpz_text(rows[i].text), &micros));
        CHECK_SAME(micros, rows[i].micros);
    }
}

TEST(refuses_what_is_no_number_or_too_large)
{
    static const char *const rows[] = {
        "",
        " ",
        "-",
        "+1",
        ".5",
        "5.",
        "1e",
        "1e+",
        "01",
        "1 2",
        "0x10",
        "nan",
        "true",
        "\"1\"",
        "1000000000000.1",
        "1000000000001",
        "1e13",
        "1e999999999999",
        "-1e13",
        "123456789012345678901234567890",
        "00000000000000000000001e-0",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        int64_t micros = 99;
        CHECK(!mcpz_decimal_read(mcpz_text(rows[i]), &micros));
        CHECK_SAME(micros, 99);
    }
}

TEST(writes_what_it_reads)
{
    static const char *const rows[] = {
        "0",     "7",   "-12.5", "0.000001", "-0.000001", "1000000000000", "-1000000000000",
        "10.01", "100",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        char text[MCPZ_DECIMAL_BYTES];
        int64_t micros = 0;
        CHECK(mcpz_decimal_read(mcpz_text(rows[i]), &micros));
        size_t length = mcpz_decimal_write(micros, text);
        CHECK_BYTES(mcpz_bytes(text, length), rows[i], strlen(rows[i]));
    }
}

TEST(a_mean_is_as_its_weights_say)
{
    struct mcpz_weighted_mean mean = {0};

    CHECK_SAME(mcpz_weighted_mean(&mean), 0);
    mcpz_weighted_mean_add(&mean, 1000, 2000000);
    mcpz_weighted_mean_add(&mean, 3000, 4000000);
    CHECK_SAME(mcpz_weighted_mean(&mean), 3500000);
    mcpz_weighted_mean_add(&mean, 0, 999000000);
    CHECK_SAME(mcpz_weighted_mean(&mean), 3500000);
    mean = (struct mcpz_weighted_mean){0};
    mcpz_weighted_mean_add(&mean, 1, -1000000);
    mcpz_weighted_mean_add(&mean, 2, 0);
    CHECK_SAME(mcpz_weighted_mean(&mean), -333333);
}

TEST(the_largest_sum_does_not_overflow)
{
    struct mcpz_weighted_mean mean = {0};

    for (size_t i = 0; i < MCPZ_WEIGHTED_MAX; i++) {
        mcpz_weighted_mean_add(&mean, MCPZ_WEIGHT_MAX, MCPZ_DECIMAL_MAX * 1000000);
    }
    CHECK_SAME(mcpz_weighted_mean(&mean), MCPZ_DECIMAL_MAX * 1000000);
}

TEST_MAIN(RUN(reads_numbers_as_json_writes_them), RUN(refuses_what_is_no_number_or_too_large),
          RUN(writes_what_it_reads), RUN(a_mean_is_as_its_weights_say),
          RUN(the_largest_sum_does_not_overflow))
