#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/pool.h"
#include "stage.h"

#define BIG_BYTES 5000000

/* sha256 of pattern(), computed elsewhere. */
static const char big_digest[] =
    "ce485651858a70d19423715bb69284529860b5856b204ff84d2c5d0d47f0065f  -\n";

static uint8_t *pattern(void)
{
    uint8_t *bytes = malloc(BIG_BYTES);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < BIG_BYTES; i++) {
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    }
    return bytes;
}

/* ---- What a command gets and gives -------------------------------------------------------- */

TEST(hands_over_what_a_command_prints)
{
    struct stage stage;
    stage_open(&stage);

    stage_check_output(stage_run(&stage, "echo hello"), "hello\n");
    CHECK_UINT(stage.stats->started, 1);
    CHECK_UINT(stage.stats->ended, 1);

    stage_close(&stage);
}

TEST(succeeds_without_any_output)
{
    struct stage stage;
    stage_open(&stage);

    stage_check_output(stage_run(&stage, "exec >&-; exit 0"), "");

    stage_close(&stage);
}

TEST(gives_parameters_on_stdin_when_there_is_no_input)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "cat; echo \" $MCPZ_PARAMS\"") == MCPZ_OK);

    struct fake_run *run = fake_start(&stage.fake, "it", "{\"a\":[1,2]}", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, "{\"a\":[1,2]} {\"a\":[1,2]}\n");
    CHECK_UINT(run->credit_bytes, 0);

    run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, " \n");

    stage_close(&stage);
}

TEST(gives_parameters_of_the_largest_size)
{
    struct stage stage;
    stage_open(&stage);
    char *params = malloc(MCPZ_PARAMS_BYTES_MAX + 2);
    CHECK(params != NULL);
    memset(params, 'x', MCPZ_PARAMS_BYTES_MAX + 1);
    params[MCPZ_PARAMS_BYTES_MAX + 1] = '\0';
    CHECK(stage_provide(&stage, "it", "wc -c; echo ${#MCPZ_PARAMS}") == MCPZ_OK);

    struct fake_run *over = fake_start(&stage.fake, "it", params, STAGE_TIMEOUT_MS);
    struct fake_run *at = fake_start(&stage.fake, "it", params + 1, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until(&stage.fake, &stage.fake.over_count, 2));
    CHECK_UINT(over->code, MCPZ_CODE_TOO_LARGE);
    stage_check_output(at, "32768\n32768\n");

    free(params);
    stage_close(&stage);
}

TEST(tells_what_its_caller_said)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it",
                        "echo $MCPZ_PRIORITY $MCPZ_TENANT $MCPZ_TRACEPARENT "
                        "$MCPZ_IDEMPOTENCY_KEY $MCPZ_IDEMPOTENT; "
                        "left=$((MCPZ_DEADLINE_MS - $(date +%s%3N))); "
                        "[ $left -gt 0 ] && [ $left -le 50000 ] && echo in time") == MCPZ_OK);

    struct fake_run *run = fake_start_labelled(
        &stage.fake, (struct mcpz_action_run){.capability = mcpz_text("it"),
                                              .timeout_ms = STAGE_TIMEOUT_MS,
                                              .priority = 70,
                                              .tenant = mcpz_text("t"),
                                              .traceparent = mcpz_text("p"),
                                              .idempotency_key = mcpz_text("k"),
                                              .idempotent = true});
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, "70 t p k 1\nin time\n");

    stage_close(&stage);
}

/* Do `command` for a task that may be split. */
static struct fake_run *run_splitting(struct stage *stage, const char *command)
{
    CHECK(stage_provide(stage, "it", command) == MCPZ_OK);
    struct fake_run *run =
        fake_start_labelled(&stage->fake, (struct mcpz_action_run){.capability = mcpz_text("it"),
                                                                   .timeout_ms = STAGE_TIMEOUT_MS,
                                                                   .levels = 4});
    CHECK(fake_turn_until_over(&stage->fake, run));
    return run;
}

TEST(hands_over_a_plan_instead_of_a_result)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_splitting(
        &stage, "echo \"{$MCPZ_PLAN_LEVELS}\" >&$MCPZ_PLAN_FD; (sleep 0.1; echo more >&3) & wait");
    stage_check_output(run, "{4}\nmore\n");
    CHECK(run->plan);
    run = run_splitting(&stage, "echo result");
    stage_check_output(run, "result\n");
    CHECK(!run->plan);
    run = run_splitting(&stage, "echo plan >&3; echo why >&2; exit 3");
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
    CHECK_TEXT(run->text, "exit status 3: why");

    stage_close(&stage);
}

TEST(takes_a_plan_of_32_kib_and_none_that_is_longer_or_beside_a_result)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_splitting(&stage, "head -c 32768 /dev/zero >&3");
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, 32768);
    CHECK(run->plan);
    CHECK_UINT(run_splitting(&stage, "head -c 32769 /dev/zero >&3")->code, MCPZ_CODE_TOO_LARGE);
    CHECK_UINT(run_splitting(&stage, "head -c 3276800 /dev/zero >&3")->code, MCPZ_CODE_TOO_LARGE);
    CHECK_UINT(run_splitting(&stage, "echo a; echo b >&3")->code, MCPZ_CODE_PROVIDER_FAILED);

    stage_close(&stage);
}

TEST(has_no_place_for_a_plan_where_there_may_be_none)
{
    struct stage stage;
    stage_open(&stage);

    stage_check_output(
        stage_run(&stage, "[ -z \"$MCPZ_PLAN_FD$MCPZ_PLAN_LEVELS\" ] && ! true >&3 && echo so"),
        "so\n");

    stage_close(&stage);
}

TEST(starts_in_a_clean_room)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(setenv("MCPZ_TEST_SECRET", "1", 1) == 0);

    struct fake_run *run = stage_run(
        &stage, "env | cut -d= -f1 | grep -v -e PWD -e OLDPWD -e SHLVL -e '^_$' | sort; "
                "[ \"$PWD\" = \"$HOME\" ] && [ \"$PWD\" = \"$TMPDIR\" ] && stat -c %a .; umask; "
                "ls -A; ls /proc/$$/fd; ulimit -c; ulimit -n; "
                "grep -e NoNewPrivs -e SigBlk -e SigIgn /proc/$$/status | tr '\\t' ' '; "
                "echo $MCPZ_TASK_TYPE; echo ${MCPZ_CALLER%%-*} ${#MCPZ_CALLER}");
    stage_check_output(run, "HOME\nLANG\nMCPZ_CALLER\nMCPZ_DEADLINE_MS\nMCPZ_IDEMPOTENCY_KEY\n"
                            "MCPZ_IDEMPOTENT\nMCPZ_PARAMS\nMCPZ_PRIORITY\nMCPZ_TASK_TYPE\n"
                            "MCPZ_TENANT\nMCPZ_TRACEPARENT\nPATH\nTMPDIR\n"
                            "700\n0077\n0\n1\n2\n0\n1024\n"
                            "SigBlk: 0000000000000000\nSigIgn: 0000000000000000\nNoNewPrivs: 1\n"
                            "it\nn 54\n");

    CHECK(unsetenv("MCPZ_TEST_SECRET") == 0);
    stage_close(&stage);
}

TEST(carries_five_megabytes_in_and_a_digest_out)
{
    struct stage stage;
    stage_open(&stage);
    uint8_t *big = pattern();
    CHECK(stage_provide(&stage, "it", "sha256sum") == MCPZ_OK);

    struct fake_run *run = fake_start_input(&stage.fake, "it", big, BIG_BYTES, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, big_digest);
    CHECK_UINT(run->credit_bytes, BIG_BYTES);

    free(big);
    stage_close(&stage);
}

TEST(carries_five_megabytes_through_under_small_credits)
{
    struct stage stage;
    stage_open(&stage);
    uint8_t *big = pattern();
    CHECK(stage_provide(&stage, "it", "cat") == MCPZ_OK);

    struct fake_run *run = fake_start_input(&stage.fake, "it", big, BIG_BYTES, STAGE_TIMEOUT_MS);
    run->pull = 4999;
    run->input_step = 1777;
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, BIG_BYTES);
    CHECK_UINT(run->output_hash, fake_hash(FAKE_HASH_START, big, BIG_BYTES));

    free(big);
    stage_close(&stage);
}

TEST(ends_when_the_output_is_exactly_the_credit)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "head -c 262144 /dev/zero") == MCPZ_OK);

    struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    run->pull = 0;
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, MCPZ_CALL_WINDOW_BYTES);

    stage_close(&stage);
}

TEST(keeps_output_for_a_caller_that_is_slower_than_the_command)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "head -c 262147 /dev/zero") == MCPZ_OK);

    /* The last three bytes wait in the pipe until the keeper is gone, too. */
    struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    run->pull = 0;
    while (run->output_bytes < MCPZ_CALL_WINDOW_BYTES || stage_entries(stage.directory) > 0) {
        CHECK(!run->over);
        fake_turn(&stage.fake);
    }
    CHECK(!run->over);
    CHECK_UINT(run->output_bytes, MCPZ_CALL_WINDOW_BYTES);
    fake_pull(&stage.fake, run, 2);
    fake_pull(&stage.fake, run, 100);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, MCPZ_CALL_WINDOW_BYTES + 3);

    stage_close(&stage);
}

TEST(takes_all_input_of_a_command_that_does_not_read_it)
{
    struct stage stage;
    stage_open(&stage);
    uint8_t *big = pattern();
    CHECK(stage_provide(&stage, "it", "exec <&-; echo fine") == MCPZ_OK);
    CHECK(stage_provide(&stage, "deaf", "exec <&-; sleep 1000") == MCPZ_OK);

    struct fake_run *run = fake_start_input(&stage.fake, "it", big, BIG_BYTES, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, "fine\n");

    /* It stays, and its input is credited to the last byte nevertheless. */
    run = fake_start_input(&stage.fake, "deaf", big, BIG_BYTES, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until(&stage.fake, &run->credit_bytes, BIG_BYTES));
    fake_stop(&stage.fake, run);

    free(big);
    stage_close(&stage);
}

TEST(takes_input_that_comes_before_its_turn)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "cat") == MCPZ_OK);

    struct fake_run *run = fake_start_input(&stage.fake, "it", NULL, 0, STAGE_TIMEOUT_MS);
    fake_input(&stage.fake, run, "one ", 4);
    fake_input(&stage.fake, run, "two", 3);
    fake_input_end(&stage.fake, run);
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, "one two");

    stage_close(&stage);
}

TEST(refuses_more_input_than_the_window)
{
    struct stage stage;
    stage_open(&stage);
    uint8_t *big = pattern();
    CHECK(stage_provide(&stage, "it", "sleep 1000") == MCPZ_OK);

    struct fake_run *run = fake_start_input(&stage.fake, "it", NULL, 0, STAGE_TIMEOUT_MS);
    fake_input(&stage.fake, run, big, MCPZ_CALL_WINDOW_BYTES);
    fake_input(&stage.fake, run, big, 1);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_BAD_REQUEST);

    free(big);
    stage_close(&stage);
}

TEST(refuses_parameters_with_a_zero_byte)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "cat") == MCPZ_OK);

    struct fake_run *run = fake_start_params(&stage.fake, "it", mcpz_bytes("a\0b", 3));
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(stage.stats->started, 0);

    stage_close(&stage);
}

/* ---- Many, and too many ------------------------------------------------------------------- */

TEST(runs_twenty_in_sixteen_slots)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "cat") == MCPZ_OK);
    mcpz_pool_set_most(stage.pool, 16);

    for (int i = 0; i < 20; i++) {
        struct fake_run *run = fake_start_input(&stage.fake, "it", NULL, 0, STAGE_TIMEOUT_MS);
        fake_input(&stage.fake, run, "x", 1);
    }
    CHECK_UINT(stage.stats->waiting, 20);
    CHECK(fake_turn_until(&stage.fake, &stage.stats->running, 16));
    CHECK_UINT(stage.stats->waiting, 4);
    for (size_t i = 0; i < 20; i++) {
        fake_input_end(&stage.fake, &stage.fake.runs[i]);
    }
    CHECK(fake_turn_until(&stage.fake, &stage.fake.over_count, 20));
    for (size_t i = 0; i < 20; i++) {
        stage_check_output(&stage.fake.runs[i], "x");
    }
    CHECK_UINT(stage.stats->ended, 20);

    stage_close(&stage);
}

TEST(is_busy_when_the_queue_is_full)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "sleep 1000") == MCPZ_OK);

    for (int i = 0; i < MCPZ_CHILDREN_MAX; i++) {
        (void)fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    }
    CHECK(fake_turn_until(&stage.fake, &stage.stats->running, MCPZ_CHILDREN_MAX));
    for (int i = 0; i < MCPZ_WAITING_MAX; i++) {
        (void)fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    }
    struct fake_run *over = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    CHECK(!over->over); /* not within the turn */
    CHECK(fake_turn_until_over(&stage.fake, over));
    CHECK_UINT(over->code, MCPZ_CODE_BUSY);
    CHECK_UINT(stage.fake.over_count, 1);
    CHECK_UINT(stage.stats->waiting, MCPZ_WAITING_MAX);

    /* One that no longer waits makes room. */
    fake_stop(&stage.fake, &stage.fake.runs[MCPZ_CHILDREN_MAX]);
    struct fake_run *fits = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    CHECK_UINT(stage.stats->waiting, MCPZ_WAITING_MAX);
    CHECK(!fits->over);

    stage_close(&stage);
}

TEST(runs_out_of_time_while_it_waits)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "sleep 1000") == MCPZ_OK);

    for (int i = 0; i < MCPZ_CHILDREN_MAX; i++) {
        (void)fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    }
    struct fake_run *late = fake_start(&stage.fake, "it", "", 1);
    CHECK(fake_turn_until_over(&stage.fake, late));
    CHECK_UINT(late->code, MCPZ_CODE_TIMEOUT);
    CHECK(strstr(late->text, "waiting") != NULL);
    CHECK_UINT(stage.stats->waiting, 0);

    stage_close(&stage);
}

TEST(fails_to_start_when_descriptors_are_short)
{
    struct stage stage;
    stage_open(&stage);
    struct rlimit before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    stage_check_output(stage_run(&stage, "echo fine"), "fine\n");
    stage_settle(&stage);
    size_t descriptors = stage_descriptors();

    /* Ten are needed: five pipes. */
    for (rlim_t spare = 0; spare < 10; spare++) {
        int lowest = dup(STDIN_FILENO);
        CHECK(lowest >= 0 && close(lowest) == 0);
        struct rlimit limit = {.rlim_cur = (rlim_t)lowest + spare, .rlim_max = before.rlim_max};
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        struct fake_run *run = stage_run(&stage, "echo fine");
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK_UINT(run->code, MCPZ_CODE_START_FAILED);
        CHECK(strstr(run->text, "Too many open files") != NULL);
        CHECK_UINT(stage_descriptors(), descriptors);
        CHECK_UINT(stage_entries(stage.directory), 0);
    }
    CHECK_UINT(stage.stats->not_started, 10);
    stage_check_output(stage_run(&stage, "echo fine"), "fine\n");

    stage_close(&stage);
}

TEST(fails_to_start_without_its_directory)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(rmdir(stage.directory) == 0);

    struct fake_run *run = stage_run(&stage, "echo fine");
    CHECK_UINT(run->code, MCPZ_CODE_START_FAILED);
    CHECK(strstr(run->text, "workspace") != NULL);

    CHECK(mkdir(stage.directory, 0700) == 0);
    stage_close(&stage);
}

TEST(kills_all_that_runs_when_it_is_destroyed)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "setsid sleep 1000 & echo $!; sleep 1000") == MCPZ_OK);

    for (int i = 0; i < MCPZ_CHILDREN_MAX + 3; i++) {
        (void)fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    }
    for (size_t i = 0; i < MCPZ_CHILDREN_MAX; i++) {
        stage_turn_until_lines(&stage, &stage.fake.runs[i], 1);
    }

    stage_close(&stage);
}

/* ---- Offers ------------------------------------------------------------------------------- */

TEST(runs_the_command_offered_last)
{
    struct stage stage;
    stage_open(&stage);

    stage_check_output(stage_run(&stage, "echo old"), "old\n");
    stage_check_output(stage_run(&stage, "echo new"), "new\n");
    CHECK_UINT(stage.fake.provided, 2);

    stage_close(&stage);
}

TEST(does_not_run_what_was_withdrawn)
{
    struct stage stage;
    stage_open(&stage);

    CHECK(mcpz_pool_withdraw(stage.pool, "it") == MCPZ_ENOTFOUND);
    CHECK(stage_provide(&stage, "it", "echo fine") == MCPZ_OK);
    struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    CHECK(mcpz_pool_withdraw(stage.pool, "it") == MCPZ_OK);
    CHECK_UINT(stage.fake.withdrawn, 1);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_NOT_OFFERED);

    stage_close(&stage);
}

TEST(lets_what_runs_go_on_when_it_is_withdrawn)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "cat") == MCPZ_OK);

    struct fake_run *run = fake_start_input(&stage.fake, "it", NULL, 0, STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until(&stage.fake, &stage.stats->running, 1));
    CHECK(mcpz_pool_withdraw(stage.pool, "it") == MCPZ_OK);
    fake_input(&stage.fake, run, "still here", 10);
    fake_input_end(&stage.fake, run);
    CHECK(fake_turn_until_over(&stage.fake, run));
    stage_check_output(run, "still here");

    stage_close(&stage);
}

TEST(offers_so_many_and_no_more)
{
    struct stage stage;
    stage_open(&stage);
    char name[MCPZ_CAPABILITY_BYTES_MAX + 2];
    char *command = malloc(MCPZ_COMMAND_BYTES_MAX + 2);
    CHECK(command != NULL);
    memset(command, ' ', MCPZ_COMMAND_BYTES_MAX + 1);
    command[MCPZ_COMMAND_BYTES_MAX + 1] = '\0';

    CHECK(stage_provide(&stage, "", "true") == MCPZ_EPROTO);
    memset(name, 'n', sizeof(name));
    name[MCPZ_CAPABILITY_BYTES_MAX + 1] = '\0';
    CHECK(stage_provide(&stage, name, "true") == MCPZ_EPROTO);
    CHECK(stage_provide(&stage, name + 1, command) == MCPZ_EFULL);
    CHECK(stage_provide(&stage, name + 1, command + 1) == MCPZ_OK);
    for (int i = 1; i < MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        CHECK(stage_provide(&stage, name, "true") == MCPZ_OK);
    }
    CHECK(stage_provide(&stage, "one more", "true") == MCPZ_EFULL);
    CHECK(stage_provide(&stage, "n1", "true") == MCPZ_OK);
    CHECK(mcpz_pool_withdraw(stage.pool, "n1") == MCPZ_OK);
    CHECK(stage_provide(&stage, "one more", "true") == MCPZ_OK);

    free(command);
    stage_close(&stage);
}

TEST(refuses_a_directory_it_cannot_have)
{
    struct stage stage;
    stage_open(&stage);
    struct mcpz_pool *pool = stage.pool;

    CHECK(mcpz_pool_create(stage.fake.loop, "/dev/null", &pool) == MCPZ_EIO);
    CHECK(pool == NULL);
    CHECK(mcpz_pool_create(stage.fake.loop, "/no/such/place", &pool) == MCPZ_EIO);
    mcpz_pool_destroy(NULL);

    stage_close(&stage);
}

TEST_MAIN(RUN(hands_over_what_a_command_prints), RUN(succeeds_without_any_output),
          RUN(gives_parameters_on_stdin_when_there_is_no_input),
          RUN(gives_parameters_of_the_largest_size), RUN(tells_what_its_caller_said),
          RUN(hands_over_a_plan_instead_of_a_result),
          RUN(takes_a_plan_of_32_kib_and_none_that_is_longer_or_beside_a_result),
          RUN(has_no_place_for_a_plan_where_there_may_be_none), RUN(starts_in_a_clean_room),
          RUN(carries_five_megabytes_in_and_a_digest_out),
          RUN(carries_five_megabytes_through_under_small_credits),
          RUN(ends_when_the_output_is_exactly_the_credit),
          RUN(keeps_output_for_a_caller_that_is_slower_than_the_command),
          RUN(takes_all_input_of_a_command_that_does_not_read_it),
          RUN(takes_input_that_comes_before_its_turn), RUN(refuses_more_input_than_the_window),
          RUN(refuses_parameters_with_a_zero_byte), RUN(runs_twenty_in_sixteen_slots),
          RUN(is_busy_when_the_queue_is_full), RUN(runs_out_of_time_while_it_waits),
          RUN(fails_to_start_when_descriptors_are_short),
          RUN(fails_to_start_without_its_directory), RUN(kills_all_that_runs_when_it_is_destroyed),
          RUN(runs_the_command_offered_last), RUN(does_not_run_what_was_withdrawn),
          RUN(lets_what_runs_go_on_when_it_is_withdrawn), RUN(offers_so_many_and_no_more),
          RUN(refuses_a_directory_it_cannot_have))
