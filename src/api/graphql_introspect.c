/* SPDX-License-Identifier: Apache-2.0 */
/* __schema and __type (spec section 4): the schema's rows as the data of a query. */
#include "api/graphql_run.h"

static void write_object(struct graphql_run *run, const struct graphql_plan *list, struct graphql_thing of)
{
    struct json_out *w = &run->out;
    json_open(w, '{');
    for (const struct graphql_plan *p = list; p && graphql_goes_on(run); p = p->next) {
        json_key_str(w, p->key);
        if (p->field->meaning == M_TYPENAME)
            json_put_str(w, p->parent->name);
        else
            graphql_introspect(run, p, &of);
    }
    json_close(w, '}');
}

static struct graphql_thing a_type(struct graphql_ref ref)
{
    return (struct graphql_thing){.kind = THING_TYPE, .row = ref.type, .ref = ref};
}

static struct graphql_thing plain_type(const struct graphql_type *t)
{
    return a_type((struct graphql_ref){.type = t});
}

/* ---- lists ---- */

static void write_types(struct graphql_run *run, const struct graphql_plan *p)
{
    const struct graphql_schema *s = run->request->schema;
    json_open(&run->out, '[');
    for (size_t i = 0; i < s->n && graphql_goes_on(run); i++)
        write_object(run, p->first, plain_type(&s->types[i]));
    json_close(&run->out, ']');
}

static void write_directives(struct graphql_run *run, const struct graphql_plan *p)
{
    json_open(&run->out, '[');
    for (size_t i = 0; i < countof(graphql_directives); i++)
        write_object(run, p->first,
                     (struct graphql_thing){.kind = THING_DIRECTIVE, .row = &graphql_directives[i]});
    json_close(&run->out, ']');
}

static void write_inputs(struct graphql_run *run, const struct graphql_plan *p, const struct graphql_input *v,
                         size_t n)
{
    json_open(&run->out, '[');
    for (size_t i = 0; i < n && graphql_goes_on(run); i++)
        write_object(run, p->first, (struct graphql_thing){.kind = THING_INPUT, .row = &v[i]});
    json_close(&run->out, ']');
}

static void write_args(struct graphql_run *run, const struct graphql_plan *p, const struct graphql_thing *of)
{
    const struct graphql_field *f = of->row;
    if (of->kind == THING_DIRECTIVE)
        write_inputs(run, p, run->request->schema->if_argument, 1);
    else
        write_inputs(run, p, f->args, f->n_args);
}

static void write_fields(struct graphql_run *run, const struct graphql_plan *p, const struct graphql_type *t)
{
    json_open(&run->out, '[');
    for (size_t i = 0; i < t->n_fields && graphql_goes_on(run); i++)
        write_object(run, p->first, (struct graphql_thing){.kind = THING_FIELD, .row = &t->fields[i]});
    json_close(&run->out, ']');
}

static void write_choices(struct graphql_run *run, const struct graphql_plan *p, const struct graphql_type *t)
{
    json_open(&run->out, '[');
    for (size_t i = 0; i < t->n_choices && graphql_goes_on(run); i++)
        write_object(run, p->first, (struct graphql_thing){.kind = THING_CHOICE, .row = &t->choices[i]});
    json_close(&run->out, ']');
}

/* ---- members of a type: null where its kind has none ---- */

/* A type itself; not a list of it, nor one that is never null. */
static const struct graphql_type *named(const struct graphql_thing *of, enum graphql_kind kind)
{
    const struct graphql_type *t = of->row;
    return of->kind == THING_TYPE && !of->ref.required && !of->ref.list && t->kind == kind ? t : NULL;
}

static void write_members(struct graphql_run *run, const struct graphql_plan *p,
                          const struct graphql_thing *of)
{
    enum graphql_meaning m = p->field->meaning;
    const struct graphql_type *object = named(of, GRAPHQL_OBJECT), *input = named(of, GRAPHQL_INPUT),
                              *choices = named(of, GRAPHQL_ENUM);
    if (m == I_FIELDS && object)
        write_fields(run, p, object);
    else if (m == I_INTERFACES && object)
        json_put_raw(&run->out, STR("[]"));
    else if (m == I_INPUT_FIELDS && input)
        write_inputs(run, p, input->inputs, input->n_inputs);
    else if (m == I_ENUM_VALUES && choices)
        write_choices(run, p, choices);
    else if (m == I_ONE_OF && input)
        json_put_bool(&run->out, false);
    else
        json_put_null(&run->out);
}

static void write_kind(struct graphql_run *run, const struct graphql_thing *of)
{
    static const char *const kinds[] = {[GRAPHQL_SCALAR] = "SCALAR",
                                        [GRAPHQL_OBJECT] = "OBJECT",
                                        [GRAPHQL_ENUM] = "ENUM",
                                        [GRAPHQL_INPUT] = "INPUT_OBJECT"};
    const char *kind = of->ref.required ? "NON_NULL" : of->ref.list ? "LIST" : kinds[of->ref.type->kind];
    json_put_str(&run->out, str_c(kind));
}

/* What is left without the outermost wrapping. */
static void write_of_type(struct graphql_run *run, const struct graphql_plan *p,
                          const struct graphql_thing *of)
{
    struct graphql_ref inner = of->ref;
    if (inner.required)
        inner.required = false;
    else if (inner.list)
        inner = (struct graphql_ref){.type = inner.type, .required = inner.item_required};
    else {
        json_put_null(&run->out);
        return;
    }
    write_object(run, p->first, a_type(inner));
}

/* ---- names ---- */

static struct str name_of(const struct graphql_thing *of, bool doc)
{
    const struct graphql_type *t = of->row;
    const struct graphql_field *f = of->row;
    const struct graphql_input *in = of->row;
    const struct graphql_choice *c = of->row;
    const struct graphql_directive_row *d = of->row;
    switch (of->kind) {
    case THING_TYPE: return of->ref.required || of->ref.list ? (struct str){NULL, 0} : doc ? t->doc : t->name;
    case THING_FIELD: return doc ? f->doc : f->name;
    case THING_INPUT: return doc ? in->doc : in->name;
    case THING_CHOICE: return doc ? c->doc : c->name;
    default: return str_c(doc ? d->doc : d->name);
    }
}

static void write_name(struct graphql_run *run, const struct graphql_thing *of, bool doc)
{
    struct str s = name_of(of, doc);
    json_put_str(&run->out, doc && s.n == 0 ? str_of(NULL, 0) : s);
}

static void write_locations(struct graphql_run *run)
{
    json_open(&run->out, '[');
    for (size_t i = 0; i < countof(graphql_directive_places); i++)
        json_put_str(&run->out, str_c(graphql_directive_places[i]));
    json_close(&run->out, ']');
}

static void write_type_named(struct graphql_run *run, const struct graphql_plan *p)
{
    const struct graphql_type *t = graphql_type_named(run->request->schema, p->name);
    if (t)
        write_object(run, p->first, plain_type(t));
    else
        json_put_null(&run->out);
}

static struct graphql_ref ref_of(const struct graphql_thing *of)
{
    return of->kind == THING_FIELD ? ((const struct graphql_field *)of->row)->ref
                                   : ((const struct graphql_input *)of->row)->ref;
}

void graphql_introspect(struct graphql_run *run, const struct graphql_plan *p, const struct graphql_thing *of)
{
    switch (p->field->meaning) {
    case I_SCHEMA: write_object(run, p->first, (struct graphql_thing){.kind = THING_SCHEMA}); break;
    case I_TYPE: write_type_named(run, p); break;
    case I_TYPES: write_types(run, p); break;
    case I_QUERY_TYPE: write_object(run, p->first, plain_type(run->request->schema->query)); break;
    case I_DIRECTIVES: write_directives(run, p); break;
    case I_KIND: write_kind(run, of); break;
    case I_NAME: write_name(run, of, false); break;
    case I_DESCRIPTION: write_name(run, of, true); break;
    case I_OF_TYPE: write_of_type(run, p, of); break;
    case I_ARGS: write_args(run, p, of); break;
    case I_REF: write_object(run, p->first, a_type(ref_of(of))); break;
    case I_LOCATIONS: write_locations(run); break;
    case I_FALSE: json_put_bool(&run->out, false); break;
    case I_FIELDS:
    case I_INTERFACES:
    case I_INPUT_FIELDS:
    case I_ENUM_VALUES:
    case I_ONE_OF: write_members(run, p, of); break;
    default: json_put_null(&run->out);
    }
}
