/* What programs offer, and who of them gets a run. */

#include <stdlib.h>
#include <string.h>

#include "desk/desk_internal.h"

static bool offers(const struct mcpz_program *program, struct mcpz_bytes name)
{
    for (size_t i = 0; i < program->name_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(program->names[i]), name)) {
            return true;
        }
    }
    return false;
}

static bool anybody_offers(const struct mcpz_desk *desk, struct mcpz_bytes name)
{
    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        if (desk->programs[i].desk != NULL && offers(&desk->programs[i], name)) {
            return true;
        }
    }
    return false;
}

static bool is_named(const struct mcpz_msg_capabilities *offered, struct mcpz_bytes name)
{
    for (size_t i = 0; i < offered->name_count; i++) {
        if (mcpz_bytes_equal(offered->names[i], name)) {
            return true;
        }
    }
    return false;
}

/*
 * Calls to an MCP server may listen for an hour, or wait for somebody who is asked something: how
 * long they take says nothing about how many are good for it. Its host has bounds of its own.
 */
static uint32_t running_max(struct mcpz_bytes name)
{
    static const char prefix[] = "mcp/";
    size_t length = sizeof(prefix) - 1;

    return name.length > length && memcmp(name.data, prefix, length) == 0 ? MCPZ_RUNNING_UNBOUNDED
                                                                          : 0;
}

static void tell(struct mcpz_desk *desk, enum mcpz_event_kind kind, struct mcpz_bytes name)
{
    struct mcpz_event event = {.kind = kind,
                               .provide = {.name = name, .running_max = running_max(name)}};
    mcpz_desk_say(desk, &event);
}

static mcpz_error add(struct mcpz_desk *desk, struct mcpz_program *program, struct mcpz_bytes name)
{
    if (offers(program, name)) {
        return MCPZ_OK;
    }
    bool is_new = !anybody_offers(desk, name);
    mcpz_error error = mcpz_offers_claim(desk->offers, name, desk);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_bytes_to_text(name, program->names[program->name_count++], sizeof(program->names[0]));
    if (is_new) {
        tell(desk, MCPZ_EVENT_PROVIDE, name);
    }
    return MCPZ_OK;
}

static void drop(struct mcpz_desk *desk, struct mcpz_program *program, size_t index)
{
    char name[MCPZ_CAPABILITY_BYTES_MAX + 1];

    memcpy(name, program->names[index], sizeof(name));
    program->name_count--;
    if (index < program->name_count) {
        memcpy(program->names[index], program->names[program->name_count], sizeof(name));
    }
    if (!anybody_offers(desk, mcpz_text(name))) {
        mcpz_offers_release(desk->offers, mcpz_text(name), desk);
        tell(desk, MCPZ_EVENT_WITHDRAW, mcpz_text(name));
    }
}

mcpz_error mcpz_desk_offer(struct mcpz_desk *desk, struct mcpz_program *program,
                           const struct mcpz_msg_capabilities *offered)
{
    mcpz_error error = MCPZ_OK;

    if (program->names == NULL) {
        program->names = calloc(MCPZ_CAPABILITIES_PER_NODE_MAX, sizeof(program->names[0]));
        if (program->names == NULL) {
            return MCPZ_ENOMEM;
        }
    }
    for (size_t i = program->name_count; i > 0; i--) {
        if (!is_named(offered, mcpz_text(program->names[i - 1]))) {
            drop(desk, program, i - 1);
        }
    }
    for (size_t i = 0; i < offered->name_count && error == MCPZ_OK; i++) {
        error = add(desk, program, offered->names[i]);
    }
    return error;
}

void mcpz_desk_offer_nothing(struct mcpz_desk *desk, struct mcpz_program *program)
{
    while (program->name_count > 0) {
        drop(desk, program, program->name_count - 1);
    }
}

struct mcpz_program *mcpz_desk_pick(struct mcpz_desk *desk, struct mcpz_bytes name)
{
    struct mcpz_program *best = NULL;
    size_t left = desk->program_count;

    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX && left > 0; i++) {
        struct mcpz_program *program = &desk->programs[i];
        if (program->desk == NULL) {
            continue;
        }
        left--;
        if (!offers(program, name)) {
            continue;
        }
        if (best == NULL || program->run_count < best->run_count ||
            (program->run_count == best->run_count && program->turn < best->turn)) {
            best = program;
        }
    }
    if (best != NULL) {
        best->turn = ++desk->turn;
    }
    return best;
}
