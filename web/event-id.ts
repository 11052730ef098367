import { type Html, html } from './html.ts';

type Where = { account: string; region: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** CloudTrail's events are noted by the name of the call; all others have a name of several words. */
const CALL = /^[A-Z][A-Za-z]+$/;
/** Of the loopback AWS: nobody could look there. */
const LOCAL_ACCOUNT = '000000000000';

function consoleIn(region: string): string {
  if (region.startsWith('cn-')) return `https://${region}.console.amazonaws.cn`;
  if (region.startsWith('us-gov-')) return `https://${region}.console.amazonaws-us-gov.com`;
  return `https://${region}.console.aws.amazon.com`;
}

/** An event's id; where it is CloudTrail's, linked to the event there, for whoever has access to that account. */
export function eventId(id: string, cause: string, { account, region }: Where): Html {
  const shown = html`<code>${id}</code>`;
  if (!UUID.test(id) || !CALL.test(cause) || account === LOCAL_ACCOUNT) return html`event ${shown}`;
  const address = `${consoleIn(region)}/cloudtrailv2/home?region=${region}#/events/${id}`;
  return html`<a href="${address}" rel="noreferrer">CloudTrail event ${shown}</a>`;
}
