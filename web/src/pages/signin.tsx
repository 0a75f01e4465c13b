// SPDX-License-Identifier: Apache-2.0
// The way in: a provider that knows people, if there is one, or a token; either becomes a cookie that scripts cannot read.
import { useState } from 'preact/hooks';
import { ApiError, signIn } from '../lib/api';
import { get } from '../lib/client';
import { useLoad } from '../lib/load';
import { Button, Skeleton } from '../ui/basics';

export function SignIn() {
    const [token, setToken] = useState('');
    const [wrong, setWrong] = useState('');
    const [busy, setBusy] = useState(false);
    const asked = useLoad((abort) => get('/weir/session/ways', { signal: abort, what: 'Asking how to sign in' }), []);
    const provider = asked.data?.provider; // when asking fails, there is still the token
    const enter = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setWrong('');
        try {
            await signIn(token.trim());
        } catch (error) {
            const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
            setWrong(refused ? 'This token opens nothing here. It may have ended, or be one of another server.' : (error as Error).message);
        }
        setBusy(false);
    };
    if (asked.loading) return <main class="lonely"><Skeleton /></main>; // what is first must not move when the rest comes
    return (
        <main class="lonely">
            <form class="card signin" onSubmit={enter}>
                <svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" /><path d="M5 11c4 0 4 3 7.300 3s3.400-3 7.300-3 4 3 7.400 3M5 19c4 0 4 3 7.300 3s3.400-3 7.300-3 4 3 7.400 3" /></svg>
                <h1>Sign in to weir</h1>
                {provider && <>
                    <a class="button primary" href={`${provider.url}?to=${encodeURIComponent(location.pathname + location.search)}`}>Sign in with {provider.name}</a>
                    <p class="or"><span>or with a token</span></p>
                </>}
                <label class="field">Token
                    <input type="password" name="token" autocomplete="current-password" required autofocus={!provider} value={token} onInput={(e) => setToken(e.currentTarget.value)} aria-invalid={wrong ? true : undefined} aria-describedby="signin-help" />
                </label>
                {wrong && <p class="wrong" role="alert">{wrong}</p>}
                <Button kind={provider ? '' : 'primary'} type="submit" busy={busy}>Sign in</Button>
                {provider ? <p class="muted" id="signin-help">Tokens are for operators and programs; they work when the provider does not.</p> : <>
                    <p class="muted" id="signin-help">The first start printed the root token. Another one, for looking only:</p>
                    <code>weir token create --name me --permissions read,analytics_read</code>
                </>}
            </form>
        </main>
    );
}
