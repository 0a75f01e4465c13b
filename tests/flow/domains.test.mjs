// SPDX-License-Identifier: Apache-2.0
// Custom domains (control plane 10, data plane 30): a host that stands for a gateway, over TLS with its own certificate.
import test from 'node:test';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import { makeAuthority } from './lib/certs.mjs';
import { answers, chat, message } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { Described } from './lib/openapi.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const HOST = 'ai.example.com';
const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping' }] });
const domain = { domain: 'AI.Example.com', zone_id: 'z1' };

async function world(t, options = {}) {
    const openai = await startUpstream(t, answers(200, chat()));
    const anthropic = await startUpstream(t, answers(200, message()));
    const weir = await startWeir(t, { workers: 2, providers: { openai: openai.origin, anthropic: anthropic.origin }, ...options });
    await weir.api('POST', '/gateways', { id: 'team', authentication: true, cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });
    const api = (method, rest = '', value) => weir.api(method, `/gateways/team/custom-domains${rest}`, value);
    const at = (path, more = {}, host = HOST) => weir.request({ path, method: more.body ? 'POST' : 'GET', headers: { Host: host, 'Content-Type': 'application/json' }, ...more });
    return { openai, anthropic, weir, api, at };
}

test('made, listed, found and deleted', async (t) => {
    const { weir, api } = await world(t);
    const made = await api('POST', '', { ...domain, minTLS: '1.2' });
    assert.equal(made.status, 200, made.text);
    const { created_at, modified_at, ...rest } = made.json.result;
    assert.deepEqual(rest, { hostname: HOST, gateway_id: 'team', status: 'active', cname_target: 'gateway.test', zone_id: 'z1', minTLS: '1.2', weir_certificate: null });
    assert.ok(Number.isInteger(created_at) && created_at === modified_at && created_at > 1.7e12);
    assert.deepEqual((await api('GET')).json.result.map((d) => d.hostname), [HOST]);
    for (const [query, n] of [['?search=example', 1], ['?search=other', 0], ['?status=active', 1], ['?status=blocked', 0]]) assert.equal((await api('GET', query)).json.result.length, n, query);
    assert.equal((await api('GET', '?status=odd')).status, 400);
    assert.equal((await api('GET', `/${HOST.toUpperCase()}`)).json.result.hostname, HOST);
    assert.equal((await weir.api('POST', '/gateways/default/custom-domains', domain)).status, 409); // a host stands for one gateway
    for (const [value, member] of [[{ zone_id: 'z' }, 'domain'], [{ domain: 'x y.z', zone_id: 'z' }, 'domain'], [{ domain: 'localhost', zone_id: 'z' }, 'domain'], [{ domain: 'a.b' }, 'zone_id'], [{ ...domain, minTLS: '2' }, 'minTLS']])
        assert.deepEqual((await api('POST', '', value)).json.errors[0].path, ['body', member]);
    assert.equal((await api('DELETE', `/${HOST}`)).json.result.hostname, HOST);
    assert.equal((await api('GET', `/${HOST}`)).status, 404);
});

test('its path is what follows the gateway elsewhere', async (t) => {
    const { openai, anthropic, weir, api, at } = await world(t);
    assert.equal((await at('/openai/chat/completions', { body })).status, 404); // not yet
    await api('POST', '', domain);
    const native = await at('/openai/chat/completions?x=1', { body });
    assert.deepEqual([native.status, openai.last.target], [200, '/v1/chat/completions?x=1']);
    assert.equal((await at('/openai/chat/completions', { body }, 'AI.EXAMPLE.COM:8443')).status, 200);
    const compat = await at('/compat/messages', { body: JSON.stringify({ model: 'anthropic/claude-sonnet-4-5', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }) });
    assert.deepEqual([compat.status, anthropic.last.target], [200, '/v1/messages']);
    const universal = await at('/', { body: JSON.stringify([{ provider: 'openai', endpoint: 'chat/completions', query: JSON.parse(body) }]) });
    assert.equal(universal.status, 200);
    assert.equal((await weir.logs({ gateway: 'team' })).length, 4);
    // nothing else is behind this name
    assert.equal((await at(`/v1/${ACCOUNT}/default/openai/chat/completions`, { body })).json.error[0].code, 2008);
    assert.equal((await at(`/client/v4/accounts/${ACCOUNT}/ai/v1/chat/completions`, { body })).json.error[0].code, 2008);
    assert.equal((await at(`/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways`)).json.error[0].code, 2008);
    assert.equal((await at('/metrics')).json.error[0].code, 2008);
    assert.equal((await at('/openai/chat/completions', { body, auth: false })).status, 401);
    await weir.api('DELETE', '/gateways/team'); // takes its domains along
    assert.equal((await at('/openai/chat/completions', { body })).status, 404);
});

test('TLS: a certificate of its own by the name that is asked for; older TLS refused where the domain says so', async (t) => {
    const authority = makeAuthority(t);
    const main = authority.issue('main', 'DNS:weir.example.com,IP:127.0.0.1');
    const own = authority.issue('own', `DNS:${HOST}`);
    const { weir, api } = await world(t, { config: { tls: { cert: main.certFile, key: main.keyFile, more: [`${own.certFile}:${own.keyFile}`] } }, clientTls: { ca: authority.ca } });
    const made = (await api('POST', '', { ...domain, minTLS: '1.3' })).json.result, { weir_certificate: shown } = made;
    new Described((await weir.request({ path: '/client/v4/openapi.json' })).json).check({ $ref: '#/components/schemas/CustomDomain' }, made, 'a host with a certificate');
    assert.deepEqual(shown, { named: true, expires_at: new Date(new X509Certificate(fs.readFileSync(own.certFile)).validTo).toISOString() });
    assert.equal((await api('POST', '', { domain: 'other.example.com', zone_id: '' })).json.result.weir_certificate.named, false);
    const call = (servername, options = {}) => new Promise((resolve, reject) => {
        const req = https.request({ host: '127.0.0.1', port: weir.port, servername, path: '/openai/chat/completions', method: 'POST', ca: authority.ca, agent: false,
            headers: { Host: servername, 'cf-aig-authorization': `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }, ...options }, (res) => {
            const name = res.socket.getPeerCertificate().subject.CN;
            res.resume().on('end', () => resolve({ status: res.statusCode, name }));
        });
        req.on('error', reject).end(body);
    });
    assert.deepEqual(await call(HOST), { status: 200, name: 'own' });
    assert.deepEqual(await call('weir.example.com'), { status: 404, name: 'main' });
    assert.deepEqual(await call(HOST, { maxVersion: 'TLSv1.2' }), { status: 426, name: 'own' });
});
