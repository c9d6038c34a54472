/* Calls through include/mcpz/client.h: see driver.h, and connect.h for where the node is. */

#include <stdlib.h>

#include <mcpz/client.h>

#include "connect.h"
#include "driver.h"

static struct driver driver;
static struct mcpz_client *client;

/* ---- Serving ------------------------------------------------------------------------------ */

static void on_task(void *context, const struct mcpz_client_task *task)
{
    (void)context;
    if (task->has_input) {
        return; /* on_input() does it */
    }
    driver_work(&driver);
    mcpz_error error = mcpz_client_finish(client, task->task, task->params, task->params_length);
    if (error != MCPZ_OK) {
        (void)mcpz_client_fail(client, task->task, mcpz_strerror(error));
    }
}

static void on_input(void *context, uint64_t task, const void *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    if (length == 0) {
        (void)mcpz_client_finish(client, task, "1", 1);
    }
}

static void serve(void)
{
    const struct mcpz_client_provider provider = {.on_task = on_task, .on_input = on_input};
    mcpz_error error = mcpz_client_provide(client, driver.name, &provider);

    while (error == MCPZ_OK) {
        error = mcpz_client_work(client, -1);
    }
    driver_die("serve", mcpz_strerror(error));
}

/* ---- Calling ------------------------------------------------------------------------------ */

#define PARAMS_BYTES_MAX 32768 /* more is sent as input, and answered shortly */

static void on_end(void *context, uint64_t call, uint32_t code, const char *text);

static void ask(size_t slot)
{
    bool is_large = driver.payload_bytes > PARAMS_BYTES_MAX;
    uint64_t id = 0;
    const struct mcpz_client_call call = {
        .capability = driver.name,
        .params = driver.payload,
        .params_length = is_large ? 0 : driver.payload_bytes,
        .has_input = is_large,
        .timeout_ms = driver.timeout_ms,
        .on_end = on_end,
        .context = &driver.started_us[slot],
    };

    driver_asked(&driver, slot);
    mcpz_error error = mcpz_client_call(client, &call, &id);
    if (error == MCPZ_OK && is_large) {
        error = mcpz_client_input(client, id, driver.payload, driver.payload_bytes);
        error = error == MCPZ_OK ? mcpz_client_input_end(client, id) : error;
    }
    if (error != MCPZ_OK) {
        driver_die("call", mcpz_strerror(error));
    }
}

static void on_end(void *context, uint64_t call, uint32_t code, const char *text)
{
    size_t slot = (size_t)((uint64_t *)context - driver.started_us);

    (void)call;
    (void)text;
    driver_answered(&driver, slot, code == 0);
    if (driver.asked < driver.count) {
        ask(slot);
    }
}

/* ---- Handing durable tasks in ------------------------------------------------------------- */

static void on_taken(void *context, uint64_t number, const struct mcpz_client_taken *taken);

static void submit(size_t slot)
{
    const struct mcpz_client_submission submission = {
        .capability = driver.name,
        .params = driver.payload,
        .params_length = driver.payload_bytes,
        .copies = 2,
        .on_taken = on_taken,
        .context = &driver.started_us[slot],
    };

    driver_asked(&driver, slot);
    mcpz_error error = mcpz_client_submit(client, &submission, NULL);
    if (error != MCPZ_OK) {
        driver_die("submit", mcpz_strerror(error));
    }
}

static void on_taken(void *context, uint64_t number, const struct mcpz_client_taken *taken)
{
    size_t slot = (size_t)((uint64_t *)context - driver.started_us);

    (void)number;
    driver_answered(&driver, slot, taken->code == 0 && taken->copies == 2);
    if (driver.asked < driver.count) {
        submit(slot);
    }
}

/* ---- Both --------------------------------------------------------------------------------- */

static int call(void)
{
    mcpz_error error = MCPZ_OK;

    driver_begin(&driver);
    for (size_t slot = 0; slot < driver.in_flight && driver.asked < driver.count; slot++) {
        if (driver.submits) {
            submit(slot);
        } else {
            ask(slot);
        }
    }
    while (driver.answered < driver.count && error == MCPZ_OK) {
        error = mcpz_client_work(client, -1);
    }
    if (error != MCPZ_OK) {
        driver_die("call", mcpz_strerror(error));
    }
    return driver_end(&driver);
}

int main(int argc, char **argv)
{
    driver_read(&driver, argc, argv);
    client = driver_connect(&driver);
    if (driver.serves) {
        serve();
    }
    int status = call();
    driver_disconnect(client);
    return status;
}
