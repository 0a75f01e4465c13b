/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluations (control plane section 6): what the logs of some datasets cost, how long they took and how
 * people rated them, as of the moment the evaluation was made. An object of the catalogue; its settings hold
 * the datasets as they were, the results, and what is to be looked through:
 *
 *   {"name", "processed", "total_logs", "datasets": [...], "results": [{"id", "evaluation_type_id", ...}],
 *    "snapshot": {"last_row", "filters": [[clause, ...], ...]}}
 *
 * Pure; evaluations.c does the work.
 */
#pragma once
#include "base/json.h"
#include "store/log_filter.h"

enum evaluator {
#define EVALUATOR(name, id, type, title, says) name,
#include "store/evaluators.def"
#undef EVALUATOR
    EVALUATOR_COUNT
};

struct evaluator_row {
    struct str id, type, title, says;
};
extern const struct evaluator_row evaluators[EVALUATOR_COUNT];
/* EVALUATOR_COUNT: none has this id. */
enum evaluator evaluator_of(struct uuid id);

enum evaluation_status { EVALUATION_PENDING, EVALUATION_RUNNING, EVALUATION_DONE, EVALUATION_FAILED };
/* "pending", ... */
struct str evaluation_status_word(int status);

/* ---- sums ---- */

/* Exact, however many rows there are. */
struct evaluation_sums {
    int64_t rows, priced, timed, rated, liked;
    __int128 cost_pico, duration_us;
};
/* A row: RECORD_NULL for a cost or duration that is not known; NAN or 0: not rated; above 0: thumbs up. */
void evaluation_add(struct evaluation_sums *s, int64_t cost_pico, int64_t duration_us, double feedback);
/* How many rows count for an evaluator. */
int64_t evaluation_logs(const struct evaluation_sums *s, enum evaluator e);
/* Decimal text, rounded half up at the last digit there is (a pico-dollar, a microsecond, a millionth); empty
 * when no row counts. p == NULL past the arena's cap. */
struct str evaluation_result(struct arena *a, const struct evaluation_sums *s, enum evaluator e);

/* ---- settings ---- */

/* The rows it is about: those of any of the filters, up to one. */
struct evaluation {
    int64_t last_row;
    const struct log_filter *filters;
    size_t n;
};

/* Has it all its results? */
bool evaluation_is_processed(struct str settings);
/* Writes the value of "snapshot". */
void evaluation_put(struct json_out *w, const struct evaluation *e);
/* What evaluation_put wrote, into the arena; false: these settings are not an evaluation's. */
bool evaluation_read(struct arena *a, struct str settings, struct evaluation *ret);
/* Settings with this state of the work: processed, total_logs and the results. p == NULL past the arena's
 * cap. */
struct str evaluation_update(struct arena *a, struct str settings, const struct evaluation_sums *s,
                             enum evaluation_status status, int64_t now_ms);
