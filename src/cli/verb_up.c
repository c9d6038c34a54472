#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/reload.h"
#include "cli/settings.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "embed/assembly.h"
#include "embed/ephemeral.h"
#include "engine/engine.h"
#include "host/log.h"
#include "host/loop.h"
#include "http/server.h"
#include "net/tls.h"
#include "proto/code.h"

#define MMAP_FROM_BYTES 131072

struct up {
    const struct mcpz_invocation *invocation;
    struct mcpz_config config;
    struct mcpz_assembly assembly;
    struct mcpz_trouble trouble;
    mcpz_time started_us;
    char *ephemeral; /* the directory to remove at the end; NULL: none */
};

/* ---- The banner --------------------------------------------------------------------------- */

static uint64_t elapsed_ms(const struct up *up)
{
    return (mcpz_clock_now() - up->started_us) / 1000;
}

static void print_reach(const struct up *up)
{
    const struct mcpz_assembly *assembly = &up->assembly;

    if (assembly->address[0] == '\0') {
        (void)fprintf(stderr, "  address  none: this node dials out, nobody can dial it\n");
        return;
    }
    (void)fprintf(stderr, "  address  wss://%s\n", assembly->address);
    if (assembly->is_local) {
        (void)fprintf(stderr,
                      "           this machine only: other machines cannot reach it; "
                      "`mcpz up --listen 0.0.0.0:%d` opens it\n",
                      MCPZ_PORT_DEFAULT);
    } else if (assembly->is_guessed) {
        (void)fprintf(stderr, "           the first address of this machine; if others need "
                              "another, say so with --advertise HOST:PORT\n");
    }
}

static void print_mesh(const struct up *up, const struct mcpz_engine *engine)
{
    char mesh[MCPZ_ID_TEXT_BYTES];

    if (up->assembly.join_request != 0) {
        mcpz_id_to_text(&up->assembly.join_mesh, 'm', mesh);
        (void)fprintf(stderr, "  mesh     joining %s ...\n", mesh);
    } else if (mcpz_id_is_zero(mcpz_engine_mesh(engine))) {
        (void)fprintf(stderr, "  mesh     none: `mcpz join TOKEN` joins one\n");
    } else {
        mcpz_id_to_text(mcpz_engine_mesh(engine), 'm', mesh);
        (void)fprintf(stderr, "  mesh     %s\n", mesh);
    }
}

/* The whole command, to be pasted; the token in it lets one machine in within an hour. */
static void print_join(const struct up *up, const struct mcpz_engine *engine)
{
    const struct mcpz_assembly *assembly = &up->assembly;

    if (assembly->invitation[0] != '\0') {
        (void)fprintf(stderr,
                      "  join     on another machine, within an hour:\n"
                      "           mcpz up --join %s\n",
                      assembly->invitation);
    } else if (mcpz_engine_may_admit(engine)) {
        (void)fprintf(stderr,
                      "  join     `mcpz token create --data %s` prints what another machine "
                      "runs to join\n",
                      assembly->data);
    }
}

static void print_api(const struct up *up)
{
    const char *url = mcpz_server_url(up->assembly.server);

    (void)fprintf(stderr, "  api      %s\n", up->assembly.socket);
    if (url != NULL) {
        (void)fprintf(stderr, "           %s\n", url);
        (void)fprintf(stderr, "  mcp      %s/mcp\n", url);
    } else if (up->config.api == NULL) {
        (void)fprintf(stderr, "           no port: %s is taken; --api 127.0.0.1:0 takes any\n",
                      MCPZ_API_DEFAULT);
    }
}

static void print_banner(const struct up *up)
{
    const struct mcpz_assembly *assembly = &up->assembly;
    const struct mcpz_engine *engine = mcpz_loop_engine(assembly->loop);
    const struct mcpz_fabric *fabric = &mcpz_engine_node(engine)->fabric;
    char node[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(mcpz_engine_id(engine), 'n', node);
    (void)fprintf(stderr, "mcpz %s  node %.*s  \"%s\"\n", MCPZ_VERSION, 2 + MCPZ_ID_SHORT_CHARS,
                  node, up->config.name != NULL ? up->config.name : "");
    (void)fprintf(stderr, "  node     %s\n", node);
    print_mesh(up, engine);
    print_reach(up);
    print_api(up);
    (void)fprintf(stderr, "  data     %s%s\n", assembly->data,
                  up->ephemeral != NULL ? "  (removed at the end)" : "");
    (void)fprintf(stderr, "  peers    %zu known, %zu to try\n", fabric->members.roster.count - 1,
                  fabric->links.dials.seed_count);
    if (up->config.bootstrap_upgraded) {
        (void)fprintf(stderr, "  note     ws:// was taken for wss://: the mesh is always "
                              "encrypted\n");
    }
    print_join(up, engine);
    (void)fprintf(stderr, "ready in %" PRIu64 " ms\n", elapsed_ms(up));
}

/* For programs: one line, when the node can be used. */
static void print_ready(const struct up *up)
{
    const struct mcpz_assembly *assembly = &up->assembly;
    const struct mcpz_engine *engine = mcpz_loop_engine(assembly->loop);
    const struct mcpz_id *mesh_id = mcpz_engine_mesh(engine);
    char node[MCPZ_ID_TEXT_BYTES];
    char mesh[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(mcpz_engine_id(engine), 'n', node);
    mcpz_id_to_text(mesh_id, 'm', mesh);
    json_t *line = json_pack("{s:s, s:s?, s:s?, s:s, s:s?, s:s, s:I}", "node", node, "mesh",
                             mcpz_id_is_zero(mesh_id) ? NULL : mesh, "address",
                             assembly->address[0] != '\0' ? assembly->address : NULL, "socket",
                             assembly->socket, "api", mcpz_server_url(assembly->server), "data",
                             assembly->data, "ready_ms", (json_int_t)elapsed_ms(up));
    if (line != NULL) {
        (void)json_dumpf(line, stdout, JSON_COMPACT);
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
        json_decref(line);
    }
}

/* ---- Running ------------------------------------------------------------------------------ */

static void on_reload(void *context)
{
    struct up *up = (struct up *)context;

    mcpz_reload(up->invocation, &up->config, up->assembly.pool, up->assembly.hosting);
    mcpz_assembly_keep(&up->assembly);
}

static void on_stop(void *context)
{
    struct up *up = (struct up *)context;

    mcpz_assembly_stop(&up->assembly);
}

static enum mcpz_exit fail(const struct up *up, mcpz_error error)
{
    enum mcpz_exit status = MCPZ_EXIT_FAILED;
    const char *word = "start_failed";

    if (error == MCPZ_ECONFIG) {
        status = MCPZ_EXIT_CONFIG;
        word = "config";
    } else if (error == MCPZ_EAUTH) { /* of a key, a token */
        status = MCPZ_EXIT_DENIED;
        word = "denied";
    } else if (error == MCPZ_ENOTFOUND) {
        status = MCPZ_EXIT_NOT_FOUND;
        word = "not_found";
    }
    return mcpz_fail(up->invocation, status, word, up->trouble.text);
}

static void say_ready(void *context)
{
    struct up *up = (struct up *)context;

    print_banner(up);
    mcpz_wipe(up->assembly.invitation, sizeof(up->assembly.invitation));
    if (up->invocation->json) {
        print_ready(up);
    }
}

/* People get an invitation with the banner; logs that are kept and programs do not. */
static bool wants_invitation(const struct up *up)
{
    return !up->invocation->json && getenv("JOURNAL_STREAM") == NULL &&
           up->assembly.join_request == 0;
}

static enum mcpz_exit run(struct up *up)
{
    up->config.api_by_default = true;
    mcpz_tls_spare_words();
    /* The C library's own: but said, so that it does not grow when a large block is given back.
     * Tables that are hardly used would then lie in the heap, and be cleared. */
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
    mcpz_error error = mcpz_assembly_init(&up->assembly, &up->config, &up->trouble);

    if (error != MCPZ_OK) {
        enum mcpz_exit status = fail(up, error);
        mcpz_assembly_finish(&up->assembly);
        return status;
    }
    /* Ready is said by the loop: from then on a signal ends the node as it should. */
    struct mcpz_deferred ready = {.run = say_ready, .context = up};
    if (wants_invitation(up)) {
        mcpz_assembly_invite(&up->assembly, &ready);
    } else {
        mcpz_loop_defer(up->assembly.loop, &ready);
    }
    mcpz_loop_on_stop(up->assembly.loop, on_stop, up);
    mcpz_loop_run(up->assembly.loop, on_reload, up);
    enum mcpz_exit status = MCPZ_EXIT_OK;
    if (up->assembly.code != MCPZ_CODE_OK) {
        status = mcpz_exit_from_word(mcpz_code_word(up->assembly.code));
        (void)fputs("mcpz: ", stderr);
        mcpz_print_clean(stderr, up->trouble.text);
        (void)fputc('\n', stderr);
    }
    mcpz_assembly_finish(&up->assembly);
    return status;
}

static enum mcpz_exit prepare(struct up *up)
{
    mcpz_error error =
        mcpz_log_setup(up->config.log_level, up->config.log_format, up->config.log_file);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(&up->trouble, "cannot set up the log (level %s, format %s, file %s): %s",
                         up->config.log_level, up->config.log_format,
                         up->config.log_file != NULL ? up->config.log_file : "none",
                         mcpz_strerror(error));
        return fail(up, MCPZ_ECONFIG);
    }
    error = mcpz_ephemeral_make(&up->config, &up->ephemeral, &up->trouble);
    return error == MCPZ_OK ? MCPZ_EXIT_OK : fail(up, error);
}

static enum mcpz_exit run_up(const struct mcpz_invocation *invocation)
{
    static struct up up; /* lives as long as the process; too large for a stack frame */

    up = (struct up){.invocation = invocation, .started_us = mcpz_clock_now()};
    mcpz_error error = mcpz_settings_read(invocation, false, &up.config, &up.trouble);
    if (error != MCPZ_OK) {
        return fail(&up, error == MCPZ_ENOMEM ? error : MCPZ_ECONFIG);
    }
    enum mcpz_exit status = prepare(&up);
    if (status == MCPZ_EXIT_OK) {
        status = run(&up);
    }
    mcpz_ephemeral_remove(up.ephemeral);
    mcpz_config_finish(&up.config);
    return status;
}

static const struct mcpz_option up_options[] = {
    {"config", '\0', "FILE", "read this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
    {"listen", '\0', "HOST:PORT",
     "where other nodes reach this one (127.0.0.1:8765); none: dial out only"},
    {"advertise", '\0', "HOST:PORT", "what other nodes dial, if that is not what we listen on"},
    {"api", '\0', "HOST:PORT", "where HTTP and MCP are served (127.0.0.1:8000, if free), or none"},
    {"bootstrap", '\0', "URL", "a node to find the mesh through; may be repeated"},
    {"join", '\0', "TOKEN", "join the mesh of this token; - reads it from standard input"},
    {"name", '\0', "NAME", "what people call this node (the host's name)"},
    {"region", '\0', "REGION", "where it stands"},
    {"zone", '\0', "ZONE", "where it stands within the region"},
    {"role", '\0', "ROLE", "what it is for; may be repeated"},
    {"provide", '\0', "NAME=COMMAND", "do tasks of this type by running COMMAND; repeatable"},
    {"isolation", '\0', "HOW",
     "of providers that do not say: strict, degraded (the default), none"},
    {"ephemeral", '\0', NULL,
     "keep nothing: a temporary directory instead of DIR, gone at the end"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_up, "up", "", 0, 0, "run a node in the foreground",
    "Without any option it makes an identity and a mesh of its own in ./var, listens on\n"
    "this machine only, and prints how others join. Stop it with Ctrl-C or SIGTERM;\n"
    "SIGHUP reads the configuration again. With --json, one line goes to standard\n"
    "output when the node is ready.\n"
    "\n"
    "Examples:\n"
    "  mcpz up\n"
    "  mcpz up --listen 0.0.0.0:8765 --name attic\n"
    "  mcpz up --join mcpz1-... --provide hash.sha256='sha256sum | cut -c1-64'\n",
    MCPZ_OPTIONS(up_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_up_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
