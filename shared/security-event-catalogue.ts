import type { SecurityEventName } from './model/security-event.ts';

/** Every security event: when there is one, and what stands in its fields. For the documentation only. */
export const SECURITY_EVENT_CATALOGUE: Record<SecurityEventName, { when: string; fields: string }> = {
  login: {
    when: 'Somebody proved who they are, and a session began.',
    fields: '`actor`: the approver; `detail`: `mailed-code` or `oidc`',
  },
  logout: { when: 'Somebody ended their session.', fields: '`actor`: the approver' },
  denial: {
    when: 'The console or its API answered 401 or 403: nobody logged in, a wrong code, no token, somebody who may not. A press in Slack that does not count is answered with 200 and is none.',
    fields: '`actor`: who had logged in, or `nobody`; `route`; `status`',
  },
  decision: {
    when: 'A record was written that says what a person wants: an answer, the end of a request, a review, a waiver given or taken back, a way back accepted.',
    fields: '`actor`: the person, or `portcullis`; `subject`: the stream; `detail`: the kind of record; `sequence`',
  },
  store: {
    when: 'Any other record was written.',
    fields: '`actor`; `subject`: the stream; `detail`: the kind of record; `sequence`',
  },
  retrieve: {
    when: 'A page or an answer for programs with something of the trail in it was given out.',
    fields: '`actor`: who had logged in, or `nobody`, as on one machine and for programs; `route`; `status`',
  },
  delete: {
    when: 'An event that nobody could read was taken out of the quarantine.',
    fields: '`actor`: `portcullis`; `subject`',
  },
  export: {
    when: 'A copy of a part of the trail was taken along, by a program that writes this log.',
    fields: '`actor`; `subject`: the stream; `detail`; `sequence`',
  },
  configuration: {
    when: 'The gate on one machine began with its settings, its list of approvers was read again, or settings were put on record.',
    fields: '`actor`: `portcullis`; `subject`: `start` with what is switched off, `approvers`, or the stream; `detail`',
  },
  'key-use': {
    when: 'A task token was sealed or opened, the store on one machine was opened with its key, a program showed an access token, or, on AWS, a checkpoint was signed.',
    fields:
      '`actor`: `portcullis`, or `nobody` for a program; `subject`: the id of the key, or `access-token`; `detail`: `seal`, `open`, `store` or `sign`, or which token, `active` or `previous`',
  },
};

/** The catalogue as a table. */
export function securityEventsMarkdown(): string {
  const rows = Object.entries(SECURITY_EVENT_CATALOGUE).map(
    ([name, { when, fields }]) => `| \`${name}\` | ${when} | ${fields} |`,
  );
  return `| event | when | fields besides \`at\` |\n|---|---|---|\n${rows.join('\n')}`;
}
