import { canonicalJson } from '../shared/model/canonical-json.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import type { RemediationNews } from '../shared/model/remediation.ts';
import type { RemediationCall } from '../shared/model/remediation-call.ts';
import { changePath } from './links.ts';
import { noticeMessage } from './notice-message.ts';

/** A call as one line: what is sent where. */
export const callLine = ({ api, input }: RemediationCall): string => `${api} ${canonicalJson(input)}`;

/** A change that was refused, and where its page is. */
type About = { endpoint: EndpointRef; change: ChangeHistory; consoleUrl: string };

const HEADS = {
  proposed: (about: string) => `Refused, and how to put it back: ${about}`,
  done: (about: string) => `Put back: ${about}`,
  failed: (about: string) => `Could not be put back: ${about}`,
  abandoned: (about: string) => `Not put back: ${about}`,
  stopped: (about: string) => `Put back too often, so the gate stops: ${about}`,
} as const satisfies Record<RemediationNews, (about: string) => string>;

type Part = { head: string; lines: string[] };
function partsOf({ remediation, outcome }: ChangeHistory): Part[] {
  const { proposed, intended, done } = remediation;
  return [
    { head: 'Why it was refused', lines: outcome ? [outcome.reason] : [] },
    { head: 'What became of it', lines: done ? [done.reason] : [] },
    { head: 'Calls that the gate made', lines: done?.result === 'done' ? (intended?.calls ?? []).map(callLine) : [] },
    { head: 'Calls that the gate would make', lines: done ? [] : (proposed?.calls ?? []).map(callLine) },
    { head: 'Calls that only people can make', lines: (proposed?.others ?? []).map(callLine) },
    { head: 'To be known', lines: proposed?.notes ?? [] },
  ].filter(({ lines }) => lines.length > 0);
}

/** What is told about putting a change back, by mail and in Slack. */
export function remediationMessage({ endpoint, change, consoleUrl }: About, news: RemediationNews) {
  const environment = change.opened?.environment.name ?? 'prod';
  const subject = HEADS[news](`${endpoint.name} (${environment}), change ${change.generation}`);
  const link = `${consoleUrl}${changePath(endpoint, change.generation)}`;
  const parts = partsOf(change);
  const acceptable = news === 'proposed' && (change.remediation.proposed?.calls.length ?? 0) > 0;
  const todo = acceptable ? 'See all of it, and have it carried out' : 'See all of it';
  return { environment, ...noticeMessage({ subject, link, todo, parts }) };
}
