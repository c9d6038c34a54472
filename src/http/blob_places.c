#include "http/blob_places.h"

#include <stdlib.h>
#include <string.h>

#include "http/blob_serve.h"
#include "http/blob_targets.h"
#include "http/exchange.h"

#define KEEP_MS 10000

static bool is_self(struct mcpz_api *api, const struct mcpz_id *node)
{
    return mcpz_id_equal(node, mcpz_engine_id(mcpz_api_engine(api)));
}

/* The first place of the blob's behind `after` (NULL: of all). NULL: there is none. */
static struct mcpz_blob_place *next_place(struct mcpz_blob_keeper *keeper,
                                          const struct mcpz_id *root,
                                          const struct mcpz_blob_place *after)
{
    for (size_t i = after != NULL ? (size_t)(after - keeper->places) + 1 : 0;
         i < MCPZ_BLOB_PLACES_MAX; i++) {
        struct mcpz_blob_place *place = &keeper->places[i];
        if (place->used && !place->is_over && mcpz_id_equal(&place->about.root, root)) {
            return place;
        }
    }
    return NULL;
}

static bool is_for(const struct mcpz_blob_place *place, const char *ref)
{
    return place->ref != NULL && strcmp(place->ref, ref) == 0;
}

/* One that is for `ref` already, or for nobody so far. */
static struct mcpz_blob_place *find_place(struct mcpz_blob_keeper *keeper,
                                          const struct mcpz_id *root, const char *ref)
{
    struct mcpz_blob_place *place = next_place(keeper, root, NULL);

    while (place != NULL && ref != NULL && place->ref != NULL && !is_for(place, ref)) {
        place = next_place(keeper, root, place);
    }
    return place;
}

static bool is_waited_for(const struct mcpz_blob_place *place)
{
    for (size_t i = 0; i < MCPZ_BLOB_WAITERS_MAX; i++) {
        if (place->waiters[i] != NULL) {
            return true;
        }
    }
    return false;
}

/* Has it come on of late, or is something of it under way? Else it gives way. */
static bool is_busy(const struct mcpz_blob_place *place, mcpz_time now)
{
    return place->survey.exchange != NULL || place->writing != 0 || place->is_keeping ||
           place->is_dropping || place->is_to_drop || is_waited_for(place) ||
           now < place->came_us + MCPZ_BLOB_EAGER_US;
}

/* One that is free, or whose keepers have had time enough: it is found again when blobs are gone
 * through. NULL: none is. */
static struct mcpz_blob_place *find_room(struct mcpz_blob_keeper *keeper, mcpz_time now)
{
    struct mcpz_blob_place *room = NULL;

    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        struct mcpz_blob_place *place = &keeper->places[i];
        if (!place->used) {
            return place;
        }
        if (!is_busy(place, now) && (room == NULL || place->came_us < room->came_us)) {
            room = place;
        }
    }
    return room;
}

static void hurry(struct mcpz_blob_place *place)
{
    place->ask_us = 0;
    place->wait_us = MCPZ_BLOB_POLL_US;
}

/* It is for something else now: what was answered, or is to be, says nothing of that. */
static void forget_answers(struct mcpz_blob_place *place)
{
    place->is_void = place->survey.exchange != NULL;
    place->wait = (struct mcpz_ack_wait){0};
}

static struct mcpz_blob_place *add_place(struct mcpz_api *api, const struct mcpz_blob_about *about,
                                         const char *ref)
{
    const mcpz_time now = mcpz_api_now(api);
    struct mcpz_blob_place *place = find_place(&api->blobs, &about->root, ref);

    if (place == NULL) {
        place = find_room(&api->blobs, now);
        if (place == NULL) {
            return NULL;
        }
        api->blobs.counts.placings_put_off += place->used && !place->is_over ? 1 : 0;
        *place = (struct mcpz_blob_place){.used = true, .about = *about, .came_us = now};
        hurry(place);
    }
    if (ref != NULL && place->ref == NULL) {
        forget_answers(place); /* nobody has been asked for that */
    }
    if (ref != NULL) {
        place->ref = ref;
        hurry(place);
    }
    return place;
}

/* Is it being placed, or let go of? A list that was made before it was let go of comes before word
 * of that: whoever went by it would put anew what was taken back. */
static bool is_known(const struct mcpz_blob_keeper *keeper, const struct mcpz_id *root,
                     const char *ref)
{
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        const struct mcpz_blob_place *place = &keeper->places[i];
        const bool is_one =
            ref != NULL ? is_for(place, ref) : !place->is_over || place->is_to_drop;
        if (place->used && is_one && mcpz_id_equal(&place->about.root, root)) {
            return true;
        }
    }
    return false;
}

void mcpz_blob_places_found(struct mcpz_api *api, const struct mcpz_blob_about *about,
                            const char *ref)
{
    if (!is_known(&api->blobs, &about->root, ref)) {
        (void)add_place(api, about, ref);
    }
}

bool mcpz_blob_places_has_put(struct mcpz_api *api, const struct mcpz_id *root)
{
    const struct mcpz_blob_place *place = next_place(&api->blobs, root, NULL);

    while (place != NULL && place->ref == NULL) {
        place = next_place(&api->blobs, root, place);
    }
    return place != NULL;
}

/* It was put anew: what was known of before, and is being answered or done, is of no more use. */
static void begin_anew(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    place->is_said = false;
    place->is_kept = false;
    place->is_held_anew = place->is_keeping;
    place->writing = 0;
    place->came_us = mcpz_api_now(api);
    forget_answers(place);
    mcpz_blob_keeper_targets(api, &place->about.root, &place->wait);
}

/* What was to happen to what was put before may happen to what was put since. */
static void hold_again(struct mcpz_api *api, const struct mcpz_blob_place *made)
{
    const char *holder = mcpz_blob_places_holder(made->ref);

    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        const struct mcpz_blob_place *place = &api->blobs.places[i];
        if (place->used && is_for(place, made->ref) && (place->is_keeping || place->is_dropping) &&
            mcpz_id_equal(&place->about.root, &made->about.root)) {
            (void)mcpz_blob_errand(api, MCPZ_BLOB_HOLD, &made->about.root, holder, NULL);
            return;
        }
    }
}

struct mcpz_blob_place *
mcpz_blob_keeper_place(struct mcpz_api *api, const struct mcpz_blob_about *about, const char *ref)
{
    struct mcpz_blob_place *place = add_place(api, about, ref);

    if (place != NULL) {
        begin_anew(api, place);
        hold_again(api, place);
        mcpz_api_stir(api);
    } else {
        api->blobs.scan_us = 0;
    }
    return place;
}

bool mcpz_blob_keeper_has_place(struct mcpz_api *api)
{
    return find_room(&api->blobs, mcpz_api_now(api)) != NULL;
}

const char *mcpz_blob_places_holder(const char *ref)
{
    return strcmp(ref, MCPZ_BLOB_REF_BRIEF) == 0 ? MCPZ_BLOB_BRIEF_HOLDER : MCPZ_BLOB_HOLDER;
}

void mcpz_blob_places_hurry(struct mcpz_blob_keeper *keeper)
{
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        hurry(&keeper->places[i]);
    }
}

/* A job that nobody waits for; what comes of it is found when blobs are gone through again. */
struct errand {
    struct mcpz_blob_job job;
    struct mcpz_api *api;
    void (*done)(struct mcpz_api *api, struct mcpz_blob_job *job);
};

static void on_errand_done(struct mcpz_blob_job *job)
{
    struct errand *errand = job->owner;

    if (errand->done != NULL) {
        errand->done(errand->api, job);
    }
    mcpz_blob_job_finish(job);
    free(errand);
}

bool mcpz_blob_errand(struct mcpz_api *api, enum mcpz_blob_ask ask, const struct mcpz_id *root,
                      const char *holder,
                      void (*done)(struct mcpz_api *api, struct mcpz_blob_job *job))
{
    const struct mcpz_blob_port *port = api->ports.blobs;
    struct errand *errand = calloc(1, sizeof(*errand));

    if (errand == NULL) {
        return false;
    }
    errand->api = api;
    errand->done = done;
    errand->job = (struct mcpz_blob_job){.ask = ask,
                                         .now_ms = mcpz_api_wall_ms(api),
                                         .id = *root,
                                         .holder = holder,
                                         .done = on_errand_done,
                                         .owner = errand};
    if (!port->submit(port->context, &errand->job)) {
        free(errand);
        return false;
    }
    return true;
}

void mcpz_blob_let_go(struct mcpz_api *api, const struct mcpz_id *root, const char *holder)
{
    (void)mcpz_blob_errand(api, MCPZ_BLOB_DROP, root, holder, NULL);
}

/* Is the job `is_asked` for at `place` this one? */
static bool is_under_way(const struct mcpz_blob_place *place, bool is_asked,
                         const struct mcpz_blob_job *job)
{
    return place->used && is_asked && mcpz_id_equal(&place->about.root, &job->id) &&
           strcmp(mcpz_blob_places_holder(place->ref), job->holder) == 0;
}

/* It was let go of, or could not be. */
static void on_dropped(struct mcpz_api *api, struct mcpz_blob_job *job)
{
    const bool is_gone = job->error == MCPZ_OK || job->error == MCPZ_ENOTFOUND;

    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        struct mcpz_blob_place *place = &api->blobs.places[i];
        if (is_under_way(place, place->is_dropping, job)) {
            place->is_dropping = false;
            place->is_to_drop = !is_gone;
            place->ask_us = mcpz_api_now(api) + MCPZ_BLOB_RETRY_US;
        }
    }
    mcpz_api_stir(api);
}

/* Was it put anew for the same since? Then it is held for that. */
static bool is_held_for_another(struct mcpz_blob_keeper *keeper,
                                const struct mcpz_blob_place *place)
{
    const struct mcpz_blob_place *other = next_place(keeper, &place->about.root, NULL);

    while (other != NULL && (other == place || !is_for(other, place->ref))) {
        other = next_place(keeper, &place->about.root, other);
    }
    return other != NULL;
}

static void drop_put(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    place->is_to_drop = place->is_dropping || !is_held_for_another(&api->blobs, place);
    if (place->is_to_drop && !place->is_dropping) {
        place->is_dropping = mcpz_blob_errand(api, MCPZ_BLOB_DROP, &place->about.root,
                                              mcpz_blob_places_holder(place->ref), on_dropped);
    }
}

/* It is not held here for whoever put it any more. */
static void release_put(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    if (place->ref != NULL && !place->is_kept) {
        place->is_to_drop = true;
        drop_put(api, place);
    }
}

/*
 * One node writes down that whoever put it needs it, so that all of that can be taken back at
 * once: we, if we keep its document; else the first that does.
 */
static bool writes_here(struct mcpz_api *api, const struct mcpz_blob_place *place)
{
    const struct mcpz_engine *engine = mcpz_api_engine(api);

    return !mcpz_layouts_are_in_force(&mcpz_engine_node(engine)->layouts) ||
           mcpz_blob_targets_has(&place->wait, mcpz_engine_id(engine));
}

/* Whoever put it does not need it any more. If it is held as a copy by now, its document says
 * whether that is needed, here or elsewhere. */
static void take_back(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    const struct mcpz_blob_about about = place->about;
    const bool is_kept = place->is_kept;

    place->is_over = true;
    release_put(api, place);
    if (is_kept && writes_here(api, place)) {
        mcpz_blob_look_again(api, &about.root);
    } else if (is_kept) {
        mcpz_blob_places_found(api, &about, NULL);
    }
}

/* It is held as a copy, or could not be. */
static void on_kept(struct mcpz_api *api, struct mcpz_blob_job *job)
{
    const bool is_kept = job->error == MCPZ_OK || job->error == MCPZ_ENOTFOUND;

    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        struct mcpz_blob_place *place = &api->blobs.places[i];
        if (is_under_way(place, place->is_keeping, job)) {
            place->is_keeping = false;
            place->is_kept = is_kept && !place->is_held_anew;
            place->keep_us = is_kept ? 0 : mcpz_api_now(api) + MCPZ_BLOB_RETRY_US;
        }
    }
    mcpz_api_stir(api);
}

/* It is on a disk who needs it, and that holds it from here on: so it goes with that. */
static void keep_as_copy(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    if (place->ref != NULL && place->is_said && place->writing == 0 && !place->is_kept &&
        !place->is_keeping && mcpz_api_now(api) >= place->keep_us) {
        place->is_held_anew = false;
        place->is_keeping = mcpz_blob_errand(api, MCPZ_BLOB_KEEP, &place->about.root,
                                             mcpz_blob_places_holder(place->ref), on_kept);
    }
}

bool mcpz_blob_keeper_unplace(struct mcpz_api *api, const struct mcpz_id *root, const char *tenant,
                              const char *ref)
{
    struct mcpz_blob_place *place = find_place(&api->blobs, root, ref);

    if (place == NULL || !is_for(place, ref) || strcmp(place->about.tenant, tenant) != 0) {
        return false;
    }
    take_back(api, place);
    return true;
}

void mcpz_blob_keeper_missing(const struct mcpz_blob_keeper *keeper, uint64_t *here,
                              uint64_t *elsewhere)
{
    *here = 0;
    *elsewhere = 0;
    for (size_t i = 0; i < MCPZ_BLOB_WANTS_MAX; i++) {
        *here += keeper->wants[i].used ? 1 : 0;
    }
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        const struct mcpz_blob_place *place = &keeper->places[i];
        for (size_t n = 0; place->used && !place->is_over && n < place->wait.owner_count; n++) {
            const struct mcpz_ack_owner *owner = &place->wait.owners[n];
            *elsewhere += owner->sets != 0 && !owner->has ? 1 : 0;
        }
    }
}

bool mcpz_blob_place_join(struct mcpz_blob_place *place, struct mcpz_exchange *exchange)
{
    for (size_t i = 0; i < MCPZ_BLOB_WAITERS_MAX; i++) {
        if (place->waiters[i] == NULL) {
            place->waiters[i] = exchange;
            return true;
        }
    }
    return false;
}

void mcpz_blob_place_leave(struct mcpz_blob_place *place, const struct mcpz_exchange *exchange)
{
    for (size_t i = 0; i < MCPZ_BLOB_WAITERS_MAX; i++) {
        if (place->waiters[i] == exchange) {
            place->waiters[i] = NULL;
        }
    }
}

/* Requests that wait for copies look again. */
static void wake_waiters(const struct mcpz_blob_place *place)
{
    for (size_t i = 0; i < MCPZ_BLOB_WAITERS_MAX; i++) {
        if (place->waiters[i] != NULL) {
            mcpz_exchange_again(place->waiters[i]);
        }
    }
}

static bool all_have(const struct mcpz_ack_wait *wait)
{
    for (size_t i = 0; i < wait->owner_count; i++) {
        if (wait->owners[i].sets != 0 && !wait->owners[i].has) {
            return false;
        }
    }
    return wait->owner_count > 0;
}

/* All have it: what is held here because they had not is not held any more. */
static void end_place(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    place->is_over = true;
    release_put(api, place);
    if (!mcpz_blob_targets_has(&place->wait, mcpz_engine_id(mcpz_api_engine(api)))) {
        mcpz_blob_let_go(api, &place->about.root, MCPZ_BLOB_COPY_HOLDER);
        api->blobs.counts.handed_over++;
    }
    wake_waiters(place);
}

/* We are to keep it ourselves: it is here. */
static void on_held(struct mcpz_api *api, struct mcpz_blob_job *job)
{
    struct mcpz_blob_place *place = next_place(&api->blobs, &job->id, NULL);

    for (; place != NULL && job->error == MCPZ_OK;
         place = next_place(&api->blobs, &job->id, place)) {
        mcpz_ack_wait_note(&place->wait, mcpz_engine_id(mcpz_api_engine(api)));
        wake_waiters(place);
    }
    mcpz_blob_on_held(api, job);
}

static bool has_it(const struct mcpz_ack_wait *wait, const struct mcpz_id *node)
{
    for (size_t i = 0; i < wait->owner_count; i++) {
        if (mcpz_id_equal(&wait->owners[i].node, node)) {
            return wait->owners[i].has;
        }
    }
    return false;
}

/* Something came of asking: it is asked on often. */
static void came_on(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    place->came_us = mcpz_api_now(api);
    place->wait_us =
        place->wait_us < MCPZ_BLOB_POLL_US_MAX ? place->wait_us : MCPZ_BLOB_POLL_US_MAX;
}

/* What one of those who are to keep it says. */
static void hear_keeper(struct mcpz_survey *survey, const struct mcpz_id *node, unsigned status,
                        const json_t *said)
{
    struct mcpz_api *api = survey->exchange->api;
    struct mcpz_blob_place *place = survey->owner;
    const bool had_it = has_it(&place->wait, node);

    if (place->is_void || place->is_over) {
        return;
    }
    if (status == 200) {
        mcpz_ack_wait_note(&place->wait, node);
        place->is_said |= place->ref != NULL && !writes_here(api, place); /* it is written there */
        if (!had_it) {
            came_on(api, place);
            wake_waiters(place);
        }
    } else if (status == 202) {
        place->progress += (uint64_t)json_integer_value(json_object_get(said, "offset"));
    } else if (status == 404 && place->ref != NULL && place->was_said && had_it) {
        take_back(api, place); /* it knew of it, and knows better */
        wake_waiters(place);
    } else if (status == 404) {
        place->denied++;
    }
}

/* All have answered. One that knows of nobody who needs it may not have heard yet; all may not. */
static void weigh(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    size_t wanted = 0;

    if (place->is_void || place->is_over) {
        return;
    }
    for (size_t i = 0; i < place->wait.owner_count; i++) {
        const struct mcpz_ack_owner *owner = &place->wait.owners[i];
        wanted += owner->sets != 0 && !is_self(api, &owner->node) ? 1 : 0;
    }
    if (wanted > 0 && place->denied == wanted && place->ref == NULL) {
        end_place(api, place); /* nobody needs it */
    } else if (wanted > 0 && place->denied == wanted && place->was_said) {
        take_back(api, place);
        wake_waiters(place);
    }
    if (place->progress > place->farthest) {
        place->farthest = place->progress;
        came_on(api, place);
    }
}

static void write_ref(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    struct mcpz_engine *engine = mcpz_api_engine(api);

    if (place->ref == NULL || !writes_here(api, place) ||
        mcpz_blob_book_has(mcpz_engine_store(engine), &place->about.root, place->ref)) {
        return;
    }
    place->writing = mcpz_engine_next_request(engine);
    if (mcpz_blob_book_add(engine, &place->about, place->ref, place->writing) != MCPZ_OK) {
        place->writing = 0; /* it is tried again with the next question */
    }
}

void mcpz_blob_places_hear(struct mcpz_blob_keeper *keeper, uint64_t request, enum mcpz_code code)
{
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        struct mcpz_blob_place *place = &keeper->places[i];
        if (place->used && place->writing != 0 && place->writing == request) {
            place->writing = 0;
            place->is_said |= code == MCPZ_CODE_OK;
        }
    }
}

/* Somebody has said at another node that it is not needed: it is not written down anew. Of who
 * does not keep its document, others are asked. */
static bool is_taken_back(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_api_engine(api));

    if (place->ref == NULL || !writes_here(api, place)) {
        return false;
    }
    const bool is_said = mcpz_blob_book_has(store, &place->about.root, place->ref);
    place->is_said |= is_said;
    return place->is_said && !is_said;
}

static bool is_gone(struct mcpz_api *api, const struct mcpz_id *node)
{
    const struct mcpz_members *members = &mcpz_engine_node(mcpz_api_engine(api))->fabric.members;

    return !mcpz_roster_is_there(&members->roster, node);
}

/* Ask all who are to have it and do not. */
static void ask_keepers(struct mcpz_api *api, struct mcpz_blob_place *place)
{
    const struct mcpz_id self = *mcpz_engine_id(mcpz_api_engine(api));
    const bool is_said = place->ref != NULL && place->is_said;
    const bool knows_here = place->ref == NULL || writes_here(api, place);
    bool is_written = is_said || knows_here;

    place->survey = (struct mcpz_survey){.owner = place, .hear = hear_keeper};
    if (!mcpz_survey_open(&place->survey, api)) {
        return;
    }
    place->progress = 0;
    place->denied = 0;
    place->was_said = is_said;
    place->is_void = false;
    for (size_t i = 0; i < place->wait.owner_count; i++) {
        const struct mcpz_ack_owner *owner = &place->wait.owners[i];
        if (owner->sets == 0 || is_self(api, &owner->node) || is_gone(api, &owner->node)) {
            continue;
        }
        const struct mcpz_blob_keep keep = {.about = place->about,
                                            .from = self,
                                            .ref = place->ref,
                                            .writes = !is_written,
                                            .is_said = is_said};
        is_written = true;
        /* Who has it is asked whether that still holds, where we cannot see it. */
        json_t *body = owner->has && knows_here ? NULL : mcpz_blob_show_keep(&keep);
        if (body != NULL) {
            (void)mcpz_survey_ask(&place->survey, &owner->node, 1,
                                  &(struct mcpz_question){.method = "POST",
                                                          .path = MCPZ_BLOB_SERVE_PATH "/keep",
                                                          .body = body,
                                                          .timeout_ms = KEEP_MS});
        }
        json_decref(body);
    }
}

static void look_at_place(struct mcpz_api *api, struct mcpz_blob_place *place, mcpz_time now,
                          size_t *under_way)
{
    const struct mcpz_id *self = mcpz_engine_id(mcpz_api_engine(api));

    if (place->survey.is_over) {
        weigh(api, place);
        mcpz_survey_close(&place->survey);
        place->ask_us = all_have(&place->wait) ? now : now + place->wait_us;
        place->wait_us += place->wait_us / 2;
        const mcpz_time most = is_waited_for(place) || now < place->came_us + MCPZ_BLOB_EAGER_US
                                   ? MCPZ_BLOB_POLL_US_MAX
                                   : MCPZ_BLOB_RETRY_US_MAX;
        place->wait_us = place->wait_us < most ? place->wait_us : most;
        wake_waiters(place);
    }
    if (place->is_over) {
        if (place->is_to_drop && now >= place->ask_us) {
            drop_put(api, place);
        }
        place->used = place->survey.exchange != NULL || is_waited_for(place) ||
                      place->is_to_drop || place->is_keeping;
        return;
    }
    keep_as_copy(api, place);
    *under_way += place->survey.exchange != NULL ? 1 : 0;
    if (place->survey.exchange != NULL || now < place->ask_us ||
        *under_way >= MCPZ_BLOB_PUSHES_MAX) {
        return;
    }
    if (is_taken_back(api, place)) {
        take_back(api, place);
        wake_waiters(place);
        return;
    }
    mcpz_blob_keeper_targets(api, &place->about.root, &place->wait);
    if (all_have(&place->wait)) {
        end_place(api, place);
        return;
    }
    write_ref(api, place);
    for (size_t i = 0; i < place->wait.owner_count; i++) {
        const struct mcpz_ack_owner *owner = &place->wait.owners[i];
        if (owner->sets != 0 && !owner->has && mcpz_id_equal(&owner->node, self)) {
            (void)mcpz_blob_errand(api, MCPZ_BLOB_HOLD, &place->about.root, MCPZ_BLOB_COPY_HOLDER,
                                   on_held);
        }
    }
    ask_keepers(api, place);
    *under_way += 1;
}

void mcpz_blob_places_look(struct mcpz_api *api)
{
    const mcpz_time now = mcpz_api_now(api);
    size_t under_way = 0;

    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        if (api->blobs.places[i].used) {
            look_at_place(api, &api->blobs.places[i], now, &under_way);
        }
    }
}
