import type { EndpointFacts } from '../shared/model/endpoint-facts.ts';
import { alarmWords, captureWords, monitorWords } from './guards-words.ts';
import { type Html, html, type Value } from './html.ts';
import { summary } from './table.ts';
import { time } from './time.ts';
import { whatRuns } from './what-runs.ts';

const list = (items: readonly Html[], none: string): Value =>
  items.length > 0 ? html`<ul class="plain">${items.map((item) => html`<li>${item}</li>`)}</ul>` : none;

/** What was read from AWS before the policies were checked; of a plan there is no endpoint yet that could have a status. */
export function factsSection(facts: EndpointFacts, planned = false): Html {
  const { dataCapture, deployment, monitors } = facts;
  return html`${summary([
    [
      'Environment',
      html`<strong>${facts.environment.name}</strong> <span class="muted">(${facts.environment.evidence})</span>`,
    ],
    ['Status', !planned && html`${facts.status}${facts.underWay && ', deployment under way'}`],
    ['Endpoint config', !planned && html`<code>${facts.configName}</code>`],
    ['Created', !planned && time(facts.createdAt)],
    ['Last modified', !planned && time(facts.lastModifiedAt)],
    ['Read from AWS', time(facts.readAt, 'seconds')],
    ['Volume key', facts.volumeKmsKeyId ? html`<code>${facts.volumeKmsKeyId}</code>` : 'none'],
    [
      'Data capture',
      dataCapture ? html`${captureWords(dataCapture)}, to <code>${dataCapture.destinationS3Uri}</code>` : 'none',
    ],
    ['Deployed', deployment.known ? deployment.strategy : deployment.reason],
    [
      'Rollback alarms',
      deployment.known &&
        list(
          deployment.rollbackAlarms.map((alarm) => html`<code>${alarm.name}</code>: ${alarmWords(alarm)}`),
          'none',
        ),
    ],
    ...(facts.componentAlarms ?? []).map(({ component, rollbackAlarms }): [string, Value] => [
      `Rollback alarms of ${component}`,
      list(
        (rollbackAlarms ?? []).map((alarm) => html`<code>${alarm.name}</code>: ${alarmWords(alarm)}`),
        'none',
      ),
    ]),
    [
      'Monitors',
      list(
        monitors.map((monitor) => html`<code>${monitor.name}</code>: ${monitorWords(monitor)}`),
        'none',
      ),
    ],
  ])}
${whatRuns(facts)}`;
}
