/*
 * Nodes inside this program (include/mcpz/node.h): their mesh is real, TLS over loopback, and all
 * of them turn together in this thread.
 */

#include <pthread.h>

#include <mcpz/node.h>

#include "scratch.h"
#include "test.h"

#define PATIENCE_MS 60000
#define LARGE_BYTES (3 * 1024 * 1024 + 17)
#define WINDOW_BYTES 262144

static struct scratch scratch;
static char token[2048];
static struct mcpz_embedded_trouble trouble;

/* ---- Nodes -------------------------------------------------------------------------------- */

struct place {
    struct mcpz_embedded *node;
    struct mcpz_client *client;
    char data[SCRATCH_FILE_PATH_BYTES];
};

static struct place a;
static struct place b;

static mcpz_error start_at(struct place *place, const char *name, const char *join)
{
    const struct mcpz_embedded_flag flags[] = {
        {"data", scratch_path(&scratch, name, place->data)},
        {"name", name},
        {"listen", "127.0.0.1:0"},
        {"join", join},
    };

    return mcpz_embedded_start(
        &(struct mcpz_embedded_config){.yaml = "log: {level: error}\n"
                                               "providers: [{name: words, command: cat}]\n",
                                       .flags = flags,
                                       .flag_count = join != NULL ? 4 : 3},
        &place->node, &trouble);
}

static void start(struct place *place, const char *name, const char *join)
{
    mcpz_error error = start_at(place, name, join);

    if (error != MCPZ_OK) {
        print_error("%s: %s\n", name, trouble.text);
    }
    CHECK(error == MCPZ_OK);
    CHECK(mcpz_embedded_client(place->node, &place->client) == MCPZ_OK);
}

static void finish(struct place *place)
{
    mcpz_client_close(place->client);
    mcpz_embedded_close(place->node);
    *place = (struct place){.node = NULL};
}

/* Turn them all until it is so: one that turns takes the others with it. */
static void until(bool (*condition)(void))
{
    for (int left_ms = PATIENCE_MS; !condition(); left_ms -= 10) {
        CHECK(left_ms > 0);
        mcpz_error error = mcpz_embedded_work(a.node, 10);
        CHECK(error == MCPZ_OK);
    }
}

static void note_token(void *context, const char *made)
{
    (void)context;
    CHECK(made != NULL);
    (void)snprintf(token, sizeof(token), "%s", made);
}

static bool has_token(void)
{
    return token[0] != '\0';
}

static bool know_each_other(void)
{
    return mcpz_embedded_peers(a.node) == 1 && mcpz_embedded_peers(b.node) == 1;
}

static int make_mesh(void **state)
{
    (void)state;
    token[0] = '\0';
    scratch_make(&scratch);
    start(&a, "a", NULL);
    CHECK(mcpz_embedded_invite(a.node, note_token, NULL) == MCPZ_OK);
    CHECK(mcpz_embedded_invite(a.node, note_token, NULL) == MCPZ_ECONFLICT);
    until(has_token);
    start(&b, "b", token);
    until(know_each_other);
    return 0;
}

static int end_mesh(void **state)
{
    (void)state;
    finish(&b);
    finish(&a);
    scratch_remove(&scratch);
    return 0;
}

/* ---- A provider at B ---------------------------------------------------------------------- */

static uint64_t task; /* the last that began */
static size_t task_count;
static size_t input_length;
static bool input_ended;
static bool is_cancelled;
static struct mcpz_client_task seen;

static void on_task(void *context, const struct mcpz_client_task *asked)
{
    bool *answers = context;

    task = asked->task;
    task_count++;
    seen = *asked;
    CHECK_TEXT(asked->capability, "echo");
    if (answers != NULL && *answers && !asked->has_input) {
        CHECK(mcpz_client_finish(b.client, asked->task, asked->params, asked->params_length) ==
              MCPZ_OK);
    }
}

static void on_input(void *context, uint64_t which, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    CHECK_UINT(which, task);
    input_length += length;
    input_ended = length == 0;
}

static void on_cancel(void *context, uint64_t which)
{
    (void)context;
    CHECK_UINT(which, task);
    is_cancelled = true;
}

static size_t output_room;

static void on_task_room(void *context, uint64_t which, size_t room)
{
    (void)context;
    CHECK_UINT(which, task);
    output_room = room;
}

static bool answers_at_once = true;
static bool answers_later = false;

static bool is_known(void)
{
    return mcpz_embedded_providers(a.node, "echo") == 1;
}

static void provide(bool *answers)
{
    const struct mcpz_client_provider provider = {.on_task = on_task,
                                                  .on_input = on_input,
                                                  .on_room = on_task_room,
                                                  .on_cancel = on_cancel,
                                                  .context = answers};

    task = 0;
    task_count = 0;
    input_length = 0;
    input_ended = false;
    is_cancelled = false;
    output_room = WINDOW_BYTES;
    CHECK(mcpz_client_provide(b.client, "echo", &provider) == MCPZ_OK);
    until(is_known);
}

static bool has_task(void)
{
    return task_count == 1;
}

/* ---- A caller at A ------------------------------------------------------------------------ */

static char output[LARGE_BYTES + 1];
static size_t output_length;
static size_t room;
static bool has_ended;
static uint32_t code;
static char text[256];

static void on_output(void *context, uint64_t call, const void *bytes, size_t length)
{
    (void)context;
    (void)call;
    CHECK(output_length + length <= LARGE_BYTES);
    memcpy(output + output_length, bytes, length);
    output_length += length;
    output[output_length] = '\0';
}

static void on_room(void *context, uint64_t call, size_t more)
{
    (void)context;
    (void)call;
    room = more;
}

static void on_end(void *context, uint64_t call, uint32_t ended_code, const char *why)
{
    (void)context;
    (void)call;
    CHECK(!has_ended); /* once */
    has_ended = true;
    code = ended_code;
    (void)snprintf(text, sizeof(text), "%s", why);
}

static uint64_t ask(const char *capability, const char *params, bool has_input)
{
    uint64_t call = 0;

    has_ended = false;
    code = UINT32_MAX;
    output_length = 0;
    output[0] = '\0';
    room = WINDOW_BYTES;
    CHECK(mcpz_client_call(a.client,
                           &(struct mcpz_client_call){.capability = capability,
                                                      .params = params,
                                                      .params_length = strlen(params),
                                                      .has_input = has_input,
                                                      .priority = 7,
                                                      .tenant = "acme",
                                                      .on_output = on_output,
                                                      .on_room = on_room,
                                                      .on_end = on_end},
                           &call) == MCPZ_OK);
    CHECK(!has_ended); /* nothing calls back from here */
    return call;
}

static bool is_over(void)
{
    return has_ended;
}

static void check_end(const char *word)
{
    until(is_over);
    CHECK_TEXT(mcpz_client_code(code), word);
}

/* A asks, and B has it in hand. */
static void begin_task(void)
{
    provide(&answers_later);
    ask("echo", "", false);
    until(has_task);
}

/* ---- Calls -------------------------------------------------------------------------------- */

TEST(a_call_is_answered_by_the_other_node)
{
    provide(&answers_at_once);
    ask("echo", "\"hello\"", false);
    check_end("ok");
    CHECK_TEXT(output, "\"hello\"");
    CHECK_UINT(seen.priority, 7);
    CHECK(seen.timeout_ms > 0 && seen.timeout_ms <= 30000);
}

TEST(a_node_answers_its_own_program)
{
    provide(&answers_at_once);
    struct mcpz_client *client = a.client;
    a.client = b.client; /* the caller is where the provider is */
    ask("echo", "\"self\"", false);
    a.client = client;
    check_end("ok");
    CHECK_TEXT(output, "\"self\"");
}

TEST(a_command_is_called_as_well)
{
    uint64_t call = ask("words", "", true);
    CHECK(mcpz_client_input(a.client, call, "to be", 5) == MCPZ_OK);
    CHECK(mcpz_client_input_end(a.client, call) == MCPZ_OK);
    check_end("ok");
    CHECK_TEXT(output, "to be");
}

#define MANY 1000

static size_t asked;
static size_t answered;

static void on_end_of_many(void *context, uint64_t call, uint32_t ended_code, const char *why);

static void ask_one_of_many(void)
{
    asked++;
    CHECK(mcpz_client_call(a.client,
                           &(struct mcpz_client_call){.capability = "echo",
                                                      .params = "1",
                                                      .params_length = 1,
                                                      .on_end = on_end_of_many},
                           NULL) == MCPZ_OK);
}

static void on_end_of_many(void *context, uint64_t call, uint32_t ended_code, const char *why)
{
    (void)context;
    (void)call;
    (void)why;
    CHECK_UINT(ended_code, 0);
    answered++;
    if (asked < MANY) {
        ask_one_of_many(); /* from within a callback */
    }
}

static bool are_many_answered(void)
{
    return answered == MANY;
}

TEST(many_calls_are_under_way_at_once)
{
    asked = 0;
    answered = 0;
    provide(&answers_at_once);
    for (int i = 0; i < 64; i++) {
        ask_one_of_many();
    }
    until(are_many_answered);
    CHECK_UINT(task_count, MANY);
}

static uint64_t streaming;
static size_t input_sent;

static bool has_sent_all(void)
{
    static const char zeros[WINDOW_BYTES];
    size_t left = LARGE_BYTES - input_sent;
    size_t size = room < left ? room : left;

    CHECK(mcpz_client_input(a.client, streaming, zeros, room + 1) == MCPZ_EFULL || left == 0);
    if (size > 0) {
        CHECK(mcpz_client_input(a.client, streaming, zeros, size) == MCPZ_OK);
        input_sent += size;
        room -= size;
    }
    return input_sent == LARGE_BYTES;
}

static size_t output_sent;

static bool has_replied_all(void)
{
    static char piece[WINDOW_BYTES];
    size_t left = LARGE_BYTES - output_sent;
    size_t size = output_room < left ? output_room : left;

    for (size_t i = 0; i < size; i++) {
        piece[i] = (char)('a' + (output_sent + i) % 23);
    }
    if (size > 0) {
        CHECK(mcpz_client_reply(b.client, task, piece, size) == MCPZ_OK);
        output_sent += size;
        output_room -= size;
    }
    return output_sent == LARGE_BYTES;
}

static bool has_all_input(void)
{
    return input_ended;
}

TEST(streams_pass_whole_both_ways)
{
    provide(&answers_later);
    input_sent = 0;
    output_sent = 0;
    streaming = ask("echo", "", true);
    until(has_sent_all);
    CHECK(mcpz_client_input_end(a.client, streaming) == MCPZ_OK);
    until(has_all_input);
    CHECK_UINT(input_length, LARGE_BYTES);
    until(has_replied_all);
    CHECK(mcpz_client_finish(b.client, task, NULL, 0) == MCPZ_OK);
    check_end("ok");
    CHECK_UINT(output_length, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        CHECK(output[i] == (char)('a' + i % 23));
    }
}

#define ORDERS 300

static size_t taken_count;

static void on_taken(void *context, uint64_t number, const struct mcpz_client_taken *taken)
{
    (void)context;
    (void)number;
    CHECK_UINT(taken->code, 0);
    CHECK_UINT(taken->copies, 2);
    taken_count++;
}

static bool are_taken(void)
{
    return taken_count == ORDERS;
}

static bool are_done(void)
{
    return task_count == ORDERS;
}

TEST(durable_tasks_are_handed_in)
{
    provide(&answers_at_once);
    taken_count = 0;
    for (int i = 0; i < ORDERS; i++) {
        char params[] = "1";
        CHECK(mcpz_client_submit(a.client,
                                 &(struct mcpz_client_submission){.capability = "echo",
                                                                  .params = params,
                                                                  .params_length = 1,
                                                                  .copies = 2,
                                                                  .on_taken = on_taken},
                                 NULL) == MCPZ_OK);
    }
    until(are_taken);
    until(are_done);
}

/* ---- What can go wrong -------------------------------------------------------------------- */

TEST(what_nobody_offers_fails)
{
    ask("no.such", "", false);
    check_end("no_provider");
}

TEST(a_task_that_fails_says_why)
{
    begin_task();
    CHECK(mcpz_client_fail(b.client, task, "the well is dry") == MCPZ_OK);
    CHECK(mcpz_client_fail(b.client, task, "again") == MCPZ_ENOTFOUND);
    check_end("provider_failed");
    CHECK_TEXT(text, "the well is dry");
}

static bool was_cancelled(void)
{
    return is_cancelled;
}

TEST(a_call_that_is_cancelled_stops_its_task)
{
    provide(&answers_later);
    uint64_t call = ask("echo", "", false);
    until(has_task);
    CHECK(mcpz_client_cancel(a.client, call) == MCPZ_OK);
    until(was_cancelled);
    CHECK(!has_ended);
    CHECK(mcpz_client_finish(b.client, task, NULL, 0) == MCPZ_ENOTFOUND);
}

TEST(a_text_that_is_not_utf8_is_refused)
{
    const struct mcpz_client_call call = {.capability = "\xff\xff"};

    CHECK(mcpz_client_call(a.client, &call, NULL) == MCPZ_EPROTO);
}

static bool is_withdrawn(void)
{
    return mcpz_embedded_providers(a.node, "echo") == 0;
}

TEST(a_client_that_closes_takes_its_tasks_with_it)
{
    begin_task();
    mcpz_client_close(b.client);
    b.client = NULL;
    check_end("provider_lost");
    until(is_withdrawn);
}

TEST(a_node_that_closes_loses_the_calls_of_others)
{
    begin_task();
    mcpz_embedded_close(b.node);
    b.node = NULL;
    check_end("provider_lost");
    CHECK(mcpz_client_finish(b.client, task, NULL, 0) == MCPZ_EIO);
    CHECK(mcpz_client_work(b.client, 0) == MCPZ_EIO);
}

TEST(clients_of_a_closed_node_get_an_error)
{
    ask("echo", "", false);
    mcpz_embedded_close(a.node);
    a.node = NULL;
    CHECK(mcpz_client_work(a.client, -1) == MCPZ_EIO);
    CHECK(mcpz_client_call(a.client, &(struct mcpz_client_call){.capability = "x"}, NULL) ==
          MCPZ_EIO);
    CHECK(!has_ended);
}

TEST(what_a_command_does_no_client_may_offer)
{
    const struct mcpz_client_provider provider = {.on_task = on_task};
    mcpz_error error = MCPZ_ETIMEOUT;

    ask("words", "", true); /* it waits for its input */
    CHECK(mcpz_client_provide(a.client, "words", &provider) == MCPZ_OK);
    for (int left = PATIENCE_MS / 10; left > 0 && (error == MCPZ_OK || error == MCPZ_ETIMEOUT);
         left--) {
        error = mcpz_client_work(a.client, 10);
    }
    CHECK(error == MCPZ_ECONFLICT);
    check_end("provider_lost");
    CHECK(mcpz_client_work(a.client, 10) == MCPZ_EIO);
}

/* ---- Turning and stopping ----------------------------------------------------------------- */

TEST(work_says_that_nothing_came)
{
    CHECK(mcpz_client_fd(a.client) == -1);
    CHECK(mcpz_client_work(a.client, 0) == MCPZ_ETIMEOUT);
    CHECK(mcpz_client_work(a.client, 1) == MCPZ_ETIMEOUT);
}

TEST(work_of_a_client_turns_its_node)
{
    provide(&answers_at_once);
    ask("echo", "1", false);
    while (!has_ended) {
        CHECK(mcpz_client_work(a.client, -1) == MCPZ_OK);
    }
    CHECK_UINT(code, 0);
}

/* B is told to stop while it does something: that is done first, then it is over. */
TEST(who_is_stopped_ends_what_is_under_way)
{
    begin_task();
    mcpz_embedded_stop(b.node);
    until(is_withdrawn);
    CHECK(!has_ended);
    CHECK(mcpz_client_finish(b.client, task, "\"done\"", 6) == MCPZ_OK);
    check_end("ok");
    CHECK_TEXT(output, "\"done\"");
    CHECK(mcpz_embedded_run(b.node) == MCPZ_OK);
    CHECK(mcpz_embedded_work(b.node, -1) == MCPZ_EIO);
    CHECK_TEXT(mcpz_embedded_why(b.node), "");
    struct mcpz_client *late = a.client;
    CHECK(mcpz_embedded_client(b.node, &late) == MCPZ_EIO && late == NULL);
}

TEST(who_is_stopped_twice_waits_for_nothing)
{
    begin_task();
    mcpz_embedded_stop(b.node);
    mcpz_embedded_stop(b.node);
    CHECK(mcpz_embedded_run(b.node) == MCPZ_OK);
    CHECK(mcpz_client_work(b.client, 0) == MCPZ_EIO);
    mcpz_embedded_close(b.node);
    b.node = NULL;
    check_end("provider_lost");
}

/* ---- Other threads ------------------------------------------------------------------------ */

#define JOBS 300

static struct mcpz_embedded_job jobs[2][JOBS];
static size_t jobs_run;
static size_t next_job[2];
static pthread_t home;

static void run_job(void *context)
{
    const struct mcpz_embedded_job *job = context;
    size_t lane = job >= jobs[1] ? 1 : 0;

    CHECK(pthread_equal(pthread_self(), home));
    CHECK(job == &jobs[lane][next_job[lane]]); /* in the order of handing over */
    next_job[lane]++;
    jobs_run++;
}

static void *post_jobs(void *context)
{
    struct mcpz_embedded_job *lane = context;

    for (size_t i = 0; i < JOBS; i++) {
        lane[i] = (struct mcpz_embedded_job){.run = run_job, .context = &lane[i]};
        mcpz_embedded_post(a.node, &lane[i]);
    }
    return NULL;
}

static bool are_jobs_run(void)
{
    return jobs_run == 2 * JOBS;
}

TEST(other_threads_hand_over_what_is_to_be_done)
{
    pthread_t threads[2];

    home = pthread_self();
    jobs_run = 0;
    next_job[0] = 0;
    next_job[1] = 0;
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, post_jobs, jobs[i]) == 0);
    }
    until(are_jobs_run);
    for (size_t i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void answer_task(void *context)
{
    uint64_t *which = context;
    CHECK(mcpz_client_finish(b.client, *which, "\"threaded\"", 10) == MCPZ_OK);
}

static void *answer_in_thread(void *context)
{
    static struct mcpz_embedded_job job;

    job = (struct mcpz_embedded_job){.run = answer_task, .context = context};
    mcpz_embedded_post(b.node, &job);
    return NULL;
}

TEST(a_worker_thread_answers_a_task)
{
    pthread_t thread;

    begin_task();
    CHECK(pthread_create(&thread, NULL, answer_in_thread, &task) == 0);
    check_end("ok");
    CHECK_TEXT(output, "\"threaded\"");
    CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- Starting ----------------------------------------------------------------------------- */

static mcpz_error start_with(const struct mcpz_embedded_config *config)
{
    struct mcpz_embedded *node = NULL;
    mcpz_error error = mcpz_embedded_start(config, &node, &trouble);

    CHECK((node == NULL) == (error != MCPZ_OK));
    mcpz_embedded_close(node);
    return error;
}

TEST(a_configuration_that_is_no_good_is_refused)
{
    const struct mcpz_embedded_flag unknown = {"lisen", "127.0.0.1:0"};
    const struct mcpz_embedded_flag wrong = {"listen", "127.0.0.1:banana"};

    CHECK(start_with(&(struct mcpz_embedded_config){.flags = &unknown, .flag_count = 1}) ==
          MCPZ_ECONFIG);
    CHECK(strstr(trouble.text, "lisen") != NULL);
    CHECK(start_with(&(struct mcpz_embedded_config){.flags = &wrong, .flag_count = 1}) ==
          MCPZ_ECONFIG);
    CHECK(strstr(trouble.text, "banana") != NULL);
    CHECK(start_with(&(struct mcpz_embedded_config){.yaml = "colour: red\n"}) == MCPZ_ECONFIG);
    CHECK(strstr(trouble.text, "colour") != NULL);
    CHECK(start_with(&(struct mcpz_embedded_config){.file = "a", .yaml = ""}) == MCPZ_ECONFIG);
    CHECK(start_with(&(struct mcpz_embedded_config){.file = "/no/such/file"}) != MCPZ_OK);
    CHECK(strstr(trouble.text, "/no/such/file") != NULL);
}

TEST(a_data_directory_has_one_node)
{
    struct place second;

    CHECK(start_at(&second, "a", NULL) == MCPZ_ECONFLICT);
    CHECK(strstr(trouble.text, scratch.path) != NULL);
}

TEST(a_node_that_starts_again_is_the_same)
{
    char id[128];

    (void)snprintf(id, sizeof(id), "%s", mcpz_embedded_id(b.node));
    CHECK(strncmp(id, "n-", 2) == 0);
    finish(&b);
    start(&b, "b", NULL);
    CHECK_TEXT(mcpz_embedded_id(b.node), id);
    until(know_each_other);
}

TEST(one_whom_the_mesh_does_not_admit_says_why)
{
    struct place c = {.node = NULL};
    mcpz_error error = MCPZ_OK;

    start(&c, "c", token); /* b has used it */
    for (int left = PATIENCE_MS / 10; left > 0 && error == MCPZ_OK; left--) {
        error = mcpz_embedded_work(c.node, 10);
    }
    CHECK(error == MCPZ_EAUTH);
    CHECK(strstr(mcpz_embedded_why(c.node), "did not admit") != NULL);
    CHECK(mcpz_embedded_run(c.node) == MCPZ_EAUTH);
    finish(&c);
}

TEST(an_ephemeral_node_leaves_nothing_behind)
{
    const struct mcpz_embedded_flag flags[] = {
        {"ephemeral", NULL}, {"listen", "none"}, {"name", "moth"}};
    struct place moth = {.node = NULL};

    CHECK(setenv("TMPDIR", scratch.path, 1) == 0);
    CHECK(mcpz_embedded_start(&(struct mcpz_embedded_config){.yaml = "log: {level: error}\n",
                                                             .flags = flags,
                                                             .flag_count = 3},
                              &moth.node, &trouble) == MCPZ_OK);
    CHECK_TEXT(mcpz_embedded_address(moth.node), "");
    finish(&moth);
    finish(&b);
    finish(&a);
    CHECK(unsetenv("TMPDIR") == 0);
    char path[SCRATCH_FILE_PATH_BYTES];
    scratch_remove_tree(scratch_path(&scratch, "a", path));
    scratch_remove_tree(scratch_path(&scratch, "b", path));
    CHECK(rmdir(scratch.path) == 0); /* nothing else is in it */
    scratch_make(&scratch);
}

#define WITH_MESH(name) cmocka_unit_test_setup_teardown(name, make_mesh, end_mesh)

TEST_MAIN(WITH_MESH(a_call_is_answered_by_the_other_node),
          WITH_MESH(a_node_answers_its_own_program), WITH_MESH(a_command_is_called_as_well),
          WITH_MESH(many_calls_are_under_way_at_once), WITH_MESH(streams_pass_whole_both_ways),
          WITH_MESH(durable_tasks_are_handed_in), WITH_MESH(what_nobody_offers_fails),
          WITH_MESH(a_task_that_fails_says_why),
          WITH_MESH(a_call_that_is_cancelled_stops_its_task),
          WITH_MESH(a_text_that_is_not_utf8_is_refused),
          WITH_MESH(a_client_that_closes_takes_its_tasks_with_it),
          WITH_MESH(a_node_that_closes_loses_the_calls_of_others),
          WITH_MESH(clients_of_a_closed_node_get_an_error),
          WITH_MESH(what_a_command_does_no_client_may_offer),
          WITH_MESH(work_says_that_nothing_came), WITH_MESH(work_of_a_client_turns_its_node),
          WITH_MESH(who_is_stopped_ends_what_is_under_way),
          WITH_MESH(who_is_stopped_twice_waits_for_nothing),
          WITH_MESH(other_threads_hand_over_what_is_to_be_done),
          WITH_MESH(a_worker_thread_answers_a_task),
          WITH_MESH(a_configuration_that_is_no_good_is_refused),
          WITH_MESH(a_data_directory_has_one_node),
          WITH_MESH(a_node_that_starts_again_is_the_same),
          WITH_MESH(one_whom_the_mesh_does_not_admit_says_why),
          WITH_MESH(an_ephemeral_node_leaves_nothing_behind))
