/* SPDX-License-Identifier: Apache-2.0 */
#include "api/log_csv.h"
#include "base/clock.h"
#include "providers/prices.h"

#include <inttypes.h>
#include <math.h>

static void put_text(struct buf *out, struct str s)
{
    (void)buf_append_byte(out, '"');
    if (s.n && memchr("=+-@\t\r", s.p[0], 6))
        (void)buf_append_byte(out, '\'');
    while (s.p) {
        (void)buf_append(out, str_cut(&s, '"'));
        (void)buf_append_c(out, s.p ? "\"\"" : "");
    }
    (void)buf_append_byte(out, '"');
}

static void put_count(struct buf *out, int64_t v)
{
    if (v >= 0)
        (void)buf_printf(out, "%" PRId64, v);
}

static void put_flag(struct buf *out, const struct log_row *row, unsigned bit)
{
    (void)buf_append_c(out, row->r.flags & bit ? "true" : "false");
}

static void put_rating(struct buf *out, double v)
{
    if (!isnan(v))
        (void)buf_printf(out, "%.15g", v);
}

static void put_cost(struct buf *out, int64_t pico)
{
    char text[MONEY_TEXT];
    if (pico < 0)
        return;
    money_text(pico, text);
    (void)buf_append_c(out, text);
}

static void put_time(struct buf *out, int64_t ms)
{
    char text[TIME_TEXT];
    clock_rfc3339(ms, text);
    (void)buf_append_c(out, text);
}

static void put_id(struct buf *out, const struct log_row *row)
{
    (void)buf_append(out, row->id_text);
}

/* Each column: its name, and how a row's cell is written. */
#define COLUMNS(X)                                                                                           \
    X(id, put_id(out, row))                                                                                  \
    X(created_at, put_time(out, row->r.created_ms))                                                          \
    X(gateway, put_text(out, row->gateway_slug))                                                             \
    X(provider, put_text(out, row->r.provider))                                                              \
    X(model, put_text(out, row->r.model))                                                                    \
    X(model_type, put_text(out, row->r.model_type))                                                          \
    X(path, put_text(out, row->r.path))                                                                      \
    X(request_type, put_text(out, row->r.request_type))                                                      \
    X(status_code, put_count(out, row->r.status > 0 ? row->r.status : RECORD_NULL))                          \
    X(success, put_flag(out, row, REC_SUCCESS))                                                              \
    X(cached, put_flag(out, row, REC_CACHED))                                                                \
    X(duration, put_count(out, (row->r.duration_us + 500) / 1000))                                           \
    X(tokens_in, put_count(out, row->r.tokens_in))                                                           \
    X(tokens_out, put_count(out, row->r.tokens_out))                                                         \
    X(cost, put_cost(out, row->r.cost_pico))                                                                 \
    X(custom_cost, put_flag(out, row, REC_CUSTOM_COST))                                                      \
    X(step, put_count(out, row->r.step))                                                                     \
    X(event_id, put_text(out, row->r.event_id))                                                              \
    X(metadata, put_text(out, row->r.metadata))                                                              \
    X(feedback, put_rating(out, row->feedback))                                                              \
    X(score, put_rating(out, row->score))                                                                    \
    X(user_agent, put_text(out, row->r.user_agent))                                                          \
    X(error, put_text(out, row->r.error))                                                                    \
    X(error_kind, put_text(out, error_kind_name(error_kind_of_flags(row->r.flags))))                         \
    X(saved_cost, put_cost(out, row->r.saved_pico))                                                          \
    X(key_alias, put_text(out, row->r.key_alias))                                                            \
    X(note, put_text(out, row->note))

void log_csv_heading(struct buf *out)
{
    const char *comma = "";
#define NAME(name, put)                                                                                      \
    (void)buf_printf(out, "%s" #name, comma);                                                                \
    comma = ",";
    COLUMNS(NAME)
#undef NAME
    (void)buf_append_c(out, "\r\n");
}

void log_csv_row(struct buf *out, const struct log_row *row)
{
    const char *comma = "";
#define CELL(name, put)                                                                                      \
    (void)buf_append_c(out, comma);                                                                          \
    put;                                                                                                     \
    comma = ",";
    COLUMNS(CELL)
#undef CELL
    (void)buf_append_c(out, "\r\n");
}
