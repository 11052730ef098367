import { type Html, html, type Value } from './html.ts';

export type Section = 'overview' | 'changes' | 'waiting' | 'cost' | 'quarantine' | 'login';

/** One page. `refresh` is an address that the browser goes on to by itself. */
export type Page = { title: string; body: Value; section?: Section; refresh?: string };

const SECTIONS: readonly { section: Section; href: string; label: string }[] = [
  { section: 'overview', href: '/', label: 'Overview' },
  { section: 'changes', href: '/changes', label: 'Changes' },
  { section: 'waiting', href: '/approvals', label: 'Waiting' },
  { section: 'cost', href: '/cost', label: 'Cost' },
  { section: 'quarantine', href: '/quarantine', label: 'Quarantine' },
  { section: 'login', href: '/login', label: 'Login' },
];

const gate = html`<svg class="gate" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false"><path
  d="M3 22V10a9 9 0 0 1 18 0v12M9 2.5V19l-1 2M15 2.5V19l-1 2M3 9h18M3 15h18" fill="none" stroke="currentColor" stroke-width="2"/></svg>`;

/** The frame around every page: no script, no picture, one stylesheet. */
export function page({ title, body, section, refresh }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh && html`<meta http-equiv="refresh" content="0;url=${refresh}">`}
<title>${title} · Portcullis</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/">${gate}Portcullis</a>
<nav aria-label="Main"><ul>
${SECTIONS.map(
  (
    each,
  ) => html`<li><a href="${each.href}"${each.section === section && html` aria-current="page"`}>${each.label}</a></li>
`,
)}</ul></nav>
</header>
<main id="main" tabindex="-1">
${body}
</main>
<footer class="foot">
<p>Changes and approvals are shown from the ledger, lists from an index that can lag a few seconds behind it.</p>
</footer>
</body>
</html>
`;
}
