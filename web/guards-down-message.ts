import type { Actor } from '../shared/model/actor.ts';
import type { ChangeHistory } from '../shared/model/endpoint-history.ts';
import type { EndpointRef } from '../shared/model/endpoint-ref.ts';
import type { Finding } from '../shared/model/finding.ts';
import { changePath } from './links.ts';
import { noticeMessage } from './notice-message.ts';

export type GuardsDown = {
  endpoint: EndpointRef;
  change: ChangeHistory;
  /** Findings about what is down. */
  lost: readonly Finding[];
  requesters: readonly Actor[];
  consoleUrl: string;
};

/** What is told at once when an accepted deployment in production has lost what guards it. */
export function guardsDownMessage({ endpoint, change, lost, requesters, consoleUrl }: GuardsDown) {
  const environment = change.opened?.environment.name ?? 'prod';
  const people = [...new Set(requesters.map(({ person }) => person))];
  const who = people.length > 0 ? people.join(', ') : 'no event has said who yet; the page will';
  const notice = noticeMessage({
    subject: `Guards down: ${endpoint.name} (${environment}), change ${change.generation}`,
    link: `${consoleUrl}${changePath(endpoint, change.generation)}`,
    todo: 'See all of it, and what can be done',
    parts: [
      { head: 'What is down', lines: lost.flatMap(({ messages }) => messages) },
      { head: 'Noticed by', lines: change.opened ? [`${change.opened.cause}, ${change.opened.changedAt}`] : [] },
      { head: 'Who', lines: [who] },
      { head: 'Meanwhile', lines: ['The deployment that was accepted goes on running, without these guards.'] },
    ].filter(({ lines }) => lines.length > 0),
  });
  return { environment, ...notice };
}
