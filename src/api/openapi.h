/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API as an OpenAPI 3.1 document, made of routes.def, the tables of members, openapi.def (calls),
 * queries.def (what they can be asked for) and shapes.def (what is in their answers). Pure.
 */
#pragma once
#include "api/fields.h"

/* The tables of what bodies may have, where they are checked. */
extern const struct fields_table gateway_table, log_patch_table, token_table, provider_key_table,
    custom_provider_table, custom_cost_table, domain_table, dataset_table, evaluation_table,
    dynamic_route_table, dynamic_route_name_table, dynamic_route_version_table,
    dynamic_route_deployment_table, policy_table, topup_table;

/* base: of the API ("https://weir.example.com/client/v4"). */
void openapi_document(struct buf *out, struct str base);
