/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored form of a streamed answer (control plane 5.3): one JSON object instead of a stream.
 * Done when a log's body is read, not when it is written. Pure.
 */
#pragma once
#include "base/buf.h"

/*
 * Merges the bytes of a stream into out: top-level keys of the chunks, text deltas joined per choice,
 * every chunk byte for byte under streamed_data. content_type picks the framing: text/event-stream,
 * application/vnd.amazon.eventstream, or one JSON value a line (Cohere's application/stream+json).
 * False when the bytes hold no JSON event or the merged form does not fit: show them as they are; out is
 * then what it was, but for `full`.
 */
bool merge_stream(struct str content_type, struct str body, struct buf *out);
