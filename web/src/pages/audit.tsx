// SPDX-License-Identifier: Apache-2.0
// Who changed what, and when.
import { useState } from 'preact/hooks';
import { list } from '../lib/client';
import { moment } from '../lib/format';
import { useLoad } from '../lib/load';
import { query, setQuery } from '../lib/router';
import type { AuditLine, Fields, Json } from '../lib/types';
import { Button, Choice, Empty, Head, Ready, Tag } from '../ui/basics';
import { changes, show } from '../ui/form';

const PAGE = 50;
const TYPES = [{ key: '', label: 'All' }, { key: 'create', label: 'Created' }, { key: 'update', label: 'Changed' }, { key: 'delete', label: 'Deleted' }];
/* Kinds as the log names them (store/kinds.def). */
const KINDS: [kind: string, words: string][] = [['ai_gateway.gateway', 'gateways'], ['token', 'tokens'], ['ai_gateway.provider_config', 'provider keys'], ['ai_gateway.custom_provider', 'custom providers'], ['ai_gateway.custom_provider_cost', 'prices'],
    ['ai_gateway.custom_domain', 'custom domains'], ['ai_gateway.route', 'dynamic routes'], ['ai_gateway.route_version', 'versions of routes'], ['ai_gateway.route_deployment', 'deployments of routes'], ['ai_gateway.policy', 'policies'],
    ['ai_gateway.dataset', 'datasets'], ['ai_gateway.evaluation', 'evaluations'], ['ai_gateway.logs', 'deleted rows of the log'], ['ai_gateway.unified_billing_key', 'keys for Unified Billing']];
const TONES: Record<string, 'good' | 'warn' | 'bad'> = { create: 'good', update: 'warn', delete: 'bad' };

const fields = (j: Json): Fields => (typeof j === 'object' && j !== null && !Array.isArray(j) ? j : {});

/* The name that people know it by, where the line has one. */
function subject(l: AuditLine): string {
    const all = { ...fields(l.oldValueJson), ...fields(l.newValueJson) };
    const name = ['name', 'hostname', 'domain', 'alias', 'model', 'slug'].map((k) => all[k]).find((v) => typeof v === 'string' && v) ?? (l.resource.type.endsWith('gateway') ? all['id'] : '');
    return String(name ?? '');
}

function Difference({ line }: { line: AuditLine }) {
    const before = fields(line.oldValueJson), after = fields(line.newValueJson);
    const all = { ...Object.fromEntries(Object.keys(before).map((k): [string, Json] => [k, null])), ...after };
    const changed = changes(before, all).filter((c) => c.key !== 'modified_at');
    if (!changed.length) return <p class="muted">No difference is recorded.</p>;
    return <ul class="difference">{changed.map(({ key, from, to }) => <li key={key}><b>{key}</b> {from !== null && <del>{show(from)}</del>} {to !== null && <ins>{show(to)}</ins>}</li>)}</ul>;
}

export function Audit() {
    const type = query.value.get('type') ?? '', actor = query.value.get('actor') ?? '', kind = query.value.get('kind') ?? '', page = Math.max(1, Number(query.value.get('page')) || 1);
    const [text, setText] = useState(actor);
    const lines = useLoad((abort) => list('/accounts/{A}/audit_logs', { query: { per_page: PAGE, page, 'action.type': type, 'actor.email': actor, 'resource.type': kind }, signal: abort, what: 'Reading the audit log' }), [page, type, actor, kind]);
    return (
        <>
            <Head title="Audit log" note="Every change, with what was there before." />
            <div class="toolbar">
                <form class="search" role="search" onSubmit={(e) => { e.preventDefault(); setQuery({ actor: text, page: null }); }}><input data-search type="search" aria-label="Name of the token or person" placeholder="Name of the token or person" value={text} onInput={(e) => setText(e.currentTarget.value)} /><kbd>/</kbd></form>
                <select aria-label="To what" class="fit" value={kind} onChange={(e) => setQuery({ kind: e.currentTarget.value, page: null })}><option value="">everything</option>{KINDS.map(([key, words]) => <option key={key} value={key}>{words}</option>)}</select>
                <Choice label="What was done" options={TYPES} value={type} onChange={(key) => setQuery({ type: key, page: null })} />
            </div>
            <Ready of={lines}>{({ rows }) => (rows.length ? (
                <ul class="card lines">
                    {rows.map((l) => (
                        <li key={l.id}><details><summary><Tag tone={TONES[l.action.type] ?? ''}>{l.action.type}</Tag><span class="what"><span>{l.action.info || l.resource.type}{subject(l) && <> · <b>{subject(l)}</b></>}</span><small>{l.actor.email || l.actor.type}{l.actor.ip && ` from ${l.actor.ip}`}</small></span><time dateTime={l.when}>{moment(l.when)}</time></summary><Difference line={l} /></details></li>
                    ))}
                </ul>
            ) : <Empty title="No line matches"><Button onClick={() => setQuery({ type: null, actor: null, kind: null, page: null })}>Show all</Button></Empty>)}</Ready>
            {(page > 1 || (lines.data && lines.data.rows.length === PAGE)) && <div class="pager"><Button disabled={page === 1} onClick={() => setQuery({ page: String(page - 1) })}>Newer</Button><span>Page {page}</span><Button disabled={lines.data?.rows.length !== PAGE} onClick={() => setQuery({ page: String(page + 1) })}>Older</Button></div>}
        </>
    );
}
