/* SPDX-License-Identifier: Apache-2.0 */
/* A log row as the JSON object of control plane section 5. Pure; any thread. */
#pragma once
#include "base/json.h"
#include "store/store.h"

/* The form of lists, and of `weir logs --json`. */
void log_json_item(struct json_out *w, const struct log_row *row);

/*
 * The form of one row: the item and the beginnings of both bodies. `request` and `response` are what the
 * body endpoints would show; p == NULL, an empty head, where nothing is stored or may be seen.
 */
void log_json_detail(struct json_out *w, const struct log_row *row, struct str request, struct str response);

/* At most n bytes of s, not ending inside a UTF-8 sequence. */
struct str utf8_head(struct str s, size_t n);

/*
 * The answer's body as readers see it: a stream becomes one JSON object in `merged`, which the result then
 * points into; anything else is `raw` itself.
 */
struct str log_shown_response(const struct log_row *row, struct str raw, struct buf *merged);

/* The Content-Type a stored body is shown with: never one that a browser would run. */
struct str log_shown_type(struct str stored_type, struct str body);
