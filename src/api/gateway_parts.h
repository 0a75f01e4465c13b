/* SPDX-License-Identifier: Apache-2.0 */
/* What stands inside a gateway's dlp, guardrails, otel, spend_limits and stripe (control plane section 4.2).
 * Pure. */
#pragma once
#include "api/ask.h"
#include "base/json.h"

/* Complains of what is wrong inside those members of the body that are objects or arrays. */
void gateway_parts_check(const struct json_val *body, struct complaints *wrong);
/*
 * The spend limits as they are stored: whole, and each rule with an id of its own, which its counter is known
 * by; one that brings none gets a random one. In the arena; p == NULL past its cap.
 */
struct str gateway_spend_limits(const struct json_val *limits, struct arena *a);
