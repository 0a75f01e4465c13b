/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The management API (control plane sections 1 to 5): gateways and their logs, in the envelopes that
 * published clients expect. A service for the server, one per worker loop, under API_PREFIX.
 *
 * Everything it can be asked is a row of routes.def. It takes a reference to the current catalogue for
 * each request; what needs the store is asked there and answered when the message comes back.
 */
#pragma once
#include "http/server.h"
#include "net/tls.h"
#include "store/store.h"

#define API_PREFIX "/client/v4"

struct api;

struct worker;

/* The worker, its loop and its store are borrowed and outlive the api. */
struct api *api_new(struct worker *w);
/*
 * Which certificates clients are shown: asked on the loop's thread for each answer that tells of them,
 * because they are read again while the daemon runs. NULL from it: none, connections are plain.
 */
void api_set_certificates(struct api *a, const struct tls_server *(*tls)(void *arg), void *arg);
/* Accepts NULL. No question to the store may be open: api_waiting is 0. */
void api_free(struct api *a);
/* Questions to the store that are not answered yet. Their requests may be long gone. */
size_t api_waiting(const struct api *a);

/* For server_route: prefix API_PREFIX, arg = the api. */
extern const struct service api_service;

/* The pages `weir docs api` and `weir docs errors` print, as Markdown. */
void api_document(struct buf *out);
void api_errors_document(struct buf *out);
/* What `weir docs openapi` prints: the OpenAPI document (api/openapi.h), indented. */
void openapi_page(struct buf *out);
