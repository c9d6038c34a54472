/* Having something done without waiting for it. */

#include <stdlib.h>
#include <string.h>

#include "client/library.h"
#include "proto/code.h"

/* ---- Handing in --------------------------------------------------------------------------- */

static struct mcpz_bytes text_or_none(const char *text)
{
    return mcpz_text(text != NULL ? text : "");
}

static struct mcpz_task_order order_of(const struct mcpz_client_submission *submission)
{
    return (struct mcpz_task_order){
        .body = {.capability = text_or_none(submission->capability),
                 .params = mcpz_bytes(submission->params, submission->params_length),
                 .input = mcpz_bytes(submission->input, submission->input_length),
                 .tenant = text_or_none(submission->tenant),
                 .key = text_or_none(submission->idempotency_key),
                 .traceparent = text_or_none(submission->traceparent),
                 .priority =
                     submission->priority > 0 ? submission->priority : MCPZ_PRIORITY_DEFAULT,
                 .attempts_max = submission->attempts,
                 .backoff_ms = submission->backoff_ms,
                 .timeout_ms = submission->timeout_ms > 0 ? submission->timeout_ms : 30000,
                 .retry_failed = submission->retry_failed},
        .ttl_ms = submission->ttl_ms > 0 ? submission->ttl_ms : MCPZ_TASK_TTL_DEFAULT,
        .copies_min = submission->copies,
    };
}

static bool is_text(struct mcpz_bytes text, size_t bytes_max)
{
    return text.length <= bytes_max && mcpz_bytes_is_utf8(text);
}

static bool fits(const struct mcpz_task_body *body)
{
    return body->capability.length > 0 && is_text(body->capability, MCPZ_CAPABILITY_BYTES_MAX) &&
           is_text(body->tenant, MCPZ_TENANT_BYTES_MAX) &&
           is_text(body->key, MCPZ_IDEMPOTENCY_KEY_BYTES_MAX) &&
           is_text(body->traceparent, MCPZ_TRACEPARENT_BYTES_MAX) &&
           body->params.length <= MCPZ_TASK_BYTES_MAX &&
           body->input.length <= MCPZ_TASK_BYTES_MAX - body->params.length &&
           body->priority <= MCPZ_PRIORITY_MAX && body->attempts_max <= MCPZ_TASK_ATTEMPTS_MAX &&
           body->backoff_ms <= MCPZ_TASK_BACKOFF_MS_MAX &&
           body->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX;
}

static struct mcpz_bytes keep(struct mcpz_client_submitting *submitting, struct mcpz_bytes bytes)
{
    uint8_t *at = submitting->kept + submitting->kept_length;

    if (bytes.length > 0) {
        memcpy(at, bytes.data, bytes.length);
        submitting->kept_length += bytes.length;
    }
    return mcpz_bytes(at, bytes.length);
}

/* What is kept of an order is less than it counts for in a message: it fits. */
static void gather(struct mcpz_client_submitting *submitting, const struct mcpz_task_order *order)
{
    struct mcpz_task_order *kept = &submitting->orders[submitting->order_count++];

    submitting->order_bytes += mcpz_task_order_bytes(&order->body);
    *kept = *order;
    kept->body.capability = keep(submitting, order->body.capability);
    kept->body.params = keep(submitting, order->body.params);
    kept->body.input = keep(submitting, order->body.input);
    kept->body.tenant = keep(submitting, order->body.tenant);
    kept->body.key = keep(submitting, order->body.key);
    kept->body.traceparent = keep(submitting, order->body.traceparent);
}

bool mcpz_client_has_orders(const struct mcpz_client *client)
{
    return client->submitting != NULL && client->submitting->order_count > 0;
}

static mcpz_error put_orders(struct mcpz_client *client)
{
    struct mcpz_client_submitting *submitting = client->submitting;

    mcpz_error error = mcpz_client_put(
        client, &(struct mcpz_msg){
                    .kind = MCPZ_MSG_TASK_SUBMIT,
                    .task_submit = {.number = submitting->next_number - submitting->order_count,
                                    .orders = submitting->orders,
                                    .order_count = submitting->order_count}});
    if (error == MCPZ_OK) {
        submitting->order_count = 0;
        submitting->order_bytes = 0;
        submitting->kept_length = 0;
    }
    return error;
}

mcpz_error mcpz_client_submit_all(struct mcpz_client *client)
{
    mcpz_error error = mcpz_client_has_orders(client) ? put_orders(client) : MCPZ_OK;

    return error == MCPZ_EFULL ? MCPZ_OK : error;
}

static bool has_room(const struct mcpz_client_submitting *submitting, size_t size)
{
    const uint64_t slot = submitting->next_number % MCPZ_CLIENT_SUBMITTED_MAX;

    return submitting->rows[slot].bytes == 0 &&
           submitting->bytes + size <= MCPZ_CLIENT_SUBMITTED_BYTES_MAX;
}

mcpz_error mcpz_client_submit(struct mcpz_client *client,
                              const struct mcpz_client_submission *submission, uint64_t *number)
{
    const struct mcpz_task_order order = order_of(submission);
    const size_t size = mcpz_task_order_bytes(&order.body);

    if (!fits(&order.body) || submission->copies > 2) {
        return MCPZ_EPROTO;
    }
    if (client->broken) {
        return MCPZ_EIO;
    }
    if (client->submitting == NULL) {
        client->submitting = calloc(1, sizeof(*client->submitting));
    }
    struct mcpz_client_submitting *submitting = client->submitting;
    if (submitting == NULL) {
        return MCPZ_ENOMEM;
    }
    if (!has_room(submitting, size)) {
        return MCPZ_EFULL;
    }
    if (submitting->order_count == MCPZ_TASK_ORDERS_MAX ||
        submitting->order_bytes + size > MCPZ_TASK_ORDERS_BYTES_MAX) {
        mcpz_error error = put_orders(client);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    gather(submitting, &order);
    const uint64_t taken_number = submitting->next_number++;
    submitting->rows[taken_number % MCPZ_CLIENT_SUBMITTED_MAX] = (struct mcpz_client_submitted){
        .on_taken = submission->on_taken,
        .context = submission->context,
        .bytes = (uint32_t)size,
    };
    submitting->count++;
    submitting->bytes += size;
    if (client->carrier.stir != NULL) {
        client->carrier.stir(client->carrier.context);
    }
    if (number != NULL) {
        *number = taken_number;
    }
    return MCPZ_OK;
}

/* ---- What became of it -------------------------------------------------------------------- */

static void tell(struct mcpz_client_submitting *submitting, uint64_t number,
                 const struct mcpz_client_taken *taken)
{
    struct mcpz_client_submitted *row = &submitting->rows[number % MCPZ_CLIENT_SUBMITTED_MAX];
    const struct mcpz_client_submitted was = *row;

    /* The node says a number once, and none that it was not told. */
    if (was.bytes == 0 || number >= submitting->next_number ||
        number + MCPZ_CLIENT_SUBMITTED_MAX < submitting->next_number) {
        return;
    }
    submitting->count--;
    submitting->bytes -= was.bytes;
    *row = (struct mcpz_client_submitted){.bytes = 0};
    if (was.on_taken != NULL) {
        was.on_taken(was.context, number, taken);
    }
}

mcpz_error mcpz_client_taken(struct mcpz_client *client, const struct mcpz_msg_task_taken *taken)
{
    char id[MCPZ_TASK_ID_TEXT_BYTES];
    char text[MCPZ_TASK_TEXT_BYTES_MAX + 1];

    for (size_t i = 0; i < taken->row_count && client->submitting != NULL; i++) {
        const struct mcpz_task_taken *row = &taken->rows[i];
        mcpz_task_id_to_text(&row->id, id);
        mcpz_bytes_to_text(row->text, text, sizeof(text));
        tell(client->submitting, row->number,
             &(struct mcpz_client_taken){.code = row->code,
                                         .text = text,
                                         .id = row->code == MCPZ_CODE_OK ? id : "",
                                         .copies = row->copies});
    }
    return mcpz_client_submit_all(client);
}

void mcpz_client_submitted_lost(struct mcpz_client *client)
{
    struct mcpz_client_submitting *submitting = client->submitting;

    if (submitting == NULL) {
        return;
    }
    for (uint64_t back = MCPZ_CLIENT_SUBMITTED_MAX; back > 0; back--) {
        if (submitting->next_number >= back) {
            tell(submitting, submitting->next_number - back,
                 &(struct mcpz_client_taken){
                     .code = MCPZ_CODE_PROVIDER_LOST,
                     .text = "the connection to the node is gone: it may have been taken",
                     .id = ""});
        }
    }
}
