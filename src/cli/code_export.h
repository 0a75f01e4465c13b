/* SPDX-License-Identifier: Apache-2.0 */
/* A set as the file that weir apply reads. Pure. */
#pragma once
#include "cli/code_set.h"

/* Appends the document: sorted by name, secrets as references. */
void code_export(struct buf *out, const struct code_set *set);
