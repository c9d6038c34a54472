/* How tasks end, and that nothing is left of them. */

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/pool.h"
#include "stage.h"

/* ---- How it ends -------------------------------------------------------------------------- */

TEST(tells_the_exit_status_and_the_last_words)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = stage_run(&stage, "echo partly; echo 'no such image' >&2; exit 3");
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
    CHECK_TEXT(run->text, "exit status 3: no such image");
    CHECK_UINT(run->output_bytes, 7);
    CHECK_UINT(stage.stats->failed, 1);

    run = stage_run(&stage, "exit 255");
    CHECK_TEXT(run->text, "exit status 255");

    stage_close(&stage);
}

TEST(tells_what_the_shell_says_of_an_unknown_command)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = stage_run(&stage, "no-such-command-here --now");
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
    CHECK(strncmp(run->text, "exit status 127: ", 17) == 0);
    CHECK(strstr(run->text, "no-such-command-here") != NULL);

    run = stage_run(&stage, "/");
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
    CHECK(strncmp(run->text, "exit status 126: ", 17) == 0);

    stage_close(&stage);
}

TEST(tells_which_signal_a_command_crashed_by)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = stage_run(&stage, "echo oops >&2; kill -SEGV $$");
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_CRASHED);
    CHECK_TEXT(run->text, "killed by signal 11 (SIGSEGV): oops");
    run = stage_run(&stage, "kill -KILL $$");
    CHECK_TEXT(run->text, "killed by signal 9 (SIGKILL)");
    CHECK_UINT(stage.stats->crashed, 2);

    stage_close(&stage);
}

TEST(stops_what_hangs_when_its_time_is_over)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "trap '' TERM INT HUP; echo $$; sleep 1000") == MCPZ_OK);

    struct fake_run *run = fake_start(&stage.fake, "it", "", 300);
    CHECK(fake_turn_until_over(&stage.fake, run));
    CHECK_UINT(run->code, MCPZ_CODE_TIMEOUT);
    CHECK(strncmp(run->text, "no result within 300 ms", 23) == 0);
    stage_settle(&stage);
    (void)stage_check_gone((const char *)run->output);
    CHECK_UINT(stage.stats->stopped, 1);

    stage_close(&stage);
}

TEST(carries_a_large_result_in_flat_memory)
{
    struct stage stage;
    stage_open(&stage);
    struct rusage before;
    struct rusage after;
    stage_check_output(stage_run(&stage, "echo warm"), "warm\n");

    (void)getrusage(RUSAGE_SELF, &before);
    struct fake_run *run = stage_run(&stage, "head -c 67108864 /dev/zero");
    (void)getrusage(RUSAGE_SELF, &after);
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, 67108864);
    CHECK(after.ru_maxrss - before.ru_maxrss < 4096); /* KiB */

    stage_close(&stage);
}

TEST(keeps_only_the_end_of_endless_complaints)
{
    struct stage stage;
    stage_open(&stage);
    struct rusage before;
    struct rusage after;
    stage_check_output(stage_run(&stage, "echo warm"), "warm\n");

    (void)getrusage(RUSAGE_SELF, &before);
    struct fake_run *run = stage_run(
        &stage, "yes 'what a day' | head -c 200000000 >&2; printf 'the end' >&2; exit 1");
    (void)getrusage(RUSAGE_SELF, &after);
    CHECK_UINT(run->code, MCPZ_CODE_PROVIDER_FAILED);
    size_t length = strlen(run->text);
    CHECK(length > 4000 && length <= MCPZ_MESSAGE_BYTES_MAX);
    CHECK_TEXT(run->text + length - 7, "the end");
    CHECK(after.ru_maxrss - before.ru_maxrss < 4096);

    stage_close(&stage);
}

TEST(stops_in_the_middle_and_says_nothing_more)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "echo $$; exec sleep 1000") == MCPZ_OK);

    struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until(&stage.fake, &stage.stats->running, 1));
    stage_turn_until_lines(&stage, run, 1);
    fake_stop(&stage.fake, run);
    stage_settle(&stage);
    CHECK_UINT(stage_check_gone((const char *)run->output), 1);
    CHECK(!run->over);
    CHECK_UINT(stage.stats->stopped, 1);

    stage_close(&stage);
}

TEST(bears_a_stop_in_answer_to_output)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "yes") == MCPZ_OK);

    struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    run->stops_at_output = true;
    stage_settle(&stage);
    CHECK(run->stopped && run->output_bytes > 0);

    stage_close(&stage);
}

TEST(bears_a_stop_before_the_start)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it", "sleep 1000") == MCPZ_OK);

    struct fake_run *offered = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    struct fake_run *unknown = fake_start_params(&stage.fake, "it", mcpz_bytes("\0", 1));
    fake_stop(&stage.fake, offered);
    fake_stop(&stage.fake, unknown);
    fake_stop(&stage.fake, unknown);
    stage_check_output(stage_run(&stage, "echo on we go"), "on we go\n");
    CHECK_UINT(stage.stats->started, 1);

    stage_close(&stage);
}

/* ---- What a command leaves behind --------------------------------------------------------- */

/* A child and a grandchild, each in a session of its own, both orphans. */
static const char twice_removed[] =
    "mkfifo p; (setsid sh -c 'echo $$; "
    "(setsid sh -c \"echo \\$\\$; echo >p; exec sleep 1000\" &); exec sleep 1000' &); "
    "read -r x <p";

TEST(kills_whatever_outlives_its_task)
{
    static const char *const ways[] = {
        "sleep 1000 & echo $!",
        "setsid sleep 1000 & echo $!",
        "nohup sleep 1000 >/dev/null 2>&1 & echo $!",
        twice_removed,
        "trap '' TERM HUP INT; (trap '' TERM; exec sleep 1000) & echo $!; kill -STOP $!",
        "i=0; while [ $i -lt 40 ]; do setsid sleep 1000 & echo $!; i=$((i+1)); done",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ways); i++) {
        struct stage stage;
        stage_open(&stage);
        struct fake_run *run = stage_run(&stage, ways[i]);
        CHECK_UINT(run->code, MCPZ_CODE_OK);
        stage_settle(&stage);
        size_t gone = stage_check_gone((const char *)run->output);
        CHECK(gone > 0);
        CHECK_UINT(stage.stats->stragglers, gone);
        stage_close(&stage);
    }
}

TEST(kills_what_left_its_group_when_it_is_stopped)
{
    struct stage stage;
    stage_open(&stage);
    CHECK(stage_provide(&stage, "it",
                        "(setsid sleep 1000 & echo $!); (setsid sh -c 'echo $$; sleep 1000' &); "
                        "echo $$; sleep 1000") == MCPZ_OK);

    struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
    stage_turn_until_lines(&stage, run, 3);
    fake_stop(&stage.fake, run);
    stage_settle(&stage);
    CHECK_UINT(stage_check_gone((const char *)run->output), 3);

    stage_close(&stage);
}

TEST(outruns_a_chain_of_forks)
{
    struct stage stage;
    stage_open(&stage);

    /* Each link starts the next and ends: never twice the same pid. Without the file it breaks. */
    struct fake_run *run = stage_run(&stage, "echo 'sh ./link & exit' >link; sh ./link & echo $$");
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    stage_settle(&stage);

    stage_close(&stage);
}

TEST(removes_the_workspace_and_follows_no_link_out_of_it)
{
    struct stage stage;
    stage_open(&stage);
    char outside[] = "/tmp/mcpz-outside-XXXXXX";
    char command[512];
    CHECK(mkdtemp(outside) != NULL);
    (void)snprintf(command, sizeof(command),
                   "touch %s/kept; mkdir -p a/b/c/d shut; ln -s %s out; ln -s %s a/b/out; "
                   "echo x >a/b/c/d/file; touch shut/in; chmod 0 shut a/b/c; echo done",
                   outside, outside, outside);

    stage_check_output(stage_run(&stage, command), "done\n");
    stage_settle(&stage);
    CHECK_UINT(stage_entries(stage.directory), 0);
    CHECK_UINT(stage_entries(outside), 1);

    (void)snprintf(command, sizeof(command), "%s/kept", outside);
    CHECK(unlink(command) == 0 && rmdir(outside) == 0);
    stage_close(&stage);
}

/* The pool's whole process dies without a word. */
TEST(leaves_nothing_when_the_node_is_killed)
{
    struct stage stage;
    stage_open(&stage);
    int pids[2];
    CHECK(pipe(pids) == 0);

    pid_t node = fork();
    CHECK(node >= 0);
    if (node == 0) {
        CHECK(stage_provide(&stage, "it",
                            "setsid sleep 1000 & echo $!; (setsid sleep 1000 & echo $!); "
                            "echo $$; sleep 1000") == MCPZ_OK);
        fake_after_fork(&stage.fake);
        struct fake_run *run = fake_start(&stage.fake, "it", "", STAGE_TIMEOUT_MS);
        stage_turn_until_lines(&stage, run, 3);
        (void)!write(pids[1], run->output, (size_t)run->output_bytes);
        for (;;) {
            (void)pause();
        }
    }

    char text[256] = "";
    CHECK(close(pids[1]) == 0);
    CHECK(read(pids[0], text, sizeof(text) - 1) > 0);
    CHECK(kill(node, SIGKILL) == 0);
    stage_wait_for_nobody();
    CHECK_UINT(stage_check_gone(text), 3);
    CHECK_UINT(stage_entries(stage.directory), 0);

    CHECK(close(pids[0]) == 0);
    stage_close(&stage);
}

TEST(survives_the_loss_of_a_keeper)
{
    struct stage stage;
    stage_open(&stage);

    /* The shell's parent is its keeper. */
    struct fake_run *run = stage_run(&stage, "mkdir left; kill -KILL $PPID; sleep 1000");
    CHECK_UINT(run->code, MCPZ_CODE_INTERNAL);
    stage_settle(&stage);
    stage_wait_for_nobody();
    stage_check_output(stage_run(&stage, "echo next"), "next\n");

    stage_close(&stage);
}

/* As a default loop of libev does: whoever asks for the keeper's end is told of no such child. */
TEST(cleans_up_after_a_keeper_somebody_else_reaped)
{
    struct stage stage;
    stage_open(&stage);
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);

    struct fake_run *run = stage_run(&stage, "mkdir left; kill -KILL $PPID; sleep 1000");
    CHECK_UINT(run->code, MCPZ_CODE_INTERNAL);
    stage_settle(&stage);
    stage_wait_for_nobody();
    CHECK_UINT(stage_entries(stage.directory), 0);
    stage_check_output(stage_run(&stage, "echo next"), "next\n");
    stage_settle(&stage);

    CHECK(signal(SIGCHLD, before) == SIG_IGN);
    stage_close(&stage);
}

TEST(removes_what_a_crash_left_and_nothing_else)
{
    struct stage stage;
    stage_open(&stage);
    char path[128];
    mcpz_pool_destroy(stage.pool);
    static const char *const names[] = {"task-0000002a", "task-0000002a/sub", "task-2a",
                                        "task-0000002A", "mine"};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", stage.directory, names[i]);
        CHECK(mkdir(path, 0700) == 0);
    }

    CHECK(mcpz_pool_create(stage.fake.loop, stage.directory, &stage.pool) == MCPZ_OK);
    CHECK_UINT(stage_entries(stage.directory), 3);

    for (size_t i = 2; i < MCPZ_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", stage.directory, names[i]);
        CHECK(rmdir(path) == 0);
    }
    stage_close(&stage);
}

TEST_MAIN(RUN(tells_the_exit_status_and_the_last_words),
          RUN(tells_what_the_shell_says_of_an_unknown_command),
          RUN(tells_which_signal_a_command_crashed_by),
          RUN(stops_what_hangs_when_its_time_is_over), RUN(carries_a_large_result_in_flat_memory),
          RUN(keeps_only_the_end_of_endless_complaints),
          RUN(stops_in_the_middle_and_says_nothing_more), RUN(bears_a_stop_in_answer_to_output),
          RUN(bears_a_stop_before_the_start), RUN(kills_whatever_outlives_its_task),
          RUN(kills_what_left_its_group_when_it_is_stopped), RUN(outruns_a_chain_of_forks),
          RUN(removes_the_workspace_and_follows_no_link_out_of_it),
          RUN(leaves_nothing_when_the_node_is_killed), RUN(survives_the_loss_of_a_keeper),
          RUN(cleans_up_after_a_keeper_somebody_else_reaped),
          RUN(removes_what_a_crash_left_and_nothing_else))
