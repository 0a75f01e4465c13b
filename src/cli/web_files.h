/* SPDX-License-Identifier: Apache-2.0 */
/* The files of web/dist as the build found them: made by tools/embed_web.py. */
#pragma once
#include "base/str.h"

struct web_file {
    struct str path; /* "/assets/index-abc.js" */
    struct str type;
    struct str bytes, gzip; /* gzip: empty where it would not be smaller */
};
extern const struct web_file web_files[];
extern const size_t web_n_files;
