// SPDX-License-Identifier: Apache-2.0
// Hosts that stand for a gateway: what its DNS has to say, and which certificate its clients are shown.
import { may } from '../lib/api';
import { listAll, post, remove, type Body } from '../lib/client';
import { ago, moment } from '../lib/format';
import { useLoad } from '../lib/load';
import type { CustomDomain as Domain, DomainCertificate as Certificate } from '../lib/openapi';
import { ask, Button, Copied, Empty, Head, Ready, say, Tag } from '../ui/basics';
import { Editor, type Kind } from '../ui/editor';
import { useState } from 'preact/hooks';

const DOMAINS = '/accounts/{A}/ai-gateway/gateways/{G}/custom-domains', DOMAIN = `${DOMAINS}/{host}` as const;
const KIND: Kind<'CustomDomainBody'> = { schema: 'CustomDomainBody', keys: { domain: { label: 'Host name', example: 'ai.example.com' }, minTLS: { label: 'Least version of TLS', choices: [[null, 'as the server has it'], ['1.2', '1.2'], ['1.3', '1.3']] } } };
const SOON_MS = 14 * 864e5;

const ADDRESS = /^[\d.]+$/, NOWHERE = /^(localhost|127\.[\d.]+)$/;
/* An address is no target of a CNAME record. */
const record = (d: Domain) => (ADDRESS.test(d.cname_target) ? `${d.hostname}. A ${d.cname_target}` : `${d.hostname}. CNAME ${d.cname_target}.`);
/* Whoever sees this page at the daemon's own port will have to name it, too. */
const port = (d: Domain) => (location.port && location.hostname === d.cname_target ? `:${location.port}` : '');

function CertificateState({ of }: { of: Certificate | null }) {
    if (!of) return <><Tag>no TLS here</Tag> <span class="muted">A proxy in front has to have the certificate, and to pass the Host line on.</span></>;
    const left = Date.parse(of.expires_at) - Date.now(), until = `until ${moment(of.expires_at)}`;
    if (!of.named) return <><Tag tone="bad">none for this name</Tag> <span class="muted">Clients will refuse the connection: add its certificate to <code>tls.more</code>, then send the daemon SIGHUP.</span></>;
    if (left < 0) return <><Tag tone="bad">expired</Tag> <span class="muted">Since {moment(of.expires_at)}: put a new one in its file, then send the daemon SIGHUP.</span></>;
    return <><Tag tone={left < SOON_MS ? 'warn' : 'good'}>{left < SOON_MS ? 'ends soon' : 'in place'}</Tag> <span class="muted">{until}</span></>;
}

function Card({ domain: d, onDelete }: { domain: Domain; onDelete: (() => void) | null }) {
    const scheme = d.weir_certificate || location.protocol === 'https:' ? 'https' : 'http';
    return (
        <section class="card" aria-label={d.hostname}>
            <Head title={<span class="h2">{d.hostname} <Tag tone={d.status === 'active' ? 'good' : 'warn'}>{d.status}</Tag></span>} note={`Added ${ago(new Date(d.created_at).toISOString())}`}>
                {onDelete && <Button icon="trash" label={`Delete ${d.hostname}`} onClick={onDelete} />}
            </Head>
            <dl class="facts">
                <div><dt>Base URL</dt><dd><Copied label={`Base URL of ${d.hostname}`} text={`${scheme}://${d.hostname}${port(d)}/openai`} /></dd></div>
                <div><dt>DNS record</dt><dd>{NOWHERE.test(d.cname_target) ? <span class="muted">To wherever this server is reached. Its settings do not say: <code>public_url</code> does.</span> : <Copied label={`DNS record of ${d.hostname}`} text={record(d)} />}</dd></div>
                <div><dt>Certificate</dt><dd><CertificateState of={d.weir_certificate} /></dd></div>
                {d.minTLS && <div><dt>TLS</dt><dd>{d.minTLS} or newer; older clients are refused</dd></div>}
            </dl>
        </section>
    );
}

export function Domains({ id }: { id: string }) {
    const editable = may('write');
    const domains = useLoad((abort) => listAll(DOMAINS, { G: id, signal: abort, what: 'Listing custom domains' }), [id]);
    const [adding, setAdding] = useState(false);
    const add = async ({ domain, minTLS }: Body<'post', typeof DOMAINS>) => {
        await post(DOMAINS, { G: id, body: { domain, zone_id: '', ...(minTLS && { minTLS }) }, what: 'Adding the domain' });
        say('Added: now set its DNS record');
        domains.reload();
    };
    const destroy = (d: Domain) => ask({ title: `Delete ${d.hostname}?`, act: 'Delete', text: 'Programs that call this host are refused from then on. The gateway’s other addresses stay.',
        run: async () => { await remove(DOMAIN, { G: id, host: d.hostname, what: 'Deleting the domain' }); say('Deleted'); domains.reload(); } });
    const adder = editable && <Button icon="plus" kind="primary" onClick={() => setAdding(true)}>Add a domain</Button>;
    return (
        <>
            <Head title="Custom domains" note={id}>{domains.data?.length ? adder : null}</Head>
            <Ready of={domains}>{(all) => (all.length ? all.map((d) => <Card key={d.hostname} domain={d} onDelete={editable ? () => destroy(d) : null} />)
                : <Empty title="No domain of its own"><p>A host name that stands for this gateway, so that programs need neither account nor gateway in the path: <code>https://ai.example.com/openai/…</code></p>{adder}</Empty>)}</Ready>
            {adding && <Editor title="Add a domain" kind={KIND} start={{ domain: '', minTLS: null }} act="Add" save={add} onClose={() => setAdding(false)} />}
        </>
    );
}
