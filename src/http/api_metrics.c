/*
 * GET /metrics: what GET /v1/status counts, for monitoring.
 *
 * Names begin with mcpz_, those of the process with process_ as is the custom. Sums and counts
 * only: rates, quantiles and averages are the reader's to make (mcpz_call_duration_seconds has the
 * buckets for them).
 */

#include <stdio.h>

#include "blob/blob_job.h"
#include "http/exchange.h"
#include "http/metrics.h"
#include "wire/codec.h"

#define METRIC_NAME_BYTES 96

/* One number of its own. */
struct single {
    enum mcpz_metric_type type;
    const char *name;
    const char *help;
    uint64_t number;
};

static void write_singles(struct mcpz_body *body, const struct single *singles, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_metric metric =
            mcpz_metric_begin(body, singles[i].type, singles[i].name, singles[i].help);
        mcpz_metric_number(&metric, singles[i].number);
    }
}

/* Counts and what they are called; `list` is one of their tables. */
#define COUNTED(type_, prefix, suffix, name, help, counts)                                        \
    {type_, "mcpz_" prefix #name suffix, help ".", (counts)->name},

/* ---- The process -------------------------------------------------------------------------- */

static void write_process(struct mcpz_body *body, const struct mcpz_api_ports *ports,
                          const struct mcpz_api_measures *measures)
{
    const mcpz_time up_us = ports->now(ports->context) - measures->started;
    const struct single singles[] = {
        {MCPZ_METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory.",
         measures->rss_bytes},
        {MCPZ_METRIC_GAUGE, "mcpz_private_memory_bytes", "Memory that nobody shares.",
         measures->private_bytes},
        {MCPZ_METRIC_GAUGE, "process_open_fds", "Open file descriptors.", measures->descriptors},
        {MCPZ_METRIC_GAUGE, "process_start_time_seconds", "When it started, Unix time.",
         (ports->wall_ms(ports->context) - up_us / MCPZ_MS(1)) / 1000},
        {MCPZ_METRIC_GAUGE, "mcpz_disk_free_bytes", "Room on the data directory's disk.",
         measures->disk_free_bytes},
        {MCPZ_METRIC_GAUGE, "mcpz_disk_size_bytes", "Size of the data directory's disk.",
         measures->disk_bytes},
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
    const struct mcpz_metric cpu =
        mcpz_metric_begin(body, MCPZ_METRIC_COUNTER, "process_cpu_seconds_total",
                          "Processor time, of user and system.");
    mcpz_metric_seconds(&cpu, measures->cpu_us);
}

static void write_store(struct mcpz_body *body, const struct mcpz_api_measures *measures)
{
    const struct single singles[] = {
        {MCPZ_METRIC_GAUGE, "mcpz_store_entries", "Entries in the store.",
         measures->store.entries},
        {MCPZ_METRIC_GAUGE, "mcpz_store_used_bytes", "Of the store's file, in use.",
         measures->store.used_bytes},
        {MCPZ_METRIC_GAUGE, "mcpz_store_map_bytes", "What the store may grow to.",
         measures->store.map_bytes},
        {MCPZ_METRIC_COUNTER, "mcpz_store_commits_total", "Batches committed.",
         measures->store.commits},
        {MCPZ_METRIC_COUNTER, "mcpz_store_writes_total",
         "Writes in them: so many share a sync as this grows by while they grow by one.",
         measures->store.writes},
        {MCPZ_METRIC_COUNTER, "mcpz_store_failed_commits_total", "Batches that were not.",
         measures->store.failed_commits},
        {MCPZ_METRIC_COUNTER, "mcpz_snapshots_total", "Automatic snapshots made.",
         measures->snapshots},
        {MCPZ_METRIC_COUNTER, "mcpz_snapshots_failed_total", "Automatic snapshots that failed.",
         measures->snapshots_failed},
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
    const struct mcpz_metric last =
        mcpz_metric_begin(body, MCPZ_METRIC_GAUGE, "mcpz_store_last_commit_seconds",
                          "How long the last batch took to be on disk.");
    mcpz_metric_seconds(&last, measures->store.commit_us_last);
    const struct mcpz_metric longest =
        mcpz_metric_begin(body, MCPZ_METRIC_GAUGE, "mcpz_store_longest_commit_seconds",
                          "The same, the longest since the start.");
    mcpz_metric_seconds(&longest, measures->store.commit_us_max);
    const struct mcpz_metric took =
        mcpz_metric_begin(body, MCPZ_METRIC_HISTOGRAM, "mcpz_store_commit_duration_seconds",
                          "How long batches took to be on disk, the sync included.");
    mcpz_metric_durations(&took, &measures->store.took);
    if (measures->busy != NULL) {
        const struct mcpz_metric busy =
            mcpz_metric_begin(body, MCPZ_METRIC_HISTOGRAM, "mcpz_loop_busy_seconds",
                              "How long the loop was at work between two waits.");
        mcpz_metric_durations(&busy, measures->busy);
    }
}

/* ---- The mesh ----------------------------------------------------------------------------- */

static void write_info(struct mcpz_body *body, struct mcpz_engine *engine)
{
    const struct mcpz_members *members = &mcpz_engine_node(engine)->fabric.members;
    const struct mcpz_bytes name = mcpz_roster_name(&members->roster, mcpz_members_self(members));
    char id[MCPZ_ID_TEXT_BYTES];
    char text[MCPZ_NAME_BYTES_MAX + 1];

    (void)snprintf(text, sizeof(text), "%.*s", (int)name.length, (const char *)name.data);
    mcpz_id_to_text(mcpz_engine_id(engine), 'n', id);
    (void)mcpz_metric_begin(body, MCPZ_METRIC_GAUGE, "mcpz_build_info",
                            "Which node this is, and of which version; always 1.");
    mcpz_body_text(body, "mcpz_build_info{version=\"" MCPZ_VERSION "\",node=");
    mcpz_metric_quote(body, id);
    mcpz_body_text(body, ",name=");
    mcpz_metric_quote(body, text);
    mcpz_body_text(body, "} 1\n");
}

static void write_members(struct mcpz_body *body, const struct mcpz_roster *roster)
{
    static const char *const words[MCPZ_MEMBER_STATE_END] = {
        [MCPZ_MEMBER_ALIVE] = "alive",
        [MCPZ_MEMBER_SUSPECT] = "suspect",
        [MCPZ_MEMBER_DEAD] = "dead",
        [MCPZ_MEMBER_LEFT] = "left",
    };
    uint64_t counts[MCPZ_MEMBER_STATE_END] = {0};

    for (size_t i = 0; i < roster->count; i++) {
        counts[roster->rows[i].state]++;
    }
    const struct mcpz_metric metric = mcpz_metric_begin(
        body, MCPZ_METRIC_GAUGE, "mcpz_members", "Members of the mesh, this node included.");
    for (size_t i = 0; i < MCPZ_MEMBER_STATE_END; i++) {
        if (words[i] != NULL) {
            mcpz_metric_labelled(&metric, "state", words[i], counts[i]);
        }
    }
}

/* Who keeps what: how far a change has come, and what it has moved. */
static void write_layouts(struct mcpz_body *body, const struct mcpz_node *node)
{
    const struct mcpz_layouts *layouts = &node->layouts;
    const struct mcpz_keeping *keeping = &node->keeping;
    const struct mcpz_live_layout *newest = mcpz_layout_history_newest(&layouts->history);
    const struct single singles[] = {
        {MCPZ_METRIC_GAUGE, "mcpz_layout_version", "The newest layout known; 0: there is none.",
         newest != NULL ? newest->stamp.version : 0},
        {MCPZ_METRIC_GAUGE, "mcpz_layouts_live", "Layouts that agents are kept by now.",
         layouts->history.live_count},
        {MCPZ_METRIC_GAUGE, "mcpz_layout_settled", "1: nothing is to be moved any more.",
         mcpz_layouts_are_settled(layouts) ? 1 : 0},
        {MCPZ_METRIC_COUNTER, "mcpz_layout_pulled_total", "Documents got from earlier owners.",
         keeping->puller.documents_lacked},
        {MCPZ_METRIC_COUNTER, "mcpz_layout_dropped_total", "Documents handed over to others.",
         keeping->handover.dropped},
        {MCPZ_METRIC_GAUGE, "mcpz_ack_waiting", "Writes that wait for owners.",
         keeping->acks.count},
        {MCPZ_METRIC_COUNTER, "mcpz_ack_reached_total", "Of them, on as many disks in time.",
         keeping->acks.reached},
        {MCPZ_METRIC_COUNTER, "mcpz_ack_late_total", "And not.", keeping->acks.late},
        {MCPZ_METRIC_GAUGE, "mcpz_reads_waiting", "Reads that wait for owners.",
         node->keeping.reads.count},
        {MCPZ_METRIC_COUNTER, "mcpz_read_repairs_total",
         "Owners that reads found to be behind, and told.", node->keeping.reads.repairs},
        {MCPZ_METRIC_GAUGE, "mcpz_hints", "Agents whose owners have missed writes of this node.",
         node->keeping.hints.count},
        {MCPZ_METRIC_COUNTER, "mcpz_hints_delivered_total", "Of them, told when they were back.",
         node->keeping.hints.delivered},
        {MCPZ_METRIC_COUNTER, "mcpz_hints_expired_total", "Of them, given up as too old.",
         node->keeping.hints.expired},
        {MCPZ_METRIC_COUNTER, "mcpz_hints_refused_total", "Not noted: there was no room.",
         node->keeping.hints.refused},
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
}

static void write_mesh(struct mcpz_body *body, struct mcpz_exchange *exchange,
                       struct mcpz_engine *engine)
{
    const struct mcpz_node *node = mcpz_engine_node(engine);
    json_t *problems = mcpz_api_problems(exchange->api);
    const struct single singles[] = {
        {MCPZ_METRIC_GAUGE, "mcpz_healthy", "1: nothing is wrong; 0: GET /health says what is.",
         json_array_size(problems) == 0},
        {MCPZ_METRIC_GAUGE, "mcpz_links", "Peers linked.", node->fabric.links.count},
        {MCPZ_METRIC_GAUGE, "mcpz_neighbours", "Of them, neighbours in the overlay.",
         node->fabric.overlay.active_count},
        {MCPZ_METRIC_GAUGE, "mcpz_capabilities", "Different capabilities in the mesh.",
         mcpz_api_count_capabilities(&node->registry)},
        {MCPZ_METRIC_GAUGE, "mcpz_agents", "Agents whose snapshots are kept here.",
         mcpz_api_count_agents(node)},
        {MCPZ_METRIC_GAUGE, "mcpz_documents",
         "All that is kept here in the same way, also what was deleted and is not forgotten yet.",
         node->agents.entropy.holdings.root.count},
        {MCPZ_METRIC_GAUGE, "mcpz_stale",
         "1: away beyond the grace, and its agents are looked through; 0: it is not.",
         mcpz_horizon_is_stale(&node->agents.horizon)},
        {MCPZ_METRIC_COUNTER, "mcpz_agents_set_aside_total",
         "Agents that all others had forgotten, put into files of set-aside/.",
         node->agents.recheck.set_aside},
        {MCPZ_METRIC_COUNTER, "mcpz_deltas_held_total",
         "Changes not taken from nodes that were away, of agents that may have been forgotten.",
         node->agents.deltas_held},
        {MCPZ_METRIC_GAUGE, "mcpz_relay_sessions", "Sessions with peers through others.",
         node->relay.count},
        {MCPZ_METRIC_COUNTER, "mcpz_relay_carried_total", "Messages carried for others.",
         node->relay.carrier.carried},
    };

    json_decref(problems);
    write_members(body, &node->fabric.members.roster);
    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
    write_layouts(body, node);
}

static void write_blobs(struct mcpz_body *body, const struct mcpz_api *api)
{
    const struct mcpz_blob_port *port = api->ports.blobs;
    const struct mcpz_blob_counts *counts = &api->blobs.counts;
    const struct mcpz_blob_totals totals =
        port != NULL ? port->totals(port->context) : (struct mcpz_blob_totals){.blobs = 0};
    uint64_t here = 0;
    uint64_t elsewhere = 0;

    mcpz_blob_keeper_missing(&api->blobs, &here, &elsewhere);
    const struct single singles[] = {
        {MCPZ_METRIC_GAUGE, "mcpz_blobs", "Blobs that lie here, whole or not.", totals.blobs},
        {MCPZ_METRIC_GAUGE, "mcpz_blob_bytes", "Bytes of them, as they are read.", totals.bytes},
        {MCPZ_METRIC_GAUGE, "mcpz_blobs_missing",
         "Blobs that are to be here and are not, or not whole.", here},
        {MCPZ_METRIC_GAUGE, "mcpz_blob_copies_missing",
         "Copies that other nodes are to have and lack, of blobs that lie here until they do.",
         elsewhere},
#define X(name, help) COUNTED(MCPZ_METRIC_COUNTER, "blob_", "_total", name, help, counts)
        MCPZ_BLOB_COUNTS(X)
#undef X
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
}

static void write_sent(struct mcpz_body *body, const struct mcpz_engine *engine)
{
    const struct mcpz_metric messages = mcpz_metric_begin(
        body, MCPZ_METRIC_COUNTER, "mcpz_sent_messages_total", "Messages sent to peers, by kind.");
    for (uint32_t kind = 1; kind < MCPZ_MSG_KIND_END; kind++) {
        const uint64_t number = mcpz_engine_sent(engine, (enum mcpz_msg_kind)kind)->messages;
        if (number > 0) {
            mcpz_metric_labelled(&messages, "kind", mcpz_msg_name(kind), number);
        }
    }
    const struct mcpz_metric bytes =
        mcpz_metric_begin(body, MCPZ_METRIC_COUNTER, "mcpz_sent_bytes_total",
                          "Bytes of messages sent to peers, before compression, by kind.");
    for (uint32_t kind = 1; kind < MCPZ_MSG_KIND_END; kind++) {
        const uint64_t number = mcpz_engine_sent(engine, (enum mcpz_msg_kind)kind)->bytes;
        if (number > 0) {
            mcpz_metric_labelled(&bytes, "kind", mcpz_msg_name(kind), number);
        }
    }
}

/* ---- Work --------------------------------------------------------------------------------- */

static void write_outcomes(struct mcpz_body *body, const char *name, const char *help,
                           uint64_t done, uint64_t failed)
{
    const struct mcpz_metric metric = mcpz_metric_begin(body, MCPZ_METRIC_COUNTER, name, help);

    mcpz_metric_labelled(&metric, "outcome", "done", done);
    mcpz_metric_labelled(&metric, "outcome", "failed", failed);
}

static void write_calls(struct mcpz_body *body, const struct mcpz_calls *calls)
{
    const struct mcpz_caller *caller = &calls->caller;
    const struct mcpz_provider *provider = &calls->provider;
    const struct single singles[] = {
        {MCPZ_METRIC_GAUGE, "mcpz_calls_running", "Calls of this node under way.",
         caller->table.count},
        {MCPZ_METRIC_COUNTER, "mcpz_calls_retried_total", "Calls tried again elsewhere.",
         caller->retried},
        {MCPZ_METRIC_COUNTER, "mcpz_calls_moved_total",
         "Calls moved away from providers that hang.", caller->moved},
        {MCPZ_METRIC_COUNTER, "mcpz_calls_hedged_total", "Calls asked of a second provider.",
         caller->router.hedges},
        {MCPZ_METRIC_COUNTER, "mcpz_breakers_opened_total", "Circuit breakers opened.",
         caller->router.opened},
        {MCPZ_METRIC_COUNTER, "mcpz_providers_stalled_total", "Providers found to hang.",
         caller->router.stalls},
        {MCPZ_METRIC_COUNTER, "mcpz_providers_ejected_total",
         "Providers left alone because they err more than the others.", caller->router.ejected},
        {MCPZ_METRIC_GAUGE, "mcpz_runs_running", "Calls of others being done here.",
         mcpz_gate_running(&provider->gate)},
        {MCPZ_METRIC_GAUGE, "mcpz_runs_waiting", "Calls of others that wait at the gate.",
         provider->gate.waiting.count},
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
    write_outcomes(body, "mcpz_calls_total", "Calls that this node made and that have ended.",
                   caller->done, caller->failed);
    write_outcomes(body, "mcpz_runs_total", "Calls that were done here and have ended.",
                   provider->done, provider->failed);
    const struct mcpz_metric made =
        mcpz_metric_begin(body, MCPZ_METRIC_HISTOGRAM, "mcpz_call_duration_seconds",
                          "How long calls of this node took, all attempts together.");
    mcpz_metric_durations(&made, &caller->took);
    const struct mcpz_metric served =
        mcpz_metric_begin(body, MCPZ_METRIC_HISTOGRAM, "mcpz_run_duration_seconds",
                          "How long calls took here, waiting included.");
    mcpz_metric_durations(&served, &provider->took);
}

static void write_gate(struct mcpz_body *body, const struct mcpz_gate_counts *counts)
{
    const struct single singles[] = {
#define X(name, help) COUNTED(MCPZ_METRIC_COUNTER, "gate_", "_total", name, help, counts)
        MCPZ_GATE_COUNTS(X)
#undef X
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
}

static void write_tasks(struct mcpz_body *body, const struct mcpz_tasks *tasks)
{
    static const struct {
        const char *state;
        enum mcpz_task_list list;
    } states[] = {
        {"ready", MCPZ_TASK_LIST_READY}, {"later", MCPZ_TASK_LIST_LATER},
        {"lone", MCPZ_TASK_LIST_LONE},   {"ended", MCPZ_TASK_LIST_ENDED},
        {"dead", MCPZ_TASK_LIST_DEAD},
    };
    const struct mcpz_tasks_counts *counts = &tasks->counts;
    const struct single singles[] = {
        {MCPZ_METRIC_COUNTER, "mcpz_durable_accepted_total", "Durable tasks accepted.",
         counts->accepted},
        {MCPZ_METRIC_COUNTER, "mcpz_durable_refused_total", "Durable tasks refused.",
         counts->refused},
        {MCPZ_METRIC_COUNTER, "mcpz_durable_attempts_total", "Attempts at durable tasks.",
         counts->attempts},
        {MCPZ_METRIC_COUNTER, "mcpz_durable_done_total", "Durable tasks done.", counts->done},
        {MCPZ_METRIC_COUNTER, "mcpz_durable_died_total", "Durable tasks that became dead letters.",
         counts->died},
        {MCPZ_METRIC_COUNTER, "mcpz_durable_cancelled_total", "Durable tasks cancelled.",
         counts->cancelled},
        {MCPZ_METRIC_COUNTER, "mcpz_durable_taken_over_total",
         "Durable tasks taken over from nodes that were lost.", counts->taken_over},
    };
    const struct mcpz_metric metric = mcpz_metric_begin(
        body, MCPZ_METRIC_GAUGE, "mcpz_durable_tasks", "Durable tasks that lie here, by state.");

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(states); i++) {
        mcpz_metric_labelled(&metric, "state", states[i].state,
                             tasks->book.counts[states[i].list]);
    }
    mcpz_metric_labelled(&metric, "state", "running", tasks->running);
    mcpz_metric_labelled(&metric, "state", "copy", tasks->copies);
    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
}

/* ---- Counters ----------------------------------------------------------------------------- */

static void write_count(void *context, const struct mcpz_api_count *count)
{
    char name[METRIC_NAME_BYTES];
    char help[METRIC_NAME_BYTES * 2];

    (void)snprintf(name, sizeof(name), "mcpz_%s%s", count->name, count->sinks ? "" : "_total");
    (void)snprintf(help, sizeof(help), "%s.", count->help);
    const struct mcpz_metric metric = mcpz_metric_begin(
        context, count->sinks ? MCPZ_METRIC_GAUGE : MCPZ_METRIC_COUNTER, name, help);
    mcpz_metric_number(&metric, count->number);
}

static void write_counters(struct mcpz_body *body, const struct mcpz_counters *counters)
{
    const struct single singles[] = {
#define X(name, help) COUNTED(MCPZ_METRIC_COUNTER, "", "_total", name, help, counters)
        MCPZ_COUNTERS(X)
#undef X
    };

    write_singles(body, singles, MCPZ_ARRAY_LEN(singles));
}

void mcpz_api_get_metrics(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_node *node = mcpz_engine_node(engine);
    struct mcpz_body *body = &exchange->response.body;
    struct mcpz_api_measures measures = {0};

    (void)request;
    ports->measure(ports->context, &measures);
    write_info(body, engine);
    write_process(body, ports, &measures);
    write_store(body, &measures);
    write_mesh(body, exchange, engine);
    write_blobs(body, exchange->api);
    write_calls(body, &node->calls);
    write_gate(body, &node->calls.provider.gate.counts);
    write_tasks(body, &node->tasks);
    write_counters(body, mcpz_engine_counters(engine));
    ports->count(ports->context, write_count, body);
    write_sent(body, engine);
    mcpz_exchange_send(exchange, 200, MCPZ_METRICS_TYPE);
}
