/*
 * A caller in C: standard input to a capability, its result to standard output, both as streams.
 *
 *   ask CAPABILITY [DATA] < input > output
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mcpz/client.h>

#define PIECE 32768

static struct mcpz_client *client;
static int status = -1; /* not over yet */
static bool input_ended;
static size_t room = 262144;

static void on_output(void *context, uint64_t call, const void *bytes, size_t length)
{
    (void)context;
    (void)call;
    (void)fwrite(bytes, 1, length, stdout);
}

/* Input goes when there is some and room for it: see main(). */
static void on_room(void *context, uint64_t call, size_t more)
{
    (void)context;
    (void)call;
    room = more;
}

static void send_input(uint64_t call)
{
    char piece[PIECE];
    ssize_t got = read(STDIN_FILENO, piece, room < sizeof(piece) ? room : sizeof(piece));

    if (got <= 0) {
        input_ended = true;
        (void)mcpz_client_input_end(client, call);
    } else if (mcpz_client_input(client, call, piece, (size_t)got) == MCPZ_OK) {
        room -= (size_t)got;
    }
}

/* Wait for the node and for input at once. */
static mcpz_error turn(uint64_t call)
{
    struct pollfd ready[] = {
        {.fd = mcpz_client_fd(client),
         .events = (short)(POLLIN | (mcpz_client_wants_to_write(client) ? POLLOUT : 0))},
        {.fd = input_ended || room == 0 ? -1 : STDIN_FILENO, .events = POLLIN},
    };

    if (poll(ready, 2, -1) < 0) {
        return MCPZ_EIO;
    }
    if (ready[1].revents != 0) {
        send_input(call);
    }
    mcpz_error error = mcpz_client_work(client, 0);
    return error == MCPZ_ETIMEOUT ? MCPZ_OK : error;
}

static void on_end(void *context, uint64_t call, uint32_t code, const char *text)
{
    (void)context;
    (void)call;
    if (code != 0) {
        fprintf(stderr, "ask: %s: %s\n", mcpz_client_code(code), text);
    }
    status = code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    uint64_t call = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: ask CAPABILITY [DATA] < input > output\n");
        return 2;
    }
    mcpz_error error = mcpz_client_open(argc > 2 ? argv[2] : NULL, &client);
    if (error == MCPZ_OK) {
        error = mcpz_client_call(client,
                                 &(struct mcpz_client_call){.capability = argv[1],
                                                            .has_input = true,
                                                            .on_output = on_output,
                                                            .on_room = on_room,
                                                            .on_end = on_end},
                                 &call);
    }
    while (error == MCPZ_OK && status < 0) {
        error = turn(call);
    }
    if (error != MCPZ_OK) {
        fprintf(stderr, "ask: %s\n", mcpz_strerror(error));
        status = status < 0 ? EXIT_FAILURE : status;
    }
    mcpz_client_close(client);
    return status;
}
