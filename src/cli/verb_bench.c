/*
 * `mcpz bench`, also called mcp-zero-benchmark: how many calls, how fast, at which cost.
 *
 * Agents are callers with one operation under way at most; so many of them as --concurrent says
 * act at a time, each in its turn. An operation is a call of bench.echo that crosses the mesh:
 * from one node to the programs at two others, or, at a node that runs, to whoever offers it.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <mcpz/client.h>

#include "cli/ask.h"
#include "cli/bench_mesh.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "proto/code.h"

#define CAPABILITY "bench.echo"
#define AGENTS_MAX 1000000
#define OPERATIONS_MAX 100000000
#define CONCURRENT_MAX 2048
#define BYTES_MAX 32768
#define CLIENTS_MAX MCPZ_BENCH_NODES
#define PROGRESS_US 200000
#define READY_PATIENCE_US 30000000 /* until the providers of a fresh mesh are known */
#define WAIT_MS 100

struct bench {
    const struct mcpz_invocation *invocation;
    uint64_t agents;
    uint64_t operations;
    uint64_t concurrent;
    uint64_t bytes;
    uint64_t timeout_ms;

    struct mcpz_bench_mesh mesh;
    bool has_mesh;
    struct mcpz_client *clients[CLIENTS_MAX]; /* the first calls; NULL: not connected */
    mcpz_error error;                         /* of the connection that broke */

    char *params;
    uint64_t *began_us;   /* by place: `concurrent` of them */
    uint32_t *latency_us; /* of each operation that is over */
    uint64_t asked;
    uint64_t over;
    uint64_t failed;
    uint64_t failures[MCPZ_CODE_END]; /* by code; one we do not know counts as internal */
    uint64_t start_us;
    uint64_t shown_us;
    double seconds;
    double client_cpu_s;
};

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static double cpu_s(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- What was asked for ------------------------------------------------------------------- */

struct number {
    const char *name;
    uint64_t least;
    uint64_t most;
    uint64_t otherwise;
};

static enum mcpz_exit read_number(const struct mcpz_invocation *invocation,
                                  const struct number *number, uint64_t *value)
{
    const char *text = mcpz_option_value(invocation, number->name);
    char *end = NULL;

    *value = number->otherwise;
    if (text == NULL) {
        return MCPZ_EXIT_OK;
    }
    *value = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || *value < number->least || *value > number->most) {
        return mcpz_fail_usage(invocation, "--%s %s is not a number from %" PRIu64 " to %" PRIu64,
                               number->name, text, number->least, number->most);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit read_options(struct bench *bench)
{
    const struct mcpz_invocation *invocation = bench->invocation;
    const struct number numbers[] = {{"agents", 1, AGENTS_MAX, 100},
                                     {"operations", 1, OPERATIONS_MAX, 1000},
                                     {"concurrent", 1, CONCURRENT_MAX, 20},
                                     {"bytes", 0, BYTES_MAX, 128}};
    uint64_t *const values[] = {&bench->agents, &bench->operations, &bench->concurrent,
                                &bench->bytes};
    enum mcpz_exit status = MCPZ_EXIT_OK;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(numbers) && status == MCPZ_EXIT_OK; i++) {
        status = read_number(invocation, &numbers[i], values[i]);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_option_duration(invocation, "timeout", MCPZ_PATIENCE_MS, &bench->timeout_ms);
    }
    if (status == MCPZ_EXIT_OK && bench->timeout_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        return mcpz_fail_usage(invocation, "--timeout is an hour at most");
    }
    /* Nobody acts twice at a time. */
    bench->concurrent = bench->concurrent < bench->agents ? bench->concurrent : bench->agents;
    return status;
}

static bool make_room(struct bench *bench)
{
    bench->params = malloc(BYTES_MAX + 1);
    bench->began_us = calloc(bench->concurrent, sizeof(bench->began_us[0]));
    bench->latency_us = calloc(bench->operations, sizeof(bench->latency_us[0]));
    return bench->params != NULL && bench->began_us != NULL && bench->latency_us != NULL;
}

/* ---- The provider ------------------------------------------------------------------------- */

static void on_task(void *context, const struct mcpz_client_task *task)
{
    struct mcpz_client *client = context;

    if (mcpz_client_finish(client, task->task, task->params, task->params_length) != MCPZ_OK) {
        (void)mcpz_client_fail(client, task->task, "no room for the answer");
    }
}

static mcpz_error provide(struct mcpz_client *client)
{
    const struct mcpz_client_provider provider = {.on_task = on_task, .context = client};

    return mcpz_client_provide(client, CAPABILITY, &provider);
}

/* ---- Turning ------------------------------------------------------------------------------ */

/* Wait for any of the connections, and work on all. */
static mcpz_error turn(struct bench *bench, int wait_ms)
{
    struct pollfd ready[CLIENTS_MAX];
    nfds_t count = 0;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct mcpz_client *client = bench->clients[i];
        if (client != NULL) {
            short events = mcpz_client_wants_to_write(client) ? POLLIN | POLLOUT : POLLIN;
            ready[count++] = (struct pollfd){.fd = mcpz_client_fd(client), .events = events};
        }
    }
    if (poll(ready, count, wait_ms) < 0 && errno != EINTR) {
        return MCPZ_EIO;
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        mcpz_error error =
            bench->clients[i] != NULL ? mcpz_client_work(bench->clients[i], 0) : MCPZ_OK;
        if (error != MCPZ_OK && error != MCPZ_ETIMEOUT) {
            return error;
        }
    }
    return MCPZ_OK;
}

/* ---- The agents --------------------------------------------------------------------------- */

static void on_end(void *context, uint64_t call, uint32_t code, const char *text);

/* What the agent whose turn it is asks for. Places lie side by side in `began_us`. */
static struct bench *running;

static mcpz_error act(struct bench *bench, uint64_t place)
{
    int length = snprintf(bench->params, BYTES_MAX + 1,
                          "{\"agent\":%" PRIu64 ",\"operation\":%" PRIu64 ",\"fill\":\"",
                          bench->asked % bench->agents, bench->asked);
    size_t filled = (size_t)length;

    while (filled + 2 < bench->bytes) {
        bench->params[filled++] = 'x';
    }
    memcpy(bench->params + filled, "\"}", 2);
    const struct mcpz_client_call call = {
        .capability = CAPABILITY,
        .params = bench->params,
        .params_length = filled + 2,
        .timeout_ms = (uint32_t)bench->timeout_ms,
        .idempotent = true,
        .on_end = on_end,
        .context = &bench->began_us[place],
    };
    bench->asked++;
    bench->began_us[place] = now_us();
    return mcpz_client_call(bench->clients[0], &call, NULL);
}

static void on_end(void *context, uint64_t call, uint32_t code, const char *text)
{
    struct bench *bench = running;
    uint64_t *began_us = context;
    uint64_t took_us = now_us() - *began_us;

    (void)call;
    (void)text;
    bench->latency_us[bench->over++] = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
    if (code != MCPZ_CODE_OK) {
        bench->failed++;
        bench->failures[code < MCPZ_CODE_END ? code : (uint32_t)MCPZ_CODE_INTERNAL]++;
    }
    if (bench->asked < bench->operations && bench->error == MCPZ_OK && !mcpz_interrupt_came()) {
        bench->error = act(bench, (uint64_t)(began_us - bench->began_us));
    }
}

static void show_progress(struct bench *bench)
{
    uint64_t now = now_us();

    if (isatty(STDERR_FILENO) != 1 || now - bench->shown_us < PROGRESS_US) {
        return;
    }
    bench->shown_us = now;
    (void)fprintf(stderr, "\r  %" PRIu64 " of %" PRIu64 " operations, %.0f a second ", bench->over,
                  bench->operations,
                  (double)bench->over * 1e6 / (double)(now - bench->start_us + 1));
}

static void run_agents(struct bench *bench)
{
    double used_s = cpu_s();

    running = bench;
    bench->start_us = now_us();
    for (uint64_t i = 0;
         i < bench->concurrent && bench->asked < bench->operations && bench->error == MCPZ_OK;
         i++) {
        bench->error = act(bench, i);
    }
    while (bench->over < bench->asked && bench->error == MCPZ_OK) {
        bench->error = turn(bench, WAIT_MS);
        show_progress(bench);
    }
    bench->seconds = (double)(now_us() - bench->start_us) / 1e6;
    bench->client_cpu_s = cpu_s() - used_s;
    if (bench->shown_us != 0) {
        (void)fputs("\r\033[K", stderr);
    }
}

/* ---- Connecting --------------------------------------------------------------------------- */

/* Does anybody offer it already? Then that is whom we call. */
static bool is_offered(const struct mcpz_invocation *invocation)
{
    json_t *rows = NULL;
    bool found = false;
    size_t i;
    json_t *row;

    if (mcpz_ask(invocation, "GET", "/v1/capabilities", NULL, &rows) != MCPZ_EXIT_OK) {
        return false;
    }
    json_array_foreach(rows, i, row)
    {
        found = found || strcmp(mcpz_show_text(row, "name"), CAPABILITY) == 0;
    }
    json_decref(rows);
    return found;
}

static bool answered;

static void on_first_end(void *context, uint64_t call, uint32_t code, const char *text)
{
    bool *waiting = context;

    (void)call;
    (void)text;
    *waiting = false;
    answered = answered || code == MCPZ_CODE_OK;
}

/* Until the caller's node knows who offers it, and has called it once. */
static mcpz_error await_providers(struct bench *bench)
{
    uint64_t until_us = now_us() + READY_PATIENCE_US;
    mcpz_error error = MCPZ_OK;
    bool waiting = false;

    answered = false;
    while (error == MCPZ_OK && !answered && now_us() < until_us && !mcpz_interrupt_came()) {
        if (!waiting) {
            waiting = true;
            const struct mcpz_client_call call = {.capability = CAPABILITY,
                                                  .timeout_ms = 1000,
                                                  .on_end = on_first_end,
                                                  .context = &waiting};
            error = mcpz_client_call(bench->clients[0], &call, NULL);
        }
        error = error == MCPZ_OK ? turn(bench, 10) : error;
    }
    return error == MCPZ_OK && !answered ? MCPZ_ETIMEOUT : error;
}

static enum mcpz_exit connect_here(struct bench *bench)
{
    const struct mcpz_invocation *invocation = bench->invocation;
    mcpz_error error = mcpz_client_open(invocation->data, &bench->clients[0]);

    if (error == MCPZ_OK && !is_offered(invocation)) {
        error = mcpz_client_open(invocation->data, &bench->clients[1]);
        error = error == MCPZ_OK ? provide(bench->clients[1]) : error;
    }
    if (error == MCPZ_OK) {
        error = await_providers(bench);
    }
    if (error == MCPZ_OK) {
        return MCPZ_EXIT_OK;
    }
    return error == MCPZ_ETIMEOUT
               ? mcpz_fail(invocation, MCPZ_EXIT_TIMEOUT, "timeout",
                           "nobody answers for " CAPABILITY
                           ": `mcpz capabilities` shows who offers it")
               : mcpz_fail(invocation, MCPZ_EXIT_UNREACHABLE, "unreachable",
                           "the node's socket for programs does not answer: does it run as this "
                           "user?");
}

static enum mcpz_exit connect_to_mesh(struct bench *bench)
{
    struct mcpz_trouble trouble;
    mcpz_error error;

    if (!bench->invocation->json) {
        (void)fprintf(stderr, "no node runs on %s: starting three for the benchmark\n",
                      bench->invocation->data);
    }
    bench->has_mesh = true;
    error = mcpz_bench_mesh_start(&bench->mesh, &trouble);
    if (error != MCPZ_OK) {
        return mcpz_fail_error(bench->invocation, error, &trouble);
    }
    for (size_t i = 0; i < MCPZ_BENCH_NODES && error == MCPZ_OK; i++) {
        error = mcpz_client_open(bench->mesh.nodes[i].data, &bench->clients[i]);
        if (error == MCPZ_OK && i > 0) {
            error = provide(bench->clients[i]);
        }
    }
    if (error == MCPZ_OK) {
        error = await_providers(bench);
    }
    if (error == MCPZ_OK) {
        return MCPZ_EXIT_OK;
    }
    mcpz_trouble_say(&trouble, "the benchmark's own mesh does not work: %s", mcpz_strerror(error));
    return mcpz_fail_error(bench->invocation, error, &trouble);
}

/* A node that runs, unless a mesh was asked for. */
static enum mcpz_exit connect_anywhere(struct bench *bench)
{
    struct mcpz_client *client = NULL;

    if (!mcpz_option_is_given(bench->invocation, "mesh") &&
        mcpz_client_open(bench->invocation->data, &client) == MCPZ_OK) {
        mcpz_client_close(client);
        return connect_here(bench);
    }
    return connect_to_mesh(bench);
}

/* ---- The result --------------------------------------------------------------------------- */

static int by_size(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return (*a > *b) - (*a < *b);
}

static double quantile_ms(const struct bench *bench, double share)
{
    if (bench->over == 0) {
        return 0.;
    }
    return (double)bench->latency_us[(uint64_t)(share * (double)(bench->over - 1))] / 1e3;
}

static json_t *make_errors(const struct bench *bench)
{
    json_t *errors = json_object();

    for (uint32_t code = 0; code < MCPZ_CODE_END && errors != NULL; code++) {
        if (bench->failures[code] > 0) {
            (void)json_object_set_new(errors, mcpz_code_word(code),
                                      json_integer((json_int_t)bench->failures[code]));
        }
    }
    return errors;
}

static json_t *make_result(struct bench *bench)
{
    qsort(bench->latency_us, bench->over, sizeof(bench->latency_us[0]), by_size);
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:f, s:{s:f, s:f, s:f, s:f}, s:{s:f, s:o, s:o}}",
        "agents", (json_int_t)bench->agents, "concurrent", (json_int_t)bench->concurrent, "bytes",
        (json_int_t)bench->bytes, "operations", (json_int_t)bench->over, "failed",
        (json_int_t)bench->failed, "errors", make_errors(bench), "seconds", bench->seconds,
        "per_second", (double)bench->over / bench->seconds, "latency_ms", "p50",
        quantile_ms(bench, 0.5), "p95", quantile_ms(bench, 0.95), "p99", quantile_ms(bench, 0.99),
        "max", quantile_ms(bench, 1.0), "resources", "client_cpu_s", bench->client_cpu_s,
        "nodes_cpu_s", bench->has_mesh ? json_real(bench->mesh.cpu_s) : json_null(),
        "node_rss_bytes_max",
        bench->has_mesh ? json_integer((json_int_t)bench->mesh.rss_kib_max * 1024) : json_null());
}

static void print_result(const struct bench *bench, const json_t *result)
{
    char errors[256] = "";

    for (uint32_t code = 0; code < MCPZ_CODE_END; code++) {
        size_t used = strlen(errors);
        if (bench->failures[code] > 0) {
            (void)snprintf(errors + used, sizeof(errors) - used, "%s%" PRIu64 " %s",
                           used > 0 ? ", " : "  (", bench->failures[code], mcpz_code_word(code));
        }
    }
    (void)printf("operations   %" PRIu64 " by %" PRIu64 " agents, %" PRIu64 " at a time\n",
                 bench->over, bench->agents, bench->concurrent);
    (void)printf("failed       %" PRIu64 "%s%s\n", bench->failed, errors,
                 bench->failed > 0 ? ")" : "");
    (void)printf("throughput   %.0f a second, for %.2f s\n",
                 json_real_value(json_object_get(result, "per_second")), bench->seconds);
    (void)printf("latency      p50 %.3f ms, p95 %.3f ms, p99 %.3f ms, max %.3f ms\n",
                 quantile_ms(bench, 0.5), quantile_ms(bench, 0.95), quantile_ms(bench, 0.99),
                 quantile_ms(bench, 1.0));
    (void)printf("cpu          %.2f s for callers and providers", bench->client_cpu_s);
    if (bench->has_mesh) {
        (void)printf(", %.2f s for %d nodes from start to end\n", bench->mesh.cpu_s,
                     MCPZ_BENCH_NODES);
        (void)printf("memory       %.1f MiB at most for one node",
                     (double)bench->mesh.rss_kib_max / 1024.);
    }
    (void)putchar('\n');
}

static enum mcpz_exit report(struct bench *bench)
{
    json_t *result = make_result(bench);

    if (result == NULL) {
        return mcpz_fail(bench->invocation, MCPZ_EXIT_FAILED, "internal", "out of memory");
    }
    if (bench->invocation->json) {
        mcpz_print_json(result);
    } else {
        print_result(bench, result);
    }
    json_decref(result);
    if (mcpz_interrupt_came()) {
        return MCPZ_EXIT_INTERRUPTED;
    }
    return bench->failed == 0 ? MCPZ_EXIT_OK : MCPZ_EXIT_FAILED;
}

/* ---- The verb ----------------------------------------------------------------------------- */

static void close_all(struct bench *bench)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        mcpz_client_close(bench->clients[i]);
        bench->clients[i] = NULL;
    }
    if (bench->has_mesh) {
        mcpz_bench_mesh_stop(&bench->mesh);
    }
}

static enum mcpz_exit run(struct bench *bench)
{
    enum mcpz_exit status = connect_anywhere(bench);

    if (status == MCPZ_EXIT_OK) {
        run_agents(bench);
    }
    close_all(bench);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (bench->error != MCPZ_OK) {
        return mcpz_fail(bench->invocation, MCPZ_EXIT_UNREACHABLE, "unreachable",
                         "a node went away during the benchmark");
    }
    return report(bench);
}

static enum mcpz_exit run_bench(const struct mcpz_invocation *invocation)
{
    struct bench bench = {.invocation = invocation};
    enum mcpz_exit status = read_options(&bench);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_interrupt_catch();
    if (make_room(&bench)) {
        status = run(&bench);
    } else {
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "out of memory");
    }
    free(bench.params);
    free(bench.began_us);
    free(bench.latency_us);
    return status;
}

static const struct mcpz_option bench_options[] = {
    {"agents", '\0', "N", "so many callers, each with one operation at a time (100)"},
    {"operations", '\0', "N", "so many in all (1000)"},
    {"concurrent", '\0', "N", "so many under way at a time, at most 2048 (20)"},
    {"bytes", '\0', "N", "size of what is asked and answered, at most 32768 (128)"},
    {"timeout", '\0', "TIME", "of one operation, e.g. 30s (the default)"},
    {"mesh", '\0', NULL, "three nodes of its own, also if a node runs here"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_bench, "bench", "", 0, 0, "measure how fast calls are answered",
    "Calls bench.echo through the running node: whoever in the mesh offers it answers, or\n"
    "this command itself. Without a node it starts a mesh of three, with providers at two\n"
    "of them, and removes it afterwards. Exit status 1 if any operation failed. Also known\n"
    "as mcp-zero-benchmark.\n"
    "\n"
    "Examples:\n"
    "  mcpz bench\n"
    "  mcpz bench --mesh --operations 100000 --concurrent 64\n"
    "  mcp-zero-benchmark --agents=100 --operations=1000 --concurrent=20\n",
    MCPZ_OPTIONS(bench_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_bench_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
