#include "embed/embedded.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/ephemeral.h"
#include "host/log.h"
#include "proto/code.h"

static_assert(sizeof(struct mcpz_embedded_trouble) == sizeof(struct mcpz_trouble),
              "one is copied to the other");

/* ---- Configuration ------------------------------------------------------------------------ */

static mcpz_error read_settings(const struct mcpz_embedded_config *given,
                                struct mcpz_config *config, struct mcpz_config_trouble *why)
{
    mcpz_error error = MCPZ_OK;

    if (given->file != NULL) {
        error = mcpz_config_read_file(config, given->file, why);
    } else if (given->yaml != NULL) {
        error = mcpz_config_read_bytes(config, "configuration", (const uint8_t *)given->yaml,
                                       strlen(given->yaml), why);
    }
    if (error == MCPZ_OK && given->environment) {
        error = mcpz_config_read_environment(config, why);
    }
    for (size_t i = 0; i < given->flag_count && error == MCPZ_OK; i++) {
        error = mcpz_config_flag(config, given->flags[i].name, given->flags[i].value, why);
        if (error == MCPZ_ENOTFOUND) {
            (void)snprintf(why->text, sizeof(why->text), "mcpz up has no flag --%s",
                           given->flags[i].name);
            error = MCPZ_ECONFIG;
        }
    }
    return error == MCPZ_OK ? mcpz_config_settle(config, why) : error;
}

static mcpz_error configure(struct mcpz_embedded *node, const struct mcpz_embedded_config *given)
{
    struct mcpz_config_trouble why = {.text = ""};
    mcpz_error error = MCPZ_ECONFIG;

    if (given->file != NULL && given->yaml != NULL) {
        mcpz_trouble_say(&node->trouble, "a file and a text are given: one configures a node");
        return MCPZ_ECONFIG;
    }
    error = read_settings(given, &node->config, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(&node->trouble, "%s",
                         why.text[0] != '\0' ? why.text : mcpz_strerror(error));
        return error;
    }
    error = mcpz_log_setup(node->config.log_level, node->config.log_format, node->config.log_file);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(&node->trouble, "cannot set up the log: %s", mcpz_strerror(error));
        return error;
    }
    return mcpz_ephemeral_make(&node->config, &node->ephemeral, &node->trouble);
}

/* ---- From other threads ------------------------------------------------------------------- */

void mcpz_embedded_stop(struct mcpz_embedded *node)
{
    (void)atomic_fetch_add(&node->stops, 1);
    mcpz_loop_wake(node->assembly.loop);
}

void mcpz_embedded_post(struct mcpz_embedded *node, struct mcpz_embedded_job *job)
{
    job->next = atomic_load(&node->jobs);
    while (!atomic_compare_exchange_weak(&node->jobs, &job->next, job)) {
        /* somebody else was faster: `next` is theirs now */
    }
    mcpz_loop_wake(node->assembly.loop);
}

/* Whoever takes them takes all, so a job cannot come back while it is looked at. */
static struct mcpz_embedded_job *take_jobs(struct mcpz_embedded *node)
{
    struct mcpz_embedded_job *newest = atomic_exchange(&node->jobs, NULL);
    struct mcpz_embedded_job *oldest = NULL;

    while (newest != NULL) {
        struct mcpz_embedded_job *job = newest;
        newest = job->next;
        job->next = oldest;
        oldest = job;
    }
    return oldest;
}

static void on_wake(void *context)
{
    struct mcpz_embedded *node = context;
    struct mcpz_embedded_job *job = take_jobs(node);

    while (job != NULL) {
        struct mcpz_embedded_job *next = job->next; /* it is its owner's once it runs */
        job->run(job->context);
        job = next;
    }
    for (unsigned stops = atomic_load(&node->stops); node->stops_heard < stops;
         node->stops_heard++) {
        if (node->stops_heard == 0) {
            mcpz_assembly_stop(&node->assembly);
        } else {
            mcpz_loop_stop(node->assembly.loop);
        }
    }
}

/* ---- Starting and closing ----------------------------------------------------------------- */

static mcpz_error start(struct mcpz_embedded *node, const struct mcpz_embedded_config *config)
{
    mcpz_error error = configure(node, config);

    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_assembly_init(&node->assembly, &node->config, &node->trouble);
    if (error == MCPZ_OK) {
        const struct mcpz_engine *engine = mcpz_loop_engine(node->assembly.loop);
        mcpz_id_to_text(mcpz_engine_id(engine), 'n', node->id);
        mcpz_loop_on_wake(node->assembly.loop, on_wake, node);
    }
    return error;
}

mcpz_error mcpz_embedded_start(const struct mcpz_embedded_config *config,
                               struct mcpz_embedded **node, struct mcpz_embedded_trouble *trouble)
{
    struct mcpz_embedded *made = calloc(1, sizeof(*made));
    mcpz_error error = made != NULL ? mcpz_config_init(&made->config) : MCPZ_ENOMEM;

    *node = NULL;
    if (error != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "%s", mcpz_strerror(error));
        free(made);
        return error;
    }
    error = start(made, config);
    if (error != MCPZ_OK) {
        memcpy(trouble->text, made->trouble.text, sizeof(trouble->text));
        mcpz_embedded_close(made);
        return error;
    }
    *node = made;
    return MCPZ_OK;
}

void mcpz_embedded_close(struct mcpz_embedded *node)
{
    if (node == NULL) {
        return;
    }
    mcpz_insiders_forget(node);
    mcpz_assembly_finish(&node->assembly);
    mcpz_ephemeral_remove(node->ephemeral);
    mcpz_config_finish(&node->config);
    free(node);
}

/* ---- Turning it --------------------------------------------------------------------------- */

/* What a node that has stopped says. */
static mcpz_error end_of(const struct mcpz_embedded *node)
{
    return node->assembly.code != MCPZ_CODE_OK ? MCPZ_EAUTH : MCPZ_EIO;
}

mcpz_error mcpz_embedded_work(struct mcpz_embedded *node, int timeout_ms)
{
    if (!node->is_over) {
        node->is_over = !mcpz_loop_step(node->assembly.loop, timeout_ms);
    }
    return node->is_over ? end_of(node) : MCPZ_OK;
}

mcpz_error mcpz_embedded_run(struct mcpz_embedded *node)
{
    mcpz_error error = MCPZ_OK;

    while (error == MCPZ_OK) {
        error = mcpz_embedded_work(node, -1);
    }
    return error == MCPZ_EIO ? MCPZ_OK : error;
}

/* ---- Joining and looking ------------------------------------------------------------------ */

static void tell_token(void *context)
{
    struct mcpz_embedded *node = context;
    char *token = node->assembly.invitation;
    void (*on_token)(void *, const char *) = node->on_token;

    node->on_token = NULL;
    on_token(node->on_token_context, token[0] != '\0' ? token : NULL);
    mcpz_wipe(token, sizeof(node->assembly.invitation));
}

mcpz_error mcpz_embedded_invite(struct mcpz_embedded *node,
                                void (*on_token)(void *context, const char *token), void *context)
{
    if (node->is_over) {
        return MCPZ_EIO;
    }
    if (node->on_token != NULL) {
        return MCPZ_ECONFLICT;
    }
    node->on_token = on_token;
    node->on_token_context = context;
    node->invited = (struct mcpz_deferred){.run = tell_token, .context = node};
    mcpz_assembly_invite(&node->assembly, &node->invited);
    return MCPZ_OK;
}

const char *mcpz_embedded_id(const struct mcpz_embedded *node)
{
    return node->id;
}

const char *mcpz_embedded_address(const struct mcpz_embedded *node)
{
    return node->assembly.address;
}

const char *mcpz_embedded_why(const struct mcpz_embedded *node)
{
    return node->assembly.code != MCPZ_CODE_OK ? node->trouble.text : "";
}

static const struct mcpz_node *core_of(const struct mcpz_embedded *node)
{
    return mcpz_engine_node(mcpz_loop_engine(node->assembly.loop));
}

size_t mcpz_embedded_peers(const struct mcpz_embedded *node)
{
    return mcpz_members_alive_count(&core_of(node)->fabric.members) - 1;
}

size_t mcpz_embedded_providers(const struct mcpz_embedded *node, const char *capability)
{
    const struct mcpz_registry *registry = &core_of(node)->registry;
    size_t count = 0;
    size_t from = 0;

    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, mcpz_text(capability), 0);
         offer != NULL; offer = mcpz_registry_find(registry, mcpz_text(capability), from)) {
        from = (size_t)(offer - registry->offers) + 1;
        count++;
    }
    return count;
}
