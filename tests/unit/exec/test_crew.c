/* Long-lived workers: real processes that speak lines, under a pool on a fake loop. */

#include "exec/crew.h"
#include "exec/pool.h"
#include "stage.h"

/* Ready at once; `answer` says what it does with $l, a task's line, and $id. */
#define WORKER(answer)                                                                            \
    "say() { printf '%s\\n' \"$1\"; }; read -r hello; echo '{\"ready\":true}'; n=0; while read "  \
    "-r l; do n=$((n+1)); "                                                                       \
    "id=${l#*:}; id=${id%%,*}; " answer "; done"
#define RESULT "say \"{\\\"id\\\":$id,\\\"result\\\":[$$,$n]}\""

static void no_change(struct mcpz_service *service)
{
    (void)service;
}

static void employ(struct stage *stage, const char *name, const char *command,
                   void (*change)(struct mcpz_service *service))
{
    struct mcpz_service service;

    mcpz_service_init(&service);
    service.isolation = MCPZ_ISOLATION_NONE;
    service.is_worker = true;
    service.name = strdup(name);
    service.command = strdup(command);
    change(&service);
    CHECK(mcpz_pool_provide(stage->pool, &service) == MCPZ_OK);
    mcpz_service_finish(&service);
}

static struct fake_run *ask(struct stage *stage, const char *params)
{
    struct fake_run *run = fake_start(&stage->fake, "it", params, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage->fake, run));
    return run;
}

/* "[PID,N]": which worker it was, and how many tasks it has had. */
static long pid_in(const struct fake_run *run)
{
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    return strtol((const char *)run->output + 1, NULL, 10);
}

static long number_in(const struct fake_run *run)
{
    return strtol(strchr((const char *)run->output, ',') + 1, NULL, 10);
}

TEST(keeps_a_worker_for_many_tasks)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER(RESULT), no_change);

    long pid = pid_in(ask(&stage, "{}"));
    for (int i = 2; i <= 5; i++) {
        struct fake_run *run = ask(&stage, "{}");
        CHECK(pid_in(run) == pid && number_in(run) == i);
    }
    CHECK_UINT(stage.stats->workers_started, 1);

    stage_close(&stage);
}

TEST(tells_a_task_with_all_that_was_said_of_it)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER("say \"{\\\"id\\\":$id,\\\"result\\\":$l}\""), no_change);

    struct fake_run *run =
        fake_start_input(&stage.fake, "it", "some \"input\"\n", 13, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    run->output[run->output_bytes] = '\0';
    CHECK(strstr((const char *)run->output, "\"type\":\"it\"") != NULL);
    CHECK(strstr((const char *)run->output, "\"input\":\"some \\\"input\\\"\\u000a\"") != NULL);

    stage_close(&stage);
}

static void with_plugins(struct mcpz_service *service)
{
    char why[128];
    CHECK(mcpz_service_put(service, MCPZ_SERVICE_PLUGIN, "stemmer", why, sizeof(why)) == MCPZ_OK);
    CHECK(mcpz_service_put(service, MCPZ_SERVICE_PLUGIN, "tagger", why, sizeof(why)) == MCPZ_OK);
}

TEST(tells_the_plugins_before_the_first_task)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it",
           "say() { printf '%s\\n' \"$1\"; }; read -r hello; echo '{\"ready\":true}'; read -r l; "
           "id=${l#*:}; id=${id%%,*}; "
           "say \"{\\\"id\\\":$id,\\\"result\\\":$hello}\"; read -r l",
           with_plugins);

    stage_check_output(ask(&stage, "{}"),
                       "{\"hello\":1,\"capability\":\"it\",\"plugins\":[\"stemmer\",\"tagger\"]}");

    stage_close(&stage);
}

TEST(puts_output_and_result_together)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it",
           WORKER("say \"{\\\"id\\\":$id,\\\"progress\\\":1}\"; "
                  "say \"{\\\"id\\\":$id,\\\"output\\\":\\\"a\\\\nb\\\"}\"; "
                  "say \"{\\\"id\\\":$id,\\\"output_base64\\\":\\\"IQ==\\\"}\"; "
                  "say \"{\\\"id\\\":$id,\\\"result\\\":null}\""),
           no_change);

    stage_check_output(ask(&stage, "{}"), "a\nb!");

    stage_close(&stage);
}

TEST(fails_a_task_and_goes_on)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER("say \"{\\\"id\\\":$id,\\\"error\\\":\\\"no $n\\\"}\""),
           no_change);

    for (int i = 1; i <= 2; i++) {
        struct fake_run *run = ask(&stage, "{}");
        CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
        CHECK_TEXT(run->text, i == 1 ? "no 1" : "no 2");
    }
    CHECK_UINT(stage.stats->workers_started, 1);

    stage_close(&stage);
}

TEST(refuses_parameters_that_are_not_json)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER(RESULT), no_change);

    CHECK_UINT(ask(&stage, "{\"a\":")->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(ask(&stage, "1}\n{\"id\":1,\"cancel\":true")->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(ask(&stage, "")->code, MCPZ_CODE_OK);

    stage_close(&stage);
}

TEST(starts_another_when_one_dies_in_the_middle)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it",
           WORKER("case $l in *die*) echo 'my last words' >&2; exit 3;; esac; " RESULT),
           no_change);

    long first = pid_in(ask(&stage, "{}"));
    struct fake_run *run = ask(&stage, "{\"die\":1}");
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_CRASHED);
    CHECK_TEXT(run->text, "the worker: exit status 3: my last words");
    CHECK(pid_in(ask(&stage, "{}")) != first);
    CHECK_UINT(stage.stats->workers_started, 2);
    CHECK_UINT(stage.stats->workers_failed, 1);

    stage_close(&stage);
}

TEST(ends_one_that_hangs_and_starts_another)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER("case $l in *hang*) setsid sleep 1000;; esac; " RESULT),
           no_change);

    long first = pid_in(ask(&stage, "{}"));
    struct fake_run *run = fake_start(&stage.fake, "it", "{\"hang\":1}", 200);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_TIMEOUT);
    CHECK(pid_in(ask(&stage, "{}")) != first);

    stage_close(&stage);
}

TEST(ends_one_whose_task_nobody_waits_for)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it",
           WORKER("case $l in *hang*) say \"{\\\"id\\\":$id,\\\"output\\\":\\\"x\\\\n\\\"}\"; "
                  "sleep 1000;; esac; " RESULT),
           no_change);

    struct fake_run *run = fake_start(&stage.fake, "it", "{\"hang\":1}", STAGE_TIMEOUT_MS);
    stage_turn_until_lines(&stage, run, 1);
    fake_stop(&stage.fake, run);
    CHECK(number_in(ask(&stage, "{}")) == 1);
    CHECK(!run->over);

    stage_close(&stage);
}

TEST(does_not_believe_who_talks_nonsense)
{
    static const char *const ways[] = {
        WORKER("echo hello; sleep 1000"),
        WORKER("echo '{\"id\":'; sleep 1000"),
        WORKER("head -c 3000000 /dev/zero | tr '\\0' x; sleep 1000"),
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ways); i++) {
        struct stage stage;
        stage_open(&stage);
        employ(&stage, "it", ways[i], no_change);
        struct fake_run *run = ask(&stage, "{}");
        CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
        CHECK(strstr(run->text, "not a line of its protocol") != NULL);
        stage_close(&stage);
    }
}

static void recycled_after_two(struct mcpz_service *service)
{
    service->recycle_tasks = 2;
}

TEST(recycles_after_its_number_of_tasks)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER(RESULT), recycled_after_two);

    for (int i = 0; i < 6; i++) {
        CHECK(number_in(ask(&stage, "{}")) == i % 2 + 1);
    }
    CHECK(stage.stats->workers_started >= 3);
    CHECK_UINT(stage.stats->workers_failed, 0);

    stage_close(&stage);
}

static void three_of_two(struct mcpz_service *service)
{
    service->workers = 3;
    service->concurrency = 2;
}

TEST(spreads_tasks_over_workers_and_their_hands)
{
    struct stage stage;
    stage_open(&stage);
    /* Nobody answers before all six are there: each waits for a second line. */
    employ(&stage, "it",
           "say() { printf '%s\\n' \"$1\"; }; read -r hello; echo '{\"ready\":true}'; while read "
           "-r a && read -r b; do "
           "for l in \"$a\" \"$b\"; do id=${l#*:}; id=${id%%,*}; "
           "say \"{\\\"id\\\":$id,\\\"result\\\":[$$,1]}\"; done; done",
           three_of_two);

    CHECK(fake_turn_until(&stage.fake, &stage.stats->workers_ready, 3));
    for (int i = 0; i < 6; i++) {
        (void)fake_start(&stage.fake, "it", "{}", STAGE_TIMEOUT_MS);
    }
    CHECK(fake_turn_until(&stage.fake, &stage.fake.over_count, 6));
    for (size_t i = 0; i < 6; i++) {
        CHECK_UINT(stage.fake.runs[i].code, MCPZ_CODE_OK);
    }
    CHECK_UINT(stage.stats->workers_started, 3);

    stage_close(&stage);
}

static void not_warm(struct mcpz_service *service)
{
    service->warm = false;
    service->workers = 2;
}

TEST(starts_none_before_a_task_wants_it)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "cold", WORKER(RESULT), not_warm);
    employ(&stage, "it", WORKER(RESULT), no_change);

    CHECK(fake_turn_until(&stage.fake, &stage.stats->workers_ready, 1));
    CHECK_UINT(stage.stats->workers_started, 1);
    struct fake_run *run = fake_start(&stage.fake, "cold", "{}", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(stage.stats->workers_started, 2);

    stage_close(&stage);
}

TEST(tells_who_waits_when_no_worker_comes_up)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it",
           "say() { printf '%s\\n' \"$1\"; }; read -r hello; echo "
           "'{\"ready\":false,\"error\":\"no dictionary\"}'; "
           "sleep 1000",
           no_change);

    struct fake_run *run = ask(&stage, "{}");
    CHECK_UINT(run->code, MCPZ_CODE_START_FAILED);
    CHECK_TEXT(run->text, "the worker is not ready: no dictionary");
    employ(&stage, "it", "exit 4", no_change);
    run = ask(&stage, "{}");
    CHECK_UINT(run->code, MCPZ_CODE_START_FAILED);
    CHECK_TEXT(run->text, "the worker: exit status 4");

    stage_close(&stage);
}

TEST(lets_a_caller_be_slower_than_its_worker)
{
    struct stage stage;
    stage_open(&stage);
    /* 600,000 bytes, of which the caller takes 262,144 at first; then the worker is gone. */
    employ(&stage, "it",
           "say() { printf '%s\\n' \"$1\"; }; read -r hello; echo '{\"ready\":true}'; read -r l; "
           "id=${l#*:}; id=${id%%,*}; "
           "printf '{\"id\":%s,\"output\":\"' $id; head -c 600000 /dev/zero | tr '\\0' x; "
           "printf '\"}\\n{\"id\":%s,\"result\":null}\\n' $id",
           no_change);

    struct fake_run *run = fake_start(&stage.fake, "it", "{}", STAGE_TIMEOUT_MS);
    run->pull = 0;
    CHECK(fake_turn_until(&stage.fake, &run->output_bytes, 262144));
    CHECK(!run->over);
    fake_pull(&stage.fake, run, 1000000);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, 600000);

    stage_close(&stage);
}

static void two_hands(struct mcpz_service *service)
{
    service->concurrency = 2;
}

TEST(goes_on_when_the_one_it_waits_for_is_gone)
{
    struct stage stage;
    stage_open(&stage);
    /* The first task's output is more than its caller takes; the second's result stands behind. */
    employ(&stage, "it",
           "read -r hello; echo '{\"ready\":true}'; read -r a; read -r b; a=${a#*:}; b=${b#*:}; "
           "printf '{\"id\":%s,\"output\":\"' ${a%%,*}; head -c 300000 /dev/zero | tr '\\0' x; "
           "printf '\"}\\n{\"id\":%s,\"result\":1}\\n' ${b%%,*}; read -r c; sleep 1000",
           two_hands);

    struct fake_run *slow = fake_start(&stage.fake, "it", "{}", STAGE_TIMEOUT_MS);
    slow->pull = 0;
    struct fake_run *next = fake_start(&stage.fake, "it", "{}", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until(&stage.fake, &slow->output_bytes, 262144));
    fake_stop(&stage.fake, slow);
    CHECK(fake_turn_until_over(&stage.fake, next));
    stage_check_output(next, "1");

    stage_close(&stage);
}

TEST(withdraws_its_workers_too)
{
    struct stage stage;
    stage_open(&stage);
    employ(&stage, "it", WORKER(RESULT), no_change);
    long pid = pid_in(ask(&stage, "{}"));

    CHECK(mcpz_pool_withdraw(stage.pool, "it") == MCPZ_OK);
    employ(&stage, "it", WORKER(RESULT), no_change);
    CHECK(pid_in(ask(&stage, "{}")) != pid);

    stage_close(&stage);
}

TEST(waits_longer_after_each_failure)
{
    CHECK_UINT(mcpz_crew_backoff_ms(0), 0);
    CHECK_UINT(mcpz_crew_backoff_ms(1), 100);
    CHECK_UINT(mcpz_crew_backoff_ms(2), 200);
    CHECK_UINT(mcpz_crew_backoff_ms(9), 25600);
    CHECK_UINT(mcpz_crew_backoff_ms(10), 30000);
    CHECK_UINT(mcpz_crew_backoff_ms(UINT32_MAX), 30000);
}

TEST_MAIN(RUN(keeps_a_worker_for_many_tasks), RUN(tells_a_task_with_all_that_was_said_of_it),
          RUN(tells_the_plugins_before_the_first_task), RUN(puts_output_and_result_together),
          RUN(fails_a_task_and_goes_on), RUN(refuses_parameters_that_are_not_json),
          RUN(starts_another_when_one_dies_in_the_middle),
          RUN(ends_one_that_hangs_and_starts_another), RUN(ends_one_whose_task_nobody_waits_for),
          RUN(does_not_believe_who_talks_nonsense), RUN(recycles_after_its_number_of_tasks),
          RUN(spreads_tasks_over_workers_and_their_hands), RUN(starts_none_before_a_task_wants_it),
          RUN(tells_who_waits_when_no_worker_comes_up),
          RUN(lets_a_caller_be_slower_than_its_worker),
          RUN(goes_on_when_the_one_it_waits_for_is_gone), RUN(withdraws_its_workers_too),
          RUN(waits_longer_after_each_failure))
