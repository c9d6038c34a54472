/* What servers ask clients in the middle of a call, and what clients say of their own accord. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"
#include "proto/code.h"

#define QUESTION "mcpz-q"
#define QUESTION_CHARS 32

/* ---- Questions of servers ----------------------------------------------------------------- */

static struct mcpz_bytes id_of(const struct mcpz_face_question *question)
{
    return mcpz_bytes(question->id, question->id_length);
}

static struct mcpz_bytes write_name(uint64_t number, char name[QUESTION_CHARS])
{
    int length =
        snprintf(name, QUESTION_CHARS, "\"" QUESTION "%llu\"", (unsigned long long)number);
    return mcpz_bytes(name, (size_t)length);
}

/* The message with another span instead of `at`. */
static void tell_spliced(struct mcpz_face_call *call, struct mcpz_bytes whole,
                         struct mcpz_bytes at, struct mcpz_bytes with)
{
    const uint8_t *behind = at.data + at.length;
    const struct mcpz_bytes parts[] = {
        mcpz_bytes(whole.data, (size_t)(at.data - whole.data)),
        with,
        mcpz_bytes(behind, (size_t)(whole.data + whole.length - behind)),
    };

    mcpz_face_tell(call, parts, MCPZ_ARRAY_LEN(parts));
}

/* No client can be asked: say so, so that the server does not wait. */
static void refuse_question(struct mcpz_face_call *call, const struct mcpz_envelope *request)
{
    uint8_t error[512 + MCPZ_MCP_ID_BYTES_MAX];
    struct mcpz_json_writer writer = mcpz_json_writer(error, sizeof(error));

    mcpz_envelope_put_error(&writer, request->id, MCPZ_MCP_METHOD_NOT_FOUND,
                            mcpz_text("the client cannot be asked that here"),
                            mcpz_bytes(NULL, 0));
    const struct mcpz_bytes line = mcpz_bytes(error, writer.length);
    if (writer.error == MCPZ_OK && !mcpz_face_has_said_all(call) && call->stream != NULL) {
        mcpz_error sent = mcpz_line_send(call->stream, &line, 1);
        (void)sent; /* where it does not go, the server waits, as for a client that is slow */
    }
}

void mcpz_face_ask_client(struct mcpz_face_call *call, const struct mcpz_envelope *request)
{
    const struct mcpz_bytes id = request->id.text;
    struct mcpz_session *session = call->session;
    char name[QUESTION_CHARS];

    struct mcpz_face_question *question =
        session != NULL && session->question_count < MCPZ_FACE_QUESTIONS_MAX &&
                mcpz_face_flow_of(call) != NULL
            ? malloc(sizeof(*question) + id.length)
            : NULL;
    if (question == NULL) {
        refuse_question(call, request);
        return;
    }
    question->number = ++session->last_question;
    question->id_length = id.length;
    memcpy(question->id, id.data, id.length);
    question->next = call->questions;
    call->questions = question;
    session->question_count++;
    tell_spliced(call, request->whole.text, id, write_name(question->number, name));
}

/* The server takes a question back: under the name the client knows. */
void mcpz_face_take_back(struct mcpz_face_call *call, const struct mcpz_envelope *notification)
{
    const struct mcpz_bytes id = notification->request_id.text;
    char name[QUESTION_CHARS];

    for (const struct mcpz_face_question *question = call->questions; question != NULL;
         question = question->next) {
        if (mcpz_bytes_equal(id_of(question), id)) {
            tell_spliced(call, notification->whole.text, id, write_name(question->number, name));
            return;
        }
    }
}

static bool read_name(struct mcpz_json id, uint64_t *number)
{
    size_t prefix = strlen(QUESTION);
    int64_t value = 0;

    if (id.type != MCPZ_JSON_STRING) {
        return false;
    }
    struct mcpz_bytes raw = mcpz_json_raw(id);
    if (raw.length <= prefix || memcmp(raw.data, QUESTION, prefix) != 0) {
        return false;
    }
    const struct mcpz_json digits = {.type = MCPZ_JSON_NUMBER,
                                     .text = mcpz_bytes(raw.data + prefix, raw.length - prefix)};
    if (!mcpz_json_integer(digits, &value) || value <= 0) {
        return false;
    }
    *number = (uint64_t)value;
    return true;
}

/* Send what the client said, with its splices (at most one) and with the server's own id for the
 * task it is about. */
static mcpz_error send_own(struct mcpz_face_call *call, const struct mcpz_envelope *said,
                           struct mcpz_splice splices[2], size_t count)
{
    const uint8_t *at = said->whole.text.data;
    const uint8_t *end = at + said->whole.text.length;
    struct mcpz_bytes parts[5];
    size_t used = 0;

    count =
        mcpz_face_own_task(said, mcpz_text(call->is_of_mesh ? call->server : ""), splices, count);
    for (size_t i = 0; i < count; i++) {
        parts[used++] = mcpz_bytes(at, (size_t)(splices[i].at.data - at));
        parts[used++] = splices[i].with;
        at = splices[i].at.data + splices[i].at.length;
    }
    parts[used++] = mcpz_bytes(at, (size_t)(end - at));
    return mcpz_line_send(call->stream, parts, used);
}

/* Pass the answer on under the server's own id. */
static void pass_answer(struct mcpz_face_call *call, const struct mcpz_envelope *answer,
                        struct mcpz_bytes id)
{
    struct mcpz_splice splices[2] = {{.at = answer->id.text, .with = id}};

    if (call->stream != NULL && send_own(call, answer, splices, 1) != MCPZ_OK) {
        mcpz_face_fail(call, MCPZ_CODE_LIMIT, "the client's answer could not be passed on", 0);
        mcpz_face_drop(call);
    }
}

bool mcpz_face_take_answer(struct mcpz_face *face, struct mcpz_session *session,
                           const struct mcpz_envelope *answer)
{
    uint64_t number = 0;

    if (!read_name(answer->id, &number)) {
        return false;
    }
    for (struct mcpz_face_call *call = face->calls; call != NULL; call = call->next) {
        struct mcpz_face_question **at = &call->questions;
        while (call->session == session && *at != NULL) {
            struct mcpz_face_question *question = *at;
            if (question->number == number) {
                *at = question->next;
                session->question_count--;
                pass_answer(call, answer, id_of(question));
                free(question);
                return true;
            }
            at = &question->next;
        }
    }
    return false;
}

/* ---- What the client says of its own accord ------------------------------------------------ */

void mcpz_face_tell_servers(struct mcpz_face *face, struct mcpz_session *session,
                            const struct mcpz_envelope *notification)
{
    bool is_about_question = mcpz_envelope_is(notification, "notifications/progress");

    for (struct mcpz_face_call *call = face->calls; call != NULL; call = call->next) {
        bool is_for_it =
            call->session == session && call->stream != NULL &&
            (is_about_question ? call->questions != NULL : call->kind == MCPZ_FACE_LISTEN);
        if (is_for_it) {
            struct mcpz_splice splices[2];
            mcpz_error sent = send_own(call, notification, splices, 0);
            (void)sent; /* news: nobody waits for it */
        }
    }
}

void mcpz_face_cancel(struct mcpz_face *face, struct mcpz_session *session, struct mcpz_json id)
{
    for (struct mcpz_face_call *call = face->calls; call != NULL; call = call->next) {
        if (call->session != session || call->kind != MCPZ_FACE_REQUEST ||
            !mcpz_bytes_equal(mcpz_bytes(call->id, call->id_length), id.text)) {
            continue;
        }
        /* Nobody waits for a response any more: the exchange ends without one. */
        struct mcpz_asker *asker = call->asker;
        if (call->flow == NULL && asker != NULL && mcpz_face_stream(asker)) {
            call->flow = asker->flow;
        }
        if (call->flow != NULL) {
            mcpz_face_settle(call->flow);
        }
        mcpz_face_drop(call);
        return;
    }
}
