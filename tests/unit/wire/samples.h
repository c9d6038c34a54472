/*
 * One message of each kind with its bytes spelled out, and the largest message of each kind.
 *
 * The bytes are a promise to other implementations: they change with the version of the protocol
 * or not at all.
 */

#ifndef SAMPLES_H
#define SAMPLES_H

#include <assert.h>

#include "base/attr.h"
#include "proto/cert.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "raw.h"

#define GOSSIP16 "gggggggggggggggg"
#define TASK16 "iiiiiiiiiiiiiiii"
#define S64 "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"

/* A revocation whose fields all differ. */
#define SAMPLE_REVOCATION                                                                         \
    {                                                                                             \
        {A32}, RAW("n"), {B32}, RAW("o"), 300, RAW("r"), RAW(S64)                                 \
    }

struct sample {
    struct mcpz_msg msg;
    struct mcpz_bytes bytes;
};

static const struct mcpz_bytes sample_roles[] = {RAW("w")};
static const struct mcpz_bytes sample_names[] = {RAW("x"), RAW("y")};
static const struct mcpz_cosignature sample_cosignatures[] = {{{A32}, {S64}}};
static const struct mcpz_version sample_versions[] = {{{{A32}, 1}, 1, {HEAD16}}};
static const struct mcpz_tip sample_tips[] = {{5, {HEAD16}}, {6, {PREV16}}};
static const struct mcpz_cut sample_cuts[] = {
    {{{A32}, 1}, 5, false, {{5, {HEAD16}}, {6, {PREV16}}}, 2},
};
static const struct mcpz_add sample_adds[] = {
    {MCPZ_ENTRY_REGISTER, RAW("\x91\xa1k"), RAW("\x07")},
};
static const struct mcpz_remove sample_removes[] = {
    {MCPZ_ENTRY_SET, RAW("\x91\xa1s"), {{{A32}, 1}, 1, 0}},
};
static const struct mcpz_revocation sample_revocations[] = {SAMPLE_REVOCATION};
static const struct mcpz_bytes sample_deltas[] = {RAW("xy")};
static const struct mcpz_digest sample_digests[] = {{{D32}, 9}};
static const struct mcpz_forget_row sample_forgets[] = {{{D32}, {B32}}};

static const struct mcpz_gossip_notice sample_notices[] = {
    {{GOSSIP16}, 3, 0},
    {{GOSSIP16}, 4, 4097},
};
static const struct mcpz_short sample_shorts[] = {{0x61616161}, {7}};
static const struct mcpz_summary_row sample_rows[] = {{UINT64_C(0x6161616161616161), 5, 3, true}};
static const struct mcpz_overlay_entry sample_entries[] = {{{D32}, 300, 9, RAW("h:1")}};

static const struct mcpz_task_attempt sample_history[] = {{1, {D32}, 4, RAW("no"), 9}};

#define SAMPLE_BODY                                                                               \
    {                                                                                             \
        RAW("c"), RAW("{}"), RAW("in"), RAW("t"), RAW("k"), RAW("p"), 50, 5, 1000, 300, true, 7,  \
            8, 1,                                                                                 \
        {                                                                                         \
            {                                                                                     \
                {TASK16}, {TASK16}, 2, 3, 1                                                       \
            }                                                                                     \
        }                                                                                         \
    }
#define SAMPLE_BODY_BYTES                                                                         \
    "\x9e\xa1"                                                                                    \
    "c\xc4\x02{}\xc4\x02in\xa1t\xa1k\xa1p\x32\x05\xcd\x03\xe8\xcd\x01\x2c\xc3\x07\x08"            \
    "\x91\x95\xc4\x10" TASK16 "\xc4\x10" TASK16 "\x02\x03\x01"
#define SAMPLE_STATE                                                                              \
    {                                                                                             \
        1, 2, {A32}, {B32}, 0, 1, 0, 1, {D32}, 3, 0, 0, RAW("no"), sample_history, 1, 4, 5        \
    }
static const struct mcpz_task_order sample_orders[] = {{{RAW("c"),
                                                         RAW("{}"),
                                                         RAW("in"),
                                                         RAW("t"),
                                                         RAW("k"),
                                                         RAW("p"),
                                                         50,
                                                         0,
                                                         0,
                                                         300,
                                                         true,
                                                         0,
                                                         0,
                                                         0,
                                                         {{{{0}}, {{0}}, 0, 0, 0}}},
                                                        9,
                                                        2}};
static const struct mcpz_task_taken sample_taken[] = {{7, 0, 2, {TASK16}, RAW("")},
                                                      {8, 9, 0, {TASK16}, RAW("no")}};
static const struct mcpz_task_new sample_new[] = {{{TASK16}, SAMPLE_BODY}};
static const struct mcpz_msg_task_mark sample_marks[] = {{{TASK16}, 1, 2}, {{TASK16}, 3, 4}};
#define SAMPLE_STATE_BYTES                                                                        \
    "\xdc\0\x10\x01\x02" ID_A ID_B "\0\x01\0\x01" ID_D "\x03\0\0\xa2no\x91\x95\x01" ID_D          \
    "\x04\xa2no"                                                                                  \
    "\x09\x04\x05"

static const struct mcpz_layout_stamp sample_stamps[] = {{1, 2}, {2, 1}};
static const struct mcpz_layout_tracker sample_trackers[] = {{{A32}, {2, 1}, {1, 2}, {0, 0}}};

static const struct mcpz_check_row sample_checks[] = {{{D32}, RAW("aaaaaaaa\0\0\0\x01\x01")}};
static const struct mcpz_pulled_row sample_pulled[] = {{{D32}, NULL, 0, NULL, 0}};

static const struct sample samples[] = {
    {{.kind = MCPZ_MSG_HELLO, .hello = {1, 2, {A32}, RAW("cert"), true}},
     RAW("\x96\x01\x01\x02" ID_A "\xc4\x04"
         "cert\xc3")},
    {{.kind = MCPZ_MSG_JOIN, .join = {RAW("tttttttttttttttt"), RAW(B32)}},
     RAW("\x93\x02\xc4\x10tttttttttttttttt" ID_B)},
    {{.kind = MCPZ_MSG_ADMIT, .admit = {RAW("cert")}},
     RAW("\x92\x03\xc4\x04"
         "cert")},
    {{.kind = MCPZ_MSG_REFUSE, .refuse = {18, RAW("no"), sample_revocations, 1}},
     RAW("\x94\x04\x12\xa2no\x91\x97" ID_A "\xa1n" ID_B "\xa1o\xcd\x01\x2c\xa1r\xc4\x40" S64)},
    {{.kind = MCPZ_MSG_RENEW}, RAW("\x91\x05")},
    {{.kind = MCPZ_MSG_PING, .ping = {0x0102, 7, 0x10000, 4000, UINT32_MAX, true}},
     RAW("\x97\x06\xcd\x01\x02\x07\xce\0\x01\0\0\xcd\x0f\xa0\xce\xff\xff\xff\xff\xc3")},
    {{.kind = MCPZ_MSG_MEMBER,
      .member =
          {{A32}, 5, 4, RAW("n"), RAW("h:1"), RAW("r"), RAW("z"), sample_roles, 1, RAW(S64)}},
     RAW("\x9a\x08" ID_A "\x05\x04\xa1n\xa3h:1\xa1r\xa1z\x91\xa1w\xc4\x40" S64)},
    {{.kind = MCPZ_MSG_CAPABILITIES,
      .capabilities = {{A32}, 5, 3, sample_names, 2, RAW("\x03\x02")}},
     RAW("\x96\x09" ID_A "\x05\x03\x92\xa1x\xa1y\xc4\x02\x03\x02")},
    {{.kind = MCPZ_MSG_OPEN,
      .open = {UINT64_C(1) << 32, RAW("c"), 1000, 1, 50, RAW("t"), RAW("p"), RAW("{}"), false,
               RAW("k"), true, true, RAW(A32), 3, 2, 5}},
     RAW("\xdc\0\x11\x0a\xcf\0\0\0\x01\0\0\0\0\xa1"
         "c\xcd\x03\xe8\x01\x32\xa1t\xa1p\xc4\x02{}\xc2\xa1k\xc3\xc3\xc4\x20" A32 "\x03\x02\x05")},
    {{.kind = MCPZ_MSG_DATA, .data = {7, true, RAW("x")}}, RAW("\x94\x0b\x07\xc3\xc4\x01x")},
    {{.kind = MCPZ_MSG_END, .end = {7, false, RAW("end"), 3, 900, 5, true}},
     RAW("\x98\x0c\x07\xc2\xc4\x03"
         "end\x03\xcd\x03\x84\x05\xc3")},
    {{.kind = MCPZ_MSG_FAIL, .fail = {7, 2, RAW("no"), 1500, 0, 0, 1}},
     RAW("\x98\x0d\x07\x02\xa2no\xcd\x05\xdc\0\0\x01")},
    {{.kind = MCPZ_MSG_CANCEL, .cancel = {7}}, RAW("\x92\x0e\x07")},
    {{.kind = MCPZ_MSG_CREDIT, .credit = {7, false, 0x40000}},
     RAW("\x94\x0f\x07\xc2\xce\0\x04\0\0")},
    {{.kind = MCPZ_MSG_DELTA,
      .delta = {{{D32},
                 {{B32}, 1},
                 2,
                 {PREV16},
                 0x100,
                 sample_versions,
                 1,
                 sample_adds,
                 1,
                 sample_removes,
                 1,
                 {{{0}}, 0, 0}}}},
     RAW("\x99\x10" ID_D "\x92" ID_B "\x01\x02" HEAD_P "\xcd\x01\0"
         "\x91\x93\x92" ID_A "\x01\x01" HEAD_H "\x91\x93\x01\xc4\x03\x91\xa1k\xc4\x01\x07"
         "\x91\x93\x02\xc4\x03\x91\xa1s\x93\x92" ID_A "\x01\x01\0")},
    {{.kind = MCPZ_MSG_WANT, .want = {{D32}, sample_versions, 1, sample_cuts, 1}},
     RAW("\x94\x12" ID_D "\x91\x93\x92" ID_A "\x01\x01" HEAD_H "\x91\x94\x92" ID_A
         "\x01\x05\xc2\x92\x92\x05" HEAD_H "\x92\x06" HEAD_P)},
    {{.kind = MCPZ_MSG_OVERLAY_JOIN, .overlay_join = {7, 9, RAW("h:1")}},
     RAW("\x94\x13\x07\x09\xa3h:1")},
    {{.kind = MCPZ_MSG_OVERLAY_FORWARD, .overlay_forward = {{A32}, 6, 9, RAW("h:1")}},
     RAW("\x95\x14" ID_A "\x06\x09\xa3h:1")},
    {{.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR, .overlay_neighbour = {7, true, 9, RAW("h:1")}},
     RAW("\x95\x15\x07\xc3\x09\xa3h:1")},
    {{.kind = MCPZ_MSG_OVERLAY_ANSWER, .overlay_answer = {7, false, 9, RAW("h:1")}},
     RAW("\x95\x16\x07\xc2\x09\xa3h:1")},
    {{.kind = MCPZ_MSG_OVERLAY_DISCONNECT, .overlay_disconnect = {true}}, RAW("\x92\x17\xc3")},
    {{.kind = MCPZ_MSG_OVERLAY_SHUFFLE,
      .overlay_shuffle = {{A32}, 7, 6, sample_entries, 1, sample_shorts, 2}},
     RAW("\x96\x18" ID_A "\x07\x06\x91\x94" ID_D "\xcd\x01\x2c\x09\xa3h:1\x92\xce"
         "aaaa\x07")},
    {{.kind = MCPZ_MSG_OVERLAY_SHUFFLED,
      .overlay_shuffled = {7, sample_entries, 1, sample_shorts, 2}},
     RAW("\x94\x19\x07\x91\x94" ID_D "\xcd\x01\x2c\x09\xa3h:1\x92\xce"
         "aaaa\x07")},
    {{.kind = MCPZ_MSG_GOSSIP, .gossip = {{GOSSIP16}, 3, RAW("x"), true, false}},
     RAW("\x96\x1a\xc4\x10" GOSSIP16 "\x03\xc4\x01x\xc3\xc2")},
    {{.kind = MCPZ_MSG_IHAVE, .ihave = {sample_notices, 2}},
     RAW("\x92\x1b\x92\x93\xc4\x10" GOSSIP16 "\x03\x00\x93\xc4\x10" GOSSIP16 "\x04\xcd\x10\x01")},
    {{.kind = MCPZ_MSG_GRAFT, .graft = {true, {GOSSIP16}, true}},
     RAW("\x94\x1c\xc3\xc4\x10" GOSSIP16 "\xc3")},
    {{.kind = MCPZ_MSG_PRUNE}, RAW("\x91\x1d")},
    {{.kind = MCPZ_MSG_SUSPECT, .suspect = {{A32}, 5, {B32}, MCPZ_SUSPICION_REFUSED}},
     RAW("\x95\x1e" ID_A "\x05" ID_B "\x04")},
    {{.kind = MCPZ_MSG_DEAD, .dead = {{A32}, 5, {B32}}}, RAW("\x94\x1f" ID_A "\x05" ID_B)},
    {{.kind = MCPZ_MSG_ADJACENCY, .adjacency = {{A32}, 5, 3, sample_shorts, 2}},
     RAW("\x95\x20" ID_A "\x05\x03\x92\xce"
         "aaaa\x07")},
    {{.kind = MCPZ_MSG_SUMMARY, .summary = {MCPZ_SUMMARY_CAPABILITIES, true, sample_rows, 1}},
     RAW("\x94\x21\x02\xc3\x91\x94\xcf"
         "aaaaaaaa\x05\x03\xc3")},
    {{.kind = MCPZ_MSG_PROBE, .probe = {MCPZ_PROBE_NACK, 7, 1, sample_shorts, 2}},
     RAW("\x95\x22\x03\x07\x01\x92\xce"
         "aaaa\x07")},
    {{.kind = MCPZ_MSG_OVERLAY_OPTIMISE,
      .overlay_optimise = {7, 9, RAW("h:1"), 300, {A32}, 8, RAW("h:2")}},
     RAW("\x98\x23\x07\x09\xa3h:1\xcd\x01\x2c" ID_A "\x08\xa3h:2")},
    {{.kind = MCPZ_MSG_OVERLAY_REPLACE, .overlay_replace = {7, {B32}, 300, {A32}, 8, RAW("h:2")}},
     RAW("\x97\x24\x07" ID_B "\xcd\x01\x2c" ID_A "\x08\xa3h:2")},
    {{.kind = MCPZ_MSG_OVERLAY_SWITCH, .overlay_switch = {7, 9, RAW("h:1"), {B32}}},
     RAW("\x95\x25\x07\x09\xa3h:1" ID_B)},
    {{.kind = MCPZ_MSG_OVERLAY_SWITCHED, .overlay_switched = {7, true}}, RAW("\x93\x26\x07\xc3")},
    {{.kind = MCPZ_MSG_RELAY, .relay = {MCPZ_RELAY_BROKEN, 7, 1, sample_shorts, 2, 2, RAW("x")}},
     RAW("\x97\x27\x04\x07\x01\x92\xce"
         "aaaa\x07\x02\xc4\x01x")},
    {{.kind = MCPZ_MSG_RELAY_TAKEN, .relay_taken = {0x10000}}, RAW("\x92\x28\xce\0\x01\0\0")},
    {{.kind = MCPZ_MSG_LOAD_ASK, .load_ask = {RAW("x")}}, RAW("\x92\x2d\xa1x")},
    {{.kind = MCPZ_MSG_LOAD, .load = {RAW("x"), 3, 900, 7}},
     RAW("\x95\x2e\xa1x\x03\xcd\x03\x84\x07")},
    {{.kind = MCPZ_MSG_TASK_KEEP, .task_keep = {{TASK16}, SAMPLE_BODY, SAMPLE_STATE}},
     RAW("\x94\x32\xc4\x10" TASK16 SAMPLE_BODY_BYTES SAMPLE_STATE_BYTES)},
    {{.kind = MCPZ_MSG_TASK_MOVED, .task_moved = {{TASK16}, SAMPLE_STATE, RAW("ok")}},
     RAW("\x94\x33\xc4\x10" TASK16 SAMPLE_STATE_BYTES "\xc4\x02ok")},
    {{.kind = MCPZ_MSG_TASK_KEPT, .task_mark = {{TASK16}, 1, 2}},
     RAW("\x94\x34\xc4\x10" TASK16 "\x01\x02")},
    {{.kind = MCPZ_MSG_TASK_LACK, .task_mark = {{TASK16}, 1, 2}},
     RAW("\x94\x35\xc4\x10" TASK16 "\x01\x02")},
    {{.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {{TASK16}, 3, {A32}}},
     RAW("\x94\x36\xc4\x10" TASK16 "\x03" ID_A)},
    {{.kind = MCPZ_MSG_TASK_DROP, .task_mark = {{TASK16}, 1, 2}},
     RAW("\x94\x37\xc4\x10" TASK16 "\x01\x02")},
    {{.kind = MCPZ_MSG_TASK_UNABLE, .task_mark = {{TASK16}, 1, 2}},
     RAW("\x94\x38\xc4\x10" TASK16 "\x01\x02")},
    {{.kind = MCPZ_MSG_TASK_CHECK, .task_mark = {{TASK16}, 1, 2}},
     RAW("\x94\x39\xc4\x10" TASK16 "\x01\x02")},
    {{.kind = MCPZ_MSG_TASK_STANDS, .task_mark = {{TASK16}, 1, 2}},
     RAW("\x94\x3a\xc4\x10" TASK16 "\x01\x02")},
    {{.kind = MCPZ_MSG_TASK_RENEW, .task_renew = {7}}, RAW("\x92\x3b\x07")},
    {{.kind = MCPZ_MSG_TASK_SUBMIT, .task_submit = {7, sample_orders, 1}},
     RAW("\x93\x40\x07\x91\x9d\xa1"
         "c\xc4\x02{}\xc4\x02in\xa1t\xa1k\xa1p\x32\0\0\xcd\x01\x2c\xc3\x09\x02")},
    {{.kind = MCPZ_MSG_TASK_TAKEN, .task_taken = {sample_taken, 2}},
     RAW("\x92\x41\x92\x95\x07\0\x02\xc4\x10" TASK16 "\xa0\x95\x08\x09\0\xc4\x10" TASK16
         "\xa2no")},
    {{.kind = MCPZ_MSG_TASK_KEEP_NEW, .task_keep_new = {sample_new, 1}},
     RAW("\x92\x42\x91\x92\xc4\x10" TASK16 SAMPLE_BODY_BYTES)},
    {{.kind = MCPZ_MSG_TASK_KEPT_ALL, .task_kept_all = {sample_marks, 2}},
     RAW("\x92\x43\x92\x93\xc4\x10" TASK16 "\x01\x02\x93\xc4\x10" TASK16 "\x03\x04")},
    {{.kind = MCPZ_MSG_BRANCHES, .branches = {{D32}, {{A32}, 1}, true, 5, 6, sample_tips, 2}},
     RAW("\x97\x44" ID_D "\x92" ID_A "\x01\xc3\x05\x06\x92\x92\x05" HEAD_H "\x92\x06" HEAD_P)},
    {{.kind = MCPZ_MSG_FETCH, .fetch = {{D32}, {{A32}, 1}, sample_tips, 2, 7}},
     RAW("\x95\x45" ID_D "\x92" ID_A "\x01\x92\x92\x05" HEAD_H "\x92\x06" HEAD_P "\x07")},
    {{.kind = MCPZ_MSG_BATCH,
      .batch = {{{{{A32}, 1}, 2, RAW(S64)}, 1, RAW(B32)}, sample_deltas, 1}},
     RAW("\x95\x46\x93\x92" ID_A "\x01\x02\xc4\x40" S64 "\x01" ID_B "\x91\xc4\x02xy")},
    {{.kind = MCPZ_MSG_AUTHOR, .author = {{A32}, RAW("cert")}},
     RAW("\x93\x47" ID_A "\xc4\x04"
         "cert")},
    {{.kind = MCPZ_MSG_FOLD, .fold = {{D32}, {A32}, {B32}, 3}},
     RAW("\x95\x48" ID_D ID_A ID_B "\x03")},
    {{.kind = MCPZ_MSG_FOLDED, .folded = {{D32}, {A32}, MCPZ_FOLD_SAME, RAW(S64)}},
     RAW("\x95\x49" ID_D ID_A "\x01\xc4\x40" S64)},
    {{.kind = MCPZ_MSG_AGREED,
      .agreed =
          {{D32},
           {RAW("t"), 9, sample_versions, 1, {B32}, 2, sample_cosignatures, 1, sample_cuts, 1},
           300}},
     RAW("\x94\x4a" ID_D "\x97\xa1t\x09\x91\x93\x92" ID_A "\x01\x01" HEAD_H ID_B
         "\x02\x91\x92" ID_A "\xc4\x40" S64 "\x91\x94\x92" ID_A "\x01\x05\xc2\x92\x92\x05" HEAD_H
         "\x92\x06" HEAD_P "\xcd\x01\x2c")},
    {{.kind = MCPZ_MSG_BASE, .base = {{D32}, {B32}, 1, true, RAW("x")}},
     RAW("\x96\x4b" ID_D ID_B "\x01\xc3\xc4\x01x")},
    {{.kind = MCPZ_MSG_LAYOUT, .layout = {RAW("x")}}, RAW("\x92\x4c\xc4\x01x")},
    {{.kind = MCPZ_MSG_LAYOUT_STATE,
      .layout_state = {true, 0x100, sample_stamps, 2, sample_trackers, 1}},
     RAW("\x95\x4d\xc3\xcd\x01\0\x92\x92\x01\x02\x92\x02\x01\x91\x94" ID_A
         "\x92\x02\x01\x92\x01\x02\x92\0\0")},
    {{.kind = MCPZ_MSG_ACK_ASK, .ack_ask = {{D32}, {{A32}, 1}, 7, {2, 1}}},
     RAW("\x95\x4e" ID_D "\x92" ID_A "\x01\x07\x92\x02\x01")},
    {{.kind = MCPZ_MSG_ACK, .ack = {{D32}, {{A32}, 1}, 7}},
     RAW("\x94\x4f" ID_D "\x92" ID_A "\x01\x07")},
    {{.kind = MCPZ_MSG_PULL, .pull = {{2, 1}, {A32}, 2}}, RAW("\x94\x50\x92\x02\x01" ID_A "\x02")},
    {{.kind = MCPZ_MSG_PULLED, .pulled = {{2, 1}, {A32}, {B32}, sample_pulled, 1}},
     RAW("\x95\x51\x92\x02\x01" ID_A ID_B "\x91\x93" ID_D "\x90\x90")},
    {{.kind = MCPZ_MSG_HANDOVER, .handover = {{D32}, 9, NULL, 0, NULL, 0}},
     RAW("\x95\x52" ID_D "\x09\x90\x90")},
    {{.kind = MCPZ_MSG_HANDED, .handed = {{D32}, 9}}, RAW("\x93\x53" ID_D "\x09")},
    {{.kind = MCPZ_MSG_READ, .read = {7, {D32}}}, RAW("\x93\x54\x07" ID_D)},
    {{.kind = MCPZ_MSG_READING, .reading = {7, {D32}, NULL, 0, NULL, 0}},
     RAW("\x95\x55\x07" ID_D "\x90\x90")},
    {{.kind = MCPZ_MSG_ROOT, .root = {1, 2, 3, 4, 5, 6, 7, 8, true}},
     RAW("\x9a\x56\x01\x02\x03\x04\x05\x06\x07\x08\xc3")},
    {{.kind = MCPZ_MSG_CHANGES_ASK, .changes_ask = {5, 300}}, RAW("\x93\x57\x05\xcd\x01\x2c")},
    {{.kind = MCPZ_MSG_CHANGES, .changes = {5, 300, 301, true, sample_digests, 1}},
     RAW("\x96\x58\x05\xcd\x01\x2c\xcd\x01\x2d\xc3\x91\x92" ID_D "\x09")},
    {{.kind = MCPZ_MSG_OFFER, .offer = {7, false, sample_digests, 1}},
     RAW("\x94\x59\x07\xc2\x91\x92" ID_D "\x09")},
    {{.kind = MCPZ_MSG_SKETCH_ASK,
      .sketch_ask = {7, MCPZ_SKETCH_FOUND, 1, 2, 3, 4, 5, RAW("12345678")}},
     RAW("\x99\x5a\x07\x03\x01\x02\x03\x04\x05\xc4\x08"
         "12345678")},
    {{.kind = MCPZ_MSG_SKETCH, .sketch = {7, true, 1, 3, 4, 5, RAW("x")}},
     RAW("\x98\x5b\x07\xc3\x01\x03\x04\x05\xc4\x01x")},
    {{.kind = MCPZ_MSG_HORIZON, .horizon = {300, 301, true, 9}},
     RAW("\x95\x6f\xcd\x01\x2c\xcd\x01\x2d\xc3\x09")},
    {{.kind = MCPZ_MSG_CHECK, .check = {7, 2, sample_checks, 1}},
     RAW("\x94\x70\x07\x02\x91\x92" ID_D "\xc4\x0d"
         "aaaaaaaa\0\0\0\x01\x01")},
    {{.kind = MCPZ_MSG_UNKNOWN, .unknown = {7, 5, 300}}, RAW("\x94\x71\x07\x05\xcd\x01\x2c")},
    {{.kind = MCPZ_MSG_FORGET, .forget = {7, 300, true, sample_forgets, 1}},
     RAW("\x95\x73\x07\xcd\x01\x2c\xc3\x91\x92" ID_D ID_B)},
    {{.kind = MCPZ_MSG_FORGET_ANSWER, .forget_answer = {7, 5}}, RAW("\x93\x74\x07\x05")},
    {{.kind = MCPZ_MSG_REVOKED, .revoked = {300, true, sample_revocations, 1}},
     RAW("\x94\x75\xcd\x01\x2c\xc3\x91\x97" ID_A "\xa1n" ID_B
         "\xa1o\xcd\x01\x2c\xa1r\xc4\x40" S64)},
};

/* The sample of a kind: numbers that were given up leave no gap above. */
static inline const struct sample *sample_of(enum mcpz_msg_kind kind)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(samples); i++) {
        if (samples[i].msg.kind == kind) {
            return &samples[i];
        }
    }
    assert(false);
    return NULL;
}

/* ---- The largest -------------------------------------------------------------------------- */

#define FULL(length)                                                                              \
    {                                                                                             \
        zeros, (length)                                                                           \
    }

static const struct mcpz_id last_id = {.bytes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* [text of 396 bytes], and a bin of 1021 bytes. */
static const uint8_t full_path[MCPZ_PATH_BYTES_MAX] = {0x91, 0xda, 0x01, 0x8c};
static const uint8_t full_value[MCPZ_VALUE_BYTES_MAX] = {0xc5, 0x03, 0xfd};

static struct mcpz_bytes full_roles[MCPZ_ROLES_MAX];
static struct mcpz_bytes full_names[MCPZ_CAPABILITIES_PER_NODE_MAX];
static struct mcpz_version full_versions[MCPZ_ACTORS_MAX];
static struct mcpz_cosignature full_cosignatures[MCPZ_COSIGNATURES_MAX];
static struct mcpz_cut full_cuts[MCPZ_ACTORS_MAX];
static struct mcpz_tip full_tips[MCPZ_BRANCH_IDS_MAX];
static struct mcpz_add full_adds[MCPZ_DELTA_ADDS_MAX];
static struct mcpz_remove full_removes[MCPZ_DELTA_REMOVES_MAX];
static const struct mcpz_bytes full_delta = FULL(MCPZ_DELTA_BYTES_MAX);
static struct mcpz_digest full_digests[MCPZ_DIGESTS_PER_MESSAGE_MAX];
static struct mcpz_forget_row full_forgets[MCPZ_FORGET_ROWS_MAX];
static struct mcpz_revocation full_revocations[MCPZ_REVOCATIONS_PER_MESSAGE_MAX];
static struct mcpz_gossip_notice full_notices[MCPZ_PLUMTREE_IHAVE_MAX];

static struct mcpz_short full_shorts[MCPZ_OVERLAY_WALK_MAX];
static struct mcpz_summary_row full_rows[MCPZ_MEMBERS_MAX];
static struct mcpz_overlay_entry full_entries[MCPZ_OVERLAY_SHUFFLE_MAX];

static struct mcpz_task_attempt full_history[MCPZ_TASK_HISTORY_MAX];

/* Orders fill a message by all they bring together. */
#define FULL_ORDER_PARAMS                                                                         \
    (MCPZ_TASK_ORDERS_BYTES_MAX / MCPZ_TASK_ORDERS_MAX - MCPZ_TASK_ORDER_BYTES -                  \
     MCPZ_CAPABILITY_BYTES_MAX)
static struct mcpz_task_order full_orders[MCPZ_TASK_ORDERS_MAX];
static struct mcpz_task_taken full_taken[MCPZ_TASK_ORDERS_MAX];
static struct mcpz_task_new full_new[MCPZ_TASK_ORDERS_MAX];
static struct mcpz_msg_task_mark full_marks[MCPZ_TASK_ORDERS_MAX];
static struct mcpz_layout_stamp full_stamps[MCPZ_LAYOUTS_LIVE_MAX];
static struct mcpz_layout_tracker full_trackers[MCPZ_TRACKERS_PER_MESSAGE_MAX];
static struct mcpz_check_row full_checks[MCPZ_CHECK_MAX];
static struct mcpz_pulled_row full_pulled[MCPZ_PULLED_MAX];

#define FULL_BODY                                                                                 \
    {                                                                                             \
        FULL(MCPZ_CAPABILITY_BYTES_MAX), FULL(MCPZ_TASK_BYTES_MAX), FULL(0),                      \
            FULL(MCPZ_TENANT_BYTES_MAX), FULL(MCPZ_IDEMPOTENCY_KEY_BYTES_MAX),                    \
            FULL(MCPZ_TRACEPARENT_BYTES_MAX), MCPZ_PRIORITY_MAX, MCPZ_TASK_ATTEMPTS_MAX,          \
            MCPZ_TASK_BACKOFF_MS_MAX, MCPZ_CALL_TIMEOUT_MS_MAX, true, UINT64_MAX, UINT64_MAX, 1,  \
        {                                                                                         \
            {                                                                                     \
                {TASK16}, {TASK16}, MCPZ_SUBTASK_LEVELS_MAX, MCPZ_SUBTASKS_MAX,                   \
                    MCPZ_TASK_FEED_END - 1                                                        \
            }                                                                                     \
        }                                                                                         \
    }
#define FULL_STATE                                                                                \
    {                                                                                             \
        UINT64_MAX, UINT64_MAX, {A32}, {B32}, UINT64_MAX, MCPZ_TASK_SPLIT, UINT64_MAX,            \
            UINT32_MAX, {D32}, UINT64_MAX, UINT64_MAX, UINT32_MAX,                                \
            FULL(MCPZ_TASK_TEXT_BYTES_MAX), full_history, MCPZ_TASK_HISTORY_MAX, UINT32_MAX,      \
            UINT32_MAX                                                                            \
    }

static const struct mcpz_msg largest[] = {
    {.kind = MCPZ_MSG_HELLO,
     .hello = {UINT32_MAX, UINT32_MAX, {A32}, FULL(MCPZ_CERTIFICATE_BYTES_MAX), true}},
    {.kind = MCPZ_MSG_JOIN, .join = {FULL(MCPZ_TOKEN_ID_BYTES), FULL(MCPZ_PROOF_BYTES)}},
    {.kind = MCPZ_MSG_ADMIT, .admit = {FULL(MCPZ_CERTIFICATE_BYTES_MAX)}},
    {.kind = MCPZ_MSG_REFUSE,
     .refuse = {UINT32_MAX, FULL(MCPZ_MESSAGE_BYTES_MAX), full_revocations, 1}},
    {.kind = MCPZ_MSG_RENEW},
    {.kind = MCPZ_MSG_PING,
     .ping = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, true}},
    {.kind = MCPZ_MSG_MEMBER,
     .member = {{A32},
                UINT64_MAX,
                MCPZ_MEMBER_LEFT,
                FULL(MCPZ_NAME_BYTES_MAX),
                FULL(MCPZ_ADDRESS_BYTES_MAX),
                FULL(MCPZ_NAME_BYTES_MAX),
                FULL(MCPZ_NAME_BYTES_MAX),
                full_roles,
                MCPZ_ROLES_MAX,
                FULL(MCPZ_SIGNATURE_BYTES)}},
    {.kind = MCPZ_MSG_CAPABILITIES,
     .capabilities = {{A32},
                      UINT64_MAX,
                      UINT32_MAX,
                      full_names,
                      MCPZ_CAPABILITIES_PER_NODE_MAX,
                      FULL(MCPZ_CAPABILITIES_PER_NODE_MAX)}},
    {.kind = MCPZ_MSG_OPEN,
     .open = {UINT64_MAX, FULL(MCPZ_CAPABILITY_BYTES_MAX), UINT32_MAX, UINT32_MAX, 100,
              FULL(MCPZ_TENANT_BYTES_MAX), FULL(MCPZ_TRACEPARENT_BYTES_MAX),
              FULL(MCPZ_PARAMS_BYTES_MAX), true, FULL(MCPZ_IDEMPOTENCY_KEY_BYTES_MAX), true, true,
              FULL(MCPZ_ID_BYTES), UINT32_MAX, UINT32_MAX, MCPZ_SUBTASK_LEVELS_MAX}},
    {.kind = MCPZ_MSG_DATA, .data = {UINT64_MAX, true, FULL(MCPZ_CHUNK_BYTES_MAX)}},
    {.kind = MCPZ_MSG_END,
     .end = {UINT64_MAX, true, FULL(MCPZ_CHUNK_BYTES_MAX), UINT32_MAX, UINT32_MAX,
             MCPZ_SHED_CLASSES - 1, true}},
    {.kind = MCPZ_MSG_FAIL,
     .fail = {UINT64_MAX, UINT32_MAX, FULL(MCPZ_MESSAGE_BYTES_MAX), UINT32_MAX, UINT32_MAX,
              UINT32_MAX, MCPZ_SHED_CLASSES - 1}},
    {.kind = MCPZ_MSG_CANCEL, .cancel = {UINT64_MAX}},
    {.kind = MCPZ_MSG_CREDIT, .credit = {UINT64_MAX, true, UINT32_MAX}},
    {.kind = MCPZ_MSG_DELTA,
     .delta = {{{D32},
                {{A32}, UINT32_MAX},
                UINT64_MAX,
                {PREV16},
                UINT64_MAX,
                full_versions,
                MCPZ_ACTORS_MAX,
                full_adds,
                MCPZ_DELTA_ADDS_MAX,
                full_removes,
                MCPZ_DELTA_REMOVES_MAX,
                {{{0}}, 0, 0}}}},
    {.kind = MCPZ_MSG_WANT,
     .want = {{D32}, full_versions, MCPZ_ACTORS_MAX, full_cuts, MCPZ_ACTORS_MAX}},
    {.kind = MCPZ_MSG_OVERLAY_JOIN,
     .overlay_join = {UINT32_MAX, UINT32_MAX, FULL(MCPZ_ADDRESS_BYTES_MAX)}},
    {.kind = MCPZ_MSG_OVERLAY_FORWARD,
     .overlay_forward = {{A32}, MCPZ_OVERLAY_WALK_MAX, UINT32_MAX, FULL(MCPZ_ADDRESS_BYTES_MAX)}},
    {.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
     .overlay_neighbour = {UINT32_MAX, true, UINT32_MAX, FULL(MCPZ_ADDRESS_BYTES_MAX)}},
    {.kind = MCPZ_MSG_OVERLAY_ANSWER,
     .overlay_answer = {UINT32_MAX, true, UINT32_MAX, FULL(MCPZ_ADDRESS_BYTES_MAX)}},
    {.kind = MCPZ_MSG_OVERLAY_DISCONNECT, .overlay_disconnect = {true}},
    {.kind = MCPZ_MSG_OVERLAY_SHUFFLE,
     .overlay_shuffle = {{A32},
                         UINT32_MAX,
                         MCPZ_OVERLAY_WALK_MAX,
                         full_entries,
                         MCPZ_OVERLAY_SHUFFLE_MAX,
                         full_shorts,
                         MCPZ_OVERLAY_WALK_MAX}},
    {.kind = MCPZ_MSG_OVERLAY_SHUFFLED,
     .overlay_shuffled = {UINT32_MAX, full_entries, MCPZ_OVERLAY_SHUFFLE_MAX, full_shorts,
                          MCPZ_OVERLAY_WALK_MAX}},
    {.kind = MCPZ_MSG_GOSSIP,
     .gossip = {{GOSSIP16}, UINT32_MAX, FULL(MCPZ_PLUMTREE_LARGE_BYTES_MAX), false, true}},
    {.kind = MCPZ_MSG_IHAVE, .ihave = {full_notices, MCPZ_PLUMTREE_IHAVE_MAX}},
    {.kind = MCPZ_MSG_GRAFT, .graft = {true, {GOSSIP16}, true}},
    {.kind = MCPZ_MSG_PRUNE},
    {.kind = MCPZ_MSG_SUSPECT, .suspect = {{A32}, UINT64_MAX, {B32}, MCPZ_SUSPICION_END - 1}},
    {.kind = MCPZ_MSG_DEAD, .dead = {{A32}, UINT64_MAX, {B32}}},
    {.kind = MCPZ_MSG_ADJACENCY,
     .adjacency = {{A32}, UINT64_MAX, UINT32_MAX, full_shorts, MCPZ_ADJACENCY_MAX}},
    {.kind = MCPZ_MSG_SUMMARY,
     .summary = {MCPZ_SUMMARY_CAPABILITIES, true, full_rows, MCPZ_MEMBERS_MAX}},
    {.kind = MCPZ_MSG_PROBE,
     .probe = {MCPZ_PROBE_NACK, UINT32_MAX, MCPZ_OVERLAY_WALK_MAX - 1, full_shorts,
               MCPZ_OVERLAY_WALK_MAX}},
    {.kind = MCPZ_MSG_OVERLAY_OPTIMISE,
     .overlay_optimise = {UINT32_MAX,
                          UINT32_MAX,
                          FULL(MCPZ_ADDRESS_BYTES_MAX),
                          UINT32_MAX,
                          {A32},
                          UINT32_MAX,
                          FULL(MCPZ_ADDRESS_BYTES_MAX)}},
    {.kind = MCPZ_MSG_OVERLAY_REPLACE,
     .overlay_replace =
         {UINT32_MAX, {B32}, UINT32_MAX, {A32}, UINT32_MAX, FULL(MCPZ_ADDRESS_BYTES_MAX)}},
    {.kind = MCPZ_MSG_OVERLAY_SWITCH,
     .overlay_switch = {UINT32_MAX, UINT32_MAX, FULL(MCPZ_ADDRESS_BYTES_MAX), {B32}}},
    {.kind = MCPZ_MSG_OVERLAY_SWITCHED, .overlay_switched = {UINT32_MAX, true}},
    {.kind = MCPZ_MSG_RELAY,
     .relay = {MCPZ_RELAY_BROKEN, UINT64_MAX, MCPZ_OVERLAY_WALK_MAX - 1, full_shorts,
               MCPZ_OVERLAY_WALK_MAX, MCPZ_OVERLAY_WALK_MAX - 1, FULL(MCPZ_RELAY_BYTES_MAX)}},
    {.kind = MCPZ_MSG_RELAY_TAKEN, .relay_taken = {UINT32_MAX}},
    {.kind = MCPZ_MSG_LOAD_ASK, .load_ask = {FULL(MCPZ_CAPABILITY_BYTES_MAX)}},
    {.kind = MCPZ_MSG_LOAD,
     .load = {FULL(MCPZ_CAPABILITY_BYTES_MAX), UINT32_MAX, UINT32_MAX, MCPZ_SHED_CLASSES - 1}},
    {.kind = MCPZ_MSG_TASK_KEEP, .task_keep = {{TASK16}, FULL_BODY, FULL_STATE}},
    {.kind = MCPZ_MSG_TASK_MOVED,
     .task_moved = {{TASK16}, FULL_STATE, FULL(MCPZ_TASK_RESULT_BYTES_MAX)}},
    {.kind = MCPZ_MSG_TASK_KEPT, .task_mark = {{TASK16}, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_LACK, .task_mark = {{TASK16}, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_YIELD, .task_yield = {{TASK16}, UINT64_MAX, {A32}}},
    {.kind = MCPZ_MSG_TASK_DROP, .task_mark = {{TASK16}, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_UNABLE, .task_mark = {{TASK16}, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_CHECK, .task_mark = {{TASK16}, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_STANDS, .task_mark = {{TASK16}, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_RENEW, .task_renew = {UINT64_MAX}},
    {.kind = MCPZ_MSG_TASK_SUBMIT, .task_submit = {UINT64_MAX, full_orders, MCPZ_TASK_ORDERS_MAX}},
    {.kind = MCPZ_MSG_TASK_TAKEN, .task_taken = {full_taken, MCPZ_TASK_ORDERS_MAX}},
    {.kind = MCPZ_MSG_TASK_KEEP_NEW, .task_keep_new = {full_new, MCPZ_TASK_ORDERS_MAX}},
    {.kind = MCPZ_MSG_TASK_KEPT_ALL, .task_kept_all = {full_marks, MCPZ_TASK_ORDERS_MAX}},
    {.kind = MCPZ_MSG_BRANCHES,
     .branches = {{D32},
                  {{A32}, UINT32_MAX},
                  true,
                  UINT64_MAX,
                  UINT64_MAX,
                  full_tips,
                  MCPZ_BRANCH_IDS_MAX}},
    {.kind = MCPZ_MSG_FETCH,
     .fetch = {{D32}, {{A32}, UINT32_MAX}, full_tips, MCPZ_FETCH_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_BATCH,
     .batch = {{{{{A32}, UINT32_MAX}, MCPZ_BATCH_DELTAS_MAX, FULL(MCPZ_SIGNATURE_BYTES)},
                MCPZ_BATCH_DELTAS_MAX - 1,
                FULL(MCPZ_BATCH_BESIDE_MAX *MCPZ_BATCH_DIGEST_BYTES)},
               &full_delta,
               1}},
    {.kind = MCPZ_MSG_AUTHOR, .author = {{A32}, FULL(MCPZ_CERTIFICATE_BYTES_MAX)}},
    {.kind = MCPZ_MSG_FOLD, .fold = {{D32}, {A32}, {B32}, UINT32_MAX}},
    {.kind = MCPZ_MSG_FOLDED,
     .folded = {{D32}, {A32}, MCPZ_FOLD_DIVERGED, FULL(MCPZ_SIGNATURE_BYTES)}},
    {.kind = MCPZ_MSG_AGREED,
     .agreed = {{D32},
                {FULL(MCPZ_TENANT_BYTES_MAX),
                 UINT64_MAX,
                 full_versions,
                 MCPZ_ACTORS_MAX,
                 {B32},
                 MCPZ_COSIGNATURES_MAX,
                 full_cosignatures,
                 MCPZ_COSIGNATURES_MAX,
                 full_cuts,
                 MCPZ_ACTORS_MAX},
                MCPZ_BASE_BYTES_MAX}},
    {.kind = MCPZ_MSG_BASE,
     .base = {{D32},
              {B32},
              MCPZ_BASE_BYTES_MAX / MCPZ_BASE_PIECE_BYTES,
              true,
              FULL(MCPZ_BASE_ANSWER_BYTES_MAX)}},
    {.kind = MCPZ_MSG_LAYOUT, .layout = {FULL(MCPZ_LAYOUT_BYTES_MAX)}},
    {.kind = MCPZ_MSG_LAYOUT_STATE,
     .layout_state = {true, UINT64_MAX, full_stamps, MCPZ_LAYOUTS_LIVE_MAX, full_trackers,
                      MCPZ_TRACKERS_PER_MESSAGE_MAX}},
    {.kind = MCPZ_MSG_ACK_ASK,
     .ack_ask = {{D32}, {{A32}, UINT32_MAX}, UINT64_MAX, {UINT64_MAX, UINT64_MAX}}},
    {.kind = MCPZ_MSG_ACK, .ack = {{D32}, {{A32}, UINT32_MAX}, UINT64_MAX}},
    {.kind = MCPZ_MSG_PULL, .pull = {{UINT64_MAX, UINT64_MAX}, {A32}, UINT32_MAX}},
    {.kind = MCPZ_MSG_PULLED,
     .pulled = {{UINT64_MAX, UINT64_MAX}, {A32}, {B32}, full_pulled, MCPZ_PULLED_MAX}},
    {.kind = MCPZ_MSG_HANDOVER,
     .handover = {{D32}, UINT64_MAX, full_versions, MCPZ_ACTORS_MAX, full_cuts, MCPZ_ACTORS_MAX}},
    {.kind = MCPZ_MSG_HANDED, .handed = {{D32}, UINT64_MAX}},
    {.kind = MCPZ_MSG_READ, .read = {UINT64_MAX, {D32}}},
    {.kind = MCPZ_MSG_READING,
     .reading = {UINT64_MAX, {D32}, full_versions, MCPZ_ACTORS_MAX, full_cuts, MCPZ_ACTORS_MAX}},
    {.kind = MCPZ_MSG_ROOT,
     .root = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
              UINT64_MAX, true}},
    {.kind = MCPZ_MSG_CHANGES_ASK, .changes_ask = {UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_CHANGES,
     .changes = {UINT64_MAX, UINT64_MAX, UINT64_MAX, true, full_digests,
                 MCPZ_DIGESTS_PER_MESSAGE_MAX}},
    {.kind = MCPZ_MSG_OFFER,
     .offer = {UINT64_MAX, true, full_digests, MCPZ_DIGESTS_PER_MESSAGE_MAX}},
    {.kind = MCPZ_MSG_SKETCH_ASK,
     .sketch_ask = {UINT64_MAX, MCPZ_SKETCH_STEP_END - 1, UINT32_MAX, UINT32_MAX, UINT64_MAX,
                    UINT64_MAX, UINT64_MAX, FULL(MCPZ_SKETCH_IDS_MAX *MCPZ_SKETCH_ID_BYTES)}},
    {.kind = MCPZ_MSG_SKETCH,
     .sketch = {UINT64_MAX, true, UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                FULL(MCPZ_SKETCH_BYTES_MAX)}},
    {.kind = MCPZ_MSG_HORIZON, .horizon = {UINT64_MAX, UINT64_MAX, true, UINT64_MAX}},
    {.kind = MCPZ_MSG_CHECK, .check = {UINT64_MAX, UINT64_MAX, full_checks, MCPZ_CHECK_MAX}},
    {.kind = MCPZ_MSG_UNKNOWN, .unknown = {UINT64_MAX, UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_FORGET,
     .forget = {UINT64_MAX, UINT64_MAX, true, full_forgets, MCPZ_FORGET_ROWS_MAX}},
    {.kind = MCPZ_MSG_FORGET_ANSWER, .forget_answer = {UINT64_MAX, UINT64_MAX}},
    {.kind = MCPZ_MSG_REVOKED,
     .revoked = {UINT64_MAX, true, full_revocations, MCPZ_REVOCATIONS_PER_MESSAGE_MAX}},
};

/* Kinds start at 1, 7 and 17 were given up, 41 to 44, 47 to 49, 60 to 63, 92 to 110 and 114 are
 * not used yet. */
#define KIND_COUNT (MCPZ_MSG_KIND_END - 3 - 11 - 20)

static_assert(MCPZ_ARRAY_LEN(samples) == KIND_COUNT, "a sample of each kind");
static_assert(MCPZ_ARRAY_LEN(largest) == KIND_COUNT, "the largest of each kind");
static_assert(MCPZ_ADJACENCY_MAX <= MCPZ_OVERLAY_WALK_MAX, "full_shorts is long enough for both");

static inline const struct mcpz_msg *largest_of(enum mcpz_msg_kind kind)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(largest); i++) {
        if (largest[i].kind == kind) {
            return &largest[i];
        }
    }
    assert(false);
    return NULL;
}

static void fill_tasks(void)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_history); i++) {
        full_history[i] =
            (struct mcpz_task_attempt){UINT32_MAX, last_id, UINT32_MAX,
                                       mcpz_bytes(zeros, MCPZ_TASK_TEXT_BYTES_MAX), UINT64_MAX};
    }
    for (size_t i = 0; i < MCPZ_TASK_ORDERS_MAX; i++) {
        full_orders[i] = (struct mcpz_task_order){FULL_BODY, UINT32_MAX, UINT32_MAX};
        full_orders[i].body.params.length = FULL_ORDER_PARAMS;
        full_orders[i].body.tenant.length = 0;
        full_orders[i].body.key.length = 0;
        full_orders[i].body.traceparent.length = 0;
        full_orders[i].body.kin_count = 0;
        full_new[i] = (struct mcpz_task_new){{TASK16}, full_orders[i].body};
        full_taken[i] = (struct mcpz_task_taken){UINT64_MAX,
                                                 UINT32_MAX,
                                                 UINT32_MAX,
                                                 {TASK16},
                                                 mcpz_bytes(zeros, MCPZ_TASK_TEXT_BYTES_MAX)};
        full_marks[i] = (struct mcpz_msg_task_mark){{TASK16}, UINT64_MAX, UINT64_MAX};
    }
}

static void fill_documents(void)
{
    const struct mcpz_bytes path = {full_path, sizeof(full_path)};
    const struct mcpz_bytes value = {full_value, sizeof(full_value)};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_versions); i++) {
        const uint32_t below_last = (uint32_t)(MCPZ_ARRAY_LEN(full_versions) - 1 - i);
        full_versions[i] =
            (struct mcpz_version){{last_id, UINT32_MAX - below_last}, UINT64_MAX, {HEAD16}};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_tips); i++) {
        full_tips[i] = (struct mcpz_tip){UINT64_MAX - MCPZ_ARRAY_LEN(full_tips) + i, {HEAD16}};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_cuts); i++) {
        full_cuts[i] = (struct mcpz_cut){.actor = full_versions[i].actor,
                                         .seq = UINT64_MAX,
                                         .overrun = true,
                                         .tip_count = MCPZ_BRANCHES_MAX};
        for (size_t j = 0; j < MCPZ_BRANCHES_MAX; j++) {
            full_cuts[i].tips[j] = full_tips[j];
        }
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_adds); i++) {
        full_adds[i] = (struct mcpz_add){MCPZ_ENTRY_COUNTER, path, value};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_removes); i++) {
        full_removes[i] =
            (struct mcpz_remove){MCPZ_ENTRY_COUNTER,
                                 path,
                                 {{last_id, UINT32_MAX}, UINT64_MAX, MCPZ_DELTA_ADDS_MAX - 1}};
    }
}

/* Fill the lists of `largest`. */
static void fill_largest(void)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_roles); i++) {
        full_roles[i] = mcpz_bytes(zeros, MCPZ_NAME_BYTES_MAX);
    }
    fill_tasks();
    fill_documents();
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_stamps); i++) {
        full_stamps[i] =
            (struct mcpz_layout_stamp){UINT64_MAX, UINT64_MAX - MCPZ_LAYOUTS_LIVE_MAX + 1 + i};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_revocations); i++) {
        full_revocations[i] = (struct mcpz_revocation){last_id,
                                                       FULL(MCPZ_NAME_BYTES_MAX),
                                                       last_id,
                                                       FULL(MCPZ_NAME_BYTES_MAX),
                                                       UINT64_MAX,
                                                       FULL(MCPZ_REVOCATION_REASON_BYTES_MAX),
                                                       FULL(MCPZ_SIGNATURE_BYTES)};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_checks); i++) {
        full_checks[i] =
            (struct mcpz_check_row){last_id, FULL(MCPZ_ACTORS_MAX * MCPZ_CHECK_ACTOR_BYTES)};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_pulled); i++) {
        const bool is_full = i < MCPZ_PULLED_VERSIONS_MAX / MCPZ_ACTORS_MAX;
        full_pulled[i] =
            (struct mcpz_pulled_row){last_id, full_versions, is_full ? MCPZ_ACTORS_MAX : 0,
                                     full_cuts, i == 0 ? MCPZ_ACTORS_MAX : 0};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_trackers); i++) {
        full_trackers[i] = (struct mcpz_layout_tracker){
            last_id, full_stamps[MCPZ_LAYOUTS_LIVE_MAX - 1],
            full_stamps[MCPZ_LAYOUTS_LIVE_MAX - 1], full_stamps[MCPZ_LAYOUTS_LIVE_MAX - 1]};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_names); i++) {
        full_names[i] = mcpz_bytes(zeros, MCPZ_CAPABILITY_BYTES_MAX);
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_digests); i++) {
        full_digests[i] = (struct mcpz_digest){{{(uint8_t)i}}, UINT64_MAX};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_notices); i++) {
        full_notices[i] =
            (struct mcpz_gossip_notice){{GOSSIP16}, UINT32_MAX, MCPZ_PLUMTREE_LARGE_BYTES_MAX};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_shorts); i++) {
        full_shorts[i] = (struct mcpz_short){UINT32_MAX};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_rows); i++) {
        full_rows[i] = (struct mcpz_summary_row){UINT64_MAX, UINT64_MAX, UINT32_MAX, true};
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(full_entries); i++) {
        full_entries[i] = (struct mcpz_overlay_entry){last_id, UINT32_MAX, UINT32_MAX,
                                                      mcpz_bytes(zeros, MCPZ_ADDRESS_BYTES_MAX)};
    }
}

#endif
