/* mcpz store check, compact and repair. */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/ask.h"
#include "cli/key_settings.h"
#include "cli/show.h"
#include "cli/stores.h"
#include "cli/verb_tables.h"
#include "crypto/identity.h"
#include "embed/repair.h"
#include "store/compact.h"
#include "store/directory.h"

#define PATIENCE_MS 3600000 /* it reads all there is */

/* ---- check -------------------------------------------------------------------------------- */

static enum mcpz_exit check_here(const struct mcpz_invocation *invocation)
{
    static struct mcpz_key_settings settings; /* a configuration is large */
    struct mcpz_data_set set;
    struct mcpz_data_report report = {.trouble = ""};

    if (mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    }
    enum mcpz_exit status = mcpz_key_settings_read(invocation, &settings);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_error error = mcpz_data_set_open(&set, invocation->data, NULL);
    if (error != MCPZ_OK) {
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", set.trouble);
    } else {
        error = mcpz_data_check(&set, &settings.any, &report);
        mcpz_stores_show_token(&report);
        status = error == MCPZ_OK || report.trouble[0] != '\0'
                     ? mcpz_stores_show(invocation, invocation->data, &report)
                     : mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", mcpz_strerror(error));
    }
    mcpz_data_set_finish(&set);
    mcpz_key_settings_finish(&settings);
    return status;
}

static uint64_t number_of(const json_t *answer, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(answer, key));
}

static enum mcpz_exit ask_node(const struct mcpz_invocation *invocation)
{
    struct mcpz_data_report report = {.trouble = ""};
    json_t *answer;

    enum mcpz_exit status =
        mcpz_ask_patiently(invocation, "GET", "/v1/store/check", NULL, PATIENCE_MS, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const char *trouble = json_string_value(json_object_get(answer, "trouble"));
    (void)snprintf(report.trouble, sizeof(report.trouble), "%s", trouble != NULL ? trouble : "");
    report.store.pages = number_of(answer, "pages");
    report.store.records = number_of(answer, "records");
    report.documents = number_of(answer, "documents");
    report.deltas = number_of(answer, "deltas");
    report.bases = number_of(answer, "bases");
    report.blobs.pages = number_of(answer, "blob_pages");
    report.chunks = number_of(answer, "chunks");
    report.lacking = number_of(answer, "partial_blobs");
    const char *partial = json_string_value(json_object_get(answer, "partial_blob"));
    if (partial == NULL ||
        mcpz_id_from_text(mcpz_text(partial), 'b', &report.first_lacking) != MCPZ_OK) {
        report.lacking = 0;
    }
    json_decref(answer);
    return mcpz_stores_show(invocation, invocation->data, &report);
}

static enum mcpz_exit run_store_check(const struct mcpz_invocation *invocation)
{
    int lock;
    enum mcpz_exit status = mcpz_stores_hold(invocation, &lock);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (lock < 0) {
        return ask_node(invocation);
    }
    status = check_here(invocation);
    mcpz_directory_close(lock);
    return status;
}

/* ---- compact ------------------------------------------------------------------------------ */

/* What there is of DATA/NAME; a store of blobs may never have been made. */
static enum mcpz_exit compact_one(const struct mcpz_invocation *invocation, const char *name,
                                  struct mcpz_compacted *all)
{
    char path[PATH_MAX];
    struct mcpz_compacted compacted;
    struct mcpz_lmdb_trouble trouble;

    (void)snprintf(path, sizeof(path), "%s/%s", invocation->data, name);
    mcpz_error error = mcpz_store_compact(path, &compacted, &trouble);
    if (error == MCPZ_OK) {
        all->before += compacted.before;
        all->after += compacted.after;
        return MCPZ_EXIT_OK;
    }
    if (error == MCPZ_ENOTFOUND && strcmp(name, "store") != 0) {
        return MCPZ_EXIT_OK;
    }
    return mcpz_fail(invocation,
                     error == MCPZ_ECONFLICT   ? MCPZ_EXIT_CONFLICT
                     : error == MCPZ_ENOTFOUND ? MCPZ_EXIT_NOT_FOUND
                                               : MCPZ_EXIT_FAILED,
                     error == MCPZ_ECONFLICT   ? "conflict"
                     : error == MCPZ_ENOTFOUND ? "not_found"
                                               : "store_failed",
                     trouble.text);
}

static enum mcpz_exit run_store_compact(const struct mcpz_invocation *invocation)
{
    struct mcpz_compacted all = {0};
    enum mcpz_exit status = compact_one(invocation, "store", &all);

    if (status == MCPZ_EXIT_OK) {
        status = compact_one(invocation, "blobs/index", &all);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        json_t *json = json_pack("{s:I, s:I}", "before_bytes", (json_int_t)all.before,
                                 "after_bytes", (json_int_t)all.after);
        if (json != NULL) {
            mcpz_print_json(json);
            json_decref(json);
        }
    } else {
        (void)printf("%s: %" PRIu64 " bytes, were %" PRIu64 "\n", invocation->data, all.after,
                     all.before);
    }
    return MCPZ_EXIT_OK;
}

/* ---- repair ------------------------------------------------------------------------------- */

/* Is anything wrong that a repair would mend? */
static bool is_well(const struct mcpz_invocation *invocation, const struct mcpz_key_source *key)
{
    struct mcpz_data_set set;
    struct mcpz_data_report report = {.trouble = ""};
    mcpz_error error = mcpz_crypto_init();

    if (error != MCPZ_OK) {
        return false;
    }
    error = mcpz_data_set_open(&set, invocation->data, NULL);
    if (error == MCPZ_OK) {
        error = mcpz_data_check(&set, key, &report);
    }
    mcpz_data_set_finish(&set);
    return error == MCPZ_OK;
}

static enum mcpz_exit repair_here(const struct mcpz_invocation *invocation,
                                  const struct mcpz_key_settings *settings)
{
    struct mcpz_repair repair;
    struct mcpz_trouble trouble = {.text = ""};

    if (settings->error != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_CONFIG, "config", settings->trouble.text);
    }
    if (is_well(invocation, &settings->source.key)) {
        (void)printf("%s: well: nothing was done\n", invocation->data);
        return MCPZ_EXIT_OK;
    }
    mcpz_error error =
        mcpz_repair_store(invocation->data, &settings->source.key, true, &repair, &trouble);
    if (error != MCPZ_OK) {
        return mcpz_fail(invocation,
                         error == MCPZ_ECONFLICT ? MCPZ_EXIT_CONFLICT : MCPZ_EXIT_FAILED,
                         error == MCPZ_ECONFLICT ? "conflict" : "store_failed", trouble.text);
    }
    if (invocation->json) {
        json_t *json = json_pack("{s:s, s:I, s:I}", "place", repair.place, "damaged_pages",
                                 (json_int_t)repair.salvaged.damaged, "records",
                                 (json_int_t)repair.salvaged.records);
        if (json != NULL) {
            mcpz_print_json(json);
            json_decref(json);
        }
    } else {
        (void)printf("%s: the damaged store is in %s now; %" PRIu64 " records were saved, and "
                     "agents are when the node starts\n",
                     invocation->data, repair.place, repair.salvaged.records);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_store_repair(const struct mcpz_invocation *invocation)
{
    static struct mcpz_key_settings settings;
    int lock;

    enum mcpz_exit status = mcpz_stores_hold(invocation, &lock);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (lock < 0) {
        return mcpz_fail(invocation, MCPZ_EXIT_CONFLICT, "conflict",
                         "a node runs on it: its store is well enough to be used");
    }
    mcpz_directory_close(lock);
    status = mcpz_key_settings_read(invocation, &settings);
    if (status == MCPZ_EXIT_OK) {
        status = repair_here(invocation, &settings);
        mcpz_key_settings_finish(&settings);
    }
    return status;
}

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_store_check, "store check", "", 0, 0, "check all that this node keeps",
    "Every page, every record, every part of a blob, while the node runs or not, and that what\n"
    "old writes of agents were folded to is what was signed. Nothing is changed. Exit status 1\n"
    "if anything is wrong.\n"
    "\n"
    "Example:\n"
    "  mcpz store check --data /srv/mcpz\n",
    NULL, 0},
{
    run_store_compact, "store compact", "", 0, 0, "give back room that the store has free",
    "The node must not run: its store is written anew and takes the old one's place when it\n"
    "is whole. A node does so itself when it starts with store.compact: true.\n"
    "\n"
    "Example:\n"
    "  mcpz store compact --data /srv/mcpz\n",
    NULL, 0},
{
    run_store_repair, "store repair", "", 0, 0, "save what can be saved of a damaged store",
    "The node must not run. Its store is set aside and begun anew with what can still be read;\n"
    "when the node starts, it merges the agents' checkpoints and writes that were saved, and\n"
    "other nodes fill what is missing. A node does so itself when it starts and knows of other nodes; this is\n"
    "for one that is alone. What is well is left as it is.\n"
    "\n"
    "Example:\n"
    "  mcpz store repair --data /srv/mcpz && mcpz up --data /srv/mcpz\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_store_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
