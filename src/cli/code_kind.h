/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gateways as code: what a file can describe, as a table. A kind is a sort of thing that the management API
 * lists, makes, changes and deletes; another kind is another row of code_kind.c.
 */
#pragma once
#include "api/fields.h"

/* In the order of making: what others are made of stands first. Deleting goes the other way. */
enum code_kind_id {
    CODE_CUSTOM_PROVIDER,
    CODE_COST,
    CODE_GATEWAY,
    CODE_PROVIDER_KEY,
    CODE_ROUTE,
    CODE_POLICY,
    CODE_DATASET,
    CODE_DOMAIN,
    CODE_KINDS
};

/* What an answer has more than was sent, and what must not be shown, inside a value. A list ends with a row
 * without a name; "*" is every element, or every member that has no row. */
enum code_secrecy {
    CODE_OPEN,
    CODE_SECRET,        /* {"env": NAME} or {"file": PATH} in a file, never in clear */
    CODE_SECRET_HEADER, /* the same where the name is that of a credential; else either form */
};
struct code_shape {
    const char *name;
    const struct code_shape *inside; /* NULL: anything */
    enum code_secrecy secrecy;
    const char *filled; /* JSON the API puts there when it is left out; "?": something of its own */
    const char *key;    /* of "*": the member that elements are told apart by */
    bool text;          /* an object here and in files, the text of one in the API */
};
/* The row of a member or element; NULL: none, and then anything goes. */
const struct code_shape *code_shape_in(const struct code_shape *list, struct str name);
/* The row of a value inside one that has `of` (NULL: none). */
const struct code_shape *code_shape_of(const struct code_shape *of, struct str name);
/* Is it the name of a header that carries a credential? */
bool code_names_credential(struct str header);

enum code_update {
    CODE_WHOLE,   /* all settings are sent; those left out get their default */
    CODE_PART,    /* those that change are sent */
    CODE_ALL,     /* all are sent, with their default where they have it: a draft may stand behind the rest */
    CODE_VERSION, /* a version is added, and deployed */
    CODE_ANEW,    /* there is no such call: it is deleted and made again */
};

struct code_kind {
    const char *member;       /* in the file: of the document, or of its parent */
    const char *one;          /* one of them, for people */
    enum code_kind_id parent; /* CODE_KINDS: none */
    bool list;                /* elements of an array that bring their names; else members that are named */
    const char *names[2];     /* the settings its name is made of: "a/b"; never change */
    char between;             /* two names */
    const char *name_form;    /* of such a name, for people */
    const char *answer_name;  /* the first of them in answers, where it is called otherwise */
    const struct fields_table *table;
    const struct code_shape *inside; /* of its settings; those without a row are open and of any form */
    const char *hidden;              /* a setting that the API takes and never shows */
    const char *id;                  /* member of answers that paths name it by */
    const char *path;                /* below the account; %.*s: the parent's id, if it has one there */
    const char *query;               /* of calls that create and update: "?commit=true"; NULL: none */
    const char *answer_list[2];      /* where a list's answer has them; none: "result" */
    const char *parent_member;       /* names the parent where the path does not: in bodies, and in queries */
    enum code_update update;
    const char *update_method;
    bool unique;      /* its name, in the account: one that goes makes room for one that comes */
    const char *lost; /* what goes with it, in clear words; NULL: nothing else */
    /* What is wrong beyond names and types; NULL: nothing is known here. */
    void (*check)(struct str body, struct complaints *wrong);
};
extern const struct code_kind code_kinds[CODE_KINDS];

/* The setting of that name; NULL: none, or one that is part of the name. */
const struct field *code_field(const struct code_kind *k, struct str name);
/* JSON that stands in for a setting that is left out; NULL: nothing does. */
const char *code_usual(const struct field *f);
/* Is the setting part of the name (or names the parent)? */
bool code_is_name(const struct code_kind *k, const char *setting);
