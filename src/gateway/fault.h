/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's own errors as clients see them (data plane section 9). Pure. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

/*
 * Appends the AiGatewayError envelope. The message is the one clients know for the code; detail, or
 * where it is empty the fault's own phrase, becomes the description.
 */
void fault_render(struct buf *out, enum err e, struct str detail);

/* All of it in one sentence, in the arena, for envelopes with room for one. */
struct str fault_sentence(struct arena *a, enum err e, struct str detail);

/* The envelope in server.h's form: for framing faults, where there is no txn yet. */
void fault_render_bare(struct buf *out, enum err e);
