/* What a task can do behind its fence, and how each limit ends it. Real processes. */

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/pool.h"
#include "stage.h"

static bool has(const struct fake_run *run, const char *words)
{
    return strstr((const char *)run->output, words) != NULL;
}

/* Run `command` as `change` has it; NULL: as it is by default. */
static struct fake_run *run_fenced(struct stage *stage, const char *command,
                                   void (*change)(struct mcpz_service *provider))
{
    struct mcpz_service provider;

    mcpz_service_init(&provider);
    provider.isolation = MCPZ_ISOLATION_DEGRADED;
    provider.name = strdup("it");
    provider.command = strdup(command);
    if (change != NULL) {
        change(&provider);
    }
    CHECK(mcpz_pool_provide(stage->pool, &provider) == MCPZ_OK);
    mcpz_service_finish(&provider);
    struct fake_run *run = fake_start(&stage->fake, "it", "{}", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage->fake, run));
    stage_settle(stage);
    return run;
}

static void check_limit(const struct fake_run *run, const char *key)
{
    if (run->code != MCPZ_CODE_LIMIT || strstr(run->text, key) == NULL) {
        print_error("code %u, %s\n", run->code, run->text);
        _fail(__FILE__, __LINE__);
    }
}

/* What the machine that runs the tests does not have cannot be tested there: said, not failed. */
#define NEED(condition, words)                                                                    \
    if (!(condition)) {                                                                           \
        print_message("skipped, this machine has no %s\n", words);                                \
        stage_close(&stage);                                                                      \
        skip();                                                                                   \
    }

/* ---- What is in reach --------------------------------------------------------------------- */

TEST(works_in_its_own_directory)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_fenced(&stage,
                                      "mkdir d && echo one >d/f && mv d e && cat e/f && "
                                      "ln e/f g && rm g && echo two | sort && id -u >/dev/null",
                                      NULL);
    stage_check_output(run, "one\ntwo\n");
    CHECK_UINT(stage_entries(stage.directory), 0);

    stage_close(&stage);
}

TEST(neither_reads_nor_writes_outside)
{
    struct stage stage;
    stage_open(&stage);
    NEED(mcpz_pool_machine(stage.pool)->landlock_abi > 0, "Landlock");
    char outside[] = "/tmp/mcpz-outside-XXXXXX";
    char command[512];
    int fd = mkstemp(outside);
    CHECK(fd >= 0 && write(fd, "secret\n", 7) == 7);

    /* Put together by the shell: a file that a command names by its path may be read. */
    (void)snprintf(command, sizeof(command),
                   "f=/tmp; f=$f/%s; cat $f 2>/dev/null; echo more >>$f; rm -f $f; "
                   "echo x >/tmp/mcpz-outside-new; echo x >/dev/shm/mcpz-outside-new; ls .. ; "
                   "echo done",
                   outside + strlen("/tmp/"));
    struct fake_run *run = run_fenced(&stage, command, NULL);
    stage_check_output(run, "done\n");
    struct stat facts;
    CHECK(fstat(fd, &facts) == 0 && facts.st_size == 7 && facts.st_nlink == 1);
    CHECK(access("/tmp/mcpz-outside-new", F_OK) != 0);
    CHECK(access("/dev/shm/mcpz-outside-new", F_OK) != 0);

    (void)snprintf(command, sizeof(command), "cat %s; echo more >>%s; echo done", outside,
                   outside);
    run = run_fenced(&stage, command, NULL);
    stage_check_output(run, "secret\ndone\n");

    CHECK(close(fd) == 0 && unlink(outside) == 0);
    stage_close(&stage);
}

TEST(runs_a_program_of_the_users_that_is_in_the_path)
{
    struct stage stage;
    stage_open(&stage);
    char directory[] = "/tmp/mcpz-bin-XXXXXX";
    char program[64];
    char *before = strdup(getenv("PATH"));
    char path[4096];
    static const char script[] = "#!/bin/sh\necho ours: $1\n";
    CHECK(before != NULL && mkdtemp(directory) != NULL && chmod(directory, 0755) == 0);
    (void)snprintf(program, sizeof(program), "%s/our-program", directory);
    int fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    CHECK(fd >= 0 && write(fd, script, sizeof(script) - 1) == (ssize_t)sizeof(script) - 1);
    CHECK(close(fd) == 0);
    (void)snprintf(path, sizeof(path), "%s:%s", directory, before);
    CHECK(setenv("PATH", path, 1) == 0);

    struct fake_run *run = run_fenced(&stage, "echo x | our-program one", NULL);
    stage_check_output(run, "ours: one\n");

    CHECK(setenv("PATH", before, 1) == 0);
    free(before);
    CHECK(unlink(program) == 0 && rmdir(directory) == 0);
    stage_close(&stage);
}

/* Landlock does not see chmod(); mounts that are read-only do not allow it. */
TEST(changes_no_modes_outside)
{
    struct stage stage;
    stage_open(&stage);
    NEED(mcpz_pool_machine(stage.pool)->mounts, "mounts of its own");
    char outside[] = "/tmp/mcpz-outside-XXXXXX";
    char command[256];
    struct stat facts;
    int fd = mkstemp(outside);
    CHECK(fd >= 0);

    (void)snprintf(command, sizeof(command),
                   "chmod 777 %s; touch -d @0 %s; >mine; chmod 640 mine; ls -l mine | cut -c1-10",
                   outside, outside);
    struct fake_run *run = run_fenced(&stage, command, NULL);
    stage_check_output(run, "-rw-r-----\n");
    CHECK(fstat(fd, &facts) == 0 && (facts.st_mode & 07777) == 0600 && facts.st_mtime != 0);

    CHECK(close(fd) == 0 && unlink(outside) == 0);
    stage_close(&stage);
}

static char granted[] = "/tmp/mcpz-granted-XXXXXX";

static void grant(struct mcpz_service *provider)
{
    char why[256];
    CHECK(mcpz_service_put(provider, MCPZ_SERVICE_WRITE, granted, why, sizeof(why)) == MCPZ_OK);
}

TEST(writes_where_it_was_allowed_to)
{
    struct stage stage;
    stage_open(&stage);
    char path[64];
    char command[128];
    CHECK(mkdtemp(granted) != NULL);

    (void)snprintf(command, sizeof(command), "echo kept >%s/file; echo done", granted);
    struct fake_run *run = run_fenced(&stage, command, grant);
    stage_check_output(run, "done\n");
    (void)snprintf(path, sizeof(path), "%s/file", granted);
    CHECK(unlink(path) == 0 && rmdir(granted) == 0);

    stage_close(&stage);
}

static void open_network(struct mcpz_service *provider)
{
    provider->network = true;
}

/* No program of the system's that everybody has opens sockets: bash does, Debian has it. */
static const char socket_command[] =
    "exec 2>&1; bash -c 'exec 3<>/dev/udp/127.0.0.1/9 && echo open'; true";

TEST(has_no_network_unless_granted)
{
    struct stage stage;
    stage_open(&stage);
    NEED(mcpz_pool_machine(stage.pool)->seccomp, "seccomp");
    NEED(access("/bin/bash", X_OK) == 0, "bash");

    struct fake_run *run = run_fenced(&stage, socket_command, NULL);
    CHECK(!has(run, "open") && has(run, "denied"));
    run = run_fenced(&stage, socket_command, open_network);
    stage_check_output(run, "open\n");

    stage_close(&stage);
}

TEST(has_no_privileges_and_cannot_gain_any)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_fenced(
        &stage, "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status | tr -s '\t '", NULL);
    CHECK(has(run, "NoNewPrivs:\t1"));
    CHECK(has(run, "CapEff:\t0000000000000000"));

    stage_close(&stage);
}

TEST(refuses_calls_no_task_needs)
{
    struct stage stage;
    stage_open(&stage);
    NEED(mcpz_pool_machine(stage.pool)->seccomp, "seccomp");

    struct fake_run *run = run_fenced(&stage,
                                      "unshare -r true && echo unshare; "
                                      "mount -t tmpfs none . && echo mount; "
                                      "chroot / true && echo chroot; "
                                      "nsenter -t $$ -n true && echo setns; "
                                      "grep Seccomp: /proc/self/status | tr -d '\t '",
                                      NULL);
    stage_check_output(run, "Seccomp:2\n");

    stage_close(&stage);
}

TEST(leaves_no_shared_memory)
{
    struct stage stage;
    stage_open(&stage);
    NEED(access("/usr/bin/ipcmk", X_OK) == 0, "ipcmk");
    struct shm_info before;
    struct shm_info after;
    CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&before) >= 0);

    /* In a namespace of its own it may, and it goes with it; without one it may not. */
    struct fake_run *run = run_fenced(&stage, "ipcmk -M 4096 >/dev/null 2>&1; echo done", NULL);
    stage_check_output(run, "done\n");
    CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&after) >= 0);
    CHECK_UINT((unsigned)after.used_ids, (unsigned)before.used_ids);

    stage_close(&stage);
}

/* ---- Limits ------------------------------------------------------------------------------- */

static void make_small(struct mcpz_service *provider)
{
    provider->limits = (struct mcpz_service_limits){
        .cpu_milli = 1000,
        .memory_bytes = 64 << 20,
        .disk_bytes = 16 << 20,
        .files = 32,
        .processes = 24,
        .seconds = 40,
    };
}

TEST(stops_who_takes_too_much_memory)
{
    struct stage stage;
    stage_open(&stage);

    /* Lines without end make sort hold all of it; its own limit is far above ours. */
    struct fake_run *run = run_fenced(&stage, "yes | tr -d '\\n' | sort -S 8G", make_small);
    check_limit(run, "limits.memory of the provider it");
    CHECK_UINT(stage.stats->limited, 1);

    stage_close(&stage);
}

TEST(stops_who_fills_the_disk)
{
    static const char *const ways[] = {
        "cat /dev/zero >big",
        "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero >f$i; done",
        "mkdir -p a/b/c; exec 3>a/b/c/f; rm a/b/c/f; cat /dev/zero >&3",
    };
    struct stage stage;
    stage_open(&stage);

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ways); i++) {
        check_limit(run_fenced(&stage, ways[i], make_small), "limits.disk of the provider it");
        CHECK_UINT(stage_entries(stage.directory), 0);
    }

    stage_close(&stage);
}

TEST(stops_who_hides_in_the_depth)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_fenced(
        &stage, "i=0; while [ $i -lt 70 ]; do mkdir d && cd d; i=$((i+1)); done; sleep 1000",
        NULL);
    check_limit(run, "directories more than 64 deep");

    stage_close(&stage);
}

TEST(stops_a_bomb_of_forks)
{
    static const char *const ways[] = {
        "b() { b | b & }; b; sleep 1000",
        "echo 'setsid sh ./l & setsid sh ./l & wait' >l; sh ./l; sleep 1000",
        "i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; wait",
    };
    struct stage stage;
    stage_open(&stage);

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ways); i++) {
        struct fake_run *run = run_fenced(&stage, ways[i], make_small);
        /* Where the kernel refuses the next fork, the shell may give up before we look. */
        if (run->code != MCPZ_CODE_PROVIDER_FAILED) {
            check_limit(run, "limits.processes of the provider it");
        }
    }

    stage_close(&stage);
}

static void make_short(struct mcpz_service *provider)
{
    provider->limits.seconds = 1;
}

TEST(stops_who_takes_too_long)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_fenced(&stage, "setsid sleep 1000", make_short);
    check_limit(run, "more than 1 s of time");
    check_limit(run, "limits.time of the provider it");

    stage_close(&stage);
}

TEST(opens_no_more_files_than_it_may)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_fenced(&stage, "ulimit -n; ulimit -c", make_small);
    stage_check_output(run, "32\n0\n");

    stage_close(&stage);
}

TEST(runs_on_as_many_processors_as_it_may)
{
    struct stage stage;
    stage_open(&stage);
    NEED(!mcpz_pool_machine(stage.pool)->cgroups.cpu, "need to choose processors");

    struct fake_run *run =
        run_fenced(&stage, "nproc; taskset -p 3 $$ >/dev/null 2>&1; nproc", make_small);
    stage_check_output(run, "1\n1\n");

    stage_close(&stage);
}

/* ---- What is told ------------------------------------------------------------------------- */

TEST(refuses_what_it_cannot_keep_strictly)
{
    struct stage stage;
    stage_open(&stage);
    char missing[MCPZ_MACHINE_TEXT_BYTES];
    struct mcpz_service provider;

    mcpz_service_init(&provider);
    provider.isolation = MCPZ_ISOLATION_STRICT;
    provider.name = strdup("it");
    provider.command = strdup("cat");
    mcpz_machine_show_missing(mcpz_pool_machine(stage.pool), missing, sizeof(missing));
    bool strict = missing[0] == '\0';
    CHECK(mcpz_pool_provide(stage.pool, &provider) == (strict ? MCPZ_OK : MCPZ_EUNSUPPORTED));
    CHECK(stage.fake.isolation == (strict ? MCPZ_ISOLATION_STRICT : MCPZ_ISOLATION_UNSAID));
    provider.isolation = MCPZ_ISOLATION_DEGRADED;
    CHECK(mcpz_pool_provide(stage.pool, &provider) == MCPZ_OK);
    CHECK(stage.fake.isolation == (strict ? MCPZ_ISOLATION_STRICT : MCPZ_ISOLATION_DEGRADED));
    mcpz_service_finish(&provider);

    stage_close(&stage);
}

TEST(kills_what_outlives_its_task_behind_the_fence)
{
    struct stage stage;
    stage_open(&stage);

    struct fake_run *run = run_fenced(
        &stage,
        "setsid sh -c 'setsid sleep 1000 & echo $!; exec sleep 1000' & echo $!; "
        "while [ ! -e on ]; do ls /proc/self/task >/dev/null; touch on; done; sleep 0.2",
        NULL);
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK(stage_check_gone((const char *)run->output) > 0);

    stage_close(&stage);
}

TEST_MAIN(RUN(works_in_its_own_directory), RUN(neither_reads_nor_writes_outside),
          RUN(runs_a_program_of_the_users_that_is_in_the_path), RUN(changes_no_modes_outside),
          RUN(writes_where_it_was_allowed_to), RUN(has_no_network_unless_granted),
          RUN(has_no_privileges_and_cannot_gain_any), RUN(refuses_calls_no_task_needs),
          RUN(leaves_no_shared_memory), RUN(stops_who_takes_too_much_memory),
          RUN(stops_who_fills_the_disk), RUN(stops_who_hides_in_the_depth),
          RUN(stops_a_bomb_of_forks), RUN(stops_who_takes_too_long),
          RUN(opens_no_more_files_than_it_may), RUN(runs_on_as_many_processors_as_it_may),
          RUN(refuses_what_it_cannot_keep_strictly),
          RUN(kills_what_outlives_its_task_behind_the_fence))
