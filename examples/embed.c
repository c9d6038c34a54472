/*
 * A node inside a program: it is a member of the mesh itself, and offers text.shout.
 *
 *   embed DATA                      make a mesh; prints a token that lets another machine in
 *   embed DATA TOKEN [CAPABILITY]   join; ask for CAPABILITY once, and print what comes
 *
 * Interrupt it, or send it SIGTERM, and it takes its leave.
 */

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mcpz/node.h>

static struct mcpz_embedded *node;
static struct mcpz_client *client;
static const char *wanted; /* to be asked for; NULL: nothing */

static void on_signal(int number)
{
    (void)number;
    mcpz_embedded_stop(node);
}

/* ---- What it does for others -------------------------------------------------------------- */

static void on_task(void *context, const struct mcpz_client_task *task)
{
    const unsigned char *params = task->params;
    char text[4096];
    size_t length = task->params_length < sizeof(text) ? task->params_length : sizeof(text);

    (void)context;
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)toupper(params[i]);
    }
    if (mcpz_client_finish(client, task->task, text, length) != MCPZ_OK) {
        (void)mcpz_client_fail(client, task->task, "the result cannot be sent");
    }
}

/* ---- What it asks of others --------------------------------------------------------------- */

static void on_output(void *context, uint64_t call, const void *bytes, size_t length)
{
    (void)context;
    (void)call;
    (void)fwrite(bytes, 1, length, stdout);
}

static void on_end(void *context, uint64_t call, uint32_t code, const char *text)
{
    (void)context;
    (void)call;
    printf("\n%s%s%s\n", mcpz_client_code(code), code != 0 ? ": " : "", text);
    (void)fflush(stdout);
}

/* Once somebody is known to offer it. */
static mcpz_error ask_if_possible(void)
{
    const struct mcpz_client_call call = {.capability = wanted,
                                          .params = "\"hello from inside\"",
                                          .params_length = 19,
                                          .on_output = on_output,
                                          .on_end = on_end};

    if (wanted == NULL || mcpz_embedded_providers(node, wanted) == 0) {
        return MCPZ_OK;
    }
    wanted = NULL;
    return mcpz_client_call(client, &call, NULL);
}

/* ---- The node ----------------------------------------------------------------------------- */

static void on_token(void *context, const char *token)
{
    (void)context;
    printf("%s\n", token != NULL ? token : "no token: this node may not admit others");
    (void)fflush(stdout);
}

static mcpz_error start(const char *data, const char *token)
{
    const struct mcpz_embedded_flag flags[] = {
        {"data", data}, {"listen", "127.0.0.1:0"}, {"join", token}};
    struct mcpz_embedded_trouble trouble;

    mcpz_error error = mcpz_embedded_start(
        &(struct mcpz_embedded_config){.flags = flags, .flag_count = token != NULL ? 3 : 2}, &node,
        &trouble);
    if (error != MCPZ_OK) {
        fprintf(stderr, "embed: %s\n", trouble.text);
    }
    return error;
}

static mcpz_error run(const char *token)
{
    const struct mcpz_client_provider provider = {.on_task = on_task};
    mcpz_error error = mcpz_embedded_client(node, &client);

    if (error == MCPZ_OK) {
        error = mcpz_client_provide(client, "text.shout", &provider);
    }
    if (error == MCPZ_OK && token == NULL) {
        error = mcpz_embedded_invite(node, on_token, NULL);
    }
    while (error == MCPZ_OK) {
        error = mcpz_embedded_work(node, -1);
        error = error == MCPZ_OK ? ask_if_possible() : error;
    }
    return error == MCPZ_EIO ? MCPZ_OK : error; /* it was stopped */
}

int main(int argc, char **argv)
{
    const char *token = argc > 2 ? argv[2] : NULL;

    if (argc < 2 || start(argv[1], token) != MCPZ_OK) {
        fprintf(stderr, "usage: embed DATA [TOKEN [CAPABILITY]]\n");
        return EXIT_FAILURE;
    }
    wanted = argc > 3 ? argv[3] : NULL;
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    mcpz_error error = run(token);
    if (error != MCPZ_OK) {
        fprintf(stderr, "embed: %s\n", mcpz_embedded_why(node));
    }
    mcpz_client_close(client);
    mcpz_embedded_close(node);
    return error == MCPZ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
