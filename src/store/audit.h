/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: every change of the catalogue, who made it, before and after (control plane section 24). */
#pragma once
#include "store/change.h"

/*
 * Settings as the audit log may have them: the values of members that may hold a secret ("authorization",
 * "headers", "secret", "password", "token", at any depth) are "(hidden)". Text that is not JSON: empty.
 * Empty past the arena's cap.
 */
struct str audit_redact(struct arena *a, struct str settings);

struct audit_query {
    struct str account;
    int64_t since_ms, before_ms; /* since <= when < before; 0: no such bound */
    struct str action;           /* "create", "update", "delete"; empty: any */
    struct str actor;            /* the actor's name, ASCII case ignored; empty: any */
    struct str actor_id;         /* empty: any */
    struct str actor_ip;         /* empty: any */
    struct str resource;         /* resource type; empty: any */
    struct str gateway;          /* slug; empty: any */
    int64_t page, per_page;
    bool ascending;
};

struct audit_row {
    struct uuid id, resource_id;
    int64_t at_ms;
    struct str interface, actor /* JSON */, action, resource, name, gateway, before,
        after /* JSON or empty */;
};

struct audit_page {
    struct arena arena;
    enum err err;
    struct audit_row *rows;
    size_t n;
    int64_t total;
};
void audit_page_free(struct audit_page *p);
