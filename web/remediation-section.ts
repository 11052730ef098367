import type { Typed } from '../shared/model/answer-form.ts';
import { MAX_REASON } from '../shared/model/approval.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import type { RemediationCall } from '../shared/model/remediation-call.ts';
import { type Html, html, type Value } from './html.ts';
import { changePath, putBackPath } from './links.ts';

/** Who looks at it, as far as they could have it carried out. */
export type PutBackVisitor =
  /** `next`: where the login leads back to. */
  | { kind: 'nobody'; next: string }
  | {
      kind: 'approver';
      name: string;
      token: string;
      /** Why what was just sent did not count, and what was typed. */
      refusal?: { reason: string; typed: Typed } | undefined;
    };

const calls = (title: string, list: readonly RemediationCall[]): Value =>
  list.length > 0 &&
  html`<h3>${title}</h3>
${list.map(({ api, input }) => html`<p><code>${api}</code></p><pre tabindex="0">${JSON.stringify(input, null, 2)}</pre>`)}`;

function form(
  endpoint: EndpointRef,
  { generation, opened }: ChangeHistory,
  digest: string,
  visitor: PutBackVisitor,
): Html {
  if (visitor.kind === 'nobody') {
    return html`<p><a href="/login?${new URLSearchParams({ next: visitor.next }).toString()}">Log in</a> to have it carried out.</p>`;
  }
  const { reason, name } = visitor.refusal?.typed ?? {};
  const prod = opened?.environment.name === 'prod';
  return html`<form class="decide" method="post" action="${putBackPath(endpoint, generation)}" autocomplete="off">
<button disabled hidden aria-hidden="true"></button>
<input type="hidden" name="digest" value="${digest}"><input type="hidden" name="token" value="${visitor.token}">
<p>You are <strong>${visitor.name}</strong>.</p>
<label for="put-back-text">Reason</label>
<p class="hint" id="put-back-text-hint">It goes into the audit record.</p>
<textarea id="put-back-text" name="reason" required maxlength="${MAX_REASON}" rows="3" aria-describedby="put-back-text-hint">
${reason}</textarea>
${
  prod &&
  html`<label for="put-back-name">Type <span class="name">${endpoint.name}</span></label>
<p class="hint" id="put-back-name-hint">To confirm that it is this endpoint.</p>
<input id="put-back-name" name="name" maxlength="256" value="${name}" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" aria-describedby="put-back-name-hint">`
}
<button class="primary">Carry it out</button>
</form>`;
}

const RESULTS = {
  done: 'It was put back.',
  failed: 'It could not be put back.',
  abandoned: 'It was not put back.',
  stopped: 'It was not put back, since that was done too often within an hour.',
} as const;

function standing({ remediation: { accepted, intended, done } }: ChangeHistory): Value {
  if (done) return html`<p><strong>${RESULTS[done.result]}</strong> ${done.reason}</p>`;
  if (intended)
    return html`<p><strong>It is being put back.</strong> The endpoint is looked at again every few minutes until it has settled.</p>`;
  if (accepted)
    return html`<p><strong>${accepted.person} had it carried out.</strong> It begins as soon as the endpoint can be updated.</p>`;
  return undefined;
}

/** How a refused change can be put back, what was done about it, and the form to have it done. Undefined where it is not about that. */
export function remediationSection(
  endpoint: EndpointRef,
  change: ChangeHistory,
  visitor: PutBackVisitor,
): Html | undefined {
  const { proposed, accepted, intended, done } = change.remediation;
  const shown = intended ?? proposed;
  if (!shown && !done) return undefined;
  const { to } = shown ?? {};
  const isOpen = proposed !== undefined && proposed.calls.length > 0 && !(accepted ?? intended ?? done);
  const refusal = visitor.kind === 'approver' ? visitor.refusal : undefined;
  return html`<section id="put-back"><h2>Putting it back</h2>
${refusal && html`<div class="alert" role="alert"><p><strong>Nothing was recorded.</strong> ${refusal.reason}</p></div>`}
${standing(change)}
${to && html`<p>Back to <code>${to.configName}</code>, as it was accepted with <a href="${changePath(endpoint, to.generation)}">change ${to.generation}</a>.</p>`}
${(proposed?.notes ?? []).map((note) => html`<p class="notice">${note}</p>`)}
${shown && calls(intended ? 'The calls' : 'The calls that the gate would make', shown.calls)}
${!intended && calls('Calls that only people can make', proposed?.others ?? [])}
${isOpen && form(endpoint, change, proposed.digest, visitor)}</section>`;
}
