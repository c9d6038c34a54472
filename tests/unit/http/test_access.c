#include "http/access.h"
#include "test.h"

static struct mcpz_bearer bearer;
static struct mcpz_approach approach;

static void set_up(const char *path)
{
    bearer = (struct mcpz_bearer){0};
    approach = (struct mcpz_approach){.from_here = true, .path = mcpz_text(path)};
}

static void check(enum mcpz_access access, unsigned status)
{
    const struct mcpz_admission admission = mcpz_access_decide(&bearer, &approach);

    CHECK_UINT(admission.access, access);
    CHECK_UINT(admission.status, status);
    CHECK((admission.text != NULL) == (access == MCPZ_ACCESS_NONE));
}

TEST(the_unix_socket_may_do_everything)
{
    set_up("/v1/tokens");
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("k"), mcpz_text("")), MCPZ_OK);
    approach.local = true;
    approach.from_here = false;
    check(MCPZ_ACCESS_ALL, 0);
}

TEST(anybody_may_see_whether_it_is_well)
{
    static const char *const paths[] = {"/health", "/livez", "/readyz"};

    for (size_t i = 0; i < 3; i++) {
        set_up(paths[i]);
        approach.from_here = false;
        check(MCPZ_ACCESS_LOOK, 0);
        CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("k"), mcpz_text("")), MCPZ_OK);
        check(MCPZ_ACCESS_LOOK, 0);
    }
    set_up("/healthz");
    approach.from_here = false;
    check(MCPZ_ACCESS_NONE, 403);
}

TEST(without_keys_this_machine_may_use_it_and_no_other)
{
    set_up("/v1/peers");
    check(MCPZ_ACCESS_USE, 0);
    approach.api_key = mcpz_text("whatever");
    check(MCPZ_ACCESS_USE, 0);
    approach.from_here = false;
    check(MCPZ_ACCESS_NONE, 403);
}

TEST(who_is_a_tenants_may_do_what_is_that_tenants)
{
    set_up("/v1/tasks");
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("a"), mcpz_text("acme")), MCPZ_OK);
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("b"), mcpz_text("")), MCPZ_OK);
    approach.api_key = mcpz_text("a");
    check(MCPZ_ACCESS_TENANT, 0);
    CHECK_TEXT(mcpz_access_decide(&bearer, &approach).who.tenant, "acme");
    approach.api_key = mcpz_text("b");
    check(MCPZ_ACCESS_ALL, 0);
    CHECK_TEXT(mcpz_access_decide(&bearer, &approach).who.tenant, "");
}

TEST(with_keys_one_must_be_shown_from_here_too)
{
    set_up("/v1/peers");
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("s3cret"), mcpz_text("")), MCPZ_OK);
    check(MCPZ_ACCESS_NONE, 401);
    approach.authorization = mcpz_text("Bearer s3cret");
    check(MCPZ_ACCESS_ALL, 0);
    approach.from_here = false;
    check(MCPZ_ACCESS_ALL, 0);
    approach.authorization = mcpz_text("bEARER s3cret");
    check(MCPZ_ACCESS_ALL, 0);
    approach.authorization = mcpz_text("Bearer s3cre");
    check(MCPZ_ACCESS_NONE, 401);
    approach.authorization = mcpz_text("Basic s3cret");
    check(MCPZ_ACCESS_NONE, 401);
    approach.authorization = mcpz_text("Bearer ");
    check(MCPZ_ACCESS_NONE, 401);
    approach.api_key = mcpz_text("s3cret"); /* what stands beside a wrong one does not count */
    check(MCPZ_ACCESS_NONE, 401);
    approach.authorization = mcpz_text("");
    check(MCPZ_ACCESS_ALL, 0);
}

TEST_MAIN(RUN(the_unix_socket_may_do_everything), RUN(anybody_may_see_whether_it_is_well),
          RUN(without_keys_this_machine_may_use_it_and_no_other),
          RUN(who_is_a_tenants_may_do_what_is_that_tenants),
          RUN(with_keys_one_must_be_shown_from_here_too))
