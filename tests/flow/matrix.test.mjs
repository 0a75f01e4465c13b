// SPDX-License-Identifier: Apache-2.0
// Any SDK, any model, whatever is asked: each client runs each scenario at each provider through the compat endpoints.
// The providers are strict (lib/dialects.mjs): they answer 400 to what the real ones refuse. A cell asserts what the
// program gets, and what the provider was told.
import test from 'node:test';
import assert from 'node:assert/strict';
import { z } from 'zod';
import { clients } from './lib/clients.mjs';
import { frameworks } from './lib/frameworks.mjs';
import { provider, SIGNATURE } from './lib/dialects.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { BIN, startWeir, TOKEN } from './lib/weir.mjs';

const MODELS = {
    openai: 'gpt-5-mini',
    openrouter: 'anthropic/claude-sonnet-4.5',
    anthropic: 'claude-sonnet-5',
    'google-ai-studio': 'gemini-3-pro-preview',
    'aws-bedrock': 'anthropic.claude-sonnet-4-5-20250929-v1:0',
    cohere: 'command-a-reasoning-08-2025',
    mistral: 'magistral-medium-latest',
};

/* What a provider tells in a dialect, and how it may hear of effort. */
const DIALECTS = {
    chat: { cached: true, reasoning: true, effort: ['high'], thoughts: ['openrouter', 'mistral'], signatures: ['openrouter'] },
    responses: { cached: true, reasoning: true, effort: ['high'], thoughts: true, signatures: true },
    anthropic: { cached: true, effort: ['high'], thoughts: true, signatures: true },
    gemini: { cached: true, reasoning: true, effort: ['high', 24576], thoughts: true, signatures: true },
    bedrock: { cached: true, effort: [24576], thoughts: true, signatures: true },
    cohere: { effort: [24576], thoughts: true },
};
const among = (what, slug) => (Array.isArray(what) ? what.includes(slug) : Boolean(what));
const tells = (heard, what) => among(DIALECTS[heard.dialect][what], heard.slug);

const SYSTEM = 'Antworte auf „Polnisch“.';
const TEXT = 'Zoë says: "Łódź" 👋\nund\tTschüß. <b>&amp;</b> \u0001';
const USAGE = { in: 42, out: 30, cached: 17, reasoning: 11 };
const TALE = 'Once upon a time there was a queen who had a mirror that spoke the truth.';
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const TOOLS = [
    { name: 'get_weather', description: 'The weather.', parameters: { type: 'object', properties: { city: { type: 'string', description: 'Which' }, days: { type: 'array', items: { type: 'integer' } } }, required: ['city'] } },
    { name: 'get_time', description: 'The time.', parameters: { type: 'object', properties: { zone: { type: 'string' } }, required: ['zone'] } },
];
const CALLS = [{ id: 'call_a1', name: 'get_weather', args: { city: 'Łódź "centre" {\\}', days: [1, 2] } }, { id: 'call_b2', name: 'get_time', args: { zone: 'Europe/Warsaw' } }];
const OUTPUTS = ['12 °C, "rain"', '14:05'];
const Person = z.object({ name: z.string(), tags: z.array(z.string()), address: z.object({ city: z.string() }) });
const PERSON = { name: 'Ada "L."', tags: ['α', 'β'], address: { city: 'London' } };

const answer = (more) => ({ text: TEXT, finish: 'stop', usage: USAGE, ...more });
/** Ids are the client's; a dialect without them has its own. */
const nameless = (calls) => calls.map(({ name, args }) => ({ name, args }));

/** AWS has no 401, Anthropic an own one for overload. */
function statusFor(client, slug, status) {
    if (client.own === 'anthropic' && status === 503) return 529;
    return client.own === 'aws-bedrock' && slug !== 'aws-bedrock' && status === 401 ? 403 : status;
}

function usageIs(got, heard, client, stream) {
    if (client.can.usage === false || (stream && client.can.streamUsage === false)) return;
    const want = [USAGE.in, USAGE.out, tells(heard, 'cached') ? USAGE.cached : 0, tells(heard, 'reasoning') ? USAGE.reasoning : 0];
    got.usage?.forEach((n, i) => n === undefined || assert.equal(n, want[i], `usage[${i}] of ${got.usage}`));
    assert.ok(got.usage?.length >= 2, 'usage');
}

/** Each is given { ask(s, turn), can, row() }: ask answers with `turn` and resolves to [got, heard]. */
const SCENARIOS = {
    async chat({ ask, slug, model, row, client }, stream) {
        const [got, heard] = await ask({ system: SYSTEM, user: ['Say hello to Zoë.'], stream }, answer());
        assert.deepEqual([got.text, got.finish, got.calls, got.thinking], [TEXT, 'stop', [], '']);
        usageIs(got, heard, client, stream);
        assert.deepEqual([heard.system, heard.texts, heard.slug, heard.stream], [SYSTEM, ['Say hello to Zoë.'], slug, Boolean(stream)]);
        const r = await row();
        assert.deepEqual([r.provider, r.model, r.success], [slug, model, true]);
        if (got.usage[0] !== undefined) assert.deepEqual([r.tokens_in, r.tokens_out], [USAGE.in, USAGE.out]);
    },

    async length({ ask }, stream) {
        const [got] = await ask({ user: ['Tell me all.'], stream }, answer({ text: 'Once', finish: 'length' }));
        assert.deepEqual([got.text, got.finish], ['Once', 'length']);
    },

    async tools({ ask, client, slug }, stream) {
        if (stream && client.can.streamCalls && !among(client.can.streamCalls, slug)) return;
        const s = { system: SYSTEM, user: ['Weather and time in Łódź?'], tools: TOOLS, stream };
        const [got, heard] = await ask(s, answer({ text: 'Let me look.', calls: CALLS, finish: 'tools' }));
        assert.deepEqual([got.text, got.finish, nameless(got.calls)], ['Let me look.', 'tools', nameless(CALLS)]);
        usageIs(got, heard, client, stream);
        assert.deepEqual(Object.keys(heard.tools), TOOLS.map((f) => f.name));
        assert.deepEqual(heard.tools.get_weather.properties.days.items.type.toLowerCase(), 'integer');
        assert.deepEqual(heard.tools.get_weather.required, ['city']);
        const [last, told] = await ask(s, answer({ text: 'Rain.' }), client.results(got.messages, got.calls.map((c, i) => ({ ...c, output: OUTPUTS[i] }))));
        assert.deepEqual([last.text, last.finish, last.calls], ['Rain.', 'stop', []]);
        assert.deepEqual(nameless(told.calls), nameless(CALLS));
        assert.deepEqual(told.results.map((r) => r.output), OUTPUTS);
        assert.deepEqual(told.results.map((r) => r.id), told.calls.map((c) => c.id));
        assert.equal(told.texts[0], 'Weather and time in Łódź?');
    },

    async picture({ ask, client }) {
        if (client.can.images === false) return;
        const [got, heard] = await ask({ user: ['What is this?', { image: { mime: 'image/png', data: PIXEL } }] }, answer());
        assert.equal(got.text, TEXT);
        assert.deepEqual([heard.texts, heard.images], [['What is this?'], [{ mime: 'image/png', data: PIXEL }]]);
    },

    async 'picture by URL'({ ask, slug, client, fails }) {
        if (client.can.images === false || client.can.urls === false) return;
        const url = 'https://pictures.test/a.png?x=1&y=2';
        const s = { user: ['What is this?', { image: { url } }] };
        if (slug === 'aws-bedrock') { /* takes data and S3 only */
            const e = await fails(s);
            assert.deepEqual([e.kind, e.status], [true, 400]);
            if (client.can.reasons !== false) assert.match(e.message, /image/);
            return;
        }
        const [, heard] = await ask(s, answer());
        assert.deepEqual(heard.images, [{ url }]);
    },

    async schema({ ask }, stream) {
        const [got, heard] = await ask({ user: ['Who?'], schema: Person, stream }, answer({ text: JSON.stringify(PERSON) }));
        assert.deepEqual(got.object, PERSON);
        const schema = heard.schema;
        assert.deepEqual(Object.keys(schema?.properties ?? {}), ['name', 'tags', 'address'], JSON.stringify(heard.body));
        assert.equal(schema.properties.address.properties.city.type.toLowerCase(), 'string');
        assert.deepEqual(schema.required, ['name', 'tags', 'address']);
    },

    async reasoning({ ask, client, slug }, stream) {
        if (stream && client.can.streamCalls && !among(client.can.streamCalls, slug)) return;
        const s = { user: ['Weather in Łódź? Think.'], tools: TOOLS, effort: 'high', stream };
        const lists = slug !== 'mistral' || client.can.lists !== false; /* there, thoughts make the content a list */
        const thinking = lists && { text: 'The user wants „weather“.\nA tool.', signature: SIGNATURE };
        const [got, heard] = await ask(s, answer({ text: undefined, thinking: thinking || undefined, calls: CALLS.slice(0, 1), finish: 'tools' }));
        const thoughts = thinking && tells(heard, 'thoughts') && among(client.can.thoughts, heard.slug), signatures = tells(heard, 'signatures') && among(client.can.signatures, slug) && !(stream && client.can.streamSignatures === false);
        assert.ok(DIALECTS[heard.dialect].effort.includes(heard.effort), `effort: ${JSON.stringify(heard.effort)}`);
        assert.deepEqual([got.thinking, got.finish, nameless(got.calls)], [thoughts ? thinking.text : '', 'tools', nameless(CALLS.slice(0, 1))]);
        const [last, told] = await ask(s, answer({ text: 'Rain.' }), client.results(got.messages, [{ ...got.calls[0], output: 'rain' }]));
        assert.equal(last.text, 'Rain.');
        const own = client.own === slug; /* its pieces of a stream pass as they are */
        if (signatures) assert.deepEqual(told.signatures.filter(Boolean), [SIGNATURE]);
        if (signatures && thoughts && heard.dialect !== 'gemini') /* there it is the call that is signed */
            assert.deepEqual(own ? [told.thoughts.join('')] : told.thoughts, [thinking.text]);
        assert.deepEqual(nameless(told.calls), nameless(CALLS.slice(0, 1)));
    },

    async 'errors before the answer'({ fails, slug, client }, stream) {
        for (const [status, message] of [[400, 'The "n" is wrong'], [401, 'Invalid key'], [404, 'No such model'], [503, 'Overloaded']]) {
            const e = await fails({ user: ['x'], stream }, { status, error: message });
            assert.equal(e.kind, true, `${status}: not the SDK's own class: ${e.message}`);
            assert.ok(e.message.includes(message) || e.message.includes(JSON.stringify(message).slice(1, -1)), e.message);
            assert.equal(e.status, statusFor(client, slug, status));
        }
    },

    async 'rate limit'({ fails }) {
        const e = await fails({ user: ['x'] }, { status: 429, error: 'Slower', headers: { 'Retry-After': '7' } });
        assert.deepEqual([e.kind, e.status], [true, 429], e.message);
        assert.match(e.message, /Slower/);
        if ('retryAfter' in e) assert.equal(e.retryAfter, '7');
    },

    async 'error inside the stream'({ fails, client, slug }) {
        if (!among(client.can.streamErrors ?? true, slug)) return;
        const said = [];
        const e = await fails({ user: ['x'], stream: true, said }, answer({ text: TALE, breaks: 'Overloaded "now"' }));
        assert.ok(TALE.startsWith(said.join('')) && said.join('').length > 3, JSON.stringify(said));
        if (client.can.errorTexts !== false) assert.match(e.message, /Overloaded/);
    },

    async 'stream that breaks off'({ fails, client }) {
        if (client.can.breaks === false) return;
        const said = [];
        const e = await fails({ user: ['x'], stream: true, said }, answer({ text: TALE, cut: true }));
        assert.ok(TALE.startsWith(said.join('')) && said.join('').length > 3, JSON.stringify(said));
        assert.ok(e.message.length > 0);
    },
};

/* Those where a stream is another thing. */
const STREAMED = new Set(['chat', 'length', 'tools', 'schema', 'reasoning', 'errors before the answer']);

/* Frameworks are slow, and send what some SDK sends: fewer cells. */
const BRIEF = new Set(['length', 'errors before the answer']);
const FRAMEWORKS_AT = ['openai', 'anthropic', 'google-ai-studio', 'aws-bedrock', 'cohere'];
const plain = !/asan|tsan/.test(BIN); /* the daemon sees nothing new from them: once is enough */
const everybody = [...Object.entries(clients).map((c) => [...c, Object.keys(MODELS)]), ...(plain ? Object.entries(frameworks) : []).map((c) => [...c, FRAMEWORKS_AT])];

test('every client, every provider', async (t) => {
    const turns = [], heard = [];
    const upstream = await startUpstream(t, provider(turns, heard));
    const weir = await startWeir(t, { providers: Object.fromEntries(Object.keys(MODELS).map((slug) => [slug, `${upstream.origin}/${slug}`])) });
    const row = async () => (await weir.logs({ query: 'per_page=1' }))[0];

    const cells = (client, c, slug, name) => {
        const model = MODELS[slug];
        const ask = async (s, turn, messages = client.begin(s)) => {
            turns.splice(0, Infinity, turn);
            heard.length = 0;
            const got = await client.ask(c, `${slug}/${model}`, messages, s);
            assert.equal(heard.length, 1, 'one call of the provider');
            return [got, heard[0]];
        };
        const fails = async (s, turn) => {
            const e = await ask(s, turn).then(() => assert.fail('no error'), (error) => error);
            if (e instanceof assert.AssertionError) throw e;
            return client.error(e);
        };
        return Object.entries(SCENARIOS).flatMap(([what, run]) => (STREAMED.has(what) ? [false, true] : [false])
            .filter((stream) => !(stream && name in frameworks && BRIEF.has(what))).map((stream) => [`${what}${stream ? ', streamed' : ''}`, () => run({ ask, fails, row, client, slug, model, name }, stream)]));
    };
    for (const [name, client, slugs] of everybody) {
        const c = client.make({ base: `${weir.base}/compat`, headers: { 'cf-aig-authorization': `Bearer ${TOKEN}` } });
        for (const slug of slugs)
            for (const [what, run] of cells(client, c, slug, name)) await t.test(`${name} -> ${slug}: ${what}`, run);
    }
});
