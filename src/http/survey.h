/*
 * One question that several nodes are asked, by this node itself: no client waits for it.
 *
 *   open  ->  ask, of each node, as many as can be asked at one time
 *   hear  <-  what one of them has answered, or that it did not
 *   is_over:  all who were asked have answered, or nobody was; the loop comes by
 *   close     whenever that is: what is still to come is not heard
 *
 * Whoever could not be asked is not heard, and so has said neither yes nor no: who needs the word
 * of all counts those that were heard. Questions have their time, so it comes to an end by itself.
 */

#ifndef HTTP_SURVEY_H
#define HTTP_SURVEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/id.h"

struct mcpz_api;
struct mcpz_exchange;

struct mcpz_survey {
    struct mcpz_exchange *exchange; /* asks; NULL: it is not open */
    bool is_over;
    void *owner;
    /* `status` is HTTP's, and `said` what came with it; 0 and NULL: there is no answer. */
    void (*hear)(struct mcpz_survey *survey, const struct mcpz_id *node, unsigned status,
                 const json_t *said);
};

struct mcpz_question {
    const char *method;
    const char *path;
    const json_t *body; /* NULL: none */
    uint32_t timeout_ms;
};

/** Begin one with nobody asked so far; `owner` and `hear` are set, and it stays where it is until
 * it is closed. False: too many exchanges are open. */
bool mcpz_survey_open(struct mcpz_survey *survey, struct mcpz_api *api);

/** Ask the nodes, in their order. Returns how many were: there may be no room to ask more. Not
 * within the engine's turn. */
size_t mcpz_survey_ask(struct mcpz_survey *survey, const struct mcpz_id *nodes, size_t node_count,
                       const struct mcpz_question *question);

/** End it, if it is open. */
void mcpz_survey_close(struct mcpz_survey *survey);

#endif
