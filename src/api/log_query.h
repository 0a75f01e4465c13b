/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls about many log rows ask for (control plane sections 5.1 and 5.5). */
#pragma once
#include "api/call.h"

struct ask;

/* Order, search and filters of the call's query; the page is the first one. Texts lie in the call's arena. */
struct log_query log_query_read(struct api_call *c, struct ask *k);
