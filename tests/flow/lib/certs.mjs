// SPDX-License-Identifier: Apache-2.0
// A certificate authority for a test, and certificates from it. Made by the openssl program, gone with the test.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { tempDir } from './weir.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });

export function makeAuthority(t) {
    const dir = tempDir(t);
    const file = (name) => path.join(dir, name);
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('ca.key'),
        '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=flow test authority', '-addext', 'basicConstraints=critical,CA:TRUE');
    return {
        file: file('ca.pem'),
        /** Certificate and key for these subject alternative names, such as "DNS:localhost,IP:127.0.0.1". */
        issue(name, altNames, days = '2') {
            fs.writeFileSync(file(`${name}.ext`), `subjectAltName=${altNames}\nbasicConstraints=CA:FALSE\n`);
            openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`),
                '-out', file(`${name}.csr`), '-subj', `/CN=${name}`);
            openssl('x509', '-req', '-in', file(`${name}.csr`), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial',
                '-out', file(`${name}.pem`), '-days', days, '-extfile', file(`${name}.ext`));
            return { certFile: file(`${name}.pem`), keyFile: file(`${name}.key`), cert: fs.readFileSync(file(`${name}.pem`)), key: fs.readFileSync(file(`${name}.key`)) };
        },
        get ca() {
            return fs.readFileSync(file('ca.pem'));
        },
    };
}
