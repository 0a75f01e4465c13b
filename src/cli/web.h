/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard: files of web/dist, built into the binary (tools/embed_web.py). A binary that was built
 * without them serves a page that says how to get them. Pure.
 */
#pragma once
#include "http/server.h"

/* Answers a GET for a file of the dashboard, or for a place in it (any other path that asks for HTML). False:
 * it is neither, and nothing was answered. The exchange stays the caller's. */
bool web_answer(struct exchange *x);
