/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane as a service: /v1/{account}/{gateway}/{provider}/{rest} becomes a txn. */
#pragma once
#include "gateway/worker.h"

/* For server_route: prefix "/v1/", arg = the loop's struct worker. */
extern const struct service front_service;
