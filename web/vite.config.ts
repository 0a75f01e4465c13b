// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vite';

const daemon = process.env.WEIR_URL ?? 'http://127.0.0.1:8787';

export default defineConfig({
    build: {
        target: 'es2022',
        modulePreload: { polyfill: false }, // the polyfill would be an inline script, which the CSP refuses
        assetsInlineLimit: 0,
        reportCompressedSize: true,
    },
    server: { proxy: { '/client': daemon, '/v1': daemon } },
});
