/* Sessions of legacy clients: who they are, their streams, and where their calls go. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"

/* ---- Finding ------------------------------------------------------------------------------ */

/* Ids are random: their first characters are as good as any hash. */
static size_t bucket_of(const char *id)
{
    size_t bucket = 0;

    for (size_t i = 0; i < 8; i++) {
        bucket = bucket * 31 + (uint8_t)id[i];
    }
    return bucket % MCPZ_FACE_SESSION_BUCKETS;
}

struct mcpz_session *mcpz_session_find(struct mcpz_face *face, struct mcpz_bytes id)
{
    char text[MCPZ_FACE_SESSION_CHARS + 1];

    if (id.length != MCPZ_FACE_SESSION_CHARS) {
        return NULL;
    }
    mcpz_bytes_to_text(id, text, sizeof(text));
    struct mcpz_session *session = face->buckets[bucket_of(text)];
    while (session != NULL && memcmp(session->id, id.data, id.length) != 0) {
        session = session->next_in_bucket;
    }
    return session;
}

/* ---- By last use -------------------------------------------------------------------------- */

static void unlink_age(struct mcpz_face *face, struct mcpz_session *session)
{
    *(session->older != NULL ? &session->older->newer : &face->oldest) = session->newer;
    *(session->newer != NULL ? &session->newer->older : &face->newest) = session->older;
}

static void link_newest(struct mcpz_face *face, struct mcpz_session *session)
{
    session->older = face->newest;
    session->newer = NULL;
    *(face->newest != NULL ? &face->newest->newer : &face->oldest) = session;
    face->newest = session;
    session->used_at = mcpz_face_now(face);
}

void mcpz_session_touch(struct mcpz_face *face, struct mcpz_session *session)
{
    unlink_age(face, session);
    link_newest(face, session);
}

/* ---- Streams ------------------------------------------------------------------------------ */

static void free_flow(struct mcpz_face_flow *flow)
{
    mcpz_flow_finish(&flow->flow);
    free(flow);
}

void mcpz_session_drop_flow(struct mcpz_session *session, struct mcpz_face_flow *flow)
{
    struct mcpz_face_flow **at = &session->flows;

    while (*at != flow) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = flow->next;
    session->flow_count--;
    if (session->standing == flow) {
        session->standing = NULL;
    }
    free_flow(flow);
}

/* The oldest that is at its end and that nobody reads. */
static struct mcpz_face_flow *find_spent(struct mcpz_session *session)
{
    struct mcpz_face_flow *spent = NULL;

    for (struct mcpz_face_flow *flow = session->flows; flow != NULL; flow = flow->next) {
        if (flow->flow.ended && flow->asker == NULL && !flow->is_standing) {
            spent = flow;
        }
    }
    return spent;
}

struct mcpz_face_flow *mcpz_session_flow(struct mcpz_session *session)
{
    struct mcpz_face_flow *flow = calloc(1, sizeof(*flow));

    if (flow == NULL) {
        return NULL;
    }
    mcpz_flow_init(&flow->flow, session != NULL ? ++session->last_flow : 0);
    flow->session = session;
    if (session != NULL) {
        struct mcpz_face_flow *spent =
            session->flow_count >= MCPZ_FACE_FLOWS_MAX ? find_spent(session) : NULL;
        if (spent != NULL) {
            mcpz_session_drop_flow(session, spent);
        }
        flow->next = session->flows;
        session->flows = flow;
        session->flow_count++;
    }
    return flow;
}

struct mcpz_face_flow *mcpz_session_find_flow(struct mcpz_session *session, uint32_t number)
{
    struct mcpz_face_flow *flow = session->flows;

    while (flow != NULL && flow->flow.number != number) {
        flow = flow->next;
    }
    return flow;
}

/* ---- Places ------------------------------------------------------------------------------- */

struct mcpz_face_place *mcpz_session_place(struct mcpz_session *session, struct mcpz_bytes server)
{
    struct mcpz_face_place *place = session->places;

    while (place != NULL && !mcpz_bytes_equal(mcpz_text(place->server), server)) {
        place = place->next;
    }
    if (place != NULL || session->place_count == MCPZ_FACE_SESSION_SERVERS_MAX) {
        return place;
    }
    place = calloc(1, sizeof(*place));
    if (place != NULL) {
        mcpz_bytes_to_text(server, place->server, sizeof(place->server));
        place->unheard_since = MCPZ_TIME_NEVER;
        place->next = session->places;
        session->places = place;
        session->place_count++;
    }
    return place;
}

/* ---- Beginning and end -------------------------------------------------------------------- */

static void make_id(struct mcpz_face *face, char *id)
{
    uint8_t bytes[MCPZ_FACE_SESSION_CHARS / 2];

    face->config.random(face->config.context, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void put_client(struct mcpz_json_writer *writer, const void *context)
{
    static const char *const names[] = {"capabilities", "clientInfo"};
    const struct mcpz_envelope *request = context;
    struct mcpz_json found[2];

    if (mcpz_json_pick(request->params, names, 2, found) != MCPZ_OK) {
        found[0].type = MCPZ_JSON_NONE; /* the envelope has picked from it: it can be */
        found[1].type = MCPZ_JSON_NONE;
    }
    mcpz_json_put_text(writer, "{\"capabilities\":");
    mcpz_json_put(writer, found[0].type == MCPZ_JSON_OBJECT ? found[0].text : mcpz_text("{}"));
    if (found[1].type == MCPZ_JSON_OBJECT) {
        mcpz_json_put_text(writer, ",\"clientInfo\":");
        mcpz_json_put(writer, found[1].text);
    }
    mcpz_json_put_text(writer, "}");
}

/* Whoever has called no server loses nothing but the greeting; others may, if they are silent. */
static bool may_give_way(const struct mcpz_session *session, mcpz_time now)
{
    return session->asker_count == 0 &&
           (session->places == NULL || now - session->used_at >= MCPZ_FACE_EVICTABLE_US);
}

/* Room for another session: false, all are in use. */
static bool make_room(struct mcpz_face *face)
{
    struct mcpz_session *session = face->oldest;
    mcpz_time now = mcpz_face_now(face);

    if (face->stats.sessions < MCPZ_FACE_SESSIONS_MAX) {
        return true;
    }
    while (session != NULL && !may_give_way(session, now)) {
        session = session->newer;
    }
    if (session != NULL) {
        mcpz_session_end(face, session);
    }
    return session != NULL;
}

struct mcpz_session *mcpz_session_make(struct mcpz_asker *asker, const char *version,
                                       const struct mcpz_envelope *request)
{
    struct mcpz_face *face = asker->face;
    const struct mcpz_bytes server = asker->request.server;
    struct mcpz_session *session = make_room(face) ? calloc(1, sizeof(*session)) : NULL;
    struct mcpz_face_text client = {.data = NULL};

    if (session != NULL) {
        client = mcpz_face_write(put_client, request);
    }
    if (client.data == NULL) {
        free(session);
        return NULL;
    }
    session->client = (char *)client.data;
    session->version = version;
    mcpz_bytes_to_text(server, session->server, sizeof(session->server));
    mcpz_bytes_to_text(asker->request.principal, session->principal, sizeof(session->principal));
    mcpz_bytes_to_text(asker->request.tenant, session->tenant, sizeof(session->tenant));
    memcpy(session->seen, face->catalogue.versions, sizeof(session->seen));
    const struct mcpz_catalogue_server *known =
        server.length > 0 ? mcpz_catalogue_server(&face->catalogue, server) : NULL;
    if (known != NULL) {
        memcpy(session->seen_hash, known->hash, sizeof(session->seen_hash));
    }
    make_id(face, session->id);
    struct mcpz_session **bucket = &face->buckets[bucket_of(session->id)];
    session->next_in_bucket = *bucket;
    *bucket = session;
    link_newest(face, session);
    face->stats.sessions++;
    face->stats.sessions_total++;
    return session;
}

/* Tell the host that nobody will come back, and forget the place. */
static void end_place(struct mcpz_face *face, struct mcpz_session *session,
                      struct mcpz_face_place *place)
{
    if (place->has_node) {
        const struct mcpz_face_order order = {
            .kind = MCPZ_FACE_END,
            .session = session,
            .server = mcpz_text(place->server),
            .target = &place->node,
        };
        (void)mcpz_face_call(face, &order); /* without it the host finds out when it is idle */
    }
    free(place);
}

static struct mcpz_face_call *find_call(const struct mcpz_face *face,
                                        const struct mcpz_session *session)
{
    struct mcpz_face_call *call = face->calls;

    while (call != NULL && call->session != session) {
        call = call->next;
    }
    return call;
}

/* Calls of the session that are still under way are nobody's any more. One that goes may let
 * another one go on, so each is looked for anew. */
static void drop_calls(struct mcpz_face *face, const struct mcpz_session *session)
{
    struct mcpz_face_call *call;

    while ((call = find_call(face, session)) != NULL) {
        mcpz_face_drop(call);
    }
}

/* Those that have their answer, and whose end is waited for, still hold their place. */
static void leave_places(struct mcpz_face *face, const struct mcpz_session *session)
{
    for (struct mcpz_face_place *place = session->places; place != NULL; place = place->next) {
        for (struct mcpz_face_call *call = face->calls; call != NULL; call = call->next) {
            call->place = call->place == place ? NULL : call->place;
        }
    }
}

/* Whoever reads its streams finds them at their end. */
static void leave_askers(struct mcpz_face *face, struct mcpz_session *session)
{
    for (struct mcpz_asker *asker = face->askers; asker != NULL; asker = asker->next) {
        if (asker->session != session) {
            continue;
        }
        asker->session = NULL;
        asker->flow = NULL;
        if (asker->answered) {
            face->config.more(face->config.context, asker->owner);
        } else {
            mcpz_face_refuse(asker, 404, (struct mcpz_json){.type = MCPZ_JSON_NONE},
                             MCPZ_MCP_SESSION_UNKNOWN, "Session not found: it has been ended",
                             mcpz_bytes(NULL, 0));
        }
    }
}

void mcpz_session_end(struct mcpz_face *face, struct mcpz_session *session)
{
    struct mcpz_session **at = &face->buckets[bucket_of(session->id)];

    drop_calls(face, session);
    leave_places(face, session);
    leave_askers(face, session);
    while (*at != session) {
        assert(*at != NULL);
        at = &(*at)->next_in_bucket;
    }
    *at = session->next_in_bucket;
    unlink_age(face, session);
    while (session->places != NULL) {
        struct mcpz_face_place *place = session->places;
        session->places = place->next;
        end_place(face, session, place);
    }
    while (session->flows != NULL) {
        mcpz_session_drop_flow(session, session->flows);
    }
    free(session->client);
    free(session);
    face->stats.sessions--;
}

void mcpz_session_expire(struct mcpz_face *face, mcpz_time now)
{
    struct mcpz_session *next;

    for (struct mcpz_session *session = face->oldest;
         session != NULL && now - session->used_at >= MCPZ_FACE_SESSION_IDLE_US; session = next) {
        next = session->newer;
        if (session->asker_count == 0) {
            mcpz_session_end(face, session);
        }
    }
}
