#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t descriptors_before;

size_t stage_entries(const char *directory)
{
    DIR *stream = opendir(directory);
    CHECK(stream != NULL);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(stream);
    return count;
}

size_t stage_descriptors(void)
{
    return stage_entries("/proc/self/fd");
}

void stage_open(struct stage *stage)
{
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    descriptors_before = stage_descriptors();
    (void)snprintf(stage->directory, sizeof(stage->directory), "/tmp/mcpz-exec-XXXXXX");
    CHECK(mkdtemp(stage->directory) != NULL);
    fake_init(&stage->fake);
    CHECK(mcpz_pool_create(stage->fake.loop, stage->directory, &stage->pool) == MCPZ_OK);
    stage->stats = mcpz_pool_stats(stage->pool);
}

void stage_close(struct stage *stage)
{
    int status;

    mcpz_pool_destroy(stage->pool);
    fake_finish(&stage->fake);
    CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
    CHECK_UINT(stage_entries(stage->directory), 0);
    CHECK(rmdir(stage->directory) == 0);
    CHECK_UINT(stage_descriptors(), descriptors_before);
}

mcpz_error stage_provide(struct stage *stage, const char *name, const char *command)
{
    struct mcpz_service provider;

    mcpz_service_init(&provider);
    provider.isolation = MCPZ_ISOLATION_NONE;
    provider.name = strdup(name);
    provider.command = strdup(command);
    CHECK(provider.name != NULL && provider.command != NULL);
    mcpz_error error = mcpz_pool_provide(stage->pool, &provider);
    mcpz_service_finish(&provider);
    return error;
}

struct fake_run *stage_run(struct stage *stage, const char *command)
{
    CHECK(stage_provide(stage, "it", command) == MCPZ_OK);
    struct fake_run *run = fake_start(&stage->fake, "it", "{}", STAGE_TIMEOUT_MS);
    CHECK(fake_turn_until_over(&stage->fake, run));
    return run;
}

void stage_check_output(const struct fake_run *run, const char *expected)
{
    if (run->code != MCPZ_CODE_OK) {
        print_error("it failed: %s\n", run->text);
    }
    CHECK_UINT(run->code, MCPZ_CODE_OK);
    CHECK_UINT(run->output_bytes, strlen(expected));
    CHECK(memcmp(run->output, expected, strlen(expected)) == 0);
}

static size_t count_lines(const struct fake_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->output_bytes && i < sizeof(run->output); i++) {
        count += run->output[i] == '\n';
    }
    return count;
}

void stage_turn_until_lines(struct stage *stage, const struct fake_run *run, size_t count)
{
    while (count_lines(run) < count) {
        CHECK(!run->over);
        fake_turn(&stage->fake);
    }
}

void stage_settle(struct stage *stage)
{
    CHECK(fake_turn_until(&stage->fake, &stage->stats->waiting, 0));
    CHECK(fake_turn_until(&stage->fake, &stage->stats->running, 0));
}

void stage_wait_for_nobody(void)
{
    (void)alarm((unsigned int)FAKE_DEADLINE_S);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
    }
    (void)alarm(0);
}

size_t stage_check_gone(const char *text)
{
    size_t count = 0;

    for (;;) {
        char *end;
        long pid = strtol(text, &end, 10);
        if (end == text) {
            return count;
        }
        CHECK(pid > 1);
        if (kill((pid_t)pid, 0) == 0) {
            print_error("process %ld is still there\n", pid);
            _fail(__FILE__, __LINE__);
        }
        CHECK(errno == ESRCH);
        count++;
        text = end;
    }
}
