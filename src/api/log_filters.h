/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of the log as people write them (control plane sections 2.4 and 5.1). Pure.
 *
 *   filters=[{"key":"model","operator":"eq","value":["gpt-4o"]}]        one JSON array
 *   filters.key=model&filters.operator=eq&filters.value=gpt-4o&...      in this order; a key begins a clause
 *   min_cost=0.1&success=true&start_date=2026-10-12                     the older parameters
 *   model eq gpt-4o                                                     weir logs --filter
 *
 * filters[0][key]=... is ignored, as by the live service.
 */
#pragma once
#include "api/ask.h"
#include "base/buf.h"
#include "base/json.h"
#include "store/log_filter.h"

/* Everything in the query that chooses rows by their members. What is wrong is noted in k->wrong; the filter
 * lies in its arena. */
struct log_filter log_filters_read(struct ask *k);

/* The `filters` of a dataset: fewer keys and operators (control plane section 6.1). */
struct log_filter log_filters_dataset(const struct json_val *list, struct complaints *wrong);

/* One clause per text: "key operator value", values apart by commas, "null" for none. False: the complaint
 * says why, its key is the number of the text and the part. */
bool log_filters_words(const struct str *texts, size_t n, struct complaints *wrong, struct log_filter *ret);

/* The table of keys as Markdown. */
void log_filters_document(struct buf *out);
