/* Calls that hear what servers say of their own accord, as long as a client hears it. */

#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"

/* A process that nobody hears may be needed for somebody else. */
static void tell_host(struct mcpz_face_call *call, bool is_heard)
{
    const struct mcpz_bytes line = mcpz_text(is_heard ? MCPZ_LINE_HEARD : MCPZ_LINE_UNHEARD);

    if (call->stream != NULL) {
        mcpz_error sent = mcpz_line_send(call->stream, &line, 1);
        (void)sent; /* then the host waits until the call ends */
    }
}

/* Its client may be about to come back for its stream: not at once. */
static void end_unheard(struct mcpz_face_place *place, bool is_heard, mcpz_time now)
{
    if (place->listen == NULL) {
        place->unheard_since = MCPZ_TIME_NEVER;
    } else if (is_heard != (place->unheard_since == MCPZ_TIME_NEVER)) {
        place->unheard_since = is_heard ? MCPZ_TIME_NEVER : now;
        tell_host(place->listen, is_heard);
    } else if (is_heard) {
        return;
    } else if (now - place->unheard_since >= MCPZ_FACE_UNHEARD_US) {
        mcpz_face_drop(place->listen);
    }
}

void mcpz_face_listen(struct mcpz_face *face, struct mcpz_session *session)
{
    mcpz_time now = mcpz_face_now(face);
    bool is_heard = session->standing != NULL && session->standing->asker != NULL;

    for (struct mcpz_face_place *place = session->places; place != NULL; place = place->next) {
        end_unheard(place, is_heard, now);
        if (face->leaves || !is_heard || place->listen != NULL || place->first != NULL ||
            !(place->has_node || place->has_listened) || place->listen_at > now) {
            continue;
        }
        const struct mcpz_face_order order = {
            .kind = MCPZ_FACE_LISTEN, .session = session, .server = mcpz_text(place->server)};
        place->listen_at = now + MCPZ_FACE_LISTEN_US;
        place->listen = mcpz_face_call(face, &order);
        place->has_listened = true;
    }
}

static bool is_subscribed(const struct mcpz_asker *asker, const char *server)
{
    const struct mcpz_face_call *call = asker->face->calls;

    while (call != NULL && (call->asker != asker || call->kind != MCPZ_FACE_SUBSCRIBE ||
                            strcmp(call->server, server) != 0)) {
        call = call->next;
    }
    return call != NULL;
}

static bool subscribe_at(struct mcpz_asker *asker, const char *server)
{
    struct mcpz_face_filter filter;
    bool is_good = mcpz_face_own_filter(&asker->envelope, mcpz_text(server), &filter);

    if (is_good) {
        const struct mcpz_face_order order = {.kind = MCPZ_FACE_SUBSCRIBE,
                                              .asker = asker,
                                              .server = mcpz_text(server),
                                              .target = filter.has_node ? &filter.node : NULL,
                                              .request = &asker->envelope,
                                              .splices = &filter.splice,
                                              .splice_count = filter.own.data != NULL ? 1 : 0};
        is_good = mcpz_face_call(asker->face, &order) != NULL;
    }
    free(filter.own.data);
    return is_good;
}

void mcpz_face_subscribe(struct mcpz_asker *asker)
{
    struct mcpz_face *face = asker->face;
    mcpz_time now = mcpz_face_now(face);

    if (asker->listen_at > now || face->leaves) {
        return;
    }
    asker->listen_at = now + MCPZ_FACE_LISTEN_US;
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        const struct mcpz_catalogue_server *server = face->catalogue.servers[i];
        if (server->hash[0] == '\0' || is_subscribed(asker, server->name) ||
            (asker->request.hosts && mcpz_face_is_mesh(server))) {
            continue;
        }
        if (!subscribe_at(asker, server->name)) {
            return; /* there is no room now */
        }
    }
}

/* ---- Going -------------------------------------------------------------------------------- */

static struct mcpz_face_call *find_listening(const struct mcpz_face *face,
                                             const struct mcpz_asker *asker)
{
    struct mcpz_face_call *call = face->calls;

    while (call != NULL && !(call->kind == MCPZ_FACE_SUBSCRIBE && call->asker == asker) &&
           !(call->kind == MCPZ_FACE_LISTEN && asker == NULL)) {
        call = call->next;
    }
    return call;
}

static void drop_listening(struct mcpz_face *face, const struct mcpz_asker *asker)
{
    struct mcpz_face_call *call;

    while ((call = find_listening(face, asker)) != NULL) {
        mcpz_face_drop(call);
    }
}

void mcpz_face_unsubscribe(struct mcpz_asker *asker)
{
    drop_listening(asker->face, asker);
    asker->listens = false;
    mcpz_face_result(asker, asker->envelope.id, mcpz_text("{\"resultType\":\"complete\"}"));
}

void mcpz_face_leave(struct mcpz_face *face, bool leaves)
{
    if (leaves == face->leaves) {
        return;
    }
    face->leaves = leaves;
    if (!leaves) {
        return;
    }
    drop_listening(face, NULL);
    for (struct mcpz_asker *asker = face->askers; asker != NULL; asker = asker->next) {
        if (asker->listens && asker->flow != NULL) {
            mcpz_face_unsubscribe(asker);
        }
    }
}
