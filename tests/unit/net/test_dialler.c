/* A name with several addresses: when is a dial of it refused? The resolver is ours. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listener.h"
#include "net/resolver.h"
#include "node.h"
#include "test.h"

static struct node node;
static struct mcpz_resolved resolved;

/* ---- The resolver ------------------------------------------------------------------------- */

struct mcpz_resolver {
    int nothing;
};

static struct mcpz_resolver resolver;

mcpz_error mcpz_resolver_create(struct ev_loop *ev, struct mcpz_resolver **made)
{
    (void)ev;
    *made = &resolver;
    return MCPZ_OK;
}

void mcpz_resolver_destroy(struct mcpz_resolver *unused)
{
    (void)unused;
}

void mcpz_resolver_ask(struct mcpz_resolver *unused, const char *host, mcpz_resolver_answer answer,
                       void *context)
{
    (void)unused;
    (void)host;
    answer(context, &resolved);
}

static void resolve_to(const char *host)
{
    snprintf(resolved.texts[resolved.count], sizeof(resolved.texts[0]), "%s", host);
    resolved.count++;
    resolved.known++;
}

/* ---- A dial ------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    resolved = (struct mcpz_resolved){.count = 0};
    node_init(&node, 1, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_finish(&node);
    return 0;
}

static bool hangs_up_until_it_has_failed(const void *context)
{
    if (context != NULL) {
        listener_hang_up(context);
    }
    return node.engine->failure_count > 0;
}

/* Was it refused? `listener` (may be NULL) hangs up on who comes. */
static bool is_refused(uint16_t port, const struct listener *listener)
{
    char address[32];

    snprintf(address, sizeof(address), "a-name:%u", port);
    fake_dial(node.loop, address, NULL);
    CHECK(fake_turn_until(hangs_up_until_it_has_failed, listener));
    CHECK_UINT(node.engine->failure_count, 1);
    CHECK_TEXT(node.engine->failures[0], address);
    return node.engine->refused[0];
}

TEST(is_refused_when_every_address_is)
{
    resolve_to("127.0.0.2");
    resolve_to("127.0.0.3");
    CHECK(is_refused(closed_port(), NULL));
}

TEST(is_not_refused_when_one_address_answers)
{
    struct listener listener;

    listener_open(&listener, 8);
    resolve_to("127.0.0.2");
    resolve_to("127.0.0.1");
    resolve_to("127.0.0.3");
    CHECK(!is_refused(listener.port, &listener));
    listener_close(&listener);
}

TEST(is_not_refused_when_there_is_an_address_it_did_not_try)
{
    resolve_to("127.0.0.2");
    resolved.known++;
    CHECK(!is_refused(closed_port(), NULL));
}

TEST(is_not_refused_when_there_is_no_such_name)
{
    CHECK(!is_refused(closed_port(), NULL));
}

#define DIALLING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(DIALLING(is_refused_when_every_address_is),
          DIALLING(is_not_refused_when_one_address_answers),
          DIALLING(is_not_refused_when_there_is_an_address_it_did_not_try),
          DIALLING(is_not_refused_when_there_is_no_such_name))
