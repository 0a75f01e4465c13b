// SPDX-License-Identifier: Apache-2.0
// What the management API takes and answers, as its OpenAPI document has it (types.mjs makes openapi.ts out of that), in the names of
// these pages.
import type { Json } from './openapi';

export type { AuditRow as AuditLine, CustomProvider, CustomProviderCost as CustomCost, DynamicRoute as Route, DynamicRouteDeployment as RouteDeployment, DynamicRouteVersion as RouteVersion,
    Gateway, Json, LogDetail, LogRow, ProviderConfig, Schemas, Session, SignedOut, Token } from './openapi';

/** Any object of the API, for what walks over keys. */
export type Fields = { [key: string]: Json };

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
