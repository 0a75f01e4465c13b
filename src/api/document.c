/* SPDX-License-Identifier: Apache-2.0 */
/* docs/api.md and the management half of docs/errors.md, printed from the tables that are served. */
#include "api/billing.h"
#include "api/call.h"
#include "api/custom_providers.h"
#include "api/dynamic_routes.h"
#include "api/evaluations.h"
#include "api/gateway_json.h"
#include "api/log_filters.h"
#include "api/log_patch.h"
#include "api/policies.h"
#include "api/token_json.h"
#include "api/provider_key_json.h"
#include "api/queries.h"
#include "store/log_steps.h"

static const char intro[] =
    "# Management API\n\n"
    "Printed by `weir docs api`.\n\n"
    "Gateways and their logs over HTTP, in the form that published clients of this API expect.\n"
    "Everything stands below `" API_PREFIX "`, on the listener (or on `admin.listen`, if that is set).\n\n"
    "    curl -H \"Authorization: Bearer $WEIR_TOKEN\" \\\n"
    "        http://127.0.0.1:8787" API_PREFIX "/accounts/$WEIR_ACCOUNT_ID/ai-gateway/gateways\n\n"
    "- **Token.** `Authorization: Bearer` with a token of the account, made at the first start or with\n"
    "  `weir token create`. The table says which permission a call needs; any one of those will do.\n"
    "- **Answers** are `{\"success\": true, \"errors\": [], \"messages\": [], \"result\": ...}`; lists add\n"
    "  `result_info` with `page`, `per_page`, `count`, `total_count` and `total_pages`. A page beyond the\n"
    "  end is empty. Stored bodies come without an envelope.\n"
    "- **Refusals** are `{\"success\": false, \"errors\": [{\"code\", \"message\", \"path\"}], ...}`; see\n"
    "  [errors](errors.md).\n"
    "- **GET** answers HEAD too. Unknown parameters and keys are ignored.\n"
    "- **OpenAPI.** The same as a document for generators, with every answer: [openapi.json](openapi.json), "
    "or\n"
    "  `GET " API_PREFIX "/openapi.json`, no token needed, or `weir docs openapi`. Types for TypeScript and\n"
    "  `openapi-fetch`: `npx openapi-typescript openapi.json --default-non-nullable false -o weir.d.ts`.\n\n"
    "## Calls\n\n"
    "`{A}` is the account, `{G}` the gateway's id, `{L}` the id of a log row (an answer's "
    "`cf-aig-log-id`), `{T}` that of a token, `{R}`, `{V}` and `{P}` those of a "
    "dynamic route, a version of it, a policy.\n\n"
    "| Call | Permission | What it does |\n| --- | --- | --- |\n";

static const char gateway_intro[] =
    "\n## Keys of a gateway\n\n"
    "Creating one needs an `id`, which never changes afterwards: 1 to 64 lower-case letters, digits,\n"
    "underscores and single hyphens inside. Answers also have `account_id`, `account_tag`, `internal_id`,\n"
    "`is_default`, `wholesale`, `created_at` and `modified_at`; sent back, they are ignored. Keys that\n"
    "nothing acts on yet are kept and shown, and an answer to a request that sets one says so in\n"
    "`messages`.\n\n";

static const char token_intro[] =
    "\n## Keys of a token\n\n"
    "By task: [authentication](authentication.md#tokens-by-task). Permissions and their groups:\n\n"
    "| Permission | Group | Id of the group | Allows |\n| --- | --- | --- | --- |\n";
static const char key_intro[] = "\n## Keys of a stored provider key\n\n"
                                "Answers also have `id`, `gateway_id`, `secret_id`, `secret_preview`, "
                                "`created_at` and `modified_at`. What they are\n"
                                "for: [provider keys](provider-keys.md).\n\n";

static const char topup_intro[] =
    "\n## Keys of a top-up\n\n"
    "Credits, charges and the operator's keys: [unified billing](unified-billing.md).\n\n";

static const char log_intro[] =
    "\n## Log rows\n\n"
    "What each field means, with examples: [logs](logs.md). Members of `PATCH`, all optional:\n\n";

static const char steps_intro[] =
    "\n### Steps\n\n"
    "What `weir.steps` of a row names, in the order in which it usually comes:\n\n";

static const char filter_intro[] =
    "\n### Filters\n\n"
    "`filters` is a JSON array of `{\"key\": ..., \"operator\": ..., \"value\": [...]}`, or the parameters "
    "`filters.key`,\n"
    "`filters.operator` and `filters.value`, repeated in this order. A row has to meet all of them. `eq`: "
    "one of the\n"
    "values; `neq`: none of them; `contains`: has one of them as a part, letter case ignored (texts); `lt`, "
    "`gt`:\n"
    "the first value (numbers, times, texts). Costs are in dollars, durations in milliseconds. A `null` "
    "among the values stands for rows that have none.\n\n";

static const char older_intro[] =
    "\nThe older parameters work as well: `start_date`, `end_date`, `min_` and `max_` with `cost`, "
    "`duration`,\n"
    "`tokens_in`, `tokens_out` and `total_tokens`, and `feedback`, `success`, `cached`, `model`, "
    "`model_type`,\n"
    "`provider`, `request_content_type`, `response_content_type`.\n";

static const char *permission_names(unsigned allowed)
{
    switch (allowed) {
    case ALLOW_PUBLIC: return "none";
    case ALLOW_ANY: return "any";
    case ALLOW_METADATA: return "metadata_read, read, write";
    case ALLOW_READ: return "read, write";
    case ALLOW_ANALYTICS: return "analytics_read";
    case ALLOW_RUN: return "run";
    case ALLOW_TOKENS: return "tokens_write";
    case ALLOW_OPERATOR: return "operator";
    case ALLOW_SECRETS: return "write and secrets_write";
    default: return "write";
    }
}

void api_document(struct buf *out)
{
    (void)buf_append_c(out, intro);
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        (void)buf_printf(out, "| `%.*s %.*s` | %s | %s", STR_FMT(r->method), STR_FMT(r->pattern),
                         permission_names(r->allowed), r->summary);
        queries_document(out, r);
        (void)buf_append_c(out, " |\n");
    }
    (void)buf_append_c(out, gateway_intro);
    gateway_fields_document(out);
    (void)buf_append_c(out, token_intro);
    for (size_t i = 0; i < permission_count; i++) {
        const struct permission_row *row = &permission_rows[i];
        (void)buf_printf(out, "| %.*s | %.*s | `%.*s` | %.*s |\n", STR_FMT(row->word), STR_FMT(row->group),
                         STR_FMT(row->id), STR_FMT(row->says));
    }
    (void)buf_append_c(out, "\n");
    token_fields_document(out);
    (void)buf_append_c(out, key_intro);
    provider_key_fields_document(out);
    (void)buf_append_c(out, topup_intro);
    topup_fields_document(out);
    custom_fields_document(out);
    route_fields_document(out);
    datasets_document(out);
    evaluations_document(out);
    policy_fields_document(out);
    (void)buf_append_c(out, log_intro);
    log_patch_document(out);
    (void)buf_append_c(out, steps_intro);
    log_steps_document(out);
    (void)buf_append_c(out, filter_intro);
    log_filters_document(out);
    (void)buf_append_c(out, older_intro);
}

void api_errors_document(struct buf *out)
{
    static const struct {
        int http, code;
        const char *phrase, *when;
    } rows[] = {
#define API_ERR(name, http, code, phrase, when) {http, code, phrase, when},
#include "api/errors.def"
#undef API_ERR
    };
    (void)buf_append_c(out, "| Status | Code | Message | When |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < countof(rows); i++)
        if (rows[i].code)
            (void)buf_printf(out, "| %d | %d | %s | %s |\n", rows[i].http, rows[i].code, rows[i].phrase,
                             rows[i].when);
}
