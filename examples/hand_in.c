/*
 * Durable tasks in C: each line of standard input, JSON, is a task's parameters. The ids of those
 * that two nodes have on disk go to standard output.
 *
 *   hand_in CAPABILITY [DATA] < lines > ids
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mcpz/client.h>

static size_t waiting;
static int status = EXIT_SUCCESS;

static void on_taken(void *context, uint64_t number, const struct mcpz_client_taken *taken)
{
    (void)context;
    (void)number;
    waiting--;
    if (taken->code == 0) {
        puts(taken->id);
        return;
    }
    fprintf(stderr, "hand_in: %s: %s\n", mcpz_client_code(taken->code), taken->text);
    status = EXIT_FAILURE;
}

/* Where too many wait, some are taken first. */
static mcpz_error hand_in(struct mcpz_client *client, const char *capability, const char *params)
{
    const struct mcpz_client_submission submission = {
        .capability = capability,
        .params = params,
        .params_length = strlen(params),
        .copies = 2,
        .on_taken = on_taken,
    };
    mcpz_error error;

    while ((error = mcpz_client_submit(client, &submission, NULL)) == MCPZ_EFULL) {
        error = mcpz_client_work(client, -1);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    waiting += error == MCPZ_OK;
    return error;
}

int main(int argc, char **argv)
{
    struct mcpz_client *client;
    char *line = NULL;
    size_t capacity = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: hand_in CAPABILITY [DATA] < lines > ids\n");
        return 2;
    }
    mcpz_error error = mcpz_client_open(argc > 2 ? argv[2] : NULL, &client);
    while (error == MCPZ_OK && getline(&line, &capacity, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        error = hand_in(client, argv[1], line);
    }
    while (error == MCPZ_OK && waiting > 0) {
        error = mcpz_client_work(client, -1);
    }
    if (error != MCPZ_OK) {
        fprintf(stderr, "hand_in: %s\n", mcpz_strerror(error));
        status = EXIT_FAILURE;
    }
    free(line);
    mcpz_client_close(client);
    return status;
}
