#include "embed/pending.h"
#include "proto/limits.h"
#include "test.h"

static struct mcpz_pending pending;

static int clean(void **state)
{
    (void)state;
    mcpz_pending_clear(&pending);
    return 0;
}

/* Texts that are gone once it was put. */
static mcpz_error put_open(uint64_t call, size_t params_length)
{
    static char params[MCPZ_PARAMS_BYTES_MAX];
    char capability[] = "text.upper";
    char key[] = "k1";
    char target[] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";

    memset(params, 'a' + (int)(call % 26), params_length);
    mcpz_error error = mcpz_pending_put(
        &pending, &(struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                                     .open = {.call = call,
                                              .capability = mcpz_text(capability),
                                              .idempotency_key = mcpz_text(key),
                                              .target = mcpz_text(target),
                                              .params = mcpz_bytes(params, params_length)}});
    memset(capability, '!', sizeof(capability) - 1);
    memset(key, '!', sizeof(key) - 1);
    memset(target, '!', sizeof(target) - 1);
    memset(params, '!', params_length);
    return error;
}

static void check_open(uint64_t call, size_t params_length)
{
    const struct mcpz_msg *msg = mcpz_pending_first(&pending);

    CHECK(msg != NULL && msg->kind == MCPZ_MSG_OPEN);
    CHECK_UINT(msg->open.call, call);
    CHECK_BYTES(msg->open.capability, "text.upper", 10);
    CHECK_BYTES(msg->open.idempotency_key, "k1", 2);
    CHECK_BYTES(msg->open.target, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", MCPZ_ID_BYTES);
    CHECK_UINT(msg->open.params.length, params_length);
    for (size_t i = 0; i < params_length; i++) {
        CHECK(msg->open.params.data[i] == 'a' + (int)(call % 26));
    }
    mcpz_pending_drop(&pending);
}

TEST(is_empty_at_first)
{
    CHECK(mcpz_pending_first(&pending) == NULL);
    CHECK_UINT(pending.count, 0);
}

TEST(keeps_what_a_message_points_to)
{
    CHECK(put_open(7, 128) == MCPZ_OK);
    check_open(7, 128);
    CHECK(mcpz_pending_first(&pending) == NULL);
}

TEST(gives_them_in_the_order_of_putting)
{
    for (uint64_t call = 1; call <= 50; call++) { /* over many blocks */
        CHECK(put_open(call, call % 2 == 0 ? MCPZ_PARAMS_BYTES_MAX : 3) == MCPZ_OK);
    }
    CHECK_UINT(pending.count, 50);
    for (uint64_t call = 1; call <= 50; call++) {
        check_open(call, call % 2 == 0 ? MCPZ_PARAMS_BYTES_MAX : 3);
    }
    CHECK_UINT(pending.bytes, 0);
}

TEST(what_is_looked_at_stays_while_more_is_put)
{
    CHECK(put_open(1, 100) == MCPZ_OK);
    const struct mcpz_msg *msg = mcpz_pending_first(&pending);
    for (uint64_t call = 2; call <= 50; call++) {
        CHECK(put_open(call, MCPZ_PARAMS_BYTES_MAX) == MCPZ_OK);
    }
    CHECK(mcpz_pending_first(&pending) == msg);
    check_open(1, 100);
}

TEST(keeps_chunks_and_texts)
{
    char text[] = "no";
    char chunk[] = "yes";

    CHECK(mcpz_pending_put(&pending,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_END,
                                              .end = {.call = 1, .chunk = mcpz_text(chunk)}}) ==
          MCPZ_OK);
    CHECK(mcpz_pending_put(&pending,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                              .fail = {.call = 2, .text = mcpz_text(text)}}) ==
          MCPZ_OK);
    CHECK(mcpz_pending_put(&pending,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                                              .data = {.call = 3, .chunk = mcpz_text(chunk)}}) ==
          MCPZ_OK);
    memset(text, 0, sizeof(text));
    memset(chunk, 0, sizeof(chunk));
    CHECK_BYTES(mcpz_pending_first(&pending)->end.chunk, "yes", 3);
    mcpz_pending_drop(&pending);
    CHECK_BYTES(mcpz_pending_first(&pending)->fail.text, "no", 2);
    mcpz_pending_drop(&pending);
    CHECK_BYTES(mcpz_pending_first(&pending)->data.chunk, "yes", 3);
}

TEST(keeps_as_many_names_as_there_may_be)
{
    static char text[MCPZ_CAPABILITY_BYTES_MAX];
    struct mcpz_bytes names[MCPZ_CAPABILITIES_PER_NODE_MAX];

    memset(text, 'n', sizeof(text));
    for (size_t i = 0; i < MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        names[i] = mcpz_bytes(text, i % 2 == 0 ? sizeof(text) : 1);
    }
    CHECK(mcpz_pending_put(&pending,
                           &(struct mcpz_msg){
                               .kind = MCPZ_MSG_CAPABILITIES,
                               .capabilities = {.version = 1,
                                                .names = names,
                                                .name_count = MCPZ_ARRAY_LEN(names)}}) == MCPZ_OK);
    memset(names, 0, sizeof(names));
    memset(text, 0, sizeof(text));
    const struct mcpz_msg_capabilities *kept = &mcpz_pending_first(&pending)->capabilities;
    CHECK_UINT(kept->name_count, MCPZ_CAPABILITIES_PER_NODE_MAX);
    for (size_t i = 0; i < kept->name_count; i++) {
        CHECK_UINT(kept->names[i].length, i % 2 == 0 ? sizeof(text) : 1);
        CHECK(kept->names[i].data[kept->names[i].length - 1] == 'n');
    }
}

TEST(keeps_as_many_orders_as_fit_a_message)
{
    struct mcpz_task_order orders[MCPZ_TASK_ORDERS_MAX] = {0};
    char capability[] = "text.upper";
    char params[] = "[1, 2]";
    char key[] = "k";

    for (size_t i = 0; i < MCPZ_TASK_ORDERS_MAX; i++) {
        orders[i].body.capability = mcpz_text(capability);
        orders[i].body.params = mcpz_bytes(params, i % sizeof(params));
        orders[i].body.key = mcpz_text(key);
        orders[i].ttl_ms = (uint32_t)i;
    }
    CHECK(mcpz_pending_put(&pending,
                           &(struct mcpz_msg){
                               .kind = MCPZ_MSG_TASK_SUBMIT,
                               .task_submit = {.number = 7,
                                               .orders = orders,
                                               .order_count = MCPZ_TASK_ORDERS_MAX}}) == MCPZ_OK);
    memset(orders, 0xee, sizeof(orders));
    memset(capability, '!', sizeof(capability) - 1);
    memset(key, '!', sizeof(key) - 1);
    const struct mcpz_msg_task_submit *kept = &mcpz_pending_first(&pending)->task_submit;
    CHECK_UINT(kept->number, 7);
    CHECK_UINT(kept->order_count, MCPZ_TASK_ORDERS_MAX);
    for (size_t i = 0; i < kept->order_count; i++) {
        CHECK_UINT(kept->orders[i].ttl_ms, i);
        CHECK_BYTES(kept->orders[i].body.capability, "text.upper", 10);
        CHECK_BYTES(kept->orders[i].body.params, "[1, 2]", i % sizeof(params));
        CHECK_BYTES(kept->orders[i].body.key, "k", 1);
    }
}

TEST(refuses_texts_that_are_not_utf8)
{
    const struct mcpz_msg open = {.kind = MCPZ_MSG_OPEN,
                                  .open = {.capability = mcpz_text("\xff")}};
    const struct mcpz_msg fail = {.kind = MCPZ_MSG_FAIL, .fail = {.text = mcpz_text("\xc0\x80")}};

    CHECK(mcpz_pending_put(&pending, &open) == MCPZ_EPROTO);
    CHECK(mcpz_pending_put(&pending, &fail) == MCPZ_EPROTO);
    CHECK_UINT(pending.count, 0);
}

TEST(takes_no_more_than_its_bound)
{
    uint64_t call = 0;

    while (put_open(++call, MCPZ_PARAMS_BYTES_MAX) == MCPZ_OK) {
        CHECK(pending.bytes <= MCPZ_PENDING_BYTES_MAX);
    }
    CHECK(pending.bytes > MCPZ_PENDING_BYTES_MAX - 2 * MCPZ_PARAMS_BYTES_MAX);
    CHECK(put_open(call, MCPZ_PARAMS_BYTES_MAX) == MCPZ_EFULL);
    check_open(1, MCPZ_PARAMS_BYTES_MAX);
    CHECK(put_open(call, MCPZ_PARAMS_BYTES_MAX) == MCPZ_OK);
}

TEST_MAIN(cmocka_unit_test_teardown(is_empty_at_first, clean),
          cmocka_unit_test_teardown(keeps_what_a_message_points_to, clean),
          cmocka_unit_test_teardown(gives_them_in_the_order_of_putting, clean),
          cmocka_unit_test_teardown(what_is_looked_at_stays_while_more_is_put, clean),
          cmocka_unit_test_teardown(keeps_chunks_and_texts, clean),
          cmocka_unit_test_teardown(keeps_as_many_names_as_there_may_be, clean),
          cmocka_unit_test_teardown(keeps_as_many_orders_as_fit_a_message, clean),
          cmocka_unit_test_teardown(refuses_texts_that_are_not_utf8, clean),
          cmocka_unit_test_teardown(takes_no_more_than_its_bound, clean))
