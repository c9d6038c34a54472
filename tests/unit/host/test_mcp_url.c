#include <stdbool.h>
#include <unistd.h>

#include "host/mcp_url.h"
#include "test.h"

TEST(urls_name_a_host_and_no_user)
{
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"https://a.example/mcp", true},
        {"http://127.0.0.1:8080", true},
        {"HTTPS://a.example/mcp?key=x", true},
        {"http://[::1]:80/mcp", true},
        {"ftp://a.example/", false},
        {"a.example/mcp", false},
        {"https://", false},
        {"https:///mcp", false},
        {"https://:80/mcp", false},
        {"https://me:word@a.example/mcp", false},
        {"https://a.example/m@p", true},
        {"https://a.example/#x", false},
        {"https://a.example/a b", false},
        {"https://a.example/\r\nX: y", false},
        {"https://\xc3\xa9.example/", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool is_good = mcpz_mcp_url_fault(cases[i].url) == NULL;
        CHECK_TEXT(is_good == cases[i].good ? "" : cases[i].url, "");
    }
}

TEST(a_url_has_a_bound)
{
    static char url[MCPZ_MCP_URL_BYTES_MAX + 2] = "http://";

    memset(url + 7, 'a', MCPZ_MCP_URL_BYTES_MAX - 7);
    CHECK(mcpz_mcp_url_fault(url) == NULL);
    url[MCPZ_MCP_URL_BYTES_MAX] = 'a';
    CHECK(mcpz_mcp_url_fault(url) != NULL);
}

TEST(what_a_query_says_is_not_shown)
{
    char text[64];

    mcpz_mcp_url_show("https://a.example/mcp?key=secret", text, sizeof(text));
    CHECK_TEXT(text, "https://a.example/mcp?(set)");
    mcpz_mcp_url_show("https://a.example/mcp", text, sizeof(text));
    CHECK_TEXT(text, "https://a.example/mcp");
    mcpz_mcp_url_show("https://a.example/mcp", text, 9);
    CHECK_TEXT(text, "https://");
}

TEST(what_is_not_encrypted_is_open_unless_it_stays_here)
{
    CHECK(!mcpz_mcp_url_is_open("https://a.example/mcp"));
    CHECK(mcpz_mcp_url_is_open("http://a.example/mcp"));
    CHECK(mcpz_mcp_url_is_open("http://localhost.a.example/mcp"));
    CHECK(mcpz_mcp_url_is_open("http://127.0.0.12/mcp"));
    CHECK(!mcpz_mcp_url_is_open("http://localhost:80/mcp"));
    CHECK(!mcpz_mcp_url_is_open("HTTP://127.0.0.1"));
    CHECK(!mcpz_mcp_url_is_open("http://[::1]/mcp"));
}

TEST(headers_are_ours_or_theirs)
{
    CHECK(mcpz_mcp_header_fault("Authorization", "Bearer x") == NULL);
    CHECK(mcpz_mcp_header_fault("X-Api-Key", "x\ty") == NULL);
    CHECK(mcpz_mcp_header_fault("mcp-session-ID", "x") != NULL);
    CHECK(mcpz_mcp_header_fault("Mcp-Param-A", "x") != NULL);
    CHECK(mcpz_mcp_header_fault("Host", "x") != NULL);
    CHECK(mcpz_mcp_header_fault("", "x") != NULL);
    CHECK(mcpz_mcp_header_fault("A B", "x") != NULL);
    CHECK(mcpz_mcp_header_fault("A:", "x") != NULL);
    CHECK(mcpz_mcp_header_fault("A", "") != NULL);
    CHECK(mcpz_mcp_header_fault("A", " x") != NULL);
    CHECK(mcpz_mcp_header_fault("A", "x ") != NULL);
    CHECK(mcpz_mcp_header_fault("A", "x\r\nB: y") != NULL);
    CHECK(mcpz_mcp_header_fault("A", "\xc3\xa9") != NULL);
}

static void check_resolved(const char *value, const char *expected)
{
    char why[256];
    char *text;

    CHECK_UINT(mcpz_mcp_header_resolve(value, &text, why, sizeof(why)), MCPZ_OK);
    CHECK_TEXT(text, expected);
    free(text);
}

static void check_missing(const char *value, const char *expected)
{
    char why[256];
    char *text;

    CHECK_UINT(mcpz_mcp_header_resolve(value, &text, why, sizeof(why)), MCPZ_ENOTFOUND);
    CHECK(text == NULL);
    CHECK_TEXT(why, expected);
}

TEST(a_variable_may_hold_the_secret)
{
    CHECK(setenv("MCPZ_TEST_SECRET", "s3cret", 1) == 0);
    check_resolved("Bearer env:MCPZ_TEST_SECRET", "Bearer s3cret");
    check_resolved("env:MCPZ_TEST_SECRET", "s3cret");
    check_resolved("Bearer plain", "Bearer plain");
    check_resolved("Bearer notenv:X", "Bearer notenv:X");
    check_missing("Bearer env:MCPZ_TEST_NONE",
                  "the variable MCPZ_TEST_NONE is not set for this node");
    CHECK(setenv("MCPZ_TEST_SECRET", "a\nb", 1) == 0);
    check_missing("env:MCPZ_TEST_SECRET",
                  "what env:MCPZ_TEST_SECRET says is empty, or no header's value");
    CHECK_TEXT(mcpz_mcp_header_show("Bearer env:X"), "Bearer env:X");
    CHECK_TEXT(mcpz_mcp_header_show("file:/run/x y"), "file:/run/x y");
    CHECK_TEXT(mcpz_mcp_header_show("Bearer s3cret"), "(set)");
}

TEST(a_file_may_hold_the_secret)
{
    char path[] = "/tmp/mcpz-secret-XXXXXX";
    char value[64];
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, "t0ken\n", 6) == 6 && close(fd) == 0);
    (void)snprintf(value, sizeof(value), "Bearer file:%s", path);
    check_resolved(value, "Bearer t0ken");
    CHECK(unlink(path) == 0);
    check_missing("file:/nowhere/at all",
                  "cannot read /nowhere/at all: No such file or directory");
}

TEST_MAIN(RUN(urls_name_a_host_and_no_user), RUN(a_url_has_a_bound),
          RUN(what_a_query_says_is_not_shown),
          RUN(what_is_not_encrypted_is_open_unless_it_stays_here), RUN(headers_are_ours_or_theirs),
          RUN(a_variable_may_hold_the_secret), RUN(a_file_may_hold_the_secret))
