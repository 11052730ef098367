import * as z from 'zod';
import { ApprovalAnswer } from './ledger-record.ts';

/** Names that our messages and what comes back of them have in common. */
export const SLACK_REASON = { block: 'reason', action: 'reason' } as const;
export const SLACK_ACTIONS = { approved: 'approve', rejected: 'reject' } as const;

/** What a button carries: which request, what for, and which answer. No secret: everybody in the channel can have it. */
export const ButtonValue = z.strictObject({
  request: z.string().regex(/^[a-z0-9]{26}$/),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  answer: ApprovalAnswer,
});
export type ButtonValue = z.infer<typeof ButtonValue>;

const Reason = z.looseObject({ value: z.string().nullish() });
/** As much of Slack's `block_actions` as matters here; `team` is null where an app is installed for a whole organization. */
const BlockActions = z.looseObject({
  type: z.literal('block_actions'),
  api_app_id: z.string(),
  team: z.looseObject({ id: z.string() }).nullish(),
  user: z.looseObject({ id: z.string(), team_id: z.string().optional() }),
  response_url: z.string().max(2_000).optional(),
  actions: z
    .array(z.looseObject({ action_id: z.string(), value: z.string().max(2_000).optional() }))
    .min(1)
    .max(10),
  state: z
    .looseObject({
      values: z.looseObject({
        [SLACK_REASON.block]: z.looseObject({ [SLACK_REASON.action]: Reason.optional() }).optional(),
      }),
    })
    .optional(),
});

/** Somebody pressed Approve or Reject in Slack. */
export type SlackClick = ButtonValue & {
  reason: string;
  appId: string;
  /** The workspace that the click comes from, and the one that the user belongs to: two, for a guest from elsewhere. */
  team: string | undefined;
  userTeam: string | undefined;
  user: string;
  responseUrl: string | undefined;
};

function jsonIn(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Reads the body of an interaction, `payload=<JSON>`; undefined where it is no press of one of our two buttons. */
export function readSlackClick(body: string): SlackClick | undefined {
  const payloads = new URLSearchParams(body).getAll('payload');
  const parsed = BlockActions.safeParse(payloads.length === 1 ? jsonIn(payloads[0]) : undefined);
  if (!parsed.success) return undefined;
  const { actions, state, team, user, api_app_id, response_url } = parsed.data;
  const [action, ...more] = actions;
  const value = ButtonValue.safeParse(jsonIn(action?.value));
  if (more.length > 0 || !value.success || action?.action_id !== SLACK_ACTIONS[value.data.answer]) return undefined;
  return {
    ...value.data,
    reason: state?.values[SLACK_REASON.block]?.[SLACK_REASON.action]?.value ?? '',
    appId: api_app_id,
    team: team?.id,
    userTeam: user.team_id,
    user: user.id,
    responseUrl: response_url,
  };
}
