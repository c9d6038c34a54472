#include "cli/stores.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "store/directory.h"

enum mcpz_exit mcpz_stores_hold(const struct mcpz_invocation *invocation, int *lock)
{
    char path[PATH_MAX];
    struct mcpz_lmdb_trouble trouble = {.text = ""};
    struct mcpz_trouble told;

    *lock = -1;
    (void)snprintf(path, sizeof(path), "%s/%s", invocation->data, MCPZ_DATA_STORE);
    if (access(path, F_OK) != 0) {
        mcpz_trouble_say(&told, "there is no store in %s: name the node's directory with --data",
                         invocation->data);
        return mcpz_fail(invocation, MCPZ_EXIT_NOT_FOUND, "not_found", told.text);
    }
    (void)snprintf(path, sizeof(path), "%s/store", invocation->data);
    mcpz_error error = mcpz_directory_open(path, lock, &trouble);
    if (error == MCPZ_OK) {
        return MCPZ_EXIT_OK;
    }
    *lock = -1;
    if (error == MCPZ_ECONFLICT) {
        return MCPZ_EXIT_OK;
    }
    return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", trouble.text);
}

void mcpz_stores_show_token(const struct mcpz_data_report *report)
{
    if (report->token_trouble[0] != '\0') {
        (void)fputs("mcpz: only the shapes of records were looked at, as the node key could not "
                    "be had: ",
                    stderr);
        mcpz_print_clean(stderr, report->token_trouble);
        (void)fputc('\n', stderr);
    }
}

/* Blobs that are not whole are no damage of the store: others may have them. */
static void show_partial(const struct mcpz_data_report *report)
{
    char name[MCPZ_ID_TEXT_BYTES];

    if (report->lacking > 0) {
        mcpz_id_to_text(&report->first_lacking, 'b', name);
        (void)printf("%" PRIu64 " %s not whole here, first %s: parts were damaged, or are still "
                     "to come from others; where nobody has them, put the file again\n",
                     report->lacking, report->lacking == 1 ? "blob is" : "blobs are", name);
    }
}

enum mcpz_exit mcpz_stores_show(const struct mcpz_invocation *invocation, const char *what,
                                const struct mcpz_data_report *report)
{
    const bool is_well = report->trouble[0] == '\0';
    char partial[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(&report->first_lacking, 'b', partial);
    if (invocation->json) {
        json_t *json = json_pack(
            "{s:b, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?}", "well", is_well,
            "trouble", is_well ? NULL : report->trouble, "pages", (json_int_t)report->store.pages,
            "records", (json_int_t)report->store.records, "documents",
            (json_int_t)report->documents, "deltas", (json_int_t)report->deltas, "bases",
            (json_int_t)report->bases, "blob_pages", (json_int_t)report->blobs.pages, "chunks",
            (json_int_t)report->chunks, "partial_blobs", (json_int_t)report->lacking,
            "partial_blob", report->lacking > 0 ? partial : NULL);
        if (json != NULL) {
            mcpz_print_json(json);
            json_decref(json);
        }
    } else if (is_well) {
        (void)printf("%s: well: %" PRIu64 " records in %" PRIu64 " pages, %" PRIu64
                     " documents (%" PRIu64 " writes, %" PRIu64 " checkpoints), %" PRIu64
                     " parts of blobs\n",
                     what, report->store.records, report->store.pages, report->documents,
                     report->deltas, report->bases, report->chunks);
        show_partial(report);
    }
    if (!is_well) {
        (void)fprintf(stderr, "mcpz: %s is damaged: %s\n", what, report->trouble);
    }
    return is_well ? MCPZ_EXIT_OK : MCPZ_EXIT_FAILED;
}
