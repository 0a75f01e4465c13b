/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane as a service: /v1/{account}/{gateway}/{provider}/{rest} becomes a txn; so do the calls of
 * the REST inference host (rest.h). */
#pragma once
#include "gateway/worker.h"

/*
 * For server_route: prefix FRONT_PREFIX, arg = the loop's struct worker. Other versions than v1 come here
 * too: they get the answer of an unknown gateway.
 */
#define FRONT_PREFIX "/v"
extern const struct service front_service;
/* The same for hosts that stand for a gateway, with the pieces after it as the path (data plane section 30):
 * prefix
 * "/", before all others. */
extern const struct service front_domain_service;
