/* What is written where, on a directory of plain files in place of the kernel's. */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/cgroup.h"
#include "test.h"

#define PATH_BYTES 256

struct place {
    char root[64];
    struct mcpz_cgroups cgroups;
};

static const struct mcpz_service_limits limits = {
    .cpu_milli = 1500, .memory_bytes = UINT64_C(4) << 30, .processes = 256};

static void put(const char *directory, const char *name, const char *text)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(close(fd) == 0);
}

static void check_file(const char *directory, const char *name, const char *expected)
{
    char path[PATH_BYTES];
    char text[256];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t got = read(fd, text, sizeof(text) - 1);
    CHECK(got >= 0 && close(fd) == 0);
    text[got] = '\0';
    CHECK_TEXT(text, expected);
}

/* The node's group as the kernel shows it, with `controllers` to hand on. */
static void begin(struct place *place, const char *controllers)
{
    char path[PATH_BYTES];
    (void)snprintf(place->root, sizeof(place->root), "/tmp/mcpz-cgroup-XXXXXX");
    CHECK(mkdtemp(place->root) != NULL);
    (void)snprintf(path, sizeof(path), "%s/own", place->root);
    CHECK(mkdir(path, 0700) == 0);
    put(path, "cgroup.controllers", controllers);
    put(path, "cgroup.subtree_control", "");
    put(path, "cgroup.procs", "");
}

static void end(const struct place *place)
{
    char command[PATH_BYTES];
    (void)snprintf(command, sizeof(command), "rm -r %s", place->root);
    CHECK(system(command) == 0); /* NOLINT(cert-env33-c): a path of our own making */
}

/* What mkdir() makes here is empty: give the group of this process its files before. */
static void make_ours(struct place *place, const char *controllers, char *ours)
{
    (void)snprintf(ours, PATH_BYTES, "%s/own/mcpz-%d", place->root, (int)getpid());
    CHECK(mkdir(ours, 0700) == 0);
    put(ours, "cgroup.controllers", controllers);
    put(ours, "cgroup.subtree_control", controllers);
    put(ours, "cgroup.kill", "");
}

TEST(writes_the_limits_of_a_workspace)
{
    struct place place;
    char ours[PATH_BYTES];
    char one[2 * PATH_BYTES];
    begin(&place, "cpu memory pids\n");
    make_ours(&place, "cpu io memory pids", ours);
    mcpz_cgroups_open_at(&place.cgroups, place.root, "/own");
    CHECK_TEXT(place.cgroups.path, ours);
    /* hand_on() wrote over the start of what this file system takes for a plain file. */
    CHECK(place.cgroups.kill);

    (void)snprintf(one, sizeof(one), "%s/task-1", ours);
    CHECK(mkdir(one, 0700) == 0);
    static const char *const files[] = {"memory.max", "memory.swap.max", "memory.oom.group",
                                        "cpu.max",    "pids.max",        "cgroup.procs"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        put(one, files[i], "");
    }
    place.cgroups.memory = place.cgroups.cpu = place.cgroups.pids = true;
    CHECK(mcpz_cgroup_make(&place.cgroups, "task-1", &limits));
    check_file(one, "memory.max", "4294967296");
    check_file(one, "memory.swap.max", "0");
    check_file(one, "memory.oom.group", "1");
    check_file(one, "cpu.max", "150000 100000");
    check_file(one, "pids.max", "256");
    CHECK(mcpz_cgroup_join(&place.cgroups, "task-1"));
    check_file(one, "cgroup.procs", "0");

    end(&place);
}

TEST(fails_where_a_limit_cannot_be_written)
{
    struct place place;
    char ours[PATH_BYTES];
    begin(&place, "");
    make_ours(&place, "", ours);
    mcpz_cgroups_open_at(&place.cgroups, place.root, "/own");

    CHECK(!place.cgroups.memory && !place.cgroups.cpu && !place.cgroups.pids);
    CHECK(mcpz_cgroup_make(&place.cgroups, "task-1", &limits));
    place.cgroups.memory = true;
    CHECK(!mcpz_cgroup_make(&place.cgroups, "task-2", &limits));
    CHECK(!mcpz_cgroup_kill(&place.cgroups, "task-1"));
    CHECK(!mcpz_cgroup_join(&place.cgroups, "task-1"));

    end(&place);
}

TEST(tells_what_the_kernel_counted)
{
    struct place place;
    char ours[PATH_BYTES];
    char one[2 * PATH_BYTES];
    uint64_t memory = 7;
    uint64_t processes = 7;
    begin(&place, "");
    make_ours(&place, "", ours);
    mcpz_cgroups_open_at(&place.cgroups, place.root, "/own");
    (void)snprintf(one, sizeof(one), "%s/task-1", ours);
    CHECK(mkdir(one, 0700) == 0);

    mcpz_cgroup_hits(&place.cgroups, "task-1", &memory, &processes);
    CHECK_UINT(memory, 0);
    CHECK_UINT(processes, 0);
    put(one, "memory.events", "low 0\nhigh 0\nmax 812\noom 1\noom_kill 3\noom_group_kill 1\n");
    put(one, "pids.events", "max 12\n");
    mcpz_cgroup_hits(&place.cgroups, "task-1", &memory, &processes);
    CHECK_UINT(memory, 3);
    CHECK_UINT(processes, 12);

    end(&place);
}

TEST(goes_without_where_there_is_nothing)
{
    struct mcpz_cgroups cgroups;

    mcpz_cgroups_open_at(&cgroups, "/tmp/no-such-place", "/own");
    CHECK_TEXT(cgroups.path, "");
    CHECK(!cgroups.memory && !cgroups.cpu && !cgroups.pids && !cgroups.kill);
    mcpz_cgroups_close(&cgroups);
}

TEST_MAIN(RUN(writes_the_limits_of_a_workspace), RUN(fails_where_a_limit_cannot_be_written),
          RUN(tells_what_the_kernel_counted), RUN(goes_without_where_there_is_nothing))
