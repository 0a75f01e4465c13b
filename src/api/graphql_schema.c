/* SPDX-License-Identifier: Apache-2.0 */
#include "api/graphql_schema.h"

enum { TYPES = 64 };

const struct graphql_directive_row graphql_directives[GRAPHQL_DIRECTIVES] = {
    {"include", "Only when the argument is true"},
    {"skip", "Not when the argument is true"},
};
const char *const graphql_directive_places[3] = {"FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"};

/* ---- the part that is always the same ---- */

static const struct {
    enum graphql_kind kind;
    const char *name, *doc;
} fixed_types[] = {
    {GRAPHQL_OBJECT, "Query", "The root"},
    {GRAPHQL_OBJECT, "viewer", "Who asks"},
    {GRAPHQL_OBJECT, "account", "An account of the token"},
    {GRAPHQL_OBJECT, "AccountSettings", "What may be asked of each node"},
    {GRAPHQL_OBJECT, "Settings", "What may be asked of a node"},
    {GRAPHQL_OBJECT, "Confidence", "Nothing is sampled: every number is exact"},
    {GRAPHQL_OBJECT, "ConfidenceCount", "The bounds of a count"},
    {GRAPHQL_INPUT, "AccountFilter_InputObject", "Which accounts"},
    {GRAPHQL_SCALAR, "string", "Text"},
    {GRAPHQL_SCALAR, "uint64", "A whole number from 0"},
    {GRAPHQL_SCALAR, "float64", "A number"},
    {GRAPHQL_SCALAR, "Time", "A moment as RFC 3339 writes it: \"2026-10-12T09:30:00Z\""},
    {GRAPHQL_SCALAR, "Date", "A day: \"2026-10-12\""},
    {GRAPHQL_SCALAR, "String", "Text"},
    {GRAPHQL_SCALAR, "Boolean", "true or false"},
    {GRAPHQL_OBJECT, "__Schema", "All types"},
    {GRAPHQL_OBJECT, "__Type", "A type, or a list of one, or one that is never null"},
    {GRAPHQL_OBJECT, "__Field", "A field of an object"},
    {GRAPHQL_OBJECT, "__InputValue", "An argument, or a field of an input object"},
    {GRAPHQL_OBJECT, "__EnumValue", "A value of an enum"},
    {GRAPHQL_OBJECT, "__Directive", "A directive"},
    {GRAPHQL_ENUM, "__TypeKind", "Kinds of types"},
    {GRAPHQL_ENUM, "__DirectiveLocation", "Where a directive may stand"},
};

static const struct {
    const char *type, *name, *ref;
    enum graphql_meaning meaning;
    const char *argument, *argument_ref, *doc;
} fixed_fields[] = {
    {"Query", "viewer", "viewer!", M_VIEWER, NULL, NULL, "Who asks"},
    {"viewer", "accounts", "[account!]!", M_ACCOUNTS, "filter", "AccountFilter_InputObject",
     "The account of the token"},
    {"account", "accountTag", "string!", M_ACCOUNT_TAG, NULL, NULL, "Its id"},
    {"account", "settings", "AccountSettings!", M_SETTINGS, NULL, NULL, "What may be asked of each node"},
    {"Settings", "enabled", "Boolean!", M_ENABLED, NULL, NULL, "It may be asked"},
    {"Settings", "maxDuration", "uint64!", M_MAX_DURATION, NULL, NULL, "Longest time of a query, in seconds"},
    {"Settings", "maxNumberOfFields", "uint64!", M_MAX_FIELDS, NULL, NULL, "Most fields of a query"},
    {"Settings", "maxPageSize", "uint64!", M_MAX_PAGE, NULL, NULL, "Largest limit"},
    {"Settings", "notOlderThan", "uint64!", M_NOT_OLDER, NULL, NULL, "How long data is kept, in seconds"},
    {"Settings", "availableFields", "[string!]!", M_AVAILABLE, NULL, NULL, "Names of all fields"},
    {"Confidence", "level", "float64!", M_CONFIDENCE_LEVEL, NULL, NULL, "1"},
    {"Confidence", "count", "ConfidenceCount!", M_GROUP, NULL, NULL, "Of `count`"},
    {"ConfidenceCount", "estimate", "uint64!", M_CONFIDENCE_COUNT, NULL, NULL, "The count"},
    {"ConfidenceCount", "lower", "uint64!", M_CONFIDENCE_COUNT, NULL, NULL, "The count"},
    {"ConfidenceCount", "upper", "uint64!", M_CONFIDENCE_COUNT, NULL, NULL, "The count"},
    {"ConfidenceCount", "sampleSize", "uint64!", M_CONFIDENCE_COUNT, NULL, NULL, "The count"},
    {"ConfidenceCount", "isValid", "Boolean!", M_TRUE, NULL, NULL, "true"},
    {"__Schema", "description", "String", I_NOTHING, NULL, NULL, ""},
    {"__Schema", "types", "[__Type!]!", I_TYPES, NULL, NULL, ""},
    {"__Schema", "queryType", "__Type!", I_QUERY_TYPE, NULL, NULL, ""},
    {"__Schema", "mutationType", "__Type", I_NOTHING, NULL, NULL, ""},
    {"__Schema", "subscriptionType", "__Type", I_NOTHING, NULL, NULL, ""},
    {"__Schema", "directives", "[__Directive!]!", I_DIRECTIVES, NULL, NULL, ""},
    {"__Type", "kind", "__TypeKind!", I_KIND, NULL, NULL, ""},
    {"__Type", "name", "String", I_NAME, NULL, NULL, ""},
    {"__Type", "description", "String", I_DESCRIPTION, NULL, NULL, ""},
    {"__Type", "specifiedByURL", "String", I_NOTHING, NULL, NULL, ""},
    {"__Type", "fields", "[__Field!]", I_FIELDS, "includeDeprecated", "Boolean", ""},
    {"__Type", "interfaces", "[__Type!]", I_INTERFACES, NULL, NULL, ""},
    {"__Type", "possibleTypes", "[__Type!]", I_NOTHING, NULL, NULL, ""},
    {"__Type", "enumValues", "[__EnumValue!]", I_ENUM_VALUES, "includeDeprecated", "Boolean", ""},
    {"__Type", "inputFields", "[__InputValue!]", I_INPUT_FIELDS, "includeDeprecated", "Boolean", ""},
    {"__Type", "ofType", "__Type", I_OF_TYPE, NULL, NULL, ""},
    {"__Type", "isOneOf", "Boolean", I_ONE_OF, NULL, NULL, ""},
    {"__Field", "name", "String!", I_NAME, NULL, NULL, ""},
    {"__Field", "description", "String", I_DESCRIPTION, NULL, NULL, ""},
    {"__Field", "args", "[__InputValue!]!", I_ARGS, "includeDeprecated", "Boolean", ""},
    {"__Field", "type", "__Type!", I_REF, NULL, NULL, ""},
    {"__Field", "isDeprecated", "Boolean!", I_FALSE, NULL, NULL, ""},
    {"__Field", "deprecationReason", "String", I_NOTHING, NULL, NULL, ""},
    {"__InputValue", "name", "String!", I_NAME, NULL, NULL, ""},
    {"__InputValue", "description", "String", I_DESCRIPTION, NULL, NULL, ""},
    {"__InputValue", "type", "__Type!", I_REF, NULL, NULL, ""},
    {"__InputValue", "defaultValue", "String", I_NOTHING, NULL, NULL, ""},
    {"__InputValue", "isDeprecated", "Boolean!", I_FALSE, NULL, NULL, ""},
    {"__InputValue", "deprecationReason", "String", I_NOTHING, NULL, NULL, ""},
    {"__EnumValue", "name", "String!", I_NAME, NULL, NULL, ""},
    {"__EnumValue", "description", "String", I_DESCRIPTION, NULL, NULL, ""},
    {"__EnumValue", "isDeprecated", "Boolean!", I_FALSE, NULL, NULL, ""},
    {"__EnumValue", "deprecationReason", "String", I_NOTHING, NULL, NULL, ""},
    {"__Directive", "name", "String!", I_NAME, NULL, NULL, ""},
    {"__Directive", "description", "String", I_DESCRIPTION, NULL, NULL, ""},
    {"__Directive", "locations", "[__DirectiveLocation!]!", I_LOCATIONS, NULL, NULL, ""},
    {"__Directive", "args", "[__InputValue!]!", I_ARGS, "includeDeprecated", "Boolean", ""},
    {"__Directive", "isRepeatable", "Boolean!", I_FALSE, NULL, NULL, ""},
};

static const struct {
    const char *type, *name;
} fixed_choices[] = {
    {"__TypeKind", "SCALAR"},
    {"__TypeKind", "OBJECT"},
    {"__TypeKind", "INTERFACE"},
    {"__TypeKind", "UNION"},
    {"__TypeKind", "ENUM"},
    {"__TypeKind", "INPUT_OBJECT"},
    {"__TypeKind", "LIST"},
    {"__TypeKind", "NON_NULL"},
    {"__DirectiveLocation", "FIELD"},
    {"__DirectiveLocation", "FRAGMENT_SPREAD"},
    {"__DirectiveLocation", "INLINE_FRAGMENT"},
};

/* ---- making it ---- */

struct maker {
    struct arena *arena;
    struct graphql_schema *schema;
    bool full; /* the arena */
    struct graphql_field nowhere;
};

static void *room(struct maker *m, size_t n)
{
    void *p = arena_zalloc(m->arena, n);
    m->full |= !p;
    return p;
}

static struct str text(struct maker *m, const char *a, const char *b, const char *c)
{
    struct str s = arena_printf(m->arena, "%s%s%s", a, b, c);
    m->full |= !s.p;
    return s.p ? s : STR("");
}

/* An element more; arrays grow by doubling, so that nobody counts beforehand. */
static void *grown(struct maker *m, void *v, size_t n, size_t size)
{
    if (n & (n - 1) || (n > 0 && n < 8))
        return v; /* there is room */
    void *more = room(m, (n ? 2 * n : 8) * size);
    if (more && n)
        memcpy(more, v, n * size);
    return more;
}

static struct graphql_type *add_type(struct maker *m, enum graphql_kind kind, struct str name,
                                     const char *doc)
{
    must(m->schema->n < TYPES);
    struct graphql_type *t = &m->schema->types[m->schema->n++];
    *t = (struct graphql_type){.kind = kind, .name = name, .doc = str_c(doc)};
    return t;
}

static struct graphql_type *find_type(const struct graphql_schema *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->types[i].name, name))
            return &s->types[i];
    return NULL;
}

/* "T", "T!", "[T]", "[T!]!" */
static struct graphql_ref ref(const struct maker *m, const char *notation)
{
    struct graphql_ref r = {0};
    struct str s = str_c(notation);
    r.required = str_ends(s, STR("!"));
    s = str_head(s, s.n - r.required);
    r.list = str_starts(s, STR("["));
    if (r.list) {
        s = str_of(s.p + 1, s.n - 2);
        r.item_required = str_ends(s, STR("!"));
        s = str_head(s, s.n - r.item_required);
    }
    r.type = find_type(m->schema, s);
    must(r.type != NULL);
    return r;
}

static struct graphql_field *add_field(struct maker *m, struct graphql_type *t, struct str name,
                                       struct graphql_ref r, enum graphql_meaning meaning, const char *doc)
{
    struct graphql_field *v = grown(m, t->fields, t->n_fields, sizeof(*v));
    if (!v)
        return &m->nowhere;
    t->fields = v;
    v[t->n_fields] = (struct graphql_field){.name = name, .doc = str_c(doc), .ref = r, .meaning = meaning};
    return &v[t->n_fields++];
}

static void add_input(struct maker *m, struct graphql_input **v, size_t *n, struct graphql_input one)
{
    struct graphql_input *more = grown(m, *v, *n, sizeof(*more));
    if (!more)
        return;
    *v = more;
    more[(*n)++] = one;
}

static void add_argument(struct maker *m, struct graphql_field *f, const char *name, const char *notation,
                         const char *doc)
{
    add_input(m, &f->args, &f->n_args,
              (struct graphql_input){.name = str_c(name), .doc = str_c(doc), .ref = ref(m, notation)});
}

static void add_choice(struct maker *m, struct graphql_type *t, struct str name, struct analytics_order order)
{
    struct graphql_choice *v = grown(m, t->choices, t->n_choices, sizeof(*v));
    if (!v)
        return;
    t->choices = v;
    v[t->n_choices++] = (struct graphql_choice){.name = name, .doc = STR(""), .order = order};
}

static void add_fixed(struct maker *m)
{
    for (size_t i = 0; i < countof(fixed_types); i++)
        add_type(m, fixed_types[i].kind, str_c(fixed_types[i].name), fixed_types[i].doc);
    for (size_t i = 0; i < countof(fixed_fields); i++) {
        struct graphql_field *f =
            add_field(m, find_type(m->schema, str_c(fixed_fields[i].type)), str_c(fixed_fields[i].name),
                      ref(m, fixed_fields[i].ref), fixed_fields[i].meaning, fixed_fields[i].doc);
        if (fixed_fields[i].argument && !m->full)
            add_argument(m, f, fixed_fields[i].argument, fixed_fields[i].argument_ref, "");
    }
    for (size_t i = 0; i < countof(fixed_choices); i++)
        add_choice(m, find_type(m->schema, str_c(fixed_choices[i].type)), str_c(fixed_choices[i].name),
                   (struct analytics_order){0});
    struct graphql_type *filter = find_type(m->schema, STR("AccountFilter_InputObject"));
    add_input(
        m, &filter->inputs, &filter->n_inputs,
        (struct graphql_input){.name = STR("accountTag"), .doc = STR("Its id"), .ref = ref(m, "string")});
}

/* ---- what the table of analytics makes of it ---- */

static const char *scalar_of(enum analytics_type t)
{
    static const char *const names[] = {
        [TYPE_TEXT] = "string", [TYPE_TEXTS] = "string", [TYPE_COUNT] = "uint64",  [TYPE_FLAG] = "uint64",
        [TYPE_TIME] = "Time",   [TYPE_DATE] = "Date",    [TYPE_MONEY] = "float64", [TYPE_TOOK] = "float64"};
    return names[t];
}

/* May be null: times of nothing, and what a row of the log does not know. */
static bool nullable(const struct analytics_field *f)
{
    return f->type == TYPE_TOOK || (!f->group && (f->type == TYPE_MONEY || f->type == TYPE_COUNT));
}

static struct graphql_ref value_ref(struct maker *m, const struct analytics_field *f)
{
    struct graphql_ref r = ref(m, scalar_of(f->type));
    r.required = !nullable(f);
    r.list = r.item_required = f->type == TYPE_TEXTS;
    return r;
}

static struct graphql_type *group_type(struct maker *m, struct graphql_type *row, const char *node,
                                       const char *group)
{
    static const struct {
        const char *group, *suffix, *doc;
    } rows[] = {{"sum", "Sum", "Sums"},
                {"avg", "Avg", "Means"},
                {"quantiles", "Quantiles", "Percentiles"},
                {"max", "Max", "Largest values"},
                {"dimensions", "Dimensions", "What a group has in common"}};
    size_t i = 0;
    while (strcmp(rows[i].group, group) != 0)
        i++;
    struct str name = text(m, node, rows[i].suffix, "");
    struct graphql_type *t = find_type(m->schema, name);
    if (t)
        return t;
    t = add_type(m, GRAPHQL_OBJECT, name, rows[i].doc);
    add_field(m, row, str_c(rows[i].group), (struct graphql_ref){.type = t, .required = true}, M_GROUP,
              rows[i].doc);
    return t;
}

static void add_measures(struct maker *m, struct graphql_type *row, int node)
{
    for (int i = 0; i < MEASURE_ALL_COUNT; i++) {
        const struct analytics_field *f = &analytics_measures[i];
        if (!(f->nodes >> node & 1))
            continue;
        struct graphql_type *t = *f->group ? group_type(m, row, analytics_nodes[node].type, f->group) : row;
        add_field(m, t, str_c(f->name), value_ref(m, f), M_MEASURE, f->doc)->id = i;
    }
}

static void add_dimensions(struct maker *m, struct graphql_type *row, int node)
{
    struct graphql_type *t = group_type(m, row, analytics_nodes[node].type, "dimensions");
    for (int i = 0; i < DIM_COUNT; i++)
        if (analytics_dimensions[i].nodes >> node & 1)
            add_field(m, t, str_c(analytics_dimensions[i].name), value_ref(m, &analytics_dimensions[i]),
                      M_DIMENSION, analytics_dimensions[i].doc)
                ->id = i;
}

static const struct {
    const char *suffix;
    enum analytics_op op;
    bool many;
    const char *doc;
} ops[] = {
    {"", OP_EQ, false, "Equal"},
    {"_gt", OP_GT, false, "Greater"},
    {"_geq", OP_GEQ, false, "Greater or equal"},
    {"_lt", OP_LT, false, "Less"},
    {"_leq", OP_LEQ, false, "Less or equal"},
    {"_neq", OP_NEQ, false, "Not equal"},
    {"_in", OP_IN, true, "One of these"},
    {"_notin", OP_NOTIN, true, "None of these"},
    {"_like", OP_LIKE, false, "Like a pattern: % is any text, _ any character"},
    {"_has", OP_HAS, false, "This is among them"},
    {"_hasany", OP_HAS_ANY, true, "One of these is among them"},
    {"_hasall", OP_HAS_ALL, true, "All of these are among them"},
};

static bool has_op(enum analytics_type t, enum analytics_op op)
{
    return t == TYPE_TEXTS ? op >= OP_HAS : op < OP_LIKE || (op == OP_LIKE && t == TYPE_TEXT);
}

static void add_tests(struct maker *m, struct graphql_type *filter, int dimension)
{
    const struct analytics_field *f = &analytics_dimensions[dimension];
    for (size_t i = 0; i < countof(ops); i++) {
        if (!has_op(f->type, ops[i].op))
            continue;
        struct graphql_ref r = ref(m, scalar_of(f->type));
        r.list = r.item_required = ops[i].many;
        add_input(m, &filter->inputs, &filter->n_inputs,
                  (struct graphql_input){.name = text(m, f->name, ops[i].suffix, ""),
                                         .doc = str_c(ops[i].doc),
                                         .ref = r,
                                         .what = INPUT_TEST,
                                         .dimension = (enum analytics_dimension)dimension,
                                         .op = ops[i].op});
    }
}

static struct graphql_type *add_filter(struct maker *m, int node)
{
    struct graphql_type *t =
        add_type(m, GRAPHQL_INPUT, text(m, analytics_nodes[node].type, "Filter_InputObject", ""),
                 "All of it must hold");
    const struct graphql_ref list = {.type = t, .list = true, .item_required = true};
    add_input(m, &t->inputs, &t->n_inputs,
              (struct graphql_input){
                  .name = STR("AND"), .doc = STR("All of these must hold"), .ref = list, .what = INPUT_AND});
    add_input(m, &t->inputs, &t->n_inputs,
              (struct graphql_input){
                  .name = STR("OR"), .doc = STR("One of these must hold"), .ref = list, .what = INPUT_OR});
    for (int i = 0; i < DIM_COUNT; i++)
        if (analytics_dimensions[i].nodes >> node & 1)
            add_tests(m, t, i);
    return t;
}

static void add_both_ways(struct maker *m, struct graphql_type *t, const char *group, const char *name,
                          bool measure, int id)
{
    struct str key = *group ? text(m, group, "_", name) : str_c(name);
    for (int down = 0; down < 2; down++)
        add_choice(m, t, text(m, key.p, down ? "_DESC" : "_ASC", ""),
                   (struct analytics_order){.measure = measure, .id = id, .descending = down});
}

static struct graphql_type *add_orders(struct maker *m, int node)
{
    struct graphql_type *t = add_type(m, GRAPHQL_ENUM, text(m, analytics_nodes[node].type, "OrderBy", ""),
                                      "What groups are ordered by");
    for (int i = 0; i < DIM_COUNT; i++)
        if (analytics_dimensions[i].nodes >> node & 1)
            add_both_ways(m, t, "", analytics_dimensions[i].name, false, i);
    for (int i = 0; i < MEASURE_ALL_COUNT; i++)
        if (analytics_measures[i].nodes >> node & 1)
            add_both_ways(m, t, analytics_measures[i].group, analytics_measures[i].name, true, i);
    return t;
}

static void add_node(struct maker *m, int node)
{
    const struct analytics_node_row *n = &analytics_nodes[node];
    struct graphql_type *row = add_type(m, GRAPHQL_OBJECT, str_c(n->type), n->doc);
    add_measures(m, row, node);
    if (node == NODE_REQUESTS) {
        struct graphql_field *f =
            add_field(m, row, STR("confidence"), ref(m, "Confidence!"), M_GROUP, "How sure it is");
        if (!m->full)
            add_argument(m, f, "level", "float64", "Changes nothing: every number is exact");
    }
    add_dimensions(m, row, node);
    const struct graphql_type *filter = add_filter(m, node), *orders = add_orders(m, node);
    struct graphql_ref list = {.type = row, .required = true, .list = true, .item_required = true};
    struct graphql_field *f =
        add_field(m, find_type(m->schema, STR("account")), str_c(n->name), list, M_NODE, n->doc);
    if (m->full)
        return;
    f->id = node;
    add_argument(m, f, "limit", "uint64!", "Most groups in the answer, 10000 at most");
    add_input(
        m, &f->args, &f->n_args,
        (struct graphql_input){.name = STR("filter"), .doc = STR("Which requests"), .ref = {.type = filter}});
    add_input(m, &f->args, &f->n_args,
              (struct graphql_input){.name = STR("orderBy"),
                                     .doc = STR("The order of groups"),
                                     .ref = {.type = orders, .list = true, .item_required = true}});
    add_field(m, find_type(m->schema, STR("AccountSettings")), str_c(n->name), ref(m, "Settings!"),
              M_NODE_SETTINGS, n->doc)
        ->id = node;
}

static void add_unlisted(struct maker *m)
{
    struct graphql_schema *s = m->schema;
    static const struct graphql_field one = {.doc = S("")};
    s->typename_field = s->root_fields[0] = s->root_fields[1] = one;
    s->typename_field.name = STR("__typename");
    s->typename_field.ref = ref(m, "String!");
    s->root_fields[0].name = STR("__schema");
    s->root_fields[0].ref = ref(m, "__Schema!");
    s->root_fields[0].meaning = I_SCHEMA;
    s->root_fields[1].name = STR("__type");
    s->root_fields[1].ref = ref(m, "__Type");
    s->root_fields[1].meaning = I_TYPE;
    add_argument(m, &s->root_fields[1], "name", "String!", "");
    s->if_argument = room(m, sizeof(*s->if_argument));
    if (s->if_argument)
        *s->if_argument =
            (struct graphql_input){.name = STR("if"), .doc = STR(""), .ref = ref(m, "Boolean!")};
}

const struct graphql_schema *graphql_schema(struct arena *a)
{
    struct maker m = {.arena = a, .schema = arena_new(a, struct graphql_schema)};
    if (m.schema)
        m.schema->types = arena_zalloc(a, TYPES * sizeof(*m.schema->types));
    if (!m.schema || !m.schema->types)
        return NULL;
    add_fixed(&m);
    for (int node = 0; node < NODE_COUNT && !m.full; node++)
        add_node(&m, node);
    add_unlisted(&m);
    m.schema->query = find_type(m.schema, STR("Query"));
    return m.full ? NULL : m.schema;
}

/* ---- looking things up ---- */

const struct graphql_type *graphql_type_named(const struct graphql_schema *s, struct str name)
{
    return find_type(s, name);
}

const struct graphql_field *graphql_field_named(const struct graphql_schema *s, const struct graphql_type *t,
                                                struct str name)
{
    if (t->kind != GRAPHQL_OBJECT)
        return NULL;
    if (str_eq(name, s->typename_field.name))
        return &s->typename_field;
    for (size_t i = 0; t == s->query && i < countof(s->root_fields); i++)
        if (str_eq(name, s->root_fields[i].name))
            return &s->root_fields[i];
    for (size_t i = 0; i < t->n_fields; i++)
        if (str_eq(t->fields[i].name, name))
            return &t->fields[i];
    return NULL;
}

const struct graphql_input *graphql_input_named(const struct graphql_input *v, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].name, name))
            return &v[i];
    return NULL;
}
