// SPDX-License-Identifier: Apache-2.0
//
// What weir knows better than the package that tools/prices.mjs reads: names, corrections, models that
// are missing, and statements that must hold. Every entry says why. Prices here are in USD per million
// tokens, as price lists have them.

const usd = (rates) => Object.fromEntries(Object.entries(rates).map(([k, v]) => [k, Math.round(v * 1e6)]));

// Ids that the package's rules do not spell out: a prefix that ends in the middle of a date, a
// "contains" that means a family, fine-tuned names.
export const NAMES = {
    'openai:ft:gpt-3.5-turbo-': ['ft:gpt-3.5-turbo', '+dated'],
    'openai:ft:gpt-4o': ['ft:gpt-4o', '+dated'],
    'openai:ft:gpt-4o-mini': ['ft:gpt-4o-mini', '+dated'],
    'openai:gpt-4': ['gpt-4', 'gpt-4-0314', 'gpt-4-0613', 'ft:gpt-4-0613'],
    'openai:gpt-4o-mini-2024-07-18.ft-': [], // names of Azure deployments, which nobody keeps
    'openai:moderation': ['omni-moderation', 'text-moderation', 'text-moderation-stable', '+dated'],
    'anthropic:claude-2': ['claude-2', 'claude-2.0', 'claude-2.1', 'claude-v2'],
    'anthropic:claude-sonnet-4-0': ['claude-sonnet-4-0', 'claude-sonnet-4', 'claude-4-sonnet', '+dated'],
    'google-ai-studio:gemini-2.0-flash': ['gemini-2.0-flash', 'gemini-2.0-flash-thinking', '+dated'],
    'google-ai-studio:gemini-2.5-flash-preview': [
        'gemini-2.5-flash-preview',
        'gemini-2.5-flash-preview-04-17',
        'gemini-2.5-flash-preview-05-20',
        'gemini-2.5-flash-preview:thinking',
        'gemini-2.5-flash-preview-05-20:thinking',
    ],
    'google-ai-studio:gemma-3': [
        'gemma-3',
        'gemma-3-1b-it',
        'gemma-3-4b-it',
        'gemma-3-12b-it',
        'gemma-3-27b-it',
    ],
    'google-ai-studio:gemma-3n': ['gemma-3n', 'gemma-3n-e2b-it', 'gemma-3n-e4b-it'],
    'google-vertex-ai:claude-4-sonnet': ['claude-sonnet-4', 'claude-sonnet-4-0', 'claude-4-sonnet', '+dated'],
    'google-vertex-ai:claude-4-opus': [
        'claude-opus-4',
        'claude-opus-4-0',
        'claude-opus-4-1',
        'claude-4-opus',
        '+dated',
    ],
    'cohere:c4ai-aya-expanse-32b': ['c4ai-aya-expanse-32b'],
    'cohere:c4ai-aya-expanse-8b': ['c4ai-aya-expanse-8b'],
    'mistral:mixtral-8x7b': ['open-mixtral-8x7b', 'mixtral-8x7b', 'mixtral-8x7b-instruct'],
};

// The package has no price for these because they cost nothing; other models without one are left out.
export const FREE = new Set([
    'openai:moderation',
    'google-ai-studio:gemma-3',
    'google-ai-studio:gemma-3n',
    'google-ai-studio:gemma-4-26b-a4b-it',
    'google-ai-studio:gemma-4-31b-it',
]);

const sets = (m) => [m, ...m.when];

export const CORRECTIONS = [
    {
        why: 'Claude: a write for an hour costs twice the input price; the package says so for Anthropic only',
        to: (slug, id) => ['google-vertex-ai', 'aws-bedrock'].includes(slug) && id.includes('claude'),
        apply: (m) => sets(m).forEach((s) => s.cache_write && s.input && (s.cache_write_1h = 2 * s.input)),
    },
    {
        why: 'Claude Opus 4.6 has had no long-context price since 2026-03-13, on Vertex AI neither',
        to: (slug, id) => slug === 'google-vertex-ai' && id.startsWith('claude-opus-4-6'),
        apply: (m) => (m.when = []),
    },
    {
        why: 'audio tokens of the audio previews have prices of their own (OpenAI price list)',
        to: (slug, id) => slug === 'openai' && id === 'gpt-4o-audio-preview',
        apply: (m) => Object.assign(m, usd({ audio_in: 40, audio_out: 80 })),
    },
    {
        why: 'audio tokens of the audio previews have prices of their own (OpenAI price list)',
        to: (slug, id) => slug === 'openai' && id === 'gpt-4o-mini-audio-preview',
        apply: (m) => Object.assign(m, usd({ audio_in: 10, audio_out: 20 })),
    },
    {
        why: 'gpt-oss-safeguard-20b is not gpt-oss-120b: an entry of its own below',
        to: (slug, id) => slug === 'groq' && id === 'openai/gpt-oss-120b',
        apply: (m) => (m.names = ['openai/gpt-oss-120b']),
    },
    {
        why: 'mistral-large-latest has been Mistral Large 3 (2512) since 2025-12-02',
        to: (slug, id) => slug === 'mistral' && ['mistral-large', 'mistral-large-2512'].includes(id),
        apply: (m) =>
            (m.names = m.names.includes('mistral-large-2512')
                ? [...m.names, 'mistral-large-latest']
                : m.names.filter((n) => n !== 'mistral-large-latest')),
    },
    {
        why: 'DeepSeek: the peak hours of V4 Pro are those of Monday to Friday (price list of 2026-10-27)',
        to: (slug, id) => slug === 'deepseek' && id === 'deepseek-v4-pro',
        apply: (m) => m.when.forEach((s) => (s.utc = 'mon-fri ' + s.utc)),
    },
    {
        why: 'DeepSeek: retired; V4.1 Flash answers under this name, at its price (below)',
        to: (slug, id) =>
            slug === 'deepseek' && ['deepseek-v4-flash', 'deepseek-chat', 'deepseek-reasoner'].includes(id),
        apply: (m) => (m.names = []),
    },
];

const CLAUDE_5_5 = {
    'sonnet-5-5': {
        names: ['claude-sonnet-5-5', 'claude-sonnet-5.5'],
        base: { input: 2, cached: 0.1, cache_write: 2.5, cache_write_1h: 4, output: 10 },
    },
    'haiku-5-5': {
        names: ['claude-haiku-5-5', 'claude-haiku-5.5'],
        base: { input: 0.1, cached: 0.01, cache_write: 0.125, cache_write_1h: 0.2, output: 0.5 },
        above: 100000,
        long: { input: 0.5, cached: 0.05, cache_write: 0.625, cache_write_1h: 1, output: 2.5 },
    },
};

function claude55(family, prefix, factor) {
    const { names, base, above, long } = CLAUDE_5_5[family];
    const scale = (rates) =>
        Object.fromEntries(Object.entries(rates).map(([k, v]) => [k, Math.round(v * 1e6 * factor)]));
    return {
        names: prefix ? [prefix + names[0]] : names,
        dated: true,
        ...scale(base),
        when: long ? [{ above, ...scale(long) }] : [],
    };
}

const LONG_272K = (r) => [
    {
        above: 272000,
        ...usd({
            input: 2 * r.input,
            cached: 2 * r.cached,
            cache_write: 2 * r.cache_write,
            output: 1.5 * r.output,
        }),
    },
];
const gpt6 = (names, r) => ({ names, dated: true, ...usd(r), when: LONG_272K(r) });

// From the providers' own price lists, newer than the package.
export const ADDITIONS = [
    {
        slug: 'anthropic',
        why: 'released 2026-09-28; cached input 0.05 x since 2026-10-07',
        model: claude55('sonnet-5-5', '', 1),
    },
    { slug: 'anthropic', why: 'released 2026-10-07', model: claude55('haiku-5-5', '', 1) },
    {
        slug: 'anthropic',
        why: 'Mythos costs what Fable costs',
        model: {
            names: ['claude-mythos-5'],
            dated: true,
            ...usd({ input: 10, cached: 1, cache_write: 12.5, cache_write_1h: 20, output: 50 }),
            when: [],
        },
    },
    {
        slug: 'anthropic',
        why: 'Mythos costs what Fable costs',
        model: {
            names: ['claude-mythos-5-1'],
            dated: true,
            ...usd({ input: 10, cached: 0.25, cache_write: 12.5, cache_write_1h: 20, output: 50 }),
            when: [],
        },
    },
    ...['sonnet-5-5', 'haiku-5-5'].flatMap((f) => [
        {
            slug: 'aws-bedrock',
            why: "global endpoint: Anthropic's list price",
            model: claude55(f, 'global.anthropic.', 1),
        },
        {
            slug: 'aws-bedrock',
            why: 'regional endpoint: 10 % more than the global one',
            model: claude55(f, 'anthropic.', 1.1),
        },
    ]),
    {
        slug: 'openai',
        why: 'released 2026-09-29',
        model: gpt6(['gpt-6.1-sol'], { input: 2, cached: 0.1, cache_write: 2.5, output: 10 }),
    },
    {
        slug: 'openai',
        why: 'released 2026-11-17',
        model: gpt6(['gpt-6.2-sol'], { input: 2, cached: 0.1, cache_write: 2.5, output: 10 }),
    },
    {
        slug: 'openai',
        why: 'released 2026-11-17',
        model: gpt6(['gpt-6.2-astra'], { input: 8, cached: 0.4, cache_write: 10, output: 40 }),
    },
    {
        slug: 'google-ai-studio',
        why: 'released 2026-09-30; introductory price until 2026-11-30',
        model: {
            names: ['gemini-4-argon', 'gemini-4-carbon'],
            dated: true,
            ...usd({ input: 2, cached: 0.1, output: 10 }),
            when: [{ from: '2026-12-01', ...usd({ input: 4, cached: 0.2, output: 20 }) }],
        },
    },
    {
        slug: 'deepseek',
        why: 'V4.1 Flash since 2026-09-10, under all its names (off-peak on Chinese holidays too: not told here)',
        model: {
            names: [
                'deepseek-flash',
                'deepseek-v4-flash',
                'deepseek-v4-flash-vision-exp',
                'deepseek-chat',
                'deepseek-reasoner',
            ],
            dated: true,
            ...usd({ input: 0.15, cached: 0.003, output: 0.6 }),
            when: ['01:00-04:00', '06:00-10:00'].map((h) => ({
                utc: 'mon-fri ' + h,
                ...usd({ input: 0.3, cached: 0.006, output: 1.2 }),
            })),
        },
    },
    {
        slug: 'groq',
        why: 'Groq price list',
        model: {
            names: ['openai/gpt-oss-safeguard-20b'],
            ...usd({ input: 0.075, cached: 0.0375, output: 0.3 }),
            when: [],
        },
    },
    {
        slug: 'aws-bedrock',
        why: 'Titan Text Embeddings V2 costs a fifth of V1',
        model: {
            names: ['amazon.titan-embed-text-v2:0'],
            dated: true,
            ...usd({ input: 0.02, output: 0 }),
            when: [],
        },
    },
    {
        slug: 'aws-bedrock',
        why: "embeddings at Cohere's list price",
        model: {
            names: ['cohere.embed-english-v3', 'cohere.embed-multilingual-v3'],
            ...usd({ input: 0.1, output: 0 }),
            when: [],
        },
    },
    {
        slug: 'aws-bedrock',
        why: "embeddings at Cohere's list price, also at the global endpoint",
        model: {
            names: ['cohere.embed-v4:0', 'global.cohere.embed-v4:0'],
            dated: true,
            ...usd({ input: 0.12, output: 0 }),
            when: [],
        },
    },
    {
        slug: 'aws-bedrock',
        why: 'text in; pictures, sound and film cost more and are not counted in tokens',
        model: {
            names: ['amazon.nova-2-multimodal-embeddings-v1:0'],
            dated: true,
            ...usd({ input: 0.135, output: 0 }),
            when: [],
        },
    },
    {
        slug: 'google-vertex-ai',
        why: "costs what it costs at Google AI Studio",
        model: { names: ['gemini-embedding-001'], ...usd({ input: 0.15, output: 0 }), when: [] },
    },
    {
        slug: 'google-vertex-ai',
        why: "costs what it costs at Google AI Studio",
        model: { names: ['gemini-embedding-2'], ...usd({ input: 0.2, output: 0 }), when: [] },
    },
    {
        slug: 'mistral',
        why: 'embeddings of code',
        model: {
            names: ['codestral-embed', 'codestral-embed-2505'],
            ...usd({ input: 0.15, output: 0 }),
            when: [],
        },
    },
    {
        slug: 'cohere',
        why: 'Cohere price list',
        model: {
            names: [
                'embed-english-v3.0',
                'embed-multilingual-v3.0',
                'embed-english-light-v3.0',
                'embed-multilingual-light-v3.0',
            ],
            ...usd({ input: 0.1, output: 0 }),
            when: [],
        },
    },
    {
        slug: 'mock',
        why: "the sandbox: any model at a small model's price, so that calls show a cost",
        model: { names: ['*'], ...usd({ input: 0.15, cached: 0.075, output: 0.6 }), when: [] },
    },
];

// Statements that must hold for the result, whatever the package says.
export const FACTS = [
    ['anthropic', 'claude-opus-5-5', (m) => m.cached * 20 === m.input && m.cache_write_1h === 2 * m.input],
    ['anthropic', 'claude-fable-5-1', (m) => m.cached * 40 === m.input],
    ['anthropic', 'claude-sonnet-4-6', (m) => m.when.length === 0],
    ['anthropic', 'claude-opus-4-6', (m) => m.when.length === 0],
    ['google-ai-studio', 'gemini-2.5-pro', (m) => m.when[0].above === 200000],
    ['google-ai-studio', 'gemini-3-pro-preview', (m) => m.when[0].above === 200000],
    ['google-ai-studio', 'gemini-3.1-pro-preview', (m) => m.when[0].above === 200000],
    ['grok', 'grok-4.3', (m) => m.when[0].at_least === 200000],
    ['grok', 'grok-4.5', (m) => m.when[0].at_least === 200000],
    ['openai', 'gpt-5.4', (m) => m.when[0].at_least === 272000],
    ['openai', 'gpt-5.5', (m) => m.when[0].at_least === 272000],
    ['openai', 'gpt-5.6-sol', (m) => m.when[0].at_least === 272000],
    ...['sonnet-4-5', 'opus-4-5', 'haiku-4-5', 'opus-5-5', 'fable-5-1'].map((f) => [
        'aws-bedrock',
        'anthropic.claude-' + f,
        (m, of) => Math.abs(m.input - 1.1 * of('aws-bedrock', 'global.anthropic.claude-' + f).input) < 1,
    ]),
];
