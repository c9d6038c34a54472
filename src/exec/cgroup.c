#include "exec/cgroup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "exec/digits.h"
#include "exec/procfile.h"

#define FILE_BYTES 4096
#define PERIOD_US 100000 /* of cpu.max: the kernel's own default */
#define OURS "mcpz-"

/* ---- Small files: async-signal-safe ------------------------------------------------------- */

/* DIRECTORY/NAME/FILE; an empty `name` is left out. False: too long. */
static bool join_path(char path[PATH_MAX], const char *directory, const char *name,
                      const char *file)
{
    if (strlen(directory) + strlen(name) + strlen(file) + 3 > PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    char *end = stpcpy(path, directory);
    if (*name != '\0') {
        end = stpcpy(stpcpy(end, "/"), name);
    }
    if (*file != '\0') {
        (void)stpcpy(stpcpy(end, "/"), file);
    }
    return true;
}

static bool write_file(const char *directory, const char *name, const char *file, const char *text)
{
    char path[PATH_MAX];

    return join_path(path, directory, name, file) && mcpz_procfile_write(path, text);
}

static bool read_file(const char *directory, const char *name, const char *file, char *text)
{
    char path[PATH_MAX];

    text[0] = '\0';
    if (!join_path(path, directory, name, file)) {
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, FILE_BYTES - 1);
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got >= 0;
}

static bool write_number(const struct mcpz_cgroups *cgroups, const char *name, const char *file,
                         uint64_t number)
{
    char text[MCPZ_DIGITS_BYTES];

    (void)mcpz_digits_put(text, number);
    return write_file(cgroups->path, name, file, text);
}

/* The number behind `key` in lines "KEY NUMBER"; 0 if it is not there. */
static uint64_t number_of(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            uint64_t number;
            (void)mcpz_digits_read(line + length, &number);
            return number;
        }
        if (end == NULL) {
            return 0;
        }
        line = end + 1;
    }
    return 0;
}

/* ---- Finding a place ---------------------------------------------------------------------- */

static bool is_version_2(const char *mount)
{
    struct statfs facts;
    return statfs(mount, &facts) == 0 && facts.f_type == CGROUP2_SUPER_MAGIC;
}

/* The line "0::/PATH" of /proc/self/cgroup, PATH in place. */
static const char *own_group(char *text)
{
    if (!read_file("/proc/self", "", "cgroup", text)) {
        return NULL;
    }
    char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (line == NULL) {
        return NULL;
    }
    line = strchr(line, '/');
    if (line != NULL) {
        line[strcspn(line, "\n")] = '\0';
    }
    return line;
}

/* "mcpz-PID" or "mcpz-node-PID" of a process that is not there any more. */
static bool is_leftover(const char *name)
{
    uint64_t pid;

    if (strncmp(name, OURS, strlen(OURS)) != 0) {
        return false;
    }
    name += strlen(OURS);
    name += strncmp(name, "node-", 5) == 0 ? 5 : 0;
    const char *end = mcpz_digits_read(name, &pid);
    return *end == '\0' && pid > 0 && pid < INT_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* Groups of nodes that were killed. */
static void remove_leftovers(const char *own)
{
    char path[PATH_MAX];
    DIR *stream = opendir(own);

    if (stream == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (is_leftover(entry->d_name) && join_path(path, own, entry->d_name, "")) {
            (void)rmdir(path);
        }
    }
    (void)closedir(stream);
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length) {
        bool starts = at == text || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == '\n' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Hand on what `directory` has of the three to its children. */
static void hand_on(const char *directory)
{
    static const char *const words[] = {"memory", "cpu", "pids"};
    char there[FILE_BYTES];
    char order[16];

    (void)read_file(directory, "", "cgroup.controllers", there);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (has_word(there, words[i])) {
            (void)stpcpy(stpcpy(order, "+"), words[i]);
            (void)write_file(directory, "", "cgroup.subtree_control", order);
        }
    }
}

/* A group with processes hands on nothing, unless it is the root: step aside. */
static void step_aside(const char *own)
{
    char name[64];
    char path[PATH_MAX];
    char controllers[FILE_BYTES];
    char pid[MCPZ_DIGITS_BYTES];

    if (!read_file(own, "", "cgroup.controllers", controllers) || strlen(controllers) <= 1 ||
        !join_path(path, own, "", "cgroup.type") || access(path, F_OK) != 0) {
        return;
    }
    (void)snprintf(name, sizeof(name), OURS "node-%d", (int)getpid());
    if (!join_path(path, own, name, "") || mkdir(path, 0755) < 0) {
        return;
    }
    (void)mcpz_digits_put(pid, (uint64_t)getpid());
    if (!write_file(path, "", "cgroup.procs", pid)) {
        (void)rmdir(path);
        return;
    }
    hand_on(own);
    (void)read_file(own, "", "cgroup.subtree_control", controllers);
    if (!has_word(controllers, "memory") && !has_word(controllers, "pids") &&
        !has_word(controllers, "cpu") && write_file(own, "", "cgroup.procs", pid)) {
        (void)rmdir(path); /* others are in it too: it was for nothing */
    }
}

void mcpz_cgroups_open_at(struct mcpz_cgroups *cgroups, const char *mount, const char *own)
{
    char directory[PATH_MAX];
    char file[PATH_MAX];
    char controllers[FILE_BYTES];
    char name[64];

    *cgroups = (struct mcpz_cgroups){.path = ""};
    if (!join_path(directory, mount, strcmp(own, "/") == 0 ? "" : own + 1, "") ||
        access(directory, W_OK) != 0) {
        return;
    }
    remove_leftovers(directory);
    step_aside(directory);
    hand_on(directory);

    (void)snprintf(name, sizeof(name), OURS "%d", (int)getpid());
    if (!join_path(cgroups->path, directory, name, "") ||
        (mkdir(cgroups->path, 0755) < 0 && errno != EEXIST)) {
        cgroups->path[0] = '\0';
        return;
    }
    hand_on(cgroups->path);
    (void)read_file(cgroups->path, "", "cgroup.subtree_control", controllers);
    cgroups->memory = has_word(controllers, "memory");
    cgroups->cpu = has_word(controllers, "cpu");
    cgroups->pids = has_word(controllers, "pids");
    cgroups->kill = join_path(file, cgroups->path, "", "cgroup.kill") && access(file, W_OK) == 0;
}

void mcpz_cgroups_open(struct mcpz_cgroups *cgroups)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char text[FILE_BYTES];
    const char *own = own_group(text);

    *cgroups = (struct mcpz_cgroups){.path = ""};
    for (size_t i = 0; own != NULL && i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        if (is_version_2(mounts[i])) {
            mcpz_cgroups_open_at(cgroups, mounts[i], own);
            return;
        }
    }
}

void mcpz_cgroups_close(struct mcpz_cgroups *cgroups)
{
    if (cgroups->path[0] != '\0') {
        (void)rmdir(cgroups->path);
        cgroups->path[0] = '\0';
    }
}

/* ---- One workspace's ---------------------------------------------------------------------- */

static bool limit_memory(const struct mcpz_cgroups *cgroups, const char *name, uint64_t bytes)
{
    /* Where swap is not counted the file is missing; then there is nothing to close. */
    (void)write_number(cgroups, name, "memory.swap.max", 0);
    (void)write_number(cgroups, name, "memory.oom.group", 1);
    return write_number(cgroups, name, "memory.max", bytes);
}

static bool limit_cpu(const struct mcpz_cgroups *cgroups, const char *name, uint32_t cpu_milli)
{
    char text[2 * MCPZ_DIGITS_BYTES];

    char *end = mcpz_digits_put(text, (uint64_t)cpu_milli * PERIOD_US / 1000);
    *end++ = ' ';
    (void)mcpz_digits_put(end, PERIOD_US);
    return write_file(cgroups->path, name, "cpu.max", text);
}

bool mcpz_cgroup_make(const struct mcpz_cgroups *cgroups, const char *name,
                      const struct mcpz_service_limits *limits)
{
    char path[PATH_MAX];

    assert(cgroups->path[0] != '\0');
    if (!join_path(path, cgroups->path, name, "") || (mkdir(path, 0755) < 0 && errno != EEXIST)) {
        return false;
    }
    return (!cgroups->memory || limit_memory(cgroups, name, limits->memory_bytes)) &&
           (!cgroups->cpu || limit_cpu(cgroups, name, limits->cpu_milli)) &&
           (!cgroups->pids || write_number(cgroups, name, "pids.max", limits->processes));
}

bool mcpz_cgroup_join(const struct mcpz_cgroups *cgroups, const char *name)
{
    return write_file(cgroups->path, name, "cgroup.procs", "0");
}

bool mcpz_cgroup_kill(const struct mcpz_cgroups *cgroups, const char *name)
{
    return cgroups->kill && write_file(cgroups->path, name, "cgroup.kill", "1");
}

void mcpz_cgroup_hits(const struct mcpz_cgroups *cgroups, const char *name, uint64_t *memory,
                      uint64_t *processes)
{
    char text[FILE_BYTES];

    (void)read_file(cgroups->path, name, "memory.events", text);
    *memory = number_of(text, "oom_kill");
    (void)read_file(cgroups->path, name, "pids.events", text);
    *processes = number_of(text, "max");
}

void mcpz_cgroup_remove(const struct mcpz_cgroups *cgroups, const char *name)
{
    char path[PATH_MAX];

    if (cgroups->path[0] != '\0' && join_path(path, cgroups->path, name, "")) {
        (void)rmdir(path);
    }
}
