/* SPDX-License-Identifier: Apache-2.0 */
/* Where front.c delivers the request's body. */
#pragma once
#include "gateway/txn.h"

enum flow decode_body(struct txn *t, struct str piece);
void decode_body_end(struct txn *t);
