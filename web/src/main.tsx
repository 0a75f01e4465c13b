// SPDX-License-Identifier: Apache-2.0
import { render } from 'preact';
import { App, fetchAhead } from './app';
import { startRouter } from './lib/router';
import './styles.css';

startRouter();
fetchAhead();
render(<App />, document.getElementById('app')!);
