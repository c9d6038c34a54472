#include "http/survey.h"

#include <assert.h>

#include "http/exchange.h"

static void work(struct mcpz_exchange *exchange)
{
    struct mcpz_survey *survey = exchange->state;
    struct mcpz_id node;
    unsigned status = 0;
    json_t *json = NULL;
    size_t waiting = 0;

    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        survey->hear(survey, &node, status, json);
        json_decref(json);
    }
    if (waiting == 0) {
        survey->is_over = true;
        mcpz_api_stir(exchange->api);
    }
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = mcpz_fellows_forget};

bool mcpz_survey_open(struct mcpz_survey *survey, struct mcpz_api *api)
{
    assert(survey->exchange == NULL);
    assert(survey->hear != NULL);

    if (mcpz_api_open(api, NULL, &survey->exchange) != MCPZ_OK) {
        return false;
    }
    survey->is_over = false;
    mcpz_exchange_wait(survey->exchange, &kind, survey);
    survey->exchange->deadline_us = MCPZ_TIME_NEVER; /* calls end by themselves */
    mcpz_exchange_again(survey->exchange);           /* nobody may be asked */
    return true;
}

size_t mcpz_survey_ask(struct mcpz_survey *survey, const struct mcpz_id *nodes, size_t node_count,
                       const struct mcpz_question *question)
{
    size_t asked = 0;

    while (asked < node_count &&
           mcpz_fellows_ask(survey->exchange, &nodes[asked], question->method, question->path,
                            question->body, question->timeout_ms)) {
        asked++;
    }
    return asked;
}

void mcpz_survey_close(struct mcpz_survey *survey)
{
    if (survey->exchange != NULL) {
        mcpz_api_close(survey->exchange);
        survey->exchange = NULL;
        survey->is_over = false;
    }
}
