/* SPDX-License-Identifier: Apache-2.0 */
/* Custom providers and their costs in the API's documentation. Pure. */
#pragma once
#include "base/buf.h"

/* The tables of keys as Markdown. */
void custom_fields_document(struct buf *out);
