import type { Finding } from '../shared/model/finding.ts';
import { Outcome } from '../shared/model/finding.ts';
import { type Html, html } from './html.ts';
import { badge, inlineCode } from './labels.ts';

const FOLDED: readonly Outcome[] = ['pass', 'not-applicable'];

const item = ({ policy, statement, outcome, messages }: Finding) => html`<li>
<div class="finding-head">${badge(outcome)} <code class="muted">${policy}</code></div>
<p class="statement">${inlineCode(statement)}</p>
${messages.map((message) => html`<p class="message">${message}</p>`)}
</li>
`;

/**
 * Every policy's sentence with what was found. What asks for attention comes first and open; passes and policies that
 * do not apply are folded but there, since an auditor wants to see what was checked.
 */
export function findingsSection(findings: readonly Finding[]): Html {
  if (findings.length === 0) return html`<p>No policy has been checked.</p>`;
  const sorted = Outcome.options.flatMap((outcome) => findings.filter((finding) => finding.outcome === outcome));
  const open = sorted.filter(({ outcome }) => !FOLDED.includes(outcome));
  const folded = sorted.filter(({ outcome }) => FOLDED.includes(outcome));
  const passes = folded.filter(({ outcome }) => outcome === 'pass').length;
  return html`${
    open.length > 0
      ? html`<ul class="findings">${open.map(item)}</ul>`
      : html`<p>No policy objects, asks or advises.</p>`
  }
${
  folded.length > 0 &&
  html`<details><summary>${passes} met, ${folded.length - passes} not applicable</summary><ul class="findings">${folded.map(item)}</ul></details>`
}`;
}
