import { type Html, html, type Value } from './html.ts';

/** Files of a bundle are opened from a disk: links are relative, and `up` leads from a page to the bundle's first folder. */
export type Frame = { title: string; up: string };

/** What stands before the content of a page; it is written before anybody knows how long the page will be. */
export const frameStart = ({ title, up }: Frame): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>${title} · Portcullis evidence</title>
<link rel="stylesheet" href="${up}style.css">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top"><a class="brand" href="${up}index.html">Portcullis evidence</a></header>
<main id="main" tabindex="-1">
`;

export const frameEnd = (foot: Value): Html => html`
</main>
<footer class="foot"><p>${foot}</p></footer>
</body>
</html>
`;

/** What the pages of a bundle need besides the stylesheet of the console. */
export const bundleStyle = `
.bundled { border-top: 1px solid var(--line); padding-top: 1.5rem; }
.bundled h3 { margin: 1.4rem 0 .6rem; }
.bundled .under { font-size: .8125rem; max-width: none; }
@media print { .bundled { break-before: auto; } .bundled h3 { break-after: avoid; } a { text-decoration: none; } }
`;
