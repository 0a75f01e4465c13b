/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each dialect puts usage, its end and its errors, and what its numbers mean: tables, read by
 * usage.c alone. A raw field says by its name how it relates to the others, so that one function
 * normalises all providers.
 */
#pragma once
#include "providers/provider.h"

enum raw {
    RAW_INPUT,      /* with or without cached tokens: that is said by which fields below are set */
    RAW_INPUT_MORE, /* on top of RAW_INPUT */
    RAW_OUTPUT,
    RAW_TOTAL,
    RAW_CACHED,       /* inside RAW_INPUT */
    RAW_CACHED_APART, /* on top of it */
    RAW_WRITE,        /* inside RAW_INPUT */
    RAW_WRITE_APART,  /* on top of it */
    RAW_WRITE_5M,     /* the split of either */
    RAW_WRITE_1H,
    RAW_REASONING,       /* inside RAW_OUTPUT, or apart where Q_REASONING_APART says so */
    RAW_REASONING_TOP,   /* the same, reported beside the output count instead of in its details */
    RAW_REASONING_APART, /* on top of RAW_OUTPUT, always */
    RAW_AUDIO_IN,
    RAW_AUDIO_OUT,
    RAW_CACHED_AUDIO,
    RAW_IMAGE_IN,
    RAW_IMAGE_OUT,
    RAW_FIELDS
};

/* A number inside a usage object. */
struct count {
    const char *at[3]; /* member names from the usage object inwards, the rest NULL */
    enum raw to;
    bool repeated; /* counts only where no input count was ever seen */
    /* at[] is an array: the sum of `number` over its elements whose `key` is `is` (NULL: over all) */
    const char *number, *key, *is;
    const char *inside[2]; /* the members that `number` is in, outermost first */
};

/* What is looked for in an answer or an event of one. */
struct look {
    enum {
        LOOK_USAGE,  /* counts stand in the value of `key` */
        LOOK_BESIDE, /* counts stand beside `key`, in the same object */
        LOOK_END,    /* the stream has come to its own end */
        LOOK_ERROR,  /* the provider reports an error */
    } what;
    struct str key;
    const char *in[2];  /* the members `key` is in, outermost first; arrays on the way are searched */
    const char *starts; /* what the string value starts with; NULL: any value but null, "" and false */
    const struct count *counts[3];
};

struct rules {
    const struct look *looks;
    size_t n;
    bool names_model; /* answers name their model */
};

/* Never NULL; without looks for D_OPAQUE. */
const struct rules *dialect_rules(enum dialect d);
