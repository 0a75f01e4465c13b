#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// Writes data/prices.json from the npm package @pydantic/genai-prices, or checks it against the
// package. The package is a source of facts, not a dependency of weir:
//
//   npm install --no-save --no-package-lock @pydantic/genai-prices@0.1.8
//   node tools/prices.mjs [--date YYYY-MM-DD]   write; prices as they are on that day (today)
//   node tools/prices.mjs --check               list every difference; 1 if there is any
//
// Where weir knows better than the package stands in prices-facts.mjs.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { calcPrice, findProvider } from '@pydantic/genai-prices';

import { ADDITIONS, CORRECTIONS, FACTS, FREE, NAMES } from './prices-facts.mjs';

const FILE = new URL('../data/prices.json', import.meta.url);
const PACKAGE = '@pydantic/genai-prices';
const VERSION = packageVersion();

// ---- which of the package's providers is which of weir's --------------------------------------

const isClaude = (id) => id.includes('claude');
const isVertexOnly = (m) => isClaude(m.id) || m.id.endsWith('-maas');
const HUGGINGFACE = [
    'cerebras',
    'fireworks-ai',
    'groq',
    'hyperbolic',
    'nebius',
    'novita',
    'nscale',
    'ovhcloud',
    'publicai',
    'sambanova',
    'together',
];

// prefixes: what may stand in front of an id besides "<provider>/". fallback: whose list is asked
// when a name is not in the provider's own.
const PROVIDERS = {
    openai: { from: ['openai'] },
    anthropic: { from: ['anthropic'] },
    'google-ai-studio': { from: ['google'], only: (m) => !isVertexOnly(m), prefixes: ['google/', 'models/'] },
    'google-vertex-ai': {
        from: ['google'],
        only: isVertexOnly,
        prefixes: ['google/', 'anthropic/'],
        fallback: ['google-ai-studio', 'anthropic'],
    },
    'aws-bedrock': {
        from: ['aws'],
        prefixes: ['us.', 'us-gov.', 'eu.', 'apac.', 'jp.', 'au.', 'ca.', 'in.', 'sa.'],
    },
    'azure-openai': {
        from: ['azure'],
        prefixes: ['azure/'],
        fallback: ['openai', 'anthropic', 'deepseek', 'grok'],
    },
    groq: { from: ['groq'] },
    mistral: { from: ['mistral'], prefixes: ['mistralai/'] },
    cohere: { from: ['cohere'] },
    'perplexity-ai': { from: ['perplexity'], prefixes: ['perplexity/'] },
    deepseek: { from: ['deepseek'] },
    grok: { from: ['x-ai'], prefixes: ['xai/', 'x-ai/'] },
    cerebras: { from: ['cerebras'] },
    baseten: { from: ['baseten'] },
    fireworks: { from: ['fireworks'] },
    openrouter: { from: ['openrouter'] },
    'workers-ai': { from: ['cloudflare'] },
    huggingface: {
        from: HUGGINGFACE.map((s) => 'huggingface_' + s),
        suffix: (source) => source.replace('huggingface_', ':'),
    },
};

// ---- units ------------------------------------------------------------------------------------

// price keys of the package, and ours; the rest (hours, pages, searches, requests) is not per token
const RATES = {
    input_mtok: 'input',
    cache_read_mtok: 'cached',
    cache_audio_read_mtok: 'cached_audio',
    cache_write_mtok: 'cache_write',
    cache_write_1h_mtok: 'cache_write_1h',
    input_audio_mtok: 'audio_in',
    input_image_mtok: 'image_in',
    output_mtok: 'output',
    output_reasoning_mtok: 'reasoning',
    output_audio_mtok: 'audio_out',
    output_image_mtok: 'image_out',
};
const RATE_ORDER = Object.values(RATES);
const rounded = [];

// USD per million tokens to pico-dollars per token: 1 is 1,000,000
function pico(usd, where) {
    const exact = usd * 1e6;
    const whole = Math.round(exact);
    if (Math.abs(exact - whole) > 1e-6) rounded.push(`${where}: ${usd} USD/M`);
    return whole;
}

// ---- names ------------------------------------------------------------------------------------

// What may follow a dated model's name without making it another model. The same list stands in
// src/providers/prices.c.
const MARK = new RegExp(
    '(?:' +
        [
            '[-@]latest',
            '@default',
            '-preview',
            '-exp',
            '[-@]\\d{8}',
            '-\\d{4}-\\d\\d-\\d\\d',
            '-\\d\\d-\\d{4}',
            '-\\d\\d-\\d\\d',
            '-\\d{3,4}',
            '-v\\d\\d?',
            ':\\d\\d?',
            ':\\d{2,3}k',
        ].join('|') +
        ')$',
);

function ruleNames(rule, out) {
    const [kind, value] = Object.entries(rule)[0];
    if (kind === 'or' || kind === 'and') value.forEach((r) => ruleNames(r, out));
    else if (kind === 'equals') out.names.push(value);
    else if (kind === 'regex')
        // "^name-\d{8}$" and the like; what excludes (?!...) adds no name
        /^\^[a-z]/.test(value) && (out.dated = true) && out.names.push(value.replace(/^\^|-\\d.*$|\\/g, ''));
    else (out.dated = true) && out.names.push(value.replace(/[-@]$/, ''));
    return out;
}

// Bedrock's rules are written for every region; the id says the same: [prefix.]vendor.model-date-vN:M
function bedrockNames(model) {
    const id = model.id.replace(/^regional\./, '');
    const family = id.replace(/:\d+$/, '').replace(/-20\d{6}(-v\d+)?$/, '');
    const name = family.startsWith('amazon.titan') ? family : family.replace(/-v\d+$/, '');
    return { names: [name], dated: true };
}

function namesOf(slug, source, model) {
    const given = NAMES[`${slug}:${model.id}`];
    if (given) return { names: given.filter((n) => n !== '+dated'), dated: given.includes('+dated') };
    if (slug === 'aws-bedrock') return bedrockNames(model);
    const out = ruleNames(model.match, { names: [], dated: false });
    const prefixes = [slug + '/', ...(PROVIDERS[slug].prefixes ?? [])];
    const suffix = PROVIDERS[slug].suffix?.(source) ?? '';
    let names = out.names.map((n) => n.toLowerCase() + suffix);
    names = names
        .filter((n) => !n.startsWith('cerebras:'))
        .map((n) => prefixes.reduce((x, p) => (x.startsWith(p) ? x.slice(p.length) : x), n));
    const id = model.id.toLowerCase() + suffix;
    return {
        names: [...new Set(names.includes(id) ? [id, ...names] : names)],
        dated: out.dated && slug !== 'cerebras',
    };
}

// ---- one model --------------------------------------------------------------------------------

function ratesAt(prices, tokens, where) {
    const out = {};
    for (const [key, ours] of Object.entries(RATES)) {
        const p = prices[key];
        if (p === undefined) continue;
        const tier = typeof p === 'object' ? p.tiers.filter((t) => tokens > t.start).at(-1) : undefined;
        out[ours] = pico(typeof p === 'object' ? (tier?.price ?? p.base) : p, where);
    }
    return out;
}

const starts = (prices) =>
    [
        ...new Set(
            Object.values(prices).flatMap((p) => (typeof p === 'object' ? p.tiers.map((t) => t.start) : [])),
        ),
    ].sort((a, b) => a - b);

// The package has only ">": a start of 271999 is its way of saying ">= 272000".
const length = (start) => (start % 1000 === 999 ? { at_least: start + 1 } : { above: start });

const changed = (rates, base) => Object.fromEntries(Object.entries(rates).filter(([k, v]) => base[k] !== v));

function condition(constraint) {
    return constraint.type === 'start_date'
        ? { from: constraint.start_date }
        : { utc: constraint.start_time.slice(0, 5) + '-' + constraint.end_time.slice(0, 5) };
}

// The set in force on `date` without any condition, and those that need one: a long prompt, a later
// day, an hour of the day. The last that applies wins.
function priceSets(model, date, where) {
    const list = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
    const now = list.findLastIndex(
        (p) => !p.constraint || (p.constraint.type === 'start_date' && p.constraint.start_date <= date),
    );
    const base = ratesAt(list[now].prices, 0, where);
    const when = [];
    for (const entry of list.slice(now)) {
        const cond = entry === list[now] ? {} : condition(entry.constraint);
        if (entry !== list[now]) when.push({ ...cond, ...changed(ratesAt(entry.prices, 0, where), base) });
        for (const start of starts(entry.prices))
            when.push({
                ...cond,
                ...length(start),
                ...changed(ratesAt(entry.prices, start + 1, where), base),
            });
    }
    return { ...base, when };
}

// ---- the whole --------------------------------------------------------------------------------

function packageVersion() {
    const entry = createRequire(import.meta.url).resolve(PACKAGE);
    return JSON.parse(readFileSync(entry.slice(0, entry.lastIndexOf('/dist/')) + '/package.json', 'utf8'))
        .version;
}

const leftOut = [];

function sourceModels(slug, date) {
    const out = [];
    for (const source of PROVIDERS[slug].from) {
        for (const model of findProvider({ providerId: source }).models.filter(
            PROVIDERS[slug].only ?? (() => true),
        )) {
            const where = `${slug}:${model.id}`;
            const { names, dated } = namesOf(slug, source, model);
            const m = {
                names,
                dated,
                ...priceSets(model, date, where),
                source,
                sourceId: model.id,
                sourceNames: [...names],
            };
            const free = FREE.has(where) || model.id.endsWith(':free');
            if (m.input === undefined && !free) {
                leftOut.push(where);
                continue;
            }
            m.input ??= 0;
            m.output ??= 0;
            for (const c of CORRECTIONS.filter((c) => c.to(slug, model.id))) c.apply(m);
            if (m.names.length) out.push(m);
        }
    }
    return out;
}

const ratesText = (m) => JSON.stringify([RATE_ORDER.map((k) => m[k]), m.when]);

// Models of one name are one model if they cost the same (dates that were cut off), else a mistake.
function byName(slug, list) {
    const models = {},
        owner = {};
    for (const m of list) {
        const known = m.names.map((n) => owner[n]).find(Boolean);
        if (known && ratesText(known) !== ratesText(m))
            throw new Error(`${slug}: ${m.names} and ${known.names} share a name and differ in price`);
        if (known) known.names = [...new Set([...known.names, ...m.names])];
        else models[m.names[0]] = m;
        m.names.forEach((n) => (owner[n] = known ?? m));
    }
    for (const m of Object.values(models))
        // names that the dated rule finds anyway
        if (m.dated)
            m.names = m.names.filter(
                (n, i) => i === 0 || !m.names.includes(n.replace(MARK, '')) || !MARK.test(n),
            );
    return models;
}

function build(date) {
    const providers = {};
    const slugs = [...Object.keys(PROVIDERS), ...ADDITIONS.map((a) => a.slug)];
    for (const slug of new Set(slugs)) {
        const added = ADDITIONS.filter((a) => a.slug === slug).map((a) => ({ ...a.model, note: a.why }));
        const list = [...(PROVIDERS[slug] ? sourceModels(slug, date) : []), ...added];
        providers[slug] = {
            prefixes: PROVIDERS[slug]?.prefixes,
            fallback: PROVIDERS[slug]?.fallback,
            models: byName(slug, list),
        };
    }
    const of = (slug, id) => providers[slug].models[id];
    for (const [slug, id, holds] of FACTS)
        if (!of(slug, id) || !holds(of(slug, id), of))
            throw new Error(`a fact does not hold: ${slug} ${id}: ${holds}`);
    return providers;
}

function modelText(m) {
    const rates = (s) =>
        Object.fromEntries(RATE_ORDER.filter((k) => s[k] !== undefined).map((k) => [k, s[k]]));
    const cond = ({ from, utc, above, at_least }) => ({ from, utc, above, at_least });
    const also = m.names.slice(1);
    const head = {
        also: also.length ? also : undefined,
        dated: m.dated || undefined,
        ...rates(m),
        note: m.note,
    };
    const body = spaced(head);
    if (m.when.length === 0) return `{${body}}`;
    const when = m.when.map((s) => `\n          {${spaced({ ...cond(s), ...rates(s) })}}`);
    return `{${body}, "when": [${when}]}`;
}

const list = (values) => '[' + values.map((v) => JSON.stringify(v)).join(', ') + ']';

const spaced = (o) =>
    Object.entries(o)
        .filter(([, v]) => v !== undefined)
        .map(([k, v]) => `"${k}": ${Array.isArray(v) ? list(v) : JSON.stringify(v)}`)
        .join(', ');

function fileText(providers, date) {
    const about = [
        'List prices in pico-dollars (1e-12 USD) per token: 1 USD per million tokens is 1000000.',
        'Written by tools/prices.mjs; corrections belong there. docs/prices.md explains every field.',
    ];
    const parts = Object.entries(providers).map(([slug, p]) => {
        const models = Object.entries(p.models).map(
            ([id, m]) => `\n        ${JSON.stringify(id)}: ${modelText(m)}`,
        );
        const head = spaced({ prefixes: p.prefixes, fallback: p.fallback });
        const first = head ? `\n      ${head},` : '';
        return `\n    ${JSON.stringify(slug)}: {${first}\n      "models": {${models}\n      }\n    }`;
    });
    return (
        `{\n  "about": [\n    ${about.map((l) => JSON.stringify(l)).join(',\n    ')}\n  ],\n` +
        `  "source": ${JSON.stringify(`${PACKAGE} ${VERSION}`)},\n  "date": ${JSON.stringify(date)},\n` +
        `  "providers": {${parts}\n  }\n}\n`
    );
}

// ---- check ------------------------------------------------------------------------------------

// How the package calls a name of ours.
function theirName(slug, m, name) {
    if (slug === 'aws-bedrock') return m.sourceId.replace('regional.', 'us.');
    return name.replace(PROVIDERS[slug].suffix?.(m.source) ?? '', '');
}

function theirPrice(m, name, usage, timestamp) {
    const names = m.dated ? [name, name + '-2024-08-06'] : [name];
    return names.map((n) => calcPrice(usage, n, { providerId: m.source, timestamp })).find(Boolean);
}

// Does the package's own search, with its own order of rules, give every one of our names the price
// of the entry it stands in? An hour that is off-peak everywhere, so that no condition applies.
function crossCheck(providers, date) {
    const wrong = [];
    const timestamp = new Date(date + 'T20:00:00Z');
    const usage = { input_tokens: 1000, cache_read_tokens: 100, output_tokens: 1000 };
    const differ = (a, b) => Math.abs(a - b) > 1e-9;
    const entries = Object.entries(providers).flatMap(([slug, p]) =>
        Object.values(p.models).map((m) => [slug, m]),
    );
    for (const [slug, m] of entries.filter(([, m]) => m.source))
        for (const name of m.names.filter((n) => m.sourceNames.includes(n))) {
            const theirs = theirPrice(m, theirName(slug, m, name), usage, timestamp);
            const ours = (900 * m.input + 100 * (m.cached ?? m.input)) / 1e12;
            if (!theirs || differ(theirs.input_price, ours) || differ(theirs.output_price, m.output / 1e9))
                wrong.push(`! ${slug}: ${name}: the package finds ${theirs?.model.id ?? 'nothing'}`);
        }
    return wrong;
}

function differences(want, have) {
    const lines = (s) => s.split('\n');
    const old = new Set(lines(have)),
        now = new Set(lines(want));
    return [
        ...lines(have)
            .filter((l) => !now.has(l))
            .map((l) => '- ' + l.trim()),
        ...lines(want)
            .filter((l) => !old.has(l))
            .map((l) => '+ ' + l.trim()),
    ];
}

const args = process.argv.slice(2);
const check = args.includes('--check');
const have = check ? readFileSync(FILE, 'utf8') : '';
const date = check
    ? JSON.parse(have).date
    : (args[args.indexOf('--date') + 1] ?? new Date().toISOString().slice(0, 10));
const providers = build(date);
const text = fileText(providers, date);
const wrong = crossCheck(providers, date);

if (check) {
    const diff = [...differences(text, have), ...wrong];
    diff.forEach((l) => console.log(l));
    console.log(
        diff.length
            ? `data/prices.json differs from ${PACKAGE} ${VERSION}`
            : `data/prices.json agrees with ${PACKAGE} ${VERSION}`,
    );
    process.exitCode = diff.length ? 1 : 0;
} else {
    writeFileSync(FILE, text);
    for (const [slug, p] of Object.entries(providers))
        console.log(`${slug}: ${Object.keys(p.models).length} models`);
    console.log(`without a price per token, left out: ${leftOut.join(', ')}`);
    console.log(`rounded to a whole pico-dollar: ${rounded.join(', ')}`);
    wrong.forEach((l) => console.log(l));
}
