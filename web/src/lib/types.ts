// SPDX-License-Identifier: Apache-2.0
// What the management API answers: the part that pages read. Requests are described by /client/v4/openapi.json, from which the
// forms are made; answers are not, so they stand here.

export interface Session {
    account: string;
    name: string;
    permissions: string[];
    gateways: string[] | null;
    expires_at: string | number | null;
}

export interface ResultInfo { page: number; per_page: number; count: number; total_count: number; total_pages?: number }
export interface Listed<T> { rows: T[]; info: ResultInfo }

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Fields = { [key: string]: Json };

export interface Gateway extends Fields {
    id: string;
    created_at: string;
    modified_at: string;
    authentication: boolean;
    collect_logs: boolean;
}

export interface LogRow {
    id: string;
    created_at: string;
    provider: string;
    model: string;
    model_type: string;
    path: string;
    duration: number;
    success: boolean;
    cached: boolean;
    status_code: number | null;
    tokens_in: number | null;
    tokens_out: number | null;
    cost: number | null;
    custom_cost: boolean;
    metadata: Record<string, string | number | boolean> | null;
    step: number;
    event_id: string;
    request_type: string;
    request_content_type: string | null;
    response_content_type: string | null;
    feedback: number | null;
    score: number | null;
    usage_metadata: Record<string, number> | null;
    timings: { total: number; latency: number } | null;
    authentication: boolean;
    byok: boolean;
    user_agent: string | null;
    weir: {
        error: string | null;
        method: string;
        attempt: number;
        stream: boolean;
        client_gone: boolean;
        request_id: string;
        trace_id: string;
        token_id: number | null;
        request_missing: boolean;
        response_missing: boolean;
        no_payload: boolean;
    };
}

export interface LogDetail extends LogRow {
    request_head: string;
    request_head_complete: boolean;
    request_size: number;
    response_head: string;
    response_head_complete: boolean;
    response_size: number;
}

export interface ProviderConfig {
    id: string;
    provider_slug: string;
    alias: string;
    default_config: boolean;
    secret_preview: string;
    rate_limit: number | null;
    rate_limit_period: number | null;
    status?: string;
    last_used_at?: string | null;
    modified_at: string;
}

export interface CustomProvider extends Fields { id: string; name: string; slug: string; base_url: string; enable: boolean }
export interface CustomCost extends Fields {
    id: string; account_provider_id: string; model: string; model_rule: string; cost_in: number | null; cost_out: number | null; enable: boolean;
}

export interface RouteVersion { version_id: string; active: 'true' | 'false'; data: string; is_valid?: boolean; created_at: string }
export interface RouteDeployment { deployment_id: string; version_id: string; created_at: string }
export interface Route {
    id: string; name: string; created_at: string; modified_at: string;
    elements: { id: string; type: string; outputs: Record<string, { elementId: string }>; properties?: Fields }[];
    version: RouteVersion | null; deployment: RouteDeployment;
}

export interface Token {
    id: string;
    name: string;
    status: string;
    issued_on: string;
    expires_on?: string | null;
    last_used_on?: string | null;
    policies: { effect: string; permission_groups: { id: string; name?: string }[]; resources: object }[];
    weir_gateways?: string[] | null;
    value?: string;
}

export interface AuditLine {
    id: string;
    when: string;
    interface: string;
    action: { type: string; result: boolean; info: string };
    actor: { type: string; id: string; email: string; ip: string };
    resource: { type: string; id: string };
    oldValueJson: Json;
    newValueJson: Json;
}

/** The part of an OpenAPI document that forms are made of. */
export interface Schema {
    type: string | string[];
    description?: string;
    default?: Json;
    enum?: (string | null)[];
    minimum?: number;
    maximum?: number;
    minLength?: number;
    maxLength?: number;
    /** Kept and shown, but nothing acts on it yet. */
    'x-weir-idle'?: boolean;
}
export interface ObjectSchema { properties: Record<string, Schema>; required?: string[] }
export interface OpenApi { components: { schemas: Record<string, ObjectSchema> } }
