/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must never reach a log, an error or another provider. A type of its own, so that no
 * formatter, logger or JSON writer accepts one; secret_reveal is the one way out and is called
 * only where the bytes go on the wire to their owner.
 */
#pragma once
#include "base/str.h"

struct secret {
    struct str hidden;
};

static inline struct secret secret_of(struct str s)
{
    return (struct secret){s};
}

static inline struct str secret_reveal(struct secret s)
{
    return s.hidden;
}

static inline bool secret_set(struct secret s)
{
    return s.hidden.n > 0;
}
