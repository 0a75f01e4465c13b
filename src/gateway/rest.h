/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST inference host: any model under the account's own base, the gateway named by a header (data plane
 * sections 13 and 15), and the preview run call of a gateway (section 14). Loop's thread.
 *
 *   /client/v4/accounts/{account}/ai/run                    {"model", "input"}
 *   /client/v4/accounts/{account}/ai/run/{model}            the input itself
 *   /client/v4/accounts/{account}/ai/v1/chat/completions    /responses  /messages  /embeddings
 *   /v1/{account}/{gateway}/run                             {"model", "input", "provider"?}
 */
#pragma once
#include "base/buf.h"
#include "gateway/txn.h"

/* For server_route. */
#define REST_PREFIX "/client/v4/accounts/*/ai/"

/* Is the path of this host, cut: fills account, gateway, rest and face. */
bool rest_cut_path(struct txn *t, struct str path);

/*
 * A model's name as this host spells it (section 13.2): "author/model", bare "@cf/...", no "workers-ai/".
 * False: no provider has it.
 */
struct model_name;
bool rest_model(struct txn *t, struct str name, struct model_name *ret);

/* Completes the target of a request of this host: model's name, provider, body. DONE: the txn has failed. */
enum next rest_plan(struct txn *t, struct target *target);

/* The sink that wraps a run call's answer, in front of out; out itself where nothing is to be wrapped. */
struct sink *rest_tap(struct txn *t, struct sink *out);

/* The txn's fault in the words of the face it was asked through. Appends the body and tells the status. */
int rest_fault(const struct txn *t, struct buf *out);
