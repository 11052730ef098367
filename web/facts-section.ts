import type { EndpointFacts, RollbackAlarm } from '../shared/model/endpoint-facts.ts';
import { type Html, html, type Value } from './html.ts';
import { summary } from './table.ts';
import { time } from './time.ts';
import { whatRuns } from './what-runs.ts';

function alarmWords(alarm: RollbackAlarm): string {
  if (!alarm.exists) return 'does not exist';
  const watches = {
    true: 'watches this endpoint',
    false: 'watches something else',
    null: 'what it watches cannot be told',
  };
  return `${alarm.state}, ${watches[`${alarm.watchesEndpoint}`]}${alarm.actionsEnabled ? '' : ', actions disabled'}`;
}

const list = (items: readonly Html[], none: string): Value =>
  items.length > 0 ? html`<ul class="plain">${items.map((item) => html`<li>${item}</li>`)}</ul>` : none;

/** What was read from AWS before the policies were checked. */
export function factsSection(facts: EndpointFacts): Html {
  const { dataCapture, deployment, monitors } = facts;
  return html`${summary([
    [
      'Environment',
      html`<strong>${facts.environment.name}</strong> <span class="muted">(${facts.environment.evidence})</span>`,
    ],
    ['Status', html`${facts.status}${facts.underWay && ', deployment under way'}`],
    ['Endpoint config', html`<code>${facts.configName}</code>`],
    ['Created', time(facts.createdAt)],
    ['Last modified', time(facts.lastModifiedAt)],
    ['Read from AWS', time(facts.readAt, 'seconds')],
    ['Volume key', facts.volumeKmsKeyId ? html`<code>${facts.volumeKmsKeyId}</code>` : 'none'],
    [
      'Data capture',
      dataCapture
        ? html`${dataCapture.enabled ? 'on' : 'off'}, ${dataCapture.samplingPercentage} % to <code>${dataCapture.destinationS3Uri}</code>`
        : 'none',
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
    [
      'Monitors',
      list(
        monitors.map(
          ({ name, type, status, baselineUris }) =>
            html`<code>${name}</code>: ${type}, ${status}${baselineUris.length === 0 && ', no baseline'}`,
        ),
        'none',
      ),
    ],
  ])}
${whatRuns(facts)}`;
}
