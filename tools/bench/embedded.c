#include <stdio.h>
#include <stdlib.h>

#include <mcpz/node.h>

#include "connect.h"

static struct mcpz_embedded *node;

static void on_token(void *context, const char *token)
{
    (void)context;
    if (token == NULL) {
        driver_die("token", "none was made");
    }
    printf("%s\n", token);
    (void)fflush(stdout);
}

static void start(const struct driver *driver)
{
    const struct mcpz_embedded_flag flags[] = {{"data", driver->where}, {"listen", "127.0.0.1:0"}};
    struct mcpz_embedded_trouble trouble;

    if (mcpz_embedded_start(
            &(struct mcpz_embedded_config){.environment = true, .flags = flags, .flag_count = 2},
            &node, &trouble) != MCPZ_OK) {
        driver_die(driver->where, trouble.text);
    }
    if (getenv("MCPZ_JOIN_TOKEN") == NULL && mcpz_embedded_invite(node, on_token, NULL) != 0) {
        driver_die("token", "cannot be asked for");
    }
}

struct mcpz_client *driver_connect(const struct driver *driver)
{
    struct mcpz_client *client = NULL;

    start(driver);
    mcpz_error error = mcpz_embedded_client(node, &client);
    while (error == MCPZ_OK && !driver->serves &&
           mcpz_embedded_providers(node, driver->name) < driver->providers) {
        error = mcpz_embedded_work(node, -1);
    }
    if (error != MCPZ_OK) {
        driver_die(driver->where, mcpz_strerror(error));
    }
    return client;
}

void driver_disconnect(struct mcpz_client *client)
{
    mcpz_client_close(client);
    mcpz_embedded_close(node);
}
