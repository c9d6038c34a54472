#include "cli/bench_mesh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embed/ephemeral.h"

#define LINE_BYTES 4096
#define WORDS_MAX 12 /* of a command */
#define SELF "/proc/self/exe"

/* ---- Processes ---------------------------------------------------------------------------- */

/* Run ourselves with `arguments` (ends with NULL); its standard output is read from `*out`. */
static mcpz_error start(const char *const *arguments, const char *token, pid_t *pid, int *out)
{
    char texts[WORDS_MAX][MCPZ_BENCH_PATH_BYTES];
    char *words[WORDS_MAX + 1] = {NULL}; /* execv() changes none of them, but cannot say so */
    int ends[2];

    for (size_t i = 0; i < WORDS_MAX && arguments[i] != NULL; i++) {
        words[i] = texts[i];
        (void)snprintf(texts[i], sizeof(texts[i]), "%s", arguments[i]);
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return MCPZ_EIO;
    }
    *pid = fork();
    if (*pid == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(ends[1], STDOUT_FILENO) < 0 ||
            dup2(nothing, STDERR_FILENO) < 0 ||
            (token != NULL && setenv("MCPZ_JOIN_TOKEN", token, 1) != 0)) {
            _exit(EXIT_FAILURE);
        }
        (void)execv(SELF, words);
        _exit(EXIT_FAILURE);
    }
    (void)close(ends[1]);
    if (*pid < 0) {
        (void)close(ends[0]);
        *pid = 0;
        return MCPZ_EIO;
    }
    *out = ends[0];
    return MCPZ_OK;
}

/* One line, without its end. False: there was none. */
static bool read_line(int fd, char *line)
{
    size_t length = 0;

    while (length + 1 < LINE_BYTES) {
        ssize_t got = read(fd, line + length, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || line[length] == '\n') {
            line[length] = '\0';
            return got > 0;
        }
        length++;
    }
    return false;
}

static mcpz_error start_node(struct mcpz_bench_node *node, size_t number, const char *token)
{
    char name[32];
    char line[LINE_BYTES];
    const char *const arguments[] = {"mcpz",   "up", "--json",   "--data",      node->data,
                                     "--name", name, "--listen", "127.0.0.1:0", NULL};
    int out = -1;

    (void)snprintf(name, sizeof(name), "bench-%zu", number + 1);
    mcpz_error error = start(arguments, token, &node->pid, &out);
    if (error != MCPZ_OK) {
        return error;
    }
    bool ready = read_line(out, line);
    (void)close(out);
    return ready ? MCPZ_OK : MCPZ_EIO;
}

static mcpz_error make_token(const struct mcpz_bench_node *founder, char *token)
{
    const char *const arguments[] = {"mcpz", "token",  "create",      "--quiet", "--uses",
                                     "2",    "--data", founder->data, NULL};
    int status = 0;
    int out = -1;
    pid_t pid = 0;

    mcpz_error error = start(arguments, NULL, &pid, &out);
    if (error != MCPZ_OK) {
        return error;
    }
    bool made = read_line(out, token);
    (void)close(out);
    return waitpid(pid, &status, 0) == pid && status == 0 && made ? MCPZ_OK : MCPZ_EIO;
}

/* ---- All of them -------------------------------------------------------------------------- */

static mcpz_error make_directory(struct mcpz_bench_mesh *mesh)
{
    const char *parent = getenv("TMPDIR");
    int length = snprintf(mesh->directory, sizeof(mesh->directory), "%s/mcpz-bench-XXXXXX",
                          parent != NULL && *parent != '\0' ? parent : "/tmp");

    if (length < 0 || (size_t)length + 8 >= sizeof(mesh->directory) ||
        mkdtemp(mesh->directory) == NULL) {
        mesh->directory[0] = '\0';
        return MCPZ_EIO;
    }
    for (size_t i = 0; i < MCPZ_BENCH_NODES; i++) {
        (void)snprintf(mesh->nodes[i].data, sizeof(mesh->nodes[i].data), "%.*s/%zu",
                       (int)sizeof(mesh->directory) - 8, mesh->directory, i + 1);
    }
    return MCPZ_OK;
}

mcpz_error mcpz_bench_mesh_start(struct mcpz_bench_mesh *mesh, struct mcpz_trouble *trouble)
{
    char token[LINE_BYTES];

    *mesh = (struct mcpz_bench_mesh){.cpu_s = 0};
    mcpz_error error = make_directory(mesh);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "cannot make a temporary directory: %s", strerror(errno));
        return error;
    }
    error = start_node(&mesh->nodes[0], 0, NULL);
    error = error == MCPZ_OK ? make_token(&mesh->nodes[0], token) : error;
    for (size_t i = 1; i < MCPZ_BENCH_NODES && error == MCPZ_OK; i++) {
        error = start_node(&mesh->nodes[i], i, token);
    }
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "the benchmark's own nodes did not start; `mcpz up --ephemeral` "
                                  "says why");
    }
    return error;
}

static void note_use(struct mcpz_bench_mesh *mesh, const struct rusage *used)
{
    mesh->cpu_s += (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
                   (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
    if (used->ru_maxrss > mesh->rss_kib_max) {
        mesh->rss_kib_max = used->ru_maxrss;
    }
}

void mcpz_bench_mesh_stop(struct mcpz_bench_mesh *mesh)
{
    for (size_t i = 0; i < MCPZ_BENCH_NODES; i++) {
        if (mesh->nodes[i].pid > 0) {
            (void)kill(mesh->nodes[i].pid, SIGTERM);
        }
    }
    for (size_t i = 0; i < MCPZ_BENCH_NODES; i++) {
        struct rusage used;
        if (mesh->nodes[i].pid > 0 && wait4(mesh->nodes[i].pid, NULL, 0, &used) > 0) {
            note_use(mesh, &used);
        }
        mesh->nodes[i].pid = 0;
    }
    if (mesh->directory[0] != '\0') {
        mcpz_ephemeral_clear(mesh->directory);
        mesh->directory[0] = '\0';
    }
}
