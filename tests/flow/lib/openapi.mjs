// SPDX-License-Identifier: Apache-2.0
// A client made of the OpenAPI document: calls operations by their ids, holds every answer to its schema, and remembers what it saw.
import assert from 'node:assert/strict';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const NAME = /^#\/components\/(\w+)\/(\w+)$/;

/** Every object says all of its members: what is not declared is refused. Parts of an allOf are closed together. */
function closed(schema, part = false) {
    if (Array.isArray(schema)) return schema.map((s) => closed(s));
    if (typeof schema !== 'object' || schema === null) return schema;
    const out = {};
    for (const [key, value] of Object.entries(schema))
        out[key] = key === '$ref' ? rooted(value)
            : key === 'allOf' ? value.map((s) => closed(s, true))
                : key === 'properties' ? Object.fromEntries(Object.entries(value).map(([k, s]) => [k, closed(s)]))
                    : key === 'enum' || key === 'required' || key === 'default' ? value : closed(value);
    if (schema.allOf) out.unevaluatedProperties = false;
    else if (schema.properties && !part) out.additionalProperties = false;
    return out;
}

const rooted = (schema) => JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', 'weir#/$defs/'));

export class Described {
    constructor(document, send) {
        this.document = document;
        this.send = send;
        this.called = new Set();
        this.seen = new Set();
        this.compiled = new Map();
        this.operations = new Map();
        for (const [path, operations] of Object.entries(document.paths))
            for (const [method, operation] of Object.entries(operations))
                this.operations.set(operation.operationId, { ...operation, path, method: method.toUpperCase() });
        const { schemas } = document.components, parts = new Set();
        const findParts = (s) => {
            if (typeof s !== 'object' || s === null) return;
            for (const one of s.allOf ?? []) if (one.$ref) parts.add(one.$ref.match(NAME)[2]);
            Object.values(s).forEach(findParts);
        };
        findParts(document.paths);
        this.ajv = addFormats(new Ajv({ strict: true, strictTypes: false, allErrors: true, keywords: ['x-weir-idle'] }));
        this.bodies = addFormats(new Ajv({ strict: true, strictTypes: false, strictRequired: false, keywords: ['x-weir-idle'] }));
        this.bodies.addSchema({ $id: 'weir', $defs: rooted(schemas) });
        this.ajv.addSchema({ $id: 'weir', $defs: Object.fromEntries(Object.entries(schemas).map(([name, s]) => [name, closed(s, parts.has(name))])) });
    }

    /** What a call may be answered with, by status: {type: schema}. */
    content(id, status) {
        const { responses } = this.operations.get(id);
        const found = responses[status] ?? responses.default;
        const { content } = found.$ref ? this.document.components.responses[found.$ref.match(NAME)[2]] : found;
        return content;
    }

    check(schema, value, what) {
        const key = JSON.stringify(schema), valid = this.compiled.get(key) ?? this.ajv.compile(closed(schema));
        this.compiled.set(key, valid);
        assert.ok(valid(value), `${what}: ${this.ajv.errorsText(valid.errors, { separator: '\n' })}\n${JSON.stringify(value, null, 1).slice(0, 3000)}`);
        this.#note(schema, value);
    }

    /** Which members of which schemas have been there. */
    #note(schema, value, name) {
        if (schema.$ref) return this.#note(this.document.components.schemas[schema.$ref.match(NAME)[2]], value, schema.$ref.match(NAME)[2]);
        for (const part of [...(schema.allOf ?? []), ...(schema.anyOf ?? [])]) if (value !== null) this.#note(part, value);
        if (Array.isArray(value)) value.forEach((v) => schema.items && this.#note(schema.items, v));
        else if (typeof value === 'object' && value !== null)
            for (const [key, v] of Object.entries(value)) {
                const inner = schema.properties?.[key] ?? (typeof schema.additionalProperties === 'object' && schema.additionalProperties);
                if (schema.properties?.[key] && name) this.seen.add(`${name}.${key}`);
                if (inner) this.#note(inner, v);
            }
    }

    /** Calls an operation; its answer, parsed where it is JSON, must be what the document says. */
    async call(id, { params = {}, query, body, status = 200, headers = {} } = {}) {
        const operation = this.operations.get(id);
        assert.ok(operation, `the document has ${id}`);
        const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? assert.fail(`${id} needs ${name}`)));
        const answer = await this.send(operation.method, path + (query ? `?${new URLSearchParams(query)}` : ''), body, headers);
        assert.equal(answer.status, status, `${id}: ${answer.text}`);
        if (status < 400) this.called.add(id);
        if (status === 302) return answer;
        const type = answer.type.split(';')[0], media = this.content(id, status)[type];
        assert.ok(media, `${id} is answered with ${type}: ${Object.keys(this.content(id, status))}`);
        const value = type === 'application/json' ? JSON.parse(answer.text) : answer.text;
        this.check(media.schema, value, `${id}, ${status}`);
        const takes = status === 200 && operation.requestBody?.content['application/json'].schema; // it may have more, which is ignored
        if (takes) assert.ok(this.bodies.validate(rooted(takes), body), `${id} takes ${JSON.stringify(body)}, but: ${this.bodies.errorsText()}`);
        return value;
    }
}
