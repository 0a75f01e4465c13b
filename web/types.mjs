// SPDX-License-Identifier: Apache-2.0
// The types of the API for TypeScript, out of ../docs/openapi.json into src/lib/openapi.ts: schemas by name, and what each call takes
// and answers. Of JSON Schema it knows what that document uses, and stops at anything else.
import fs from 'node:fs';

const document = JSON.parse(fs.readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8'));
const KNOWN = new Set(['$ref', 'additionalProperties', 'allOf', 'anyOf', 'default', 'description', 'enum', 'format', 'items', 'maxItems', 'maxLength', 'maximum', 'minItems', 'minLength',
    'minimum', 'properties', 'required', 'type', 'writeOnly', 'x-weir-idle']);
const PLAIN = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' };

const key = (name) => (/^\w+$/.test(name) ? name : JSON.stringify(name));
const comment = (text) => (text ? `/** ${text.replaceAll('*/', '* /')} */ ` : '');
const nameOf = (ref) => ref.split('/').at(-1);

function members(schema) {
    return Object.entries(schema.properties ?? {}).map(([name, s]) => `${comment(s.description)}${key(name)}${schema.required?.includes(name) ? '' : '?'}: ${type(s)}`);
}

function ofKind(kind, schema) {
    if (PLAIN[kind]) return PLAIN[kind];
    if (kind === 'array') return `Array<${type(schema.items)}>`;
    if (kind !== 'object') throw new Error(`no type is known for ${JSON.stringify(schema)}`);
    if (schema.properties) return `{ ${members(schema).join('; ')} }`;
    return `{ [key: string]: ${typeof schema.additionalProperties === 'object' ? type(schema.additionalProperties) : 'Json'} }`;
}

/** Keys that only this call needs: they stand beside the schemas that say what they are. */
const needed = (schema, all) => (schema.required?.length ? `Needs<${all}, ${schema.required.map((k) => JSON.stringify(k)).join(' | ')}>` : all);

function type(schema) {
    const strange = Object.keys(schema).filter((k) => !KNOWN.has(k));
    if (strange.length) throw new Error(`unknown in a schema: ${strange}`);
    if (schema.$ref) return nameOf(schema.$ref);
    if (schema.allOf) return needed(schema, schema.allOf.map(type).join(' & '));
    if (schema.anyOf) return schema.anyOf.map(type).join(' | ');
    if (schema.enum) return schema.enum.map((v) => JSON.stringify(v)).join(' | ');
    if (!schema.type) return 'Json';
    return [schema.type].flat().map((kind) => ofKind(kind, schema)).join(' | ');
}

function operation({ parameters, requestBody, responses }) {
    const place = (where) => parameters.filter((p) => p.in === where).map((p) => `${comment(p.description)}${key(p.name)}${p.required ? '' : '?'}: ${type(p.schema)}`).join('; ');
    const answers = responses[200] ? Object.entries(responses[200].content).map(([media, { schema }]) => (media === 'application/json' ? type(schema) : 'string')) : ['never'];
    const body = requestBody ? type(requestBody.content['application/json'].schema) : 'undefined';
    return `{ params: { ${place('path')} }; query: { ${place('query')} }; body: ${body}; answer: ${[...new Set(answers)].join(' | ')} }`;
}

const schemas = Object.entries(document.components.schemas);
const methods = ['get', 'post', 'put', 'patch', 'delete'];
const paths = (method) => Object.entries(document.paths).filter(([, calls]) => calls[method]).map(([path, calls]) => `        '${path}': ${operation(calls[method])};\n`);
const out = `// Made by types.mjs out of docs/openapi.json: not to be edited.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Needs<T, K extends keyof T> = T & Required<Pick<T, K>>;

${schemas.map(([name, s]) => `${s.description ? `/** ${s.description} */\n` : ''}export type ${name} = ${type(s)};\n`).join('')}
export interface Schemas {
${schemas.map(([name]) => `    ${name}: ${name};\n`).join('')}}

export interface Operations {
${methods.map((method) => `    ${method}: {\n${paths(method).join('')}    };\n`).join('')}}
`;
fs.writeFileSync(new URL('src/lib/openapi.ts', import.meta.url), out);
