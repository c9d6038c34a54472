#include "connect.h"

struct mcpz_client *driver_connect(const struct driver *driver)
{
    struct mcpz_client *client = NULL;
    mcpz_error error = mcpz_client_open(driver->where, &client);

    if (error != MCPZ_OK) {
        driver_die(driver->where, mcpz_strerror(error));
    }
    return client;
}

void driver_disconnect(struct mcpz_client *client)
{
    mcpz_client_close(client);
}
