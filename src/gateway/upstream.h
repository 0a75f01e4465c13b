/* SPDX-License-Identifier: Apache-2.0 */
/* What front.c and decode.c tell a running upstream call. Harmless when none runs. */
#pragma once
#include "gateway/txn.h"

/* A piece of a streamed request body, and its end. */
enum flow upstream_send(struct txn *t, struct str piece);
void upstream_send_end(struct txn *t);
/* The client has taken enough of the answer to go on. */
void upstream_resume(struct txn *t);
