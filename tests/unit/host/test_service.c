#include "host/service.h"
#include "test.h"

static struct mcpz_service provider;
static char why[512];

static bool put(enum mcpz_service_key key, const char *text)
{
    why[0] = '\0';
    return mcpz_service_put(&provider, key, text, why, sizeof(why)) == MCPZ_OK;
}

TEST(begins_with_the_figures_of_the_requirement)
{
    mcpz_service_init(&provider);
    CHECK_UINT(provider.limits.cpu_milli, 2000);
    CHECK_UINT(provider.limits.memory_bytes, UINT64_C(4) << 30);
    CHECK_UINT(provider.limits.disk_bytes, UINT64_C(10) << 30);
    CHECK_UINT(provider.limits.seconds, 3600);
    CHECK(!provider.network && provider.read_count == 0 && provider.write_count == 0);
    CHECK_UINT(provider.isolation, MCPZ_ISOLATION_UNSAID);
}

TEST(takes_each_value_at_its_edges_and_none_beyond)
{
    static const struct {
        enum mcpz_service_key key;
        const char *good[4];
        const char *bad[6];
    } rows[] = {
        {MCPZ_SERVICE_ISOLATION, {"strict", "degraded", "NONE"}, {"", "stricter", "no"}},
        {MCPZ_SERVICE_NETWORK, {"true", "no", "Yes", "false"}, {"", "maybe", "1", "0"}},
        {MCPZ_SERVICE_CPU,
         {"0.1", "1024", "2", "1.255"},
         {"0", "0.09", "1024.1", "1.", "-1", "2 cores"}},
        {MCPZ_SERVICE_MEMORY,
         {"1MiB", "1048576", "16TiB", "4GiB"},
         {"1048575", "17TiB", "4GB", "GiB", "-1", "99999999999999999999"}},
        {MCPZ_SERVICE_DISK, {"1MiB", "16TiB"}, {"1023KiB", "x"}},
        {MCPZ_SERVICE_FILES, {"16", "1048576"}, {"15", "1048577", "16x"}},
        {MCPZ_SERVICE_PROCESSES, {"1", "4096"}, {"0", "4097", ""}},
        {MCPZ_SERVICE_TIME, {"1", "90s", "168h", "7d"}, {"0", "0s", "604801", "8d", "1w", "1.5s"}},
        {MCPZ_SERVICE_READ, {"/", "/srv/words"}, {"", "words", "./words"}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mcpz_service_init(&provider);
        for (size_t j = 0; j < 4 && rows[i].good[j] != NULL; j++) {
            CHECK(put(rows[i].key, rows[i].good[j]));
        }
        for (size_t j = 0; j < 6 && rows[i].bad[j] != NULL; j++) {
            CHECK(!put(rows[i].key, rows[i].bad[j]));
            CHECK(strstr(why, " must be ") != NULL);
        }
        mcpz_service_finish(&provider);
    }
}

TEST(reads_parts_of_cores_in_thousandths)
{
    mcpz_service_init(&provider);
    CHECK(put(MCPZ_SERVICE_CPU, "0.5") && provider.limits.cpu_milli == 500);
    CHECK(put(MCPZ_SERVICE_CPU, "1.25") && provider.limits.cpu_milli == 1250);
    CHECK(!put(MCPZ_SERVICE_CPU, "1.2505"));
    CHECK_UINT(provider.limits.cpu_milli, 1250);
}

TEST(holds_so_many_paths_and_no_more)
{
    mcpz_service_init(&provider);
    for (int i = 0; i < MCPZ_SERVICE_PATHS_MAX; i++) {
        CHECK(put(MCPZ_SERVICE_WRITE, "/a"));
    }
    CHECK(!put(MCPZ_SERVICE_WRITE, "/a"));
    CHECK_TEXT(why, "more than 16 paths");
    mcpz_service_finish(&provider);
}

TEST(is_equal_to_its_copy_until_one_changes)
{
    struct mcpz_service copy;

    mcpz_service_init(&provider);
    provider.name = strdup("n");
    provider.command = strdup("c");
    CHECK(put(MCPZ_SERVICE_READ, "/a") && put(MCPZ_SERVICE_ISOLATION, "strict"));
    CHECK(mcpz_service_copy(&provider, &copy) == MCPZ_OK);
    CHECK(mcpz_service_equal(&provider, &copy));
    CHECK(put(MCPZ_SERVICE_READ, "/b"));
    CHECK(!mcpz_service_equal(&provider, &copy));
    mcpz_service_finish(&copy);
    CHECK(mcpz_service_copy(&provider, &copy) == MCPZ_OK);
    CHECK(put(MCPZ_SERVICE_TIME, "5s"));
    CHECK(!mcpz_service_equal(&provider, &copy));
    mcpz_service_finish(&copy);
    mcpz_service_finish(&provider);
}

TEST_MAIN(RUN(begins_with_the_figures_of_the_requirement),
          RUN(takes_each_value_at_its_edges_and_none_beyond),
          RUN(reads_parts_of_cores_in_thousandths), RUN(holds_so_many_paths_and_no_more),
          RUN(is_equal_to_its_copy_until_one_changes))
