/* What went through the pipe, and what was refused and why. One number a cause. */

#ifndef ENGINE_COUNTERS_H
#define ENGINE_COUNTERS_H

#include <stdint.h>

#define MCPZ_COUNTERS(X)                                                                          \
    X(frames_in, "frames taken in")                                                               \
    X(frames_out, "frames sent")                                                                  \
    X(bytes_in, "bytes of frames taken in")                                                       \
    X(bytes_out, "bytes of frames sent")                                                          \
    X(messages_in, "messages decoded")                                                            \
    X(messages_out, "messages encoded")                                                           \
    X(links_admitted, "links admitted")                                                           \
    X(links_refused_full, "links refused: too many")                                              \
    X(links_duplicate, "links closed: another to the same peer stays")                            \
    X(links_slow, "links closed: the peer did not take what we sent")                             \
    X(links_unadmitted, "links closed: not admitted in time")                                     \
    X(refused_frame, "frames refused: not a frame")                                               \
    X(refused_message, "messages refused: not a message we read")                                 \
    X(refused_early, "messages refused: sent before admission")                                   \
    X(refused_version, "links refused: no protocol version in common")                            \
    X(refused_mesh, "links refused: another mesh")                                                \
    X(refused_certificate, "links refused: certificate not valid")                                \
    X(refused_token_unknown, "joins refused: token unknown")                                      \
    X(refused_token_expired, "joins refused: token expired")                                      \
    X(refused_token_used, "joins refused: token used up or revoked")                              \
    X(refused_token_proof, "joins refused: the secret does not match")                            \
    X(refused_revoked, "links refused: the node was revoked")                                     \
    X(refused_revocation, "revocations refused: not signed with the mesh's key, or too many")     \
    X(revocations_taken, "nodes revoked, as we were told")                                        \
    X(joins_admitted, "nodes we admitted")                                                        \
    X(dials, "connections we tried to make")                                                      \
    X(dials_failed, "of them, failed")                                                            \
    X(batches, "batches handed to the store")                                                     \
    X(batches_failed, "of them, failed")                                                          \
    X(signatures_made, "batches of deltas we signed")                                             \
    X(signatures_verified, "signatures of batches we verified")                                   \
    X(refused_unsigned, "deltas refused: not signed")                                             \
    X(refused_signature, "batches refused: not their author's")                                   \
    X(refused_author, "authors refused: not of this mesh")                                        \
    X(refused_naming, "deltas refused: they name their document as it is not called")             \
    X(refused_ended, "agents and tasks refused: their tenant was shredded since")                 \
    X(deltas_of_unknown, "deltas left: their author is not known yet")                            \
    X(deltas_unproven, "deltas not sent: their signature is not known")                           \
    X(forks_found, "writers found to contradict themselves")                                      \
    X(checkpoints_agreed, "documents that replicas agreed on, and signed")                        \
    X(checkpoints_diverged, "documents that differ though replicas have seen the same")           \
    X(floors_raised, "documents whose old deltas were folded")                                    \
    X(deltas_folded, "deltas dropped since a checkpoint stands for them")                         \
    X(deltas_folded_bytes, "bytes of the store that they took up, with their signatures")         \
    X(documents_forgotten, "deleted documents that were forgotten, as by all who kept them")      \
    X(documents_forgotten_bytes, "bytes of the store that they took up")                          \
    X(forgets_given_up,                                                                           \
      "of deleted documents, not forgotten: somebody did not answer, or has it otherwise")        \
    X(bases_damaged, "checkpoints that could not be read and were asked for again")               \
    X(floors_failed, "documents that could not be folded: the store cannot be read")              \
    X(bases_sent, "checkpoints sent instead of deltas that are gone")                             \
    X(bases_installed, "checkpoints taken in")                                                    \
    X(bases_refused, "checkpoints refused: forged, or against what is here")                      \
    X(bases_begun_with, "documents begun anew with a checkpoint: another branch was here")        \
    X(bases_begun_without, "documents begun anew without what came of lives when they were over") \
    X(rebase_lost, "deltas that could not be taken along then")                                   \
    X(messages_dropped, "messages dropped: no link to their peer")

struct mcpz_counters {
#define X(name, help) uint64_t name;
    MCPZ_COUNTERS(X)
#undef X
};

#endif
